"""What sqlmat keeps of each partition that it has published, in `_sqlmat.partitions` of the warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlglot import exp

from sqlmat_assets.execution.events import PublishedPartition
from sqlmat_assets.execution.records import SCHEMA, Record, place_of
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.narrowing.demands import predicate
from sqlmat_assets.project.narrowing.kinds import Kind, kind_of
from sqlmat_assets.project.partitions.ranges import ListRange, Range, TimeRange, join
from sqlmat_assets.project.partitions.spec import ListPartitioning, Partitioning, TimePartitioning
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements, statements
from sqlmat_assets.warehouses.base import Session

PARTITIONS = Relation(SCHEMA, "partitions")

_COLUMNS = (
    ("schema_name", "text"),
    ("table_name", "text"),
    ("partition_by", "text"),
    ("partition_key", "text"),
    ("run", "text"),
    ("decided_at", "timestamp"),
    ("published_at", "timestamp"),
    ("row_count", "bigint"),
    ("version", "text"),
)
_NAMES = tuple(name for name, _ in _COLUMNS)


@dataclass(frozen=True, slots=True)
class PartitionRecord:
    """A partition as it is published; `key` is as Dagster writes it."""

    key: str
    run: str
    decided_at: datetime
    published_at: datetime
    rows: int
    version: CodeVersion | None


def prepare_partitions(session: Session) -> None:
    """Have the table of the records."""
    session.execute(statements.create_table(PARTITIONS, _COLUMNS))


def fetch_partitions(session: Session, relation: Relation, partitioning: Partitioning) -> list[PartitionRecord]:
    """The partitions of a table that are published, in no order; none of a table that is not there.

    Args:
        session: Where to ask.
        relation: The table, as it is spelt in its record.
        partitioning: That of the table; what was published under another one is not told.
    """
    if not session.fetch_columns(PARTITIONS) or not session.fetch_columns(relation):
        return []
    where = statements.equal({**place_of(relation), "partition_by": _spelt(partitioning)})
    found = session.fetch_rows(statements.select_columns(PARTITIONS, _NAMES[3:], where))
    return [
        PartitionRecord(
            str(key),
            str(run),
            decided_at.replace(tzinfo=UTC),
            published_at.replace(tzinfo=UTC),
            int(rows),
            None if version is None else CodeVersion.parse(str(version)),
        )
        for key, run, decided_at, published_at, rows, version in found.rows
    ]


def write_partitions(
    session: Session,
    record: Record,
    partitioning: Partitioning,
    published: Sequence[PublishedPartition],
    *,
    previous: Record | None,
    replaces_all: bool,
) -> None:
    """Note the partitions of a publish in its own transaction.

    Args:
        session: In a transaction.
        record: That of the publish.
        partitioning: That of the table.
        published: The partitions.
        previous: What was noted of the table before.
        replaces_all: Whether the table has no other partitions.
    """
    spelt = _spelt(partitioning)
    place = place_of(record.relation)
    if previous is not None and previous.relation != record.relation:
        before = place_of(previous.relation)
        session.execute(statements.update_values(PARTITIONS, place, before))
    gone = statements.equal(place)
    if not replaces_all:
        keys = statements.column("partition_key").isin(*(each.key for each in published))
        other = exp.NEQ(this=statements.column("partition_by"), expression=statements.literal(spelt))
        gone = exp.and_(gone, exp.or_(keys, other))
    session.execute(statements.delete_rows(PARTITIONS, gone))
    version = None if record.version is None else str(record.version)
    common = (record.run, record.decided_at, record.published_at)
    rows = [(*place.values(), spelt, each.key, *common, each.rows, version) for each in published]
    if rows:
        session.execute(row_statements.insert_many(PARTITIONS, _NAMES, rows))


def forget_partitions(session: Session, relation: Relation) -> None:
    """Note that a table has none."""
    session.execute(statements.delete_rows(PARTITIONS, statements.equal(place_of(relation))))


def move_partitions(session: Session, before: Relation, now: Relation) -> None:
    """Note that the partitions of a table are those of another name."""
    session.execute(statements.update_values(PARTITIONS, place_of(now), place_of(before)))


def copy_partitions(session: Session, relation: Relation, copy: Relation) -> None:
    """Note that another name has the same partitions as a table."""
    place = place_of(copy)
    values = [statements.literal(value) for value in place.values()]
    others = [statements.column(name) for name in _NAMES[len(place) :]]
    query = exp.select(*values, *others).from_(statements.table(PARTITIONS)).where(statements.equal(place_of(relation)))
    session.execute(row_statements.insert_rows(PARTITIONS, _NAMES, query))


def fetch_partitioned(session: Session) -> list[Relation]:
    """The tables that have partitions, as they are spelt in their records."""
    query = statements.select_columns(PARTITIONS, _NAMES[:2])
    if isinstance(query, exp.Select):
        query = query.distinct()
    return [Relation(str(schema), str(name)) for schema, name in session.fetch_rows(query).rows]


def joined(ranges: Iterable[Range], partitioning: Partitioning) -> tuple[Range, ...]:
    """The same partitions in as few ranges as can be: of time in their order, of a list one with all values."""
    ranges = tuple(ranges)
    if isinstance(partitioning, ListPartitioning):
        named = {value for each in ranges if isinstance(each, ListRange) for value in each.values}
        values = tuple(value for value in partitioning.values if value in named)
        return (ListRange(values),) if values else ()
    return join(each for each in ranges if isinstance(each, TimeRange))


def keys_of(ranges: Iterable[Range], partitioning: Partitioning) -> tuple[str, ...]:
    """The keys of all partitions in some ranges, in their order."""
    if isinstance(partitioning, ListPartitioning):
        return tuple(key for each in ranges if isinstance(each, ListRange) for key in partitioning.keys(each))
    return tuple(key for each in ranges if isinstance(each, TimeRange) for key in partitioning.keys(each))


def condition(column: str, ranges: Iterable[Range], kind: Kind | None, dialect: str) -> exp.Expr:
    """A row is in one of some ranges."""
    name = statements.column(column)
    return exp.or_(*(predicate(name.copy(), each, kind, dialect) for each in ranges), copy=False)


def count_partitions(
    session: Session,
    relation: Relation,
    column: tuple[str, str],
    ranges: Sequence[Range],
    partitioning: Partitioning,
    dialect: str,
) -> tuple[PublishedPartition, ...]:
    """How many rows each partition of some ranges has in a table.

    Args:
        session: Where to ask.
        relation: The table to look at.
        column: The partitioned column: its name and its type, as the engine writes them.
        ranges: The partitions.
        partitioning: That of the table.
        dialect: How SQL is written there.
    """
    name, kind = column[0], kind_of(column[1], dialect)
    value: exp.Expr = statements.column(name)
    if isinstance(partitioning, TimePartitioning):
        if kind is Kind.ZONED:
            value = exp.AtTimeZone(this=value, zone=exp.Literal.string("UTC"))
        value = exp.TimestampTrunc(this=value, unit=exp.var(partitioning.grain.value.upper()))
    where = condition(name, ranges, kind, dialect)
    found = session.fetch_rows(row_statements.count_by(relation, value, where)).rows
    counts: dict[str, int] = {}
    for each, counted in found:
        key = _key(each, partitioning)
        counts[key] = counts.get(key, 0) + int(counted)
    return tuple(PublishedPartition(key, counts.get(key, 0)) for key in keys_of(ranges, partitioning))


def _key(value: object, partitioning: Partitioning) -> str:
    if isinstance(partitioning, ListPartitioning):
        return next((str(each) for each in partitioning.values if value in (each, str(each))), str(value))
    if isinstance(value, datetime):
        return partitioning.key(value.replace(tzinfo=UTC))
    # The first moment of a date.
    return partitioning.key(datetime.fromisoformat(str(value)).replace(tzinfo=UTC))


def _spelt(partitioning: Partitioning) -> str:
    """By what a table is partitioned, without which partitions there are."""
    word = partitioning.grain.value if isinstance(partitioning, TimePartitioning) else "list"
    return f"{word}({partitioning.column.lower()})"
