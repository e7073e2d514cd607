"""Write a table aside, check it, and put it in the place of the published one."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlmat_assets.errors import MaterializeError, TerminalWarehouseError, WarehouseError, failures
from sqlmat_assets.execution.audit import run_checks
from sqlmat_assets.execution.batch import keep_one_of_each
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import (
    Checked,
    CheckResult,
    Column,
    Discarded,
    Event,
    LeftOut,
    Printed,
    Published,
    PublishedPartition,
    Started,
    Unchanged,
    Written,
)
from sqlmat_assets.execution.grants import Grants
from sqlmat_assets.execution.journal import write_journal
from sqlmat_assets.execution.left_alone import find_left_alone
from sqlmat_assets.execution.limits import find_limit
from sqlmat_assets.execution.names import backup_of, intermediate_of
from sqlmat_assets.execution.new_records import confirmed, new_record
from sqlmat_assets.execution.one_scan import scan
from sqlmat_assets.execution.phases import Stopwatch, Work
from sqlmat_assets.execution.piece import WHOLE, Piece
from sqlmat_assets.execution.placement import place
from sqlmat_assets.execution.plan import Plan, Way, is_built_in_parts, make_plan
from sqlmat_assets.execution.publish import Publisher
from sqlmat_assets.execution.records import Inputs, Record
from sqlmat_assets.execution.refusals import find_held, find_refusal, refuse_blocked, refuse_foreign, with_state
from sqlmat_assets.execution.same_rows import Built, confirm_partitions, find_same_rows
from sqlmat_assets.execution.snapshots import Snapshots
from sqlmat_assets.execution.speaking import speaking
from sqlmat_assets.execution.state import Standing, drop_of
from sqlmat_assets.execution.unchanged import fetch_data_version, find_inputs, find_untouched
from sqlmat_assets.execution.usage import fetch_usage
from sqlmat_assets.execution.whole_result import drop_result, subject_of, whole_result
from sqlmat_assets.execution.write import PartsOf, fetch_columns, write
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.reasons import Reason
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import ObjectKind, Session


def materialize(model: Model, context: Context, piece: Piece = WHOLE) -> Generator[Event]:
    """Build one table: write, audit, publish.

    What the engine, a check, a time limit or a cancellation stops ends in `Discarded`, whose error says what the
    target holds now. Closing the generator, or an exception in the thread that runs it, drops what was written.

    Args:
        model: The table.
        context: The run.
        piece: What of the table.

    Yields:
        `Started`, `Written`, `Checked`, then `Published`, or `Unchanged` where the rows are those that are published.
        `Printed` before `Written` or `Discarded`, where the table has a script that prints.
        `Started`, `Unchanged` where nothing that the rows come from has changed, and age alone is the reason to build.
        `Started`, `LeftAlone` where a person has put an earlier version back, and nobody asks for the table.
        `Discarded` may come at any point.
    """
    started_at = context.now()
    yield Started(model.relation)
    untouched = failures.holds_now(str(model.relation), is_built=None)
    message = find_refusal(model, context, untouched)
    if message is not None:
        yield Discarded(model.relation, MaterializeError(message), (), context.seconds_since(started_at))
        return
    try:
        context.cancellation.check()
        with (
            context.warehouse.open_session(context.cancellation.pause) as session,
            context.state.heartbeat.beating(context.renew_lease),
            speaking(session, context),
        ):
            session.tag(context.tags(model.relation, model.settings.owner))
            work = _Materialization(place(model, session, context), model, piece, context, session, started_at)
            if context.environment is None:
                yield from work.run()
                return
            with closing(work.run()) as events:
                # Elsewhere the table is known by the name that the project has for it.
                yield from (replace(event, relation=model.relation) for event in events)
    except MaterializeError as error:
        yield Discarded(model.relation, with_state(error, untouched), (), context.seconds_since(started_at))


@dataclass(slots=True)
class _Materialization:
    """One table on its way; `standing`, `results` and the rest grow as it goes.

    `model` is the table as it is built, `asked` as the project has it.
    """

    model: Model
    asked: Model
    piece: Piece
    context: Context
    session: Session
    started_at: datetime
    stopwatch: Stopwatch = field(init=False)
    snapshots: Snapshots = field(init=False)
    grants: Grants = field(init=False)
    intermediate: Relation = field(init=False)
    backup: Relation = field(init=False)
    standing: Standing = field(init=False)
    plan: Plan = field(default=Plan())
    results: tuple[CheckResult, ...] = ()
    inputs: Inputs | None = None
    data_version: str | None = None
    partitions: tuple[PublishedPartition, ...] = ()
    printed: tuple[Printed, ...] = ()

    def __post_init__(self) -> None:
        run, capabilities = self.context.run.id, self.context.warehouse.capabilities
        self.stopwatch = Stopwatch(self.context.now)
        self.snapshots = Snapshots(self.model, self.session, self.context, self.stopwatch)
        self.grants = Grants(self.model, self.session, self.context)
        self.intermediate = intermediate_of(self.model.relation, run, capabilities)
        self.backup = backup_of(self.model.relation, run, capabilities)

    @property
    def _kind(self) -> ObjectKind:
        return "view" if self.model.is_view else "table"

    def run(self) -> Generator[Event]:
        """Do all of it.

        Raises:
            MaterializeError: It failed before it was known what the target holds.
        """
        context, target = self.context, self.model.relation
        with self.stopwatch.measure(Work.PREPARE, self.started_at):
            self.standing = context.retries.run(self._prepare, context.sleep)
        is_over = False
        try:
            refuse_foreign(self.model, self.standing, self.context)
            with self.stopwatch.measure(Work.PREPARE):
                self.standing = context.retries.run(lambda: self.grants.settle(self.standing), context.sleep)
                context.retries.run(self.snapshots.prepare, context.sleep)
                around = (self.model, self.asked.relation, self.standing, self.session, context)
                left_alone = context.retries.run(lambda: find_left_alone(*around), context.sleep)
                written = None if left_alone is not None else self._leave_out()
            if left_alone is not None:
                is_over = True
                yield left_alone
                return
            limit = find_limit(self.model, self.standing.record)
            if written is None:
                with context.cancellation.watch(self.session, limit), self.stopwatch.measure(Work.WRITE):
                    written = self._write()
            yield from self.printed
            self.printed = ()
            if isinstance(written, Unchanged):
                is_over = True
                yield replace(written, phases=self.stopwatch.phases)
                return
            yield written
            left = None if limit is None else max(limit - (context.now() - self.started_at), timedelta())
            with context.cancellation.watch(self.session, left), self.stopwatch.measure(Work.CHECKS):
                checked = self._audit(written)
            yield checked
            refuse_blocked(checked)
            context.cancellation.check()
            with self.stopwatch.measure(Work.PUBLISH):
                ended = self._confirm(written) or self._publish(written)
            is_over = True
            yield replace(ended, seconds=context.seconds_since(self.started_at), phases=self.stopwatch.phases)
        except MaterializeError as error:
            if is_over:
                raise
            self._drop_intermediate()
            yield from self.printed
            seconds = context.seconds_since(self.started_at)
            told = with_state(error, find_held(target, self.standing, error))
            yield Discarded(target, told, self.results, seconds, self.stopwatch.phases)
        except BaseException:
            if not is_over:
                self._drop_intermediate()
            raise

    def _prepare(self) -> Standing:
        context = self.context
        capabilities = context.warehouse.capabilities
        return context.state.prepare(self.session, self.model.relation, capabilities, context.run, context.now())

    def _leave_out(self) -> Unchanged | None:
        """Do not even build the table, if nothing that its rows come from has changed."""
        with self.context.cancellation.watch(self.session, None):
            return self.context.retries.run(self._confirm_untouched, self.context.sleep)

    @property
    def _reason(self) -> Reason | None:
        """Why the table is built, where no person has asked for it."""
        reasons = self.context.run.reasons
        return None if reasons is None else reasons.reason(self.asked.relation)

    def _confirm_untouched(self) -> Unchanged | None:
        found = find_untouched(self.model, self._reason, self.standing, self.session, self.context)
        if found is None:
            return None
        record = confirmed(found, self.model, self.context.run, self.started_at)
        columns = fetch_columns(self.model, self.model.relation, self.session, self.context)
        return self._unchanged(record, columns) if self.snapshots.confirm(record) else None

    def _make_plan(self) -> Plan:
        may_be_skipped = self._reason is not None and self._reason.may_be_skipped
        around = (self.standing, self.backup, self.session, self.context)
        return make_plan(self.model, self.piece, *around, may_be_skipped=may_be_skipped)

    def _stay(self) -> Unchanged | None:
        """Leave the table alone where there is nothing to load; None where there is, or somebody else was quicker."""
        while self.plan.batch is not None and self.plan.batch.is_idle and self.standing.record is not None:
            record = confirmed(self.standing.record, self.model, self.context.run, self.started_at)
            if self.snapshots.confirm(record):
                return self._unchanged(
                    record, fetch_columns(self.model, self.model.relation, self.session, self.context)
                )
            self._look_again()
            self.plan = self._make_plan()
        return None

    def _write(self) -> Written | Unchanged:
        """Write what is to be published, if there is anything."""
        context = self.context
        self.plan = context.retries.run(self._make_plan, context.sleep)
        idle = context.retries.run(self._stay, context.sleep)
        if idle is not None:
            return idle
        plan = self.plan
        # Before the query reads, so that what is published meanwhile is not taken for what it has read.
        self.inputs = None if plan.is_partial else find_inputs(self.model, context)
        parts = PartsOf(plan.queries, plan.ranges, plan.column if plan.ranges else None, plan.batch)
        inside = (self._note_printed, self.stopwatch)
        written = write(self.model, parts, self.intermediate, self.session, context, *inside)
        if plan.is_partial:
            # The empty table in whose place the query may have read; it has done so.
            drop = statements.drop_table(self.backup, if_exists=True)
            context.retries.run(lambda: self.session.execute(drop.copy()), context.sleep)
        if plan.key:
            written = keep_one_of_each(self.model, plan, written, self.backup, self.session, context)
        if plan.ranges:
            self.partitions = context.retries.run(
                lambda: self._publisher(written).count(self.intermediate), context.sleep
            )
        return written

    def _note_printed(self, printed: Printed) -> None:
        self.printed += (printed,)

    def _publisher(self, written: Written) -> Publisher:
        return Publisher(self.model, self.plan, written, self.backup, self.session, self.context, self.snapshots)

    def _audit(self, written: Written) -> Checked:
        """Run the checks; what holds is told apart from other rows by its data version."""
        context, started_at = self.context, self.context.now()
        with whole_result(self.model, self.plan, written, self.session, context) as result:
            subject = subject_of(self.model, self.plan, self.standing, written, result, self.session, context)
            columns = written.types if self._is_compared else None
            found = scan(self.model, subject, self.session, context, columns=columns)
            self.results = tuple(run_checks(self.model, subject, found, self.session, context))
        checked = Checked(self.model.relation, self.results, context.seconds_since(started_at))
        if self._is_compared and not checked.is_blocked:
            with self.stopwatch.measure(Work.FINGERPRINT):
                self.data_version = fetch_data_version(written, found.fingerprint, self.session, context)
        return checked

    @property
    def _is_compared(self) -> bool:
        """Whether what was written may be the same as what is published."""
        if self.plan.is_partial or self.plan.is_view:
            return False
        return self.model.settings.skip_unchanged and self.context.warehouse.capabilities.has_fingerprints

    def _confirm(self, written: Written) -> Unchanged | None:
        """Leave the published rows where they are, if those that were written are the same.

        Raises:
            WarehouseError: The engine refused; everything is as it was.
        """
        built = Built(self.model, self.plan, written, self.data_version)
        found = self.context.retries.run(
            lambda: find_same_rows(built, self.standing, self.session, self.context), self.context.sleep
        )
        if found is None:
            return None
        of_rows = {"published_at": found.published_at, "commit": found.commit, "has_edits": found.has_edits}
        counts = {"rows": found.rows, "size": found.size}
        record = replace(self._record(written), relation=found.relation, **counts, **of_rows)

        def confirm() -> bool:
            with self.session.transaction(self.model.relation):
                is_ours = self.snapshots.confirm_in_transaction(record)
                if is_ours:
                    confirm_partitions(self.model, record, self.partitions, self.context.now(), self.session)
                    if self.plan.batch is not None:
                        write_journal(self.session, record, self.plan.batch.notes, record)
                    self.session.execute(drop_of(self.intermediate, self._kind))
            return is_ours

        if self.context.retries.run(confirm, self.context.sleep):
            return self._unchanged(record, written.columns, written.statement, written.left_out)
        # Another run was quicker, so the rows that were compared are not those that are published.
        self._look_again()
        return None

    def _unchanged(
        self,
        record: Record,
        columns: tuple[Column, ...],
        statement: str | None = None,
        left_out: LeftOut | None = None,
    ) -> Unchanged:
        context = self.context
        is_partitioned = self.model.settings.partition_by is not None
        context.state.published(record, context.warehouse.capabilities, is_partitioned=is_partitioned)
        return Unchanged(
            self.model.relation,
            sum(each.rows for each in self.partitions) if self.partitions else record.rows,
            columns,
            self.started_at,
            context.seconds_since(self.started_at),
            record.data_version,
            statement,
            saved_seconds=record.mean_seconds if statement is None else None,
            snapshot=self.snapshots.taken,
            partitions=self.partitions,
            left_out=left_out,
            published_at=record.published_at,
            usage=fetch_usage(self.session, context.prices),
        )

    def _publish(self, written: Written) -> Published:
        """Swap, again where another run was quicker.

        Raises:
            WarehouseError: The engine refused; everything is as it was.
        """
        context = self.context
        try:
            record = context.retries.run(lambda: self._swap(written), context.sleep)
        except TerminalWarehouseError:
            before = self.standing
            self._look_again()
            if self.standing.in_place == before.in_place:
                raise
            if before.in_place is None and self.plan.batch is not None:
                # What another run has loaded is not what this one has looked for.
                raise MaterializeError(failures.published_meanwhile(str(self.model.relation))) from None
            if before.in_place is None and not self.plan.is_aside:
                # Another run has made the table, and its rows are to stay.
                self.plan = replace(self.plan, way=self.plan.later)
            record = context.retries.run(lambda: self._swap(written), context.sleep)
        is_partitioned = self.model.settings.partition_by is not None
        context.state.published(record, context.warehouse.capabilities, is_partitioned=is_partitioned)
        return Published(
            self.model.relation,
            written.rows,
            written.columns,
            written.statement,
            self.started_at,
            (record.published_at - self.started_at).total_seconds(),
            self.data_version,
            self.partitions,
            snapshot=self.snapshots.taken,
            left_out=written.left_out,
            published_at=record.published_at,
            usage=fetch_usage(self.session, context.prices),
        )

    def _look_again(self) -> None:
        context = self.context
        self.standing = context.state.refresh(self.session, self.model.relation, context.warehouse.capabilities)
        refuse_foreign(self.model, self.standing, self.context)

    def _swap(self, written: Written) -> Record:
        publisher = self._publisher(written)
        record = replace(self._record(written), size=self._size(written))
        record, self.partitions = publisher.publish(self.standing, record, self.partitions)
        return record

    def _record(self, written: Written) -> Record:
        record = replace(
            new_record(self.model, self.context, self.started_at),
            rows=written.rows,
            data_version=self.data_version,
            inputs=self.inputs,
            granted=self.grants.noted(self.standing.record),
        )
        return record if self.standing.record is None else self.standing.record.with_build(record)

    def _size(self, written: Written) -> int | None:
        """About how many bytes the table has afterwards: what is merged, or replaced in part, may have fewer."""
        costs = self.session.costs
        if costs is None or written.size is None or self.plan.way is Way.SWAP:
            return written.size
        return written.size + (costs.fetch_size(self.model.relation) or 0)

    def _drop_intermediate(self) -> None:
        # The next run sweeps what cannot be dropped now; what stopped this one is the news.
        with suppress(WarehouseError):
            if is_built_in_parts(self.model):
                drop_result(self.model, self.session, self.context)
            self.session.execute(drop_of(self.intermediate, self._kind))
            if is_built_in_parts(self.model):
                self.session.execute(statements.drop_table(self.backup, if_exists=True))
