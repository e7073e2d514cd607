"""What sqlmat keeps of the last time that each delivery arrived, in `_sqlmat.deliveries` of the warehouse.

It is written when the rows have arrived, so that a crash in between has them delivered again, and never not at all.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmat_assets.execution.records import SCHEMA, place_of
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.statements import Value

DELIVERIES = Relation(SCHEMA, "deliveries")

_COLUMNS = (
    ("schema_name", "text"),
    ("table_name", "text"),
    ("run", "text"),
    ("delivered_at", "timestamp"),
    ("inputs", "text"),
    ("versions", "text"),
    ("version", "text"),
    ("row_count", "bigint"),
    ("files", "text"),
)
_NAMES = tuple(name for name, _ in _COLUMNS)


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that has arrived: its name in the place that it went to, and how much is in it.

    `rows` is None of one of several files of CSV that the engine has written: it does not count them.
    """

    name: str
    rows: int | None
    size: int


@dataclass(frozen=True, slots=True)
class Note:
    """A delivery that has arrived.

    `inputs` says which publish of each table it was, `versions` the same by the version of the rows where that is
    known, and `version` which code of the delivery.
    """

    relation: Relation
    run: str
    delivered_at: datetime
    inputs: Mapping[str, str]
    versions: Mapping[str, str]
    version: CodeVersion | None
    rows: int | None
    files: tuple[SentFile, ...] = ()


def prepare_notes(session: Session) -> None:
    """Have the table of the notes."""
    session.execute(statements.create_schema(SCHEMA))
    session.execute(statements.create_table(DELIVERIES, _COLUMNS))


def fetch_note(session: Session, relation: Relation) -> Note | None:
    """The last time that a delivery arrived, if it ever has."""
    query = statements.select_columns(DELIVERIES, _NAMES, statements.equal(place_of(relation)))
    found = [_note(dict(zip(_NAMES, row, strict=True))) for row in session.fetch_rows(query).rows]
    return max(found, key=lambda note: note.delivered_at, default=None)


def find_notes(session: Session, relations: Collection[Relation]) -> dict[Relation, Note]:
    """The same of several, of a warehouse in which nothing is to be written."""
    if not relations or not session.fetch_columns(DELIVERIES):
        return {}
    found = {relation: fetch_note(session, relation) for relation in relations}
    return {relation: note for relation, note in found.items() if note is not None}


def write_note(session: Session, note: Note) -> None:
    """Note that a delivery has arrived, in the place of what was noted before."""
    place = place_of(note.relation)
    values: dict[str, Value] = {
        **place,
        "run": note.run,
        "delivered_at": note.delivered_at,
        "inputs": json.dumps(dict(note.inputs)),
        "versions": json.dumps(dict(note.versions)),
        "version": None if note.version is None else str(note.version),
        "row_count": note.rows,
        "files": json.dumps([[file.name, file.rows, file.size] for file in note.files]),
    }
    with session.transaction():
        session.execute(statements.delete_rows(DELIVERIES, statements.equal(place)))
        session.execute(statements.insert_values(DELIVERIES, values))


def _note(row: Mapping[str, Any]) -> Note:
    return Note(
        Relation(str(row["schema_name"]), str(row["table_name"])),
        str(row["run"]),
        row["delivered_at"].replace(tzinfo=UTC),
        json.loads(row["inputs"]),
        json.loads(row["versions"]),
        None if row["version"] is None else CodeVersion.parse(str(row["version"])),
        None if row["row_count"] is None else int(row["row_count"]),
        tuple(SentFile(*values) for values in json.loads(row["files"])),
    )
