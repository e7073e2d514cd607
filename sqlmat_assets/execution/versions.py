"""The earlier versions of tables that are kept beside them, and what is noted of each in `_sqlmat.versions`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from sqlglot import exp

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.errors.undo import put_back_meanwhile
from sqlmat_assets.execution.designs import copy_rows
from sqlmat_assets.execution.indexes import without_indexes
from sqlmat_assets.execution.kept_records import copy_kept, forget_kept, move_kept
from sqlmat_assets.execution.names import kept_of
from sqlmat_assets.execution.records import (
    RECORD_COLUMNS,
    SCHEMA,
    Record,
    is_whole,
    key_of,
    place_of,
    record_of,
    values_of,
)
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements, statements
from sqlmat_assets.warehouses.base import Capabilities, ObjectKind, Session, Statement

VERSIONS = Relation(SCHEMA, "versions")

_COLUMNS = (
    *RECORD_COLUMNS,
    ("kept_as", "text"),
    ("kind", "text"),
    ("replaced_at", "timestamp"),
    ("undone_at", "timestamp"),
)
_NAMES = tuple(name for name, _ in _COLUMNS)


@dataclass(frozen=True, slots=True)
class Version:
    """A table as it was published once; `record` is what was noted of it then, under the name of the table.

    `undone_at` is when a person put an earlier version in its place; None where something newer has replaced it.
    """

    record: Record
    kept_as: str
    kind: ObjectKind
    replaced_at: datetime
    undone_at: datetime | None = None

    @property
    def relation(self) -> Relation:
        """Where it is kept."""
        return replace(self.record.relation, name=self.kept_as)


def prepare_versions(session: Session) -> None:
    """Have the table of the versions, with every column that it needs."""
    session.execute(statements.create_table(VERSIONS, _COLUMNS))
    present = {name.lower() for name, _ in session.fetch_columns(VERSIONS)}
    for name, kind in _COLUMNS:
        if present and name not in present:
            session.execute(statements.add_column(VERSIONS, name, kind))


def fetch_versions(session: Session, only: Collection[Relation] | None = None) -> list[Version]:
    """The versions that are noted, those first that are to be put back first: undone ones last, then the latest first.

    Args:
        session: Where to ask.
        only: The tables to ask for, as they are spelt in their records; None for all.
    """
    where = None if only is None else statements.equal_any([place_of(relation) for relation in only])
    return _ordered(_NAMES, session.fetch_rows(statements.select_columns(VERSIONS, _NAMES, where)).rows)


def find_versions(session: Session) -> list[Version]:
    """The same of a warehouse in which nothing is to be written: another release may have made the table, or nobody."""
    there = {name.lower() for name, _ in session.fetch_columns(VERSIONS)}
    names = [name for name in _NAMES if name in there]
    if not names:
        return []
    return _ordered(names, session.fetch_rows(statements.select_columns(VERSIONS, names)).rows)


def fetch_versioned(session: Session) -> list[Relation]:
    """The tables of which versions are kept, as they are spelt in their records."""
    query = statements.select_columns(VERSIONS, _NAMES[:2])
    if isinstance(query, exp.Select):
        query = query.distinct()
    return [Relation(str(schema), str(name)) for schema, name in session.fetch_rows(query).rows]


def keep_version(
    session: Session,
    record: Record,
    kind: ObjectKind,
    capabilities: Capabilities,
    now: datetime,
    *,
    is_undone: bool = False,
    stays: bool = False,
) -> Version:
    """Give the published table the name of a version, and note that, in a transaction.

    Args:
        session: In a transaction.
        record: What is noted of the table.
        kind: What it is.
        capabilities: How long names may be.
        now: The time.
        is_undone: Whether a person puts an earlier version in its place.
        stays: Whether the table is to be changed where it is: then a copy of it gets its name.
    """
    target = record.relation
    kept = kept_of(target, record.published_at, capabilities)
    hanging = session.replacing(target) if stays else nullcontext()
    with without_indexes(target, session, come_back=stays), hanging:
        session.execute(rename_of(target, kept.name, kind))
        if stays:
            names = [name for name, _ in session.fetch_columns(kept)] if capabilities.has_distribution else []
            everything = exp.select("*").from_(statements.table(kept))
            copy_rows(target, kept, names, everything, session, capabilities)
    copy_kept(session, target, kept)
    version = Version(record, kept.name, kind, now, now if is_undone else None)
    session.execute(statements.insert_values(VERSIONS, _values(version)))
    return version


def take_version(session: Session, version: Version, target: Relation) -> bool:
    """Give a version the name of its table again, in a transaction, and tell whether it was still kept."""
    if session.write_rows(statements.delete_rows(VERSIONS, _is(version))) == 0:
        return False
    with without_indexes(version.relation, session, come_back=False):
        session.execute(rename_of(version.relation, target.name, version.kind))
    move_kept(session, version.relation, target)
    return True


def drop_version(session: Session, version: Version) -> None:
    """Drop a version, in a transaction; it may be gone already."""
    session.execute(statements.delete_rows(VERSIONS, _is(version)))
    forget_kept(session, version.relation)
    if version.kind == "view":
        session.execute(row_statements.drop_view_if_exists(version.relation))
    else:
        session.execute(statements.drop_table(version.relation, if_exists=True))


def refuse_put_back_since(known: Record, found: Record) -> None:
    """Keep a run from publishing over what a person has put back after it had looked.

    Raises:
        MaterializeError: That is so.
    """
    if found.put_back_at is not None and found.put_back_at != known.put_back_at:
        raise MaterializeError(put_back_meanwhile(str(found.relation)))


def respell_versions(session: Session, before: Relation, now: Relation) -> None:
    """Note that a table is spelt in other letters."""
    session.execute(statements.update_values(VERSIONS, place_of(now), place_of(before)))


def rename_of(relation: Relation, name: str, kind: ObjectKind) -> Statement:
    """`ALTER TABLE ... RENAME TO`, or `VIEW`."""
    return (statements.rename_view if kind == "view" else statements.rename_table)(relation, name)


def of_table(versions: Collection[Version], relation: Relation, capabilities: Capabilities) -> list[Version]:
    """Those of one table, in their order."""
    key = key_of(relation, capabilities)
    return [version for version in versions if key_of(version.record.relation, capabilities) == key]


def ordered(versions: Iterable[Version]) -> list[Version]:
    """Those first that are to be put back first: undone ones last, then the latest first."""
    return sorted(versions, key=lambda one: (one.undone_at is None, one.record.published_at), reverse=True)


def _ordered(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[Version]:
    found = (dict.fromkeys(_NAMES) | dict(zip(names, row, strict=True)) for row in rows)
    return ordered(_version(row) for row in found if is_whole(row))


def _is(version: Version) -> exp.Expr:
    return statements.equal({**place_of(version.record.relation), "kept_as": version.kept_as})


def _values(version: Version) -> dict[str, statements.Value]:
    return {
        **place_of(version.record.relation),
        **values_of(version.record),
        "kept_as": version.kept_as,
        "kind": version.kind,
        "replaced_at": version.replaced_at,
        "undone_at": version.undone_at,
    }


def _version(row: Mapping[str, Any]) -> Version:
    undone_at = row["undone_at"]
    return Version(
        record_of(row),
        str(row["kept_as"]),
        cast("ObjectKind", row["kind"]),
        row["replaced_at"].replace(tzinfo=UTC),
        None if undone_at is None else undone_at.replace(tzinfo=UTC),
    )
