"""Bring the rows of a published table to where they are delivered to."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path

from sqlglot import exp

from sqlmat_assets.errors import CancelledError, MaterializeError, failures
from sqlmat_assets.errors import deliveries as wording
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.deliveries.by_engine import write_by_engine
from sqlmat_assets.execution.deliveries.files import send_files, send_written, stamp_of
from sqlmat_assets.execution.deliveries.notes import Note, fetch_note, prepare_notes, write_note
from sqlmat_assets.execution.deliveries.notices import send_notice
from sqlmat_assets.execution.deliveries.other_table import send_table
from sqlmat_assets.execution.deliveries.parcel import Arrived, Parcel
from sqlmat_assets.execution.deliveries.sheets import send_sheet
from sqlmat_assets.execution.events import Column, Delivered, Discarded, Event, Started
from sqlmat_assets.execution.phases import Stopwatch, Work
from sqlmat_assets.execution.processor.files import passing_folder
from sqlmat_assets.execution.records import Record, find_records, key_of
from sqlmat_assets.execution.retries import Retries
from sqlmat_assets.execution.through_views import records_through_views
from sqlmat_assets.project.deliveries import Delivery
from sqlmat_assets.project.model import Model
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Session

# What is outside may be away for longer than a lock in the warehouse lasts.
_PATIENCE = Retries(attempts=5, first_pause_seconds=1.0)
_ROWS = "rows.parquet"


def deliver(model: Model, context: Context) -> Generator[Event]:
    """Deliver a table, unless its rows have arrived already.

    Args:
        model: The delivery.
        context: The run.

    Yields:
        `Started`, then `Delivered` or `Discarded`.
    """
    started_at = context.now()
    yield Started(model.relation)
    work = _Work(model, context, started_at)
    try:
        yield work.run()
    except MaterializeError as error:
        yield Discarded(model.relation, work.told(error), (), context.seconds_since(started_at), work.stopwatch.phases)


@dataclass(frozen=True, slots=True)
class _Identity:
    """Which rows there are: the publish of each table, and the same by the version of the rows where there is one."""

    inputs: Mapping[str, str]
    versions: Mapping[str, str]
    rows: int | None = None
    published_at: datetime | None = None


@dataclass(slots=True)
class _Work:
    """One delivery on its way; `note` is what was known of it before."""

    model: Model
    context: Context
    started_at: datetime
    stopwatch: Stopwatch = field(init=False)
    note: Note | None = None
    has_looked: bool = False
    other: tuple[Delivery, Note] | None = None

    def __post_init__(self) -> None:
        self.stopwatch = Stopwatch(self.context.now)

    @property
    def _table(self) -> Relation:
        return self.model.upstream[0]

    def run(self) -> Delivered:
        """Do all of it.

        Raises:
            MaterializeError: The rows have not arrived, or nobody knows whether they have.
        """
        context, delivery = self.context, self._delivery()
        context.cancellation.check()
        with passing_folder(context.own / "delivering", f"{context.run.id}.{self.model.relation}", self._pause) as own:
            with context.warehouse.open_session(context.cancellation.pause) as session:
                with self.stopwatch.measure(Work.PREPARE, self.started_at):
                    identity = context.retries.run(lambda: self._look(session), context.sleep)
                if self.note is not None and self._has_arrived(self.note, identity):
                    return self._arrived_before(delivery, self.note, identity)
                with self.stopwatch.measure(Work.READ), context.cancellation.watch(session, None):
                    parcel = self._pack(delivery, identity, own, session)
            # Nobody else has to wait for the warehouse while the rows are on their way.
            with self.stopwatch.measure(Work.DELIVER):
                arrived = self._send(delivery, parcel)
            note = self._noted(identity, arrived)
            self._write(note, delivery)
        until = None
        if arrived.links and delivery.files is not None and delivery.files.link_seconds is not None:
            until = note.delivered_at + timedelta(seconds=delivery.files.link_seconds)
        return Delivered(
            self.model.relation,
            context.secrets.hide(delivery.shown),
            arrived.rows,
            self.started_at,
            context.seconds_since(self.started_at),
            note.delivered_at,
            identity.inputs,
            self._digest(identity),
            is_new=True,
            columns=parcel.columns,
            details=tuple((name, context.secrets.hide(text)) for name, text in arrived.details),
            links=arrived.links,
            links_until=until,
            phases=self.stopwatch.phases,
        )

    def told(self, error: MaterializeError) -> MaterializeError:
        """The error without anything that nobody may see, and with what has arrived before."""
        if isinstance(error, CancelledError):
            return error
        text = self.context.secrets.hide(str(error))
        if self.has_looked:
            word = wording.never_arrived if self.note is None else wording.arrived_before
            text = failures.with_state(text, word(self.model.relation))
        return MaterializeError(text)

    def _delivery(self) -> Delivery:
        """What the file says.

        Raises:
            MaterializeError: It has problems, or nothing may be delivered.
        """
        environment, delivery = self.context.environment, self.model.delivery
        if environment is not None:
            raise MaterializeError(wording.never_from(environment.name))
        if self.model.is_quarantined or delivery is None:
            problems = [problem for problem in self.model.problems if not problem.is_warning]
            raise MaterializeError(wording.quarantined(self.model.relation, problems))
        return delivery

    def _look(self, session: Session) -> _Identity:
        """Find what there is to deliver, and what has arrived before.

        It is asked before the rows are read: what is published in between is delivered twice, and never not at all.
        """
        prepare_notes(session)
        self.note = fetch_note(session, self.model.relation)
        self.has_looked = True
        return self._identify(session)

    def _identify(self, session: Session) -> _Identity:
        capabilities = self.context.warehouse.capabilities
        records = {key_of(record.relation, capabilities): record for record in find_records(session)}
        own = records.get(key_of(self._table, capabilities))
        if own is None:
            raise wording.not_built(self._table)
        found = records_through_views([self._table], lambda relation: records.get(key_of(relation, capabilities)))
        if found is None:
            # Of a view that may give other rows each time, nobody knows whether they have arrived.
            found = {}
        tables = {str(relation): record for relation, record in found.items() if not record.is_view}
        inputs = {name: record.identity for name, record in tables.items()}
        versions = {name: _version(record) for name, record in tables.items()}
        for other in self.model.upstream[1:]:
            note = fetch_note(session, other)
            if note is None:
                raise MaterializeError(wording.never_arrived(other))
            inputs[str(other)] = versions[str(other)] = note.delivered_at.isoformat()
            if other in self.context.deliveries:
                self.other = self.context.deliveries[other], note
        published_at = None if own.is_view else own.published_at
        return _Identity(inputs, versions, own.rows, published_at)

    def _has_arrived(self, note: Note, identity: _Identity) -> bool:
        """Whether the same rows have arrived by the same code, and nobody asks for them once more."""
        named = self.context.run.named
        if named is not None and self.model.relation in named:
            return False
        is_same = (
            note.version is not None and self.model.version is not None and self.model.version.is_same(note.version)
        )
        return is_same and bool(identity.versions) and dict(note.versions) == dict(identity.versions)

    def _arrived_before(self, delivery: Delivery, note: Note, identity: _Identity) -> Delivered:
        return Delivered(
            self.model.relation,
            self.context.secrets.hide(delivery.shown),
            note.rows,
            self.started_at,
            self.context.seconds_since(self.started_at),
            note.delivered_at,
            identity.inputs,
            self._digest(identity),
            is_new=False,
            phases=self.stopwatch.phases,
        )

    def _pack(self, delivery: Delivery, identity: _Identity, folder: Path, session: Session) -> Parcel:
        """Read the rows, where they are delivered themselves and the engine does not bring them there."""
        context = self.context
        parcel = Parcel(
            table=self._table,
            delivery=delivery.name,
            rows=None,
            folder=folder,
            count=identity.rows,
            columns=tuple(Column(name, kind) for name, kind in session.fetch_columns(self._table)),
            published_at=identity.published_at,
            identity=self._digest(identity),
            stamp=stamp_of(context.now(), context.run.id),
            run=context.run.id,
            beside=(context.root / self.model.path).absolute().parent,
            secrets=context.secrets,
            check=context.cancellation.check,
            attempt=self._attempt,
            pause=self._pause,
            other=self.other,
        )
        if delivery.notice is not None:
            return parcel
        written = write_by_engine(delivery, parcel, session, context)
        if written is not None:
            return written
        rows = folder / _ROWS
        query = context.warehouse.render(exp.select("*").from_(statements.table(self._table)))
        count = context.retries.run(lambda: session.unload(query, rows), context.sleep)
        return replace(parcel, rows=rows, count=count)

    def _send(self, delivery: Delivery, parcel: Parcel) -> Arrived:
        if delivery.notice is not None:
            return send_notice(delivery.notice, parcel, self.context.now())
        if parcel.sent and delivery.files is not None:
            return send_written(delivery, delivery.files, parcel)
        if parcel.rows is not None:
            if delivery.files is not None:
                return send_files(delivery, delivery.files, parcel, parcel.rows)
            if delivery.sheet is not None:
                return send_sheet(delivery.sheet, parcel, parcel.rows, self.context.now())
            if delivery.other_table is not None:
                return send_table(delivery.other_table, parcel, parcel.rows)
        raise AssertionError(f"`{delivery.place}` is no place that is known")

    def _noted(self, identity: _Identity, arrived: Arrived) -> Note:
        return Note(
            self.model.relation,
            self.context.run.id,
            self.context.now(),
            identity.inputs,
            identity.versions,
            self.model.version,
            arrived.rows,
            arrived.files,
        )

    def _write(self, note: Note, delivery: Delivery) -> None:
        """Note that the rows have arrived.

        Raises:
            MaterializeError: It could not be done, so that they will be delivered again.
        """
        context = self.context
        try:
            with self.stopwatch.measure(Work.PUBLISH), context.warehouse.open_session() as session:
                context.retries.run(lambda: write_note(session, note), context.sleep)
        except MaterializeError as error:
            raise wording.not_noted(delivery.shown, str(error)) from error

    def _attempt(self, work: Callable[[], None]) -> None:
        _PATIENCE.run(work, self._pause)

    def _pause(self, seconds: float) -> None:
        self.context.cancellation.check()
        self.context.sleep(seconds)

    def _digest(self, identity: _Identity) -> str:
        """What is the same for the same rows delivered by the same code, and for nothing else.

        Where nobody knows whether the rows are the same, those of each run are others.
        """
        code = "" if self.model.version is None else self.model.version.semantic
        of_rows = dict(identity.versions) or {"run": self.context.run.id}
        text = json.dumps([str(self.model.relation), code, sorted(of_rows.items())])
        return blake2b(text.encode(), digest_size=16).hexdigest()


def _version(record: Record) -> str:
    return record.data_version or record.identity
