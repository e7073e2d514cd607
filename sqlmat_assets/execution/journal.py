"""What tables were loaded from, in `_sqlmat.loaded` of the warehouse, noted in the transaction of the publish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlglot import exp

from sqlmat_assets.execution.records import SCHEMA, Record, place_of
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements, statements
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.statements import Value

LOADED = Relation(SCHEMA, "loaded")

_COLUMNS = (
    ("schema_name", "text"),
    ("table_name", "text"),
    ("source", "text"),
    ("mark", "text"),
    ("size", "bigint"),
    ("part", "text"),
    ("run", "text"),
    ("loaded_at", "timestamp"),
)
_NAMES = tuple(name for name, _ in _COLUMNS)
_OWN = ("source", "mark", "size", "part")
# What an engine plans for each row of one statement grows with their number.
_ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was loaded: a file, or a table as far as it was read.

    `source` is its URL or its name; `mark` tells one state of it from another, and is None where nothing does. `part`
    is what its rows have in the column that tells them from others: the name of the file, or its folder.
    """

    source: str
    mark: str | None
    size: int | None = None
    part: str | None = None
    loaded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Notes:
    """What is to be noted: `entries`, in the place of all others, or of those of some sources or parts."""

    entries: tuple[Entry, ...] = ()
    replaces_all: bool = False
    sources: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


def prepare_journal(session: Session) -> None:
    """Have the table of what was loaded."""
    session.execute(statements.create_table(LOADED, _COLUMNS))


def fetch_journal(session: Session, relation: Relation) -> dict[str, Entry]:
    """What a table was loaded from, by source; nothing of one that was made otherwise.

    Args:
        session: Where to ask.
        relation: The table, as it is spelt in its record.
    """
    names = (*_OWN, "loaded_at")
    found = session.fetch_rows(statements.select_columns(LOADED, names, statements.equal(place_of(relation)))).rows
    return {
        str(source): Entry(
            str(source),
            None if mark is None else str(mark),
            None if size is None else int(size),
            None if part is None else str(part),
            loaded_at.replace(tzinfo=UTC),
        )
        for source, mark, size, part, loaded_at in found
    }


def write_journal(session: Session, record: Record, notes: Notes, previous: Record | None) -> None:
    """Note what was loaded, in the transaction of the publish.

    Args:
        session: In a transaction.
        record: That of the publish.
        notes: What was loaded.
        previous: What was noted of the table before.
    """
    place = place_of(record.relation)
    if previous is not None and previous.relation != record.relation:
        session.execute(statements.update_values(LOADED, place, place_of(previous.relation)))
    if notes.replaces_all:
        session.execute(statements.delete_rows(LOADED, statements.equal(place)))
    for column, values in (("source", notes.sources), ("part", notes.parts)):
        if values:
            these = statements.column(column).isin(*values)
            session.execute(statements.delete_rows(LOADED, exp.and_(statements.equal(place), these)))
    told = {**place, "run": record.run, "loaded_at": record.published_at}
    for at in range(0, len(notes.entries), _ROWS_AT_ONCE):
        rows = [(e.source, e.mark, e.size, e.part) for e in notes.entries[at : at + _ROWS_AT_ONCE]]
        session.execute(_insert(told, rows))


def forget_loaded(session: Session, relation: Relation) -> None:
    """Note that a table was loaded from nothing."""
    session.execute(statements.delete_rows(LOADED, statements.equal(place_of(relation))))


def move_loaded(session: Session, before: Relation, now: Relation) -> None:
    """Note that a table has another name."""
    session.execute(statements.update_values(LOADED, place_of(now), place_of(before)))


def copy_loaded(session: Session, relation: Relation, copy: Relation) -> None:
    """Note that another table was loaded from the same."""
    place = place_of(copy)
    values = [statements.literal(value) for value in place.values()]
    others = [statements.column(name) for name in _NAMES[len(place) :]]
    query = exp.select(*values, *others).from_(statements.table(LOADED)).where(statements.equal(place_of(relation)))
    session.execute(row_statements.insert_rows(LOADED, _NAMES, query))


def _insert(told: dict[str, Value], rows: Sequence[tuple[str | None, str | None, int | None, str | None]]) -> exp.Expr:
    """`INSERT` of many rows; what is the same in all of them stands there once."""
    tuples = [exp.Tuple(expressions=[statements.literal(value) for value in row]) for row in rows]
    alias = exp.TableAlias(this=statements.identifier("v"), columns=[statements.identifier(name) for name in _OWN])
    kinds = dict(_COLUMNS)
    # What is NULL in all of them has no type by itself.
    own = [exp.Cast(this=statements.column(name), to=exp.DataType.build(kinds[name])) for name in _OWN]
    query = exp.select(*map(statements.literal, told.values()), *own).from_(exp.Values(expressions=tuples, alias=alias))
    return row_statements.insert_rows(LOADED, (*told, *_OWN), query)
