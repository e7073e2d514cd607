"""What a build would do with a table, told without doing it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlmat_assets.errors.project import TextError
from sqlmat_assets.execution.deliveries.notes import Note, find_notes
from sqlmat_assets.execution.environment import Environment, records_here
from sqlmat_assets.execution.partitions import fetch_partitions
from sqlmat_assets.execution.piece import Piece
from sqlmat_assets.execution.records import Record, find_records
from sqlmat_assets.project.last_built import FAR_PAST, fill_last_built
from sqlmat_assets.project.model import Kind, Model, Project
from sqlmat_assets.project.narrowing.narrow import Narrowed, narrow
from sqlmat_assets.project.narrowing.sources import Tables
from sqlmat_assets.project.parse import statement_text
from sqlmat_assets.project.partitions.asked import single_ranges, write
from sqlmat_assets.project.partitions.ranges import Range
from sqlmat_assets.project.partitions.spec import ListPartitioning, Partitioning
from sqlmat_assets.project.references import Names
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Session


@dataclass(frozen=True, slots=True)
class Known:
    """What the warehouse tells: records, the partitions that are there, columns with their types, and deliveries.

    Tables stand by their folded names. In an environment, records and partitions are those that were built there.
    `has_grants` where who may read a table is a matter of `grant_select`.
    """

    records: Mapping[Relation, Record] = field(default_factory=dict[Relation, Record])
    partitions: Mapping[Relation, frozenset[str]] = field(default_factory=dict[Relation, frozenset[str]])
    types: Mapping[Relation, Mapping[str, str]] = field(default_factory=dict[Relation, Mapping[str, str]])
    notes: Mapping[Relation, Note] = field(default_factory=dict[Relation, Note])
    has_grants: bool = False


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a build would do with one table.

    `what` is "all rows", "partitions", "next batch", "view", "delivery" or "nothing"; `partitions` are those that would
    be built, `missing` those that have ended and are not there, and `stretches` and `gaps` the same ones as people
    write them. `record` is that of the published table and `is_changed` when the code is another one now; both are None
    where the warehouse was not asked, or does not know. `narrowed` is how the query is narrowed to the first range,
    where it is. `put_back_at` is when a person has put an earlier version back, where a build leaves the table alone
    for that. `queries` are those that a build would run, as far as that is known before. `grants_to` and `revokes_from`
    are those whom `grant_select` lets read the table only now, and no more. `note` is that of the last time that a
    delivery has arrived.
    """

    model: Model
    what: str
    partitions: tuple[str, ...] = ()
    missing: tuple[str, ...] | None = None
    stretches: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    record: Record | None = None
    is_changed: bool | None = None
    narrowed: Narrowed | None = None
    put_back_at: datetime | None = None
    queries: tuple[str, ...] = ()
    grants_to: tuple[str, ...] = ()
    revokes_from: tuple[str, ...] = ()
    note: Note | None = None

    @property
    def is_new(self) -> bool:
        """Whether there is nothing of it yet."""
        return self.record is None and self.note is None

    @property
    def changes_grants(self) -> bool:
        """Whether others may read the table than might before."""
        return bool(self.grants_to or self.revokes_from)

    @property
    def read_in_full(self) -> tuple[Relation, ...]:
        """The tables that are read whole although a part of the table is built."""
        if self.narrowed is None or self.narrowed.is_marked:
            return ()
        narrowed = {each.relation for each in self.narrowed.tables}
        return tuple(each for each in (*self.model.upstream, *self.model.sources) if each not in narrowed)


def read_known(
    session: Session,
    project: Project,
    selected: Collection[Relation],
    environment: Environment | None = None,
    spell: Callable[[str], str] = str,
) -> Known:
    """Ask a warehouse what `foresee` wants to know of some tables; nothing is written.

    Args:
        session: Where to ask.
        project: The tables.
        selected: Those of interest.
        environment: Where they are built.
        spell: Gives the project's word for a type of the warehouse.
    """
    names = project.names
    found = find_records(session)
    records = records_here(found, project, environment)
    for relation, record in records.items():
        if record.put_back_at is not None and not session.fetch_columns(record.relation):
            # Nobody wants to keep rows that somebody has dropped since.
            records[relation] = replace(record, put_back_at=None)

    def located(relation: Relation) -> Relation:
        if environment is None or names.fold(relation) not in records:
            return relation
        return environment.relation(relation)

    partitions: dict[Relation, frozenset[str]] = {}
    read: set[Relation] = set()
    for relation in selected:
        model = project.models[relation]
        partitioning, record = model.settings.partition_by, records.get(names.fold(relation))
        if partitioning is None:
            continue
        read.update((*model.upstream, *model.sources))
        if record is not None:
            known = fetch_partitions(session, record.relation, partitioning)
            partitions[names.fold(relation)] = frozenset(each.key for each in known)
    types = {
        names.fold(each): {name: spell(type_) for name, type_ in session.fetch_columns(located(each))}
        for each in sorted(read)
    }
    deliveries = [relation for relation in selected if project.models[relation].is_delivery]
    return Known(
        records,
        partitions,
        {relation: columns for relation, columns in types.items() if columns},
        find_notes(session, deliveries),
    )


def foresee(
    model: Model, piece: Piece, known: Known | None, names: Names, now: datetime, *, is_named: bool = False
) -> Outlook:
    """Say what a build would do.

    Args:
        model: The table.
        piece: What of it is asked for.
        known: What the warehouse tells; None when it was not asked.
        names: How names are told apart.
        now: The moment of the build.
        is_named: Whether a person wants just this table to be built.
    """
    outlook = _foresee(model, piece, known, names, now, is_named=is_named)
    if known is None or not known.has_grants:
        return outlook
    noted = () if outlook.record is None else outlook.record.granted
    wanted = model.settings.grant_select
    return replace(
        outlook,
        grants_to=tuple(each for each in wanted if each not in noted),
        revokes_from=tuple(each for each in noted if each not in wanted),
    )


def _foresee(
    model: Model, piece: Piece, known: Known | None, names: Names, now: datetime, *, is_named: bool
) -> Outlook:
    settings, folded = model.settings, names.fold(model.relation)
    if model.is_delivery:
        note = None if known is None else known.notes.get(model.relation)
        before = None if note is None else note.version
        is_same = None if before is None or model.version is None else model.version.is_same(before)
        return Outlook(model, "delivery", note=note, is_changed=is_same is False)
    record = None if known is None else known.records.get(folded)
    is_changed = None
    if record is not None and record.version is not None and model.version is not None:
        is_changed = not model.version.is_same(record.version)
    if record is not None and not is_named and record.is_put_back(model.version):
        return Outlook(model, "nothing", record=record, is_changed=is_changed, put_back_at=record.put_back_at)
    is_anew = piece.is_full_refresh or (settings.on_change == "rebuild" and bool(is_changed))
    partitioning = settings.partition_by
    if partitioning is None:
        is_batch = settings.mode in ("append", "merge") and not is_anew and (known is None or record is not None)
        what = "view" if model.is_view else "next batch" if is_batch else "all rows"
        queries = _queries(model, FAR_PAST if record is None or what != "next batch" else record.decided_at)
        return Outlook(model, what, record=record, is_changed=is_changed, queries=queries)
    every = _every(partitioning, now)
    ranges = every if piece.ranges is None or is_anew else piece.ranges
    there = None if known is None else known.partitions.get(folded, frozenset[str]())
    gone = {key: each for key, each in single_ranges(every, partitioning).items() if key not in (there or ())}
    return Outlook(
        model,
        "partitions",
        tuple(single_ranges(ranges, partitioning)),
        None if there is None else tuple(gone),
        write(ranges, partitioning),
        () if there is None else write(gone.values(), partitioning),
        record,
        is_changed,
        narrowed[0] if (narrowed := _narrowed(model, names, partitioning, ranges, known or Known())) else None,
        queries=tuple(each.sql for each in narrowed),
    )


def _queries(model: Model, last_built: datetime) -> tuple[str, ...]:
    if model.is_quarantined or model.kind not in (Kind.QUERY, Kind.PROCESSED):
        return ()
    return (fill_last_built(statement_text(model), model.dialect, last_built),)


def _every(partitioning: Partitioning, now: datetime) -> tuple[Range, ...]:
    if isinstance(partitioning, ListPartitioning):
        return (partitioning.all,)
    ended = partitioning.ended(now)
    return () if ended is None else (ended,)


def _narrowed(
    model: Model, names: Names, partitioning: Partitioning, ranges: tuple[Range, ...], known: Known
) -> tuple[Narrowed, ...]:
    """The query for each range."""
    if model.kind is not Kind.QUERY or model.is_quarantined:
        return ()
    # As a build does it, so that a clause is where the file has it.
    text = fill_last_built(model.sql, model.dialect, FAR_PAST)
    try:
        return tuple(narrow(text, names, partitioning, each, Tables(known.types)) for each in ranges)
    except TextError:
        return ()  # said by `sqlmat check`, or by the engine
