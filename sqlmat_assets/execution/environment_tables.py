"""What is built in environments, and dropping all of one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.errors import environments as wording
from sqlmat_assets.execution.belongings import Belongings, drop_belongings, find_belongings, find_views_on
from sqlmat_assets.execution.environment import Environment
from sqlmat_assets.execution.events import Run
from sqlmat_assets.execution.names import run_of
from sqlmat_assets.execution.records import Record, find_records
from sqlmat_assets.execution.snapshot_records import find_histories
from sqlmat_assets.execution.state import sweep
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Capabilities, Session


@dataclass(frozen=True, slots=True)
class Dropped:
    """What dropping an environment came to: its tables, and what others had made in its schemas, which stays."""

    tables: tuple[Relation, ...] = ()
    left: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


def find_environments(session: Session) -> dict[str, tuple[Record, ...]]:
    """The tables of each environment by its name, both in order; nothing is written."""
    found = find_records(session)
    names = sorted({record.environment for record in found if record.environment is not None})
    ordered = sorted(found, key=lambda record: record.relation)
    return {name: tuple(record for record in ordered if record.environment == name) for name in names}


def drop_environment(
    session: Session,
    environment: Environment,
    schemas: Collection[str],
    run: Run,
    now: datetime,
    capabilities: Capabilities,
) -> Dropped:
    """Drop everything of an environment that sqlmat has made, in one transaction.

    Args:
        session: Where it is.
        environment: Which.
        schemas: Those that may have been made for it although nothing was published there.
        run: The one that drops.
        now: The time.
        capabilities: How names are told apart.

    Raises:
        MaterializeError: Somebody builds in it, or a view that somebody made reads it; nothing is dropped.
        WarehouseError: The engine refused; nothing is dropped.
    """
    records = find_environments(session).get(environment.name, ())
    places = {capabilities.fold(schema): schema for schema in (*schemas, *(r.relation.schema for r in records))}
    kinds = {folded: session.fetch_kinds(schema) for folded, schema in places.items()}
    histories = find_histories(session, capabilities)
    belongings = [
        find_belongings(r, kinds[capabilities.fold(r.relation.schema)], capabilities, histories) for r in records
    ]
    texts = dict(session.fetch_views()) if belongings and capabilities.finds_views_by_name else {}
    ordered = sorted(belongings, key=_views_first)
    views = find_views_on(ordered, texts, session, capabilities)
    if views:
        raise MaterializeError(wording.is_read(environment.name, list(map(str, views))))
    with session.transaction(*(each.record.relation for each in ordered)):
        gone = {
            Relation(schema, name)
            for folded, schema in places.items()
            for name in sweep(session, schema, kinds[folded], run, now)
        }
        for each in ordered:
            if not drop_belongings(session, each):
                raise MaterializeError(wording.changed_meanwhile(environment.name))
            gone.update(Relation(places[capabilities.fold(r.schema)], r.name) for r, _ in each.objects)
        left: dict[str, tuple[str, ...]] = {}
        for folded, schema in sorted(places.items()):
            names = sorted(name for name in kinds[folded] if Relation(schema, name) not in gone)
            if any(run_of(name) is not None for name in names):
                raise MaterializeError(wording.changed_meanwhile(environment.name))
            if names:
                left[schema] = tuple(names)
            else:
                session.execute(statements.drop_schema(schema))
    return Dropped(tuple(record.relation for record in records), left)


def _views_first(belongings: Belongings) -> tuple[bool, float]:
    """Views before the tables that they read, and those that were made last before those that they may read."""
    is_table = all(kind == "table" for _, kind in belongings.objects)
    return is_table, -belongings.record.published_at.timestamp()
