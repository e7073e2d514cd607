"""What sqlmat keeps of each table that it has published, in `_sqlmat.tables` of the warehouse."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.timings import is_put_back
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Capabilities, Rows, Session, Statement
from sqlmat_assets.warehouses.statements import Value

SCHEMA = "_sqlmat"
TABLES = Relation(SCHEMA, "tables")

# Moments are kept in UTC without a zone: every engine has that type, and every driver returns it without more packages.
RECORD_COLUMNS = (
    ("schema_name", "text"),
    ("table_name", "text"),
    ("run", "text"),
    ("commit_id", "text"),
    ("decided_at", "timestamp"),
    ("started_at", "timestamp"),
    ("published_at", "timestamp"),
    ("row_count", "bigint"),
    ("code", "text"),
    ("builds", "bigint"),
    ("mean_seconds", "double"),
    ("version", "text"),
    ("data_version", "text"),
    ("inputs", "text"),
    ("environment", "text"),
    ("has_edits", "boolean"),
    ("put_back_at", "timestamp"),
    ("unwanted", "text"),
    ("project", "text"),
    ("granted", "text"),
    ("size_bytes", "bigint"),
)
_NAMES = tuple(name for name, _ in RECORD_COLUMNS)
_MAY_BE_NULL = frozenset(
    {
        "commit_id",
        "row_count",
        "version",
        "data_version",
        "inputs",
        "environment",
        "has_edits",
        "put_back_at",
        "unwanted",
        "project",
        "granted",
        "size_bytes",
    }
)

Inputs = Mapping[str, str]
"""When each table that was read had been published, which tells apart any two publishes of it."""


@dataclass(frozen=True, slots=True)
class Record:
    """A table as it is published. `builds` counts all builds, `mean_seconds` is how long they took.

    `published_at` is when the rows were put in place, and so their identity; `commit` is what they were built from, and
    `has_edits` whether files were not as they are there, where that is known. `run`, `decided_at` and `started_at` are
    of the last time that they were found to be what the query gives. `inputs` is what it read then; None where that
    is not known. `environment` is the one that the table belongs to, None for production. `rows` is None of a view,
    and its `inputs` are what it reads whenever it is read. `put_back_at` is when a person has put these rows back in
    the place of later ones, and `unwanted` the code that the table had then; None once it is built again.
    `project` tells the projects of one warehouse apart; None where nobody noted it. `granted` are those who may read
    the table because `grant_select` said so in the last build; who was let in by hand is none of them. `size` is how
    many bytes the table has about, where the engine bills for what is read.
    """

    relation: Relation
    run: str
    commit: str | None
    decided_at: datetime
    started_at: datetime
    published_at: datetime
    rows: int | None
    code: str
    builds: int
    mean_seconds: float
    version: CodeVersion | None = None
    data_version: str | None = None
    inputs: Inputs | None = None
    environment: str | None = None
    has_edits: bool | None = None
    put_back_at: datetime | None = None
    unwanted: CodeVersion | None = None
    project: str | None = None
    granted: tuple[str, ...] = ()
    size: int | None = None

    @property
    def is_view(self) -> bool:
        """Whether it is a view."""
        return self.rows is None

    @property
    def identity(self) -> str:
        """What no other publish of the table has: equal rows that come back later have another one."""
        return self.published_at.isoformat()

    def is_put_back(self, version: CodeVersion | None) -> bool:
        """Whether a person has put these rows back, and the table has the code still that it had then."""
        return is_put_back(self.put_back_at, self.unwanted, version)

    def with_build(self, later: Record) -> Record:
        """The record after another build, whose own count is one."""
        builds = self.builds + 1
        mean = self.mean_seconds + (later.mean_seconds - self.mean_seconds) / builds
        return replace(later, builds=builds, mean_seconds=mean)


def prepare_records(session: Session) -> None:
    """Have the table of the records, with every column that it needs."""
    session.execute(statements.create_schema(SCHEMA))
    session.execute(statements.create_table(TABLES, RECORD_COLUMNS))
    present = {name.lower() for name, _ in session.fetch_columns(TABLES)}
    for name, kind in RECORD_COLUMNS:
        if present and name not in present:
            session.execute(statements.add_column(TABLES, name, kind))


def fetch_records(session: Session, only: Collection[Relation] | None = None) -> list[Record]:
    """The tables that sqlmat has published here, the latest publish of one table last.

    Args:
        session: Where to ask.
        only: Those to ask for, as they are spelt in their records; None for all.
    """
    where = None if only is None else statements.equal_any([place_of(relation) for relation in only])
    found = session.fetch_rows(statements.select_columns(TABLES, _NAMES, where))
    return _latest_last(dict(zip(_NAMES, row, strict=True)) for row in found.rows)


def find_records(session: Session) -> list[Record]:
    """The same of a warehouse in which nothing is to be written: another release may have made the table, or nobody."""
    there = {name.lower() for name, _ in session.fetch_columns(TABLES)}
    names = [name for name in _NAMES if name in there]
    if not names:
        return []
    found = session.fetch_rows(statements.select_columns(TABLES, names))
    return _latest_last(dict.fromkeys(_NAMES) | dict(zip(names, row, strict=True)) for row in found.rows)


def rows_of(records: Iterable[Record]) -> tuple[Statement, Rows]:
    """The question for all records, and the answer where these are all."""
    values = ({**place_of(record.relation), **values_of(record)} for record in records)
    return statements.select_columns(TABLES, _NAMES), Rows((), [tuple(map(each.get, _NAMES)) for each in values])


def write_record(session: Session, record: Record, previous: Record | None) -> None:
    """Note a publish in its own transaction; `previous` is what was noted of the table before."""
    values = {**place_of(record.relation), **values_of(record)}
    if previous is None:
        session.execute(statements.insert_values(TABLES, values))
    else:
        session.execute(statements.update_values(TABLES, values, place_of(previous.relation)))


def confirm_record(session: Session, record: Record) -> bool:
    """Note that the published rows are up to date, and tell whether they are still those of this record."""
    place = {**place_of(record.relation), "published_at": record.published_at}
    return session.write_rows(statements.update_values(TABLES, values_of(record), place)) > 0


def note_granted(session: Session, relation: Relation, granted: Sequence[str]) -> bool:
    """Note who may read a table, and tell whether there is a record of it; others who would wait until the end.

    Args:
        session: In a transaction.
        relation: The table, as it is spelt in its record.
        granted: All whom `grant_select` names.
    """
    noted: dict[str, Value] = {"granted": json.dumps(granted) if granted else None}
    return session.write_rows(statements.update_values(TABLES, noted, place_of(relation))) > 0


def claim_record(session: Session, record: Record, run: str, *, is_exact: bool) -> bool:
    """Have no other run publish this table until the transaction ends, and tell whether there is a record of it.

    Args:
        session: In a transaction.
        record: What was noted of the table before.
        run: The run that publishes.
        is_exact: Whether its rows have to be those of this record still.
    """
    place = place_of(record.relation)
    where = {**place, "published_at": record.published_at} if is_exact else place
    return session.write_rows(statements.update_values(TABLES, {"run": run}, where)) > 0


def by_key(records: Iterable[Record], capabilities: Capabilities) -> dict[tuple[str, str], Record]:
    """The records by the names under which the engine knows the tables."""
    return {key_of(record.relation, capabilities): record for record in records}


def key_of(relation: Relation, capabilities: Capabilities) -> tuple[str, str]:
    """A table's name as the engine tells names apart."""
    return capabilities.fold(relation.schema), capabilities.fold(relation.name)


def place_of(relation: Relation) -> dict[str, Value]:
    """The columns that tell of which table a row is."""
    return {"schema_name": relation.schema, "table_name": relation.name}


def values_of(record: Record) -> dict[str, Value]:
    """All columns of a record, without those that tell of which table it is."""
    return {
        "run": record.run,
        "commit_id": record.commit,
        "decided_at": record.decided_at,
        "started_at": record.started_at,
        "published_at": record.published_at,
        "row_count": record.rows,
        "code": record.code,
        "builds": record.builds,
        "mean_seconds": record.mean_seconds,
        "version": None if record.version is None else str(record.version),
        "data_version": record.data_version,
        "inputs": None if record.inputs is None else json.dumps(dict(record.inputs)),
        "environment": record.environment,
        "has_edits": record.has_edits,
        "put_back_at": record.put_back_at,
        "unwanted": None if record.unwanted is None else str(record.unwanted),
        "project": record.project,
        "granted": json.dumps(record.granted) if record.granted else None,
        "size_bytes": record.size,
    }


def _latest_last(rows: Iterable[Mapping[str, Any]]) -> list[Record]:
    # A row that another program or another release left half empty says nothing of a table.
    return sorted((record_of(row) for row in rows if is_whole(row)), key=lambda record: record.published_at)


def is_whole(row: Mapping[str, Any]) -> bool:
    """Whether the columns of a record have the values that they need."""
    return all(row[name] is not None or name in _MAY_BE_NULL for name in _NAMES)


def record_of(row: Mapping[str, Any]) -> Record:
    """The record in a row with its columns."""
    return Record(
        relation=Relation(str(row["schema_name"]), str(row["table_name"])),
        run=str(row["run"]),
        commit=None if row["commit_id"] is None else str(row["commit_id"]),
        decided_at=_moment(row["decided_at"]),
        started_at=_moment(row["started_at"]),
        published_at=_moment(row["published_at"]),
        rows=None if row["row_count"] is None else int(row["row_count"]),
        code=str(row["code"]),
        builds=int(row["builds"]),
        mean_seconds=float(row["mean_seconds"]),
        version=None if row["version"] is None else CodeVersion.parse(str(row["version"])),
        data_version=None if row["data_version"] is None else str(row["data_version"]),
        inputs=None if row["inputs"] is None else json.loads(row["inputs"]),
        environment=None if row["environment"] is None else str(row["environment"]),
        has_edits=None if row["has_edits"] is None else bool(row["has_edits"]),
        put_back_at=None if row["put_back_at"] is None else _moment(row["put_back_at"]),
        unwanted=None if row["unwanted"] is None else CodeVersion.parse(str(row["unwanted"])),
        project=None if row["project"] is None else str(row["project"]),
        granted=() if row["granted"] is None else tuple(json.loads(row["granted"])),
        size=None if row["size_bytes"] is None else int(row["size_bytes"]),
    )


def _moment(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError(f"{value!r} is no timestamp")
    return value.replace(tzinfo=UTC)
