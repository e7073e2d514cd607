"""Putting an earlier version of a table back, alone or with what was built from the one that goes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlmat_assets.errors import LostCommitError, MaterializeError
from sqlmat_assets.errors import undo as wording
from sqlmat_assets.execution.commits import settle
from sqlmat_assets.execution.events import Column
from sqlmat_assets.execution.kept_records import prepare_kept
from sqlmat_assets.execution.records import (
    Record,
    claim_record,
    find_records,
    key_of,
    prepare_records,
    write_record,
)
from sqlmat_assets.execution.through_views import refusal_of
from sqlmat_assets.execution.undo_views import broken_by
from sqlmat_assets.execution.versions import (
    Version,
    find_versions,
    keep_version,
    of_table,
    prepare_versions,
    take_version,
)
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Capabilities, ObjectKind, Session

_Key = tuple[str, str]
_NEVER = datetime.max.replace(tzinfo=UTC)
_MOMENT = timedelta(microseconds=1)
Reads = Callable[[Relation], Collection[Relation]]
"""What a table reads according to its file, by the names that both have in the warehouse."""


@dataclass(frozen=True, slots=True)
class Step:
    """One table: what is in its place, None where nothing is, and the version that is to be there.

    Where it `is_held`, nothing builds it until its code is another one than the `unwanted`, or a person asks for it.
    """

    current: Record
    in_place: ObjectKind | None
    version: Version
    is_held: bool = False
    unwanted: CodeVersion | None = None

    @property
    def relation(self) -> Relation:
        return self.current.relation

    @property
    def is_backwards(self) -> bool:
        """Whether what is put back is older than what goes; else an undo is undone, and what goes was good."""
        return self.version.record.published_at < self.current.published_at

    def restored(self, at: datetime) -> Record:
        """What is recorded afterwards: all as it was, so that whoever read that version is up to date again."""
        return replace(
            self.version.record,
            relation=self.current.relation,
            # Who may read the table has nothing to do with which rows it has.
            granted=self.current.granted,
            put_back_at=at if self.is_held else None,
            unwanted=self.unwanted if self.is_held else None,
        )

    def hold(self, versions: Iterable[Version], code: CodeVersion | None) -> Step:
        """The same, held where a newer version of the table is known; without one, an undo is undone.

        Args:
            versions: Those that are kept of the table.
            code: What the table has now; None where that is not known.
        """
        known = (self.current, *(version.record for version in versions))
        is_held = any(record.published_at > self.version.record.published_at for record in known)
        return replace(self, is_held=is_held, unwanted=code)


@dataclass(frozen=True, slots=True)
class Reader:
    """A table that was built from what goes, or may have been; `good` is its newest version that was not."""

    record: Record
    is_certain: bool
    good: Version | None = None


@dataclass(frozen=True, slots=True)
class _Gone:
    """After which moment a publish of each table is none to have been read, and when the first of all such was."""

    after: dict[_Key, datetime]
    since: datetime


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a warehouse has of the tables of production, or of one environment: their records and their versions."""

    records: Mapping[_Key, Record]
    versions: Sequence[Version]
    capabilities: Capabilities

    def versions_of(self, relation: Relation) -> list[Version]:
        """Those that are kept of a table, the next to put back first."""
        return of_table(self.versions, relation, self.capabilities)


def find_holdings(session: Session, environment: str | None, capabilities: Capabilities) -> Holdings:
    """Read the records and those versions that nobody has dropped; nothing is written."""
    recorded = find_records(session)
    found = [record for record in recorded if record.environment == environment]
    versions = find_versions(session)
    records = {key_of(record.relation, capabilities): record for record in found}
    kinds = {schema: session.fetch_kinds(schema) for schema in {version.record.relation.schema for version in versions}}
    there = [one for one in versions if kinds[one.record.relation.schema].get(one.kept_as) == one.kind]
    return Holdings(records, there, capabilities)


@dataclass(frozen=True, slots=True)
class Undone:
    """A table with rows that a person has put back at some moment, and what was in place before, where it is kept."""

    record: Record
    columns: tuple[Column, ...]
    at: datetime
    replaced: Record | None = None


def find_undone(session: Session, environment: str | None, capabilities: Capabilities) -> tuple[Undone, ...]:
    """The tables that have rows which a person has put back, and that nobody has built since; nothing is written."""
    holdings = find_holdings(session, environment, capabilities)
    found: list[Undone] = []
    for record in holdings.records.values():
        later = [one for one in holdings.versions_of(record.relation) if one.record.published_at > record.published_at]
        gone = max(
            (one for one in later if one.undone_at is not None), key=lambda one: one.undone_at or _NEVER, default=None
        )
        at = record.put_back_at or (None if gone is None else gone.undone_at)
        if at is not None:
            columns = tuple(Column(name, kind) for name, kind in session.fetch_columns(record.relation))
            found.append(Undone(record, columns, at, None if gone is None else gone.record))
    return tuple(found)


def choose_version(record: Record, versions: Sequence[Version]) -> Version | None:
    """The version that an undo puts back: the newest one before what is in place that was not undone itself."""
    before = (one for one in versions if one.undone_at is None and one.record.published_at < record.published_at)
    return next(before, None)


def find_step(session: Session, record: Record, version: Version, capabilities: Capabilities) -> Step:
    """Look at what is in a table's place.

    Raises:
        MaterializeError: Somebody else made it.
    """
    kinds = session.fetch_kinds(record.relation.schema)
    own = capabilities.fold(record.relation.name)
    found: list[ObjectKind] = [kind for name, kind in kinds.items() if capabilities.fold(name) == own]
    kind = found[0] if found else None
    if kind is not None and (kind == "view") != record.is_view:
        raise MaterializeError(wording.not_ours(str(record.relation), kind))
    return Step(record, kind, version)


def find_readers(undone: Record, version: Version, holdings: Holdings, reads: Reads) -> tuple[Reader, ...]:
    """The tables that were built from what goes, near or far, those first that were published first.

    Views are none of them: they have the rows of what they read, and so those that are put back.

    Args:
        undone: What goes.
        version: What is put back.
        holdings: All that is there.
        reads: What the tables of the project read.
    """
    capabilities, root = holdings.capabilities, key_of(undone.relation, holdings.capabilities)
    goes = _Gone({root: version.record.published_at}, _next_after(version.record.published_at, undone, holdings))
    found: dict[_Key, Reader] = {}
    is_settled = False
    while not is_settled:
        is_settled = True
        for key, record in holdings.records.items():
            is_certain = None if key == root else _is_built_from(record, reads, goes, capabilities)
            if is_certain is None:
                continue
            good = None if record.is_view else _newest_good(record, holdings, reads, goes)
            reader = Reader(record, is_certain, good)
            is_settled &= found.get(key) == reader
            found[key] = reader
            goes.after[key] = goes.since - _MOMENT if good is None else good.record.published_at
    readers = (reader for reader in found.values() if not reader.record.is_view)
    return tuple(sorted(readers, key=lambda reader: reader.record.published_at))


def find_companions(first: Step, holdings: Holdings) -> list[tuple[Record, Version]]:
    """The tables that went together with a version that is put back again, where nothing newer is in their places."""
    undone_at, capabilities = first.version.undone_at, holdings.capabilities
    if undone_at is None or first.is_backwards:
        return []
    found = [(holdings.records.get(key_of(each.record.relation, capabilities)), each) for each in holdings.versions]
    return [
        (record, version)
        for record, version in found
        if record is not None
        and version.undone_at == undone_at
        and record.relation != first.relation
        and record.published_at < version.record.published_at
    ]


def put_back(session: Session, steps: Sequence[Step], run: str, now: datetime, capabilities: Capabilities) -> None:
    """Put the versions into their places, all of them or none; what was there is kept.

    Raises:
        MaterializeError: One of the tables is not what was found any more, or a view could not be read afterwards;
            nothing is done.
        WarehouseError: The engine refused; nothing is done.
    """
    prepare_records(session)
    prepare_kept(session)
    prepare_versions(session)

    def exchange() -> None:
        for step in steps:
            _exchange(session, step, run, now, capabilities)
        for step in steps:
            said = refusal_of(step.relation, session) if step.version.kind == "view" else None
            if said is not None:
                raise MaterializeError(wording.unreadable(str(step.relation), said))

    if capabilities.finds_views_by_name:
        broken = broken_by([step.relation for step in steps], exchange, session)
        if broken:
            raise MaterializeError(wording.would_break(str(steps[0].relation), broken))
    try:
        with session.transaction(*(step.relation for step in steps)):
            exchange()
    except LostCommitError as error:
        settle(error, steps[0].restored(now), session)


def _exchange(session: Session, step: Step, run: str, now: datetime, capabilities: Capabilities) -> None:
    with session.replacing(step.relation, step.version.relation):
        # First, so that no other run publishes the table from here on.
        if not claim_record(session, step.current, run, is_exact=True):
            raise MaterializeError(wording.changed_meanwhile(str(step.relation)))
        if step.in_place is not None:
            keep_version(session, step.current, step.in_place, capabilities, now, is_undone=step.is_backwards)
        if not take_version(session, step.version, step.relation):
            raise MaterializeError(wording.changed_meanwhile(str(step.relation)))
    write_record(session, step.restored(now), step.current)


def _next_after(published_at: datetime, current: Record, holdings: Holdings) -> datetime:
    """When the first publish after a moment was, of those that are known."""
    known = [version.record.published_at for version in holdings.versions_of(current.relation)]
    return min((at for at in (*known, current.published_at) if at > published_at), default=_NEVER)


def _is_built_from(record: Record, reads: Reads, goes: _Gone, capabilities: Capabilities) -> bool | None:
    """Whether a table was built from what goes; False where it may have been, None where it was not.

    Rows that were there before, and came out the same from what goes, are not made of it.
    """
    if not record.is_view and record.published_at < goes.since:
        return None
    if record.inputs is not None and not record.is_view:
        identities = {key_of(Relation.of(name), capabilities): each for name, each in record.inputs.items()}
        is_reader = any(
            datetime.fromisoformat(identities[key]) > goes.after[key] for key in identities.keys() & goes.after
        )
        return True if is_reader else None
    if not any(key_of(read, capabilities) in goes.after for read in reads(record.relation)):
        return None
    return False


def _newest_good(record: Record, holdings: Holdings, reads: Reads, goes: _Gone) -> Version | None:
    for version in holdings.versions_of(record.relation):
        named = replace(version.record, relation=record.relation)
        is_before = version.undone_at is None and named.published_at < record.published_at
        if is_before and _is_built_from(named, reads, goes, holdings.capabilities) is None:
            return version
    return None
