"""A source and a table that reads it, built by runs of persons and of the sensor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Event, Published, Run, Unchanged
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.model import CheckQuery, Model
from sqlmat_assets.project.reasons import Reason, Reasons
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.recording import RecordingWarehouse
from sqlmat_assets_tests.tables import a_context, a_table, ask

Fails = Callable[[int, str], None]


def nothing(_number: int, _sql: str) -> None:
    """No statement fails."""


SOURCE, TARGET = Relation("first", "source"), Relation("first", "cities")
VERSION = CodeVersion("meaning", "text", "30.0.0")
READING = "SELECT id, name FROM first.source"


def a_source(sql: str = "SELECT 1 AS id, 'Paris' AS name") -> Model:
    return a_table(sql, name="first.source", version=CodeVersion(sql, sql, "30.0.0"))


def a_reader(sql: str = READING, *checks: CheckQuery, **more: Any) -> Model:
    more = {"version": VERSION, "upstream": (SOURCE,)} | more
    return a_table(sql, *checks, **more)


def due(warehouse: Path | RecordingWarehouse, run: str, reason: Reason = Reason.DUE, **more: Any) -> Context:
    """A run that a sensor asked for, of both tables."""
    reasons = Reasons.of({SOURCE: reason, TARGET: reason})
    return replace(a_context(warehouse, run, **more), run=Run(run, datetime.now(UTC), "c0ffee", reasons))


def last_of(model: Model, context: Context) -> Event:
    return list(materialize(model, context))[-1]


def published(model: Model, context: Context) -> Published:
    last = last_of(model, context)
    assert isinstance(last, Published), last
    return last


def unchanged(model: Model, context: Context) -> Unchanged:
    last = last_of(model, context)
    assert isinstance(last, Unchanged), last
    return last


def recorded(path: Path, columns: str, name: str = "cities") -> tuple[Any, ...]:
    (row,) = ask(path, f"SELECT {columns} FROM _sqlmat.tables WHERE table_name = '{name}'")
    return row
