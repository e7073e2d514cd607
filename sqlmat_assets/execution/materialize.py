"""Write a table aside, check it, and put it in the place of the published one."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmat_assets.errors import MaterializeError, TerminalWarehouseError, WarehouseError, failures
from sqlmat_assets.execution.audit import run_checks
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Checked, CheckResult, Discarded, Event, Published, Started, Written
from sqlmat_assets.execution.names import backup_of, intermediate_of
from sqlmat_assets.execution.rules import Subject
from sqlmat_assets.execution.state import Record, Standing, is_reserved, write_record
from sqlmat_assets.execution.write import write
from sqlmat_assets.project.model import Model
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Session

# Durations vary, so a limit learned from fewer builds would cancel healthy ones.
_BUILDS_BEFORE_LIMIT = 5
_LIMIT_IN_MEANS = 5
_LEAST_LEARNED_LIMIT = timedelta(minutes=1)


def materialize(model: Model, context: Context) -> Generator[Event]:
    """Build one table: write, audit, publish.

    What the engine, a check, a time limit or a cancellation stops ends in `Discarded`, whose error says what the
    target holds now. Closing the generator, or an exception in the thread that runs it, drops what was written.

    Args:
        model: The table.
        context: The run.

    Yields:
        `Started`, `Written`, `Checked`, then `Published` or `Discarded`; `Discarded` may come at any point.
    """
    started_at = context.now()
    yield Started(model.relation)
    untouched = failures.holds_now(str(model.relation), is_built=None)
    message = _refusal(model, context, untouched)
    if message is not None:
        yield Discarded(model.relation, MaterializeError(message), (), context.seconds_since(started_at))
        return
    try:
        context.cancellation.check()
        with (
            context.warehouse.open_session(context.cancellation.pause) as session,
            context.state.heartbeat.beating(context.renew_lease),
        ):
            yield from _Materialization(model, context, session, started_at).run()
    except MaterializeError as error:
        yield Discarded(model.relation, _with_state(error, untouched), (), context.seconds_since(started_at))


def _refusal(model: Model, context: Context, untouched: str) -> str | None:
    """Why a table is not even tried."""
    if model.is_quarantined:
        problems = [problem for problem in model.problems if not problem.is_warning]
        return failures.quarantined(str(model.relation), problems, untouched)
    if is_reserved(model.relation, context.warehouse.capabilities):
        return failures.with_state(failures.reserved_name(str(model.relation)), untouched)
    return None


@dataclass(slots=True)
class _Materialization:
    """One table on its way; `standing` and `results` grow as it goes."""

    model: Model
    context: Context
    session: Session
    started_at: datetime
    intermediate: Relation = field(init=False)
    backup: Relation = field(init=False)
    standing: Standing = field(init=False)
    results: tuple[CheckResult, ...] = ()

    def __post_init__(self) -> None:
        run, capabilities = self.context.run.id, self.context.warehouse.capabilities
        self.intermediate = intermediate_of(self.model.relation, run, capabilities)
        self.backup = backup_of(self.model.relation, run, capabilities)

    def run(self) -> Generator[Event]:
        """Do all of it.

        Raises:
            MaterializeError: It failed before it was known what the target holds.
        """
        context, target = self.context, self.model.relation
        self.standing = context.retries.run(self._prepare, context.sleep)
        is_published = False
        try:
            self._refuse_foreign()
            limit = self._time_limit()
            with context.cancellation.watch(self.session, limit):
                written = write(self.model, self.intermediate, self.session, context)
            yield written
            left = None if limit is None else max(limit - (context.now() - self.started_at), timedelta())
            with context.cancellation.watch(self.session, left):
                checked = self._audit(written.rows)
            yield checked
            self._refuse_blocked(checked)
            context.cancellation.check()
            record = self._publish(written)
            is_published = True
            yield Published(
                target,
                written.rows,
                written.columns,
                written.statement,
                self.started_at,
                (record.published_at - self.started_at).total_seconds(),
            )
        except MaterializeError as error:
            if is_published:
                raise
            self._drop_intermediate()
            seconds = context.seconds_since(self.started_at)
            yield Discarded(target, _with_state(error, self._held()), self.results, seconds)
        except BaseException:
            if not is_published:
                self._drop_intermediate()
            raise

    def _prepare(self) -> Standing:
        context = self.context
        capabilities = context.warehouse.capabilities
        return context.state.prepare(self.session, self.model.relation, capabilities, context.run, context.now())

    def _audit(self, rows: int) -> Checked:
        started_at = self.context.now()
        published = None if self.standing.in_place is None else self.model.relation
        subject = Subject(self.intermediate, rows, published)
        self.results = tuple(run_checks(self.model, subject, self.session, self.context))
        return Checked(self.model.relation, self.results, self.context.seconds_since(started_at))

    def _publish(self, written: Written) -> Record:
        """Swap, again where another run was quicker.

        Raises:
            WarehouseError: The engine refused; everything is as it was.
        """
        context = self.context
        try:
            record = context.retries.run(lambda: self._swap(written), context.sleep)
        except TerminalWarehouseError:
            before = self.standing
            self.standing = context.state.refresh(self.session, self.model.relation, context.warehouse.capabilities)
            if self.standing.in_place == before.in_place:
                raise
            self._refuse_foreign()
            record = context.retries.run(lambda: self._swap(written), context.sleep)
        context.state.published(record, context.warehouse.capabilities)
        return record

    def _swap(self, written: Written) -> Record:
        previous = self.standing.record
        record = self._record(written)
        with self.session.transaction():
            self.session.swap(self.model.relation, self.intermediate, self.backup, self.standing.in_place)
            write_record(self.session, record, previous)
        return record

    def _record(self, written: Written) -> Record:
        run, published_at = self.context.run, self.context.now()
        record = Record(
            relation=self.model.relation,
            run=run.id,
            commit=run.commit,
            decided_at=run.decided_at,
            started_at=self.started_at,
            published_at=published_at,
            rows=written.rows,
            code=self.model.sql,
            builds=1,
            mean_seconds=(published_at - self.started_at).total_seconds(),
        )
        return record if self.standing.record is None else self.standing.record.with_publish(record)

    def _refuse_foreign(self) -> None:
        if self.standing.is_foreign and not self.model.settings.adopt:
            kind = self.standing.in_place or "table"
            raise MaterializeError(failures.not_ours(str(self.model.relation), kind))

    def _refuse_blocked(self, checked: Checked) -> None:
        if checked.is_blocked:
            failed = [
                (result.name, result.message) for result in checked.results if result.is_blocking and not result.passed
            ]
            raise failures.checks_failed(str(self.model.relation), failed)

    def _time_limit(self) -> timedelta | None:
        """The setting, else five times the mean of past durations; never so short that a busy minute cancels it."""
        if self.model.settings.time_limit is not None:
            return self.model.settings.time_limit
        record = self.standing.record
        if record is None or record.builds < _BUILDS_BEFORE_LIMIT:
            return None
        return max(timedelta(seconds=_LIMIT_IN_MEANS * record.mean_seconds), _LEAST_LEARNED_LIMIT)

    def _held(self) -> str:
        return failures.holds_now(str(self.model.relation), is_built=self.standing.in_place is not None)

    def _drop_intermediate(self) -> None:
        try:
            self.session.execute(statements.drop_table(self.intermediate, if_exists=True))
        except WarehouseError:
            # The next run sweeps what cannot be dropped now; what stopped this one is the news.
            return


def _with_state(error: MaterializeError, held: str) -> MaterializeError:
    """The same error, saying what the target holds now."""
    if isinstance(error, WarehouseError):
        told = type(error)(failures.engine_refused(error.message, held, error.statement), error.statement)
    else:
        told = type(error)(failures.with_state(str(error), held))
    told.__cause__ = error
    return told
