"""Running the checks of a table, on what is about to be published or on what is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlmat_assets.errors import TransientWarehouseError, WarehouseError, failures
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Checked, CheckResult, Sample
from sqlmat_assets.execution.one_scan import Scan, scan
from sqlmat_assets.execution.records import by_key, find_records, key_of
from sqlmat_assets.execution.rules import Subject, run_rule, sample_of
from sqlmat_assets.execution.speaking import say, speaking
from sqlmat_assets.execution.write import told_in_file
from sqlmat_assets.project.model import CheckQuery, CheckSpec, Model
from sqlmat_assets.project.rewrite import rewrite
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import check_statements
from sqlmat_assets.warehouses.base import ResultColumn, Rows, Session, Statement


def audit_published(model: Model, context: Context, only: Collection[str] | None = None) -> Checked:
    """Run the checks of a table on its published rows.

    Args:
        model: The table.
        context: Where it is.
        only: The names of the checks to run; None for all.

    Raises:
        WarehouseError: The warehouse cannot be reached.
        CancelledError: The end of the run was asked for.
    """
    started_at = context.now()
    cancellation = context.cancellation
    with (
        context.warehouse.open_session(cancellation.pause) as session,
        cancellation.watch(session, None),
        speaking(session, context),
    ):
        placed = _place(model, session, context)
        subject = Subject(placed.relation)
        found = scan(placed, subject, session, context, only)
        results = tuple(run_checks(placed, subject, found, session, context, only))
    return Checked(model.relation, results, context.seconds_since(started_at))


def _place(model: Model, session: Session, context: Context) -> Model:
    """The table as it is in the environment, if there is one; asked without writing anything."""
    if context.environment is None:
        return model
    found = find_records(session)
    records = by_key(found, context.warehouse.capabilities)

    def is_built(relation: Relation) -> bool:
        return key_of(relation, context.warehouse.capabilities) in records

    return context.environment.place(model, is_built, context.names)


def run_checks(
    model: Model, subject: Subject, found: Scan, session: Session, context: Context, only: Collection[str] | None = None
) -> Iterator[CheckResult]:
    """Run the checks of a table, those of its file first; a check that the engine refuses has failed.

    Args:
        model: The table.
        subject: What is checked.
        found: What is known of it already.
        session: Where it is.
        context: The run.
        only: The names of the checks to run; None for all.
    """
    for query in model.checks:
        specs = [spec for spec in query.specs if only is None or spec.name in only]
        if specs:
            yield from _run_query(model, query, specs, subject, found, session, context)
    for rule in model.rules:
        if only is None or rule.spec.name in only:
            nulls = found.nulls.get(rule.spec.name)
            yield run_rule(rule, subject, None if nulls is None else (found.rows, nulls), session, context)


def _run_query(
    model: Model,
    query: CheckQuery,
    specs: Sequence[CheckSpec],
    subject: Subject,
    found: Scan,
    session: Session,
    context: Context,
) -> Iterator[CheckResult]:
    started_at = context.now()
    looked_at = subject.whole if query.on_result else subject.relation

    def evaluation() -> _Evaluation:
        is_moved = looked_at != model.relation
        sql = rewrite(query.sql, context.names, {model.relation: looked_at}) if is_moved else query.sql
        return _Evaluation(query, sql, say(sql, context), session, context)

    held = [found.held[spec.name] for spec in specs if spec.name in found.held]
    if len(held) == len(specs):
        outcomes = [_Outcome(rows) for rows in held]
        seconds = found.seconds
    else:
        titles = [spec.title for spec in query.specs]
        outcomes = evaluation().outcomes(specs, titles)
        seconds = context.seconds_since(started_at)
    for spec, outcome in zip(specs, outcomes, strict=True):
        yield CheckResult(
            name=spec.name,
            passed=not outcome.message,
            is_blocking=spec.is_blocking,
            rows=outcome.rows,
            failed_rows=outcome.failed_rows,
            message=outcome.message,
            sql=query.sql,
            sent=say(query.sql, context) if context.is_transpiled else None,
            seconds=seconds,
            sample=evaluation().sample(spec.title) if outcome.has_sample else None,
        )


@dataclass(frozen=True, slots=True)
class _Outcome:
    rows: int = 0
    failed_rows: int = 0
    message: str = ""
    has_sample: bool = False


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """One statement of checks, evaluated inside the engine: what comes back is counts and a few rows.

    `written` is the SQL of `query`, with what it looks at in the place of the table, and `sql` the same as it is sent.
    """

    query: CheckQuery
    written: str
    sql: str
    session: Session
    context: Context

    def outcomes(self, specs: Sequence[CheckSpec], titles: Sequence[str]) -> list[_Outcome]:
        """One outcome per check; `titles` are the columns that the statement ought to have, in order."""
        wanted = [spec.title for spec in specs]
        try:
            return self._count(wanted)
        except TransientWarehouseError:
            raise
        except WarehouseError:
            return self._one_by_one(wanted, titles)

    def _one_by_one(self, wanted: Sequence[str], titles: Sequence[str]) -> list[_Outcome]:
        """Find out which check the engine refuses, and why."""
        try:
            columns = self._fetch(check_statements.no_rows_of(self.sql)).columns
        except TransientWarehouseError:
            raise
        except WarehouseError as error:
            return [_Outcome(message=self._told(error))] * len(wanted)
        return [self._count_one(title, _column_of(title, titles, columns)) for title in wanted]

    def _count_one(self, title: str, column: ResultColumn | None) -> _Outcome:
        if column is None:
            return _Outcome(message=failures.check_has_no_column(title))
        if not column.is_boolean:
            return _Outcome(message=failures.check_is_not_boolean(column.type))
        try:
            return self._count([column.name])[0]
        except TransientWarehouseError:
            raise
        except WarehouseError as error:
            return _Outcome(message=self._told(error))

    def _told(self, error: WarehouseError) -> str:
        return told_in_file(error, self.written, self.query.specs[0].path, self.query.line, self.context)

    def _count(self, titles: Sequence[str]) -> list[_Outcome]:
        found = self._fetch(check_statements.count_outcomes(self.sql, titles))
        rows, *counts = found.rows[0]
        outcomes: list[_Outcome] = []
        for number in range(len(titles)):
            known, held, _ = counts[3 * number : 3 * number + 3]
            column = found.columns[1 + 3 * number + 2]
            outcomes.append(_judge(int(rows), int(known), int(held), column))
        return outcomes

    def sample(self, title: str) -> Sample | None:
        """Up to 20 rows that do not hold, with the columns of the row itself where the check is about single rows."""
        behind = check_statements.sample_rows_behind(self.sql, title, self.context.spoken)
        for query in (behind, check_statements.sample_offending(self.sql, title)):
            if query is None:
                continue
            try:
                return sample_of(self._fetch(query))
            except WarehouseError:
                # The sample is a courtesy; that the check failed is known already.
                continue
        return None

    def _fetch(self, query: Statement) -> Rows:
        return self.context.retries.run(lambda: self.session.fetch_rows(query), self.context.sleep)


def _column_of(title: str, titles: Sequence[str], columns: Sequence[ResultColumn]) -> ResultColumn | None:
    """The column of a check: by its place, for an engine may spell the name otherwise; else by its name."""
    if len(columns) == len(titles):
        return columns[titles.index(title)]
    return next((column for column in columns if column.name.lower() == title.lower()), None)


def _judge(rows: int, known: int, held: int, column: ResultColumn) -> _Outcome:
    if rows == 0:
        return _Outcome(message=failures.check_has_no_rows())
    if not column.is_boolean:
        return _Outcome(rows, rows, failures.check_is_not_boolean(column.type))
    if held == rows:
        return _Outcome(rows)
    return _Outcome(rows, rows - held, failures.check_is_false(known - held, rows - known, rows), has_sample=True)
