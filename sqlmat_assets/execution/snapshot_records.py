"""What sqlmat keeps of the newest snapshot of each table, in `_sqlmat.snapshots` of the warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmat_assets.execution.records import SCHEMA, key_of, place_of
from sqlmat_assets.project.histories import history_of
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Capabilities, Session

SNAPSHOTS = Relation(SCHEMA, "snapshots")

_COLUMNS = (
    ("schema_name", "text"),
    ("table_name", "text"),
    ("taken_at", "timestamp"),
    ("counted_from", "timestamp"),
    ("row_count", "bigint"),
    ("published_at", "timestamp"),
    ("data_version", "text"),
)
_NAMES = tuple(name for name, _ in _COLUMNS)


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """The newest snapshot of a table.

    The next one is due an interval after `counted_from`. `published_at` is when its rows had been put in place, and so
    tells which they are, and `data_version` is that of the rows; None where that is not known.
    """

    taken_at: datetime
    counted_from: datetime
    rows: int
    published_at: datetime | None = None
    data_version: str | None = None


def prepare_snapshots(session: Session) -> None:
    """Have the table of the records."""
    session.execute(statements.create_table(SNAPSHOTS, _COLUMNS))


def fetch_snapshot(session: Session, relation: Relation) -> SnapshotRecord | None:
    """What is noted of a table."""
    found = session.fetch_rows(statements.select_columns(SNAPSHOTS, _NAMES, statements.equal(place_of(relation)))).rows
    return _record(dict(zip(_NAMES, found[0], strict=True))) if found else None


def fetch_kept(session: Session) -> frozenset[tuple[str, str]]:
    """The schema and the name of each table that has snapshots."""
    if not session.fetch_columns(SNAPSHOTS):
        return frozenset()
    found = session.fetch_rows(statements.select_columns(SNAPSHOTS, ("schema_name", "table_name"))).rows
    return frozenset((str(schema), str(name)) for schema, name in found)


def find_histories(session: Session, capabilities: Capabilities) -> frozenset[tuple[str, str]]:
    """The keys of the tables that hold the snapshots."""
    kept = (Relation(schema, name) for schema, name in fetch_kept(session))
    return frozenset(key_of(history_of(relation), capabilities) for relation in kept)


def write_snapshot(session: Session, relation: Relation, record: SnapshotRecord) -> None:
    """Note a snapshot in the place of the one before it."""
    place = place_of(relation)
    session.execute(statements.delete_rows(SNAPSHOTS, statements.equal(place)))
    values: dict[str, statements.Value] = {
        **place,
        "taken_at": record.taken_at,
        "counted_from": record.counted_from,
        "row_count": record.rows,
        "published_at": record.published_at,
        "data_version": record.data_version,
    }
    session.execute(statements.insert_values(SNAPSHOTS, values))


def _record(row: dict[str, Any]) -> SnapshotRecord:
    return SnapshotRecord(
        row["taken_at"].replace(tzinfo=UTC),
        row["counted_from"].replace(tzinfo=UTC),
        int(row["row_count"]),
        None if row["published_at"] is None else row["published_at"].replace(tzinfo=UTC),
        None if row["data_version"] is None else str(row["data_version"]),
    )
