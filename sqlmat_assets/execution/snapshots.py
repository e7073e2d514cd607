"""Snapshots: the rows of a table are kept in its `_history`, in the transaction that publishes or confirms them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.errors import snapshots as wording
from sqlmat_assets.errors.usage import with_hint
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Snapshot
from sqlmat_assets.execution.first_history import start_if_read
from sqlmat_assets.execution.grants import Grants
from sqlmat_assets.execution.history_columns import fit_columns
from sqlmat_assets.execution.indexes import alter
from sqlmat_assets.execution.names import intermediate_of
from sqlmat_assets.execution.phases import Stopwatch, Work
from sqlmat_assets.execution.records import Record, confirm_record
from sqlmat_assets.execution.snapshot_records import (
    SnapshotRecord,
    fetch_snapshot,
    prepare_snapshots,
    write_snapshot,
)
from sqlmat_assets.project.histories import STAMP, history_of
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.narrowing.kinds import Kind, kind_of
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import snapshot_statements as statements
from sqlmat_assets.warehouses.base import Session

# Builds of one time of the day begin some seconds earlier or later; that is no reason to leave a day out.
_MOST_SLACK = timedelta(minutes=10)


@dataclass(slots=True)
class Snapshots:
    """Those of one table while it is built; `taken` is what became of them."""

    model: Model
    session: Session
    context: Context
    stopwatch: Stopwatch
    taken: Snapshot | None = None

    @property
    def history(self) -> Relation:
        return history_of(self.model.relation)

    @property
    def _grants(self) -> Grants:
        return Grants(self.model, self.session, self.context)

    @property
    def are_kept(self) -> bool:
        """Whether the table has any."""
        return self.model.settings.snapshots_interval is not None and not self.model.is_view

    def prepare(self) -> None:
        """Have a place for them, before the table is built.

        Raises:
            MaterializeError: There is something else in that place.
        """
        if not self.are_kept:
            return
        history, name = self.history, str(self.history)
        state, capabilities = self.context.state, self.context.warehouse.capabilities
        if len(history.name.encode()) > capabilities.max_identifier_bytes:
            raise MaterializeError(wording.name_too_long(name, capabilities.max_identifier_bytes, capabilities.name))
        columns = self.session.fetch_columns(history)
        if columns:
            if state.kind_of(history, capabilities) == "view":
                raise MaterializeError(wording.history_is_view(name))
            if state.recorded([history], capabilities) is not None:
                raise MaterializeError(wording.history_is_table(name))
            self._find_stamp(columns)
        elif start_if_read(self.model, history, self.session, self.context):
            self._grants.give(history)
        prepare_snapshots(self.session)

    def confirm(self, record: Record) -> bool:
        """Note that the published rows are up to date, and tell whether they are still those of this record.

        Raises:
            MaterializeError: The rows cannot be kept.
        """
        if not self.are_kept:
            return confirm_record(self.session, record)
        with self.session.transaction(self.model.relation):
            return self.confirm_in_transaction(record)

    def confirm_in_transaction(self, record: Record) -> bool:
        """Do the same as a part of something else."""
        is_ours = confirm_record(self.session, record)
        if is_ours:
            self.take(record, self.context.now())
        return is_ours

    def take(self, record: Record, moment: datetime) -> None:
        """Keep the published rows, if that is due, and forget those that were kept for long enough.

        Args:
            record: What is noted of the table, in the same transaction, so that no other run takes one meanwhile.
            moment: When its rows were published, or confirmed.

        Raises:
            MaterializeError: The rows cannot be kept.
        """
        interval = self.model.settings.snapshots_interval
        if interval is None or self.model.is_view:
            return
        with self.stopwatch.measure(Work.SNAPSHOT):
            self.taken = self._take(record, moment, interval)

    def _take(self, record: Record, moment: datetime, interval: timedelta) -> Snapshot:
        history, relation = self.history, self.model.relation
        columns = self._fetch_columns()
        cutoff = _cutoff(record, self.model.settings.snapshots_stored_for)
        stamp = self._find_stamp(columns) if columns else statements.Stamp(STAMP)
        oldest, newest = self._fetch_moments(stamp) if columns else (None, None)
        known = _match(fetch_snapshot(self.session, relation), newest) if columns else None
        rows: int | None = None
        if _is_wanted(known, record, interval, cutoff):
            rows = self._keep(record, columns, stamp, moment)
            # What was taken a little early does not have the next one due any earlier.
            due = record.decided_at if known is None else max(record.decided_at, known.counted_from + interval)
            taken = SnapshotRecord(moment, due, rows, record.published_at, record.data_version)
            write_snapshot(self.session, relation, taken)
        removed = 0
        if cutoff is not None and oldest is not None and oldest < cutoff:
            removed = self.session.write_rows(statements.remove_snapshots(history, stamp, cutoff))
        return Snapshot(history, rows, removed)

    def _keep(
        self, record: Record, columns: tuple[tuple[str, str], ...], stamp: statements.Stamp, moment: datetime
    ) -> int:
        history, relation = self.history, self.model.relation
        capabilities = self.context.warehouse.capabilities
        own = self.session.fetch_columns(relation)
        if any(capabilities.fold_column(name) == capabilities.fold_column(stamp.name) for name, _ in own):
            error = wording.column_taken(str(relation), str(history), STAMP)
            raise MaterializeError(with_hint(error.what, error.hint))
        if not columns:
            rows = self.session.write_rows(statements.start_history(history, relation, stamp, moment))
            self._grants.give(history)
        else:
            fitted = fit_columns(history, columns, own, capabilities)
            aside = intermediate_of(history, self.context.run.id, capabilities)
            alter(history, aside, fitted.statements, self.session, only_adds=fitted.only_adds)
            added = statements.add_snapshot(history, fitted.columns, relation, stamp, moment)
            rows = self.session.write_rows(added)
        # Where the rows that were changed cannot be seen yet, they were counted before.
        return rows if capabilities.sees_own_changes or record.rows is None else record.rows

    def _fetch_columns(self) -> tuple[tuple[str, str], ...]:
        """Those of the history; the names come first, as a question that is refused would end the transaction."""
        fold, history = self.context.warehouse.capabilities.fold, self.history
        names = {fold(name) for name in self.session.fetch_kinds(history.schema)}
        return self.session.fetch_columns(history) if fold(history.name) in names else ()

    def _find_stamp(self, columns: tuple[tuple[str, str], ...]) -> statements.Stamp:
        fold = self.context.warehouse.capabilities.fold_column
        found = next(((name, type_) for name, type_ in columns if fold(name) == fold(STAMP)), None)
        kind = None if found is None else kind_of(_plain(found[1]), self.context.spoken)
        if found is None or kind not in (Kind.TIMESTAMP, Kind.ZONED):
            type_ = None if found is None else found[1]
            raise MaterializeError(wording.history_is_foreign(str(self.history), STAMP, type_))
        return statements.Stamp(found[0], kind is Kind.ZONED)

    def _fetch_moments(self, stamp: statements.Stamp) -> tuple[datetime | None, datetime | None]:
        row = self.session.fetch_rows(statements.oldest_and_newest(self.history, stamp)).rows[0]
        return _moment(row[0]), _moment(row[1])


def _match(known: SnapshotRecord | None, newest: datetime | None) -> SnapshotRecord | None:
    """The newest snapshot, from what is in the history and what is noted, which somebody may have changed since."""
    if known is not None and known.taken_at == newest:
        return known
    if known is not None and not known.rows and (newest is None or newest < known.taken_at):
        return known  # of no rows nothing is in the history
    return None if newest is None else SnapshotRecord(newest, newest, 1)


def _is_wanted(newest: SnapshotRecord | None, record: Record, interval: timedelta, cutoff: datetime | None) -> bool:
    """Whether the rows are kept now: there are other rows than in the newest snapshot, and that is old enough."""
    if newest is None:
        return True
    if record.decided_at < newest.counted_from + interval - _slack(interval):
        return False
    is_same = newest.data_version is not None and newest.data_version == record.data_version
    # Rows that stay the same for long are kept again before the only snapshot of them is removed.
    is_over = cutoff is not None and newest.taken_at < cutoff
    return is_over or not (is_same or newest.published_at == record.published_at)


def _cutoff(record: Record, stored_for: timedelta | None) -> datetime | None:
    """Which snapshots are removed: those that were taken before; None for none."""
    return None if stored_for is None else record.decided_at - stored_for - _slack(stored_for)


def _slack(duration: timedelta) -> timedelta:
    return min(duration / 10, _MOST_SLACK)


def _plain(type_: str) -> str:
    """A type without the precision that DuckDB has in its name."""
    return "TIMESTAMP" if type_.upper() in ("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS") else type_


def _moment(value: Any) -> datetime | None:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else None
