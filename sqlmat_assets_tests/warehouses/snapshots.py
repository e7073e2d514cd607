"""A table with snapshots that is built at moments of our choosing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Event, Published, Run, Snapshot, Unchanged
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.reasons import Reason, Reasons
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets_tests.tables import a_context, a_table
from sqlmat_assets_tests.warehouses.parts import rows

BEGIN = datetime(2024, 2, 27, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def cities(
    sql: str, interval: timedelta | None = DAY, stored_for: timedelta | None = None, **settings: object
) -> Model:
    own = {"snapshots_interval": interval, "snapshots_stored_for": stored_for, **settings}
    return a_table(sql, settings=own, version=CodeVersion(sql, sql, "30.0.0"))


def version(number: object, *more: timedelta) -> Model:
    """Two rows that say which version of the table they are of."""
    return cities(f"SELECT 1 AS id, '{number}' AS version UNION ALL SELECT 2, '{number}'", *more)


def at(
    warehouse: Warehouse,
    decided: timedelta,
    run: str = "r1",
    *,
    takes: timedelta = timedelta(),
    is_due: bool = False,
    **more: Any,
) -> Context:
    """A run that was decided so long after the beginning, and publishes a little later."""
    moment, name = BEGIN + decided, a_table("").relation
    reasons = Reasons.of({name: Reason.DUE}) if is_due else None
    context = a_context(warehouse, run, now=lambda: moment + takes, **more)
    return replace(context, run=Run(run, moment, reasons=reasons))


def last_of(model: Model, context: Context) -> Event:
    return list(materialize(model, context))[-1]


def build(warehouse: Warehouse, model: Model, decided: timedelta, run: str = "r1", **more: Any) -> Snapshot:
    """Build the table, and tell what became of its snapshots."""
    ended = last_of(model, at(warehouse, decided, run, **more))
    assert isinstance(ended, Published | Unchanged), ended
    assert ended.snapshot is not None
    return ended.snapshot


def kept(warehouse: Warehouse, what: str = "version") -> list[tuple[object, ...]]:
    """The distinct snapshots: how long after the beginning, and what is in each."""
    found = rows(warehouse, f"SELECT DISTINCT snapshot_timestamp, {what} FROM first.cities_history ORDER BY 1, 2")
    return [(_since(moment), *rest) for moment, *rest in found]


def times(warehouse: Warehouse) -> list[timedelta]:
    return [_since(moment) for (moment,) in _moments(warehouse)]


def hours(*numbers: float) -> list[timedelta]:
    return [number * HOUR for number in numbers]


def _moments(warehouse: Warehouse) -> Iterable[tuple[object, ...]]:
    return rows(warehouse, "SELECT DISTINCT snapshot_timestamp FROM first.cities_history ORDER BY 1")


def _since(moment: object) -> timedelta:
    assert isinstance(moment, datetime)
    return moment.replace(tzinfo=UTC) - BEGIN
