"""The ready-made checks, which a setting adds to a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlmat_assets.errors import TransientWarehouseError, WarehouseError, failures
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import CheckResult, Sample
from sqlmat_assets.project.model import CheckRule, RuleKind
from sqlmat_assets.project.settings import nearest
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import check_statements, statements
from sqlmat_assets.warehouses.base import Rows, Session, Statement


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked: the table `relation`, with so many `rows` where that is known.

    `published` is the table that it would replace, if there is one. Where only a part is written, `result` is what has
    the rows of the table as they would be; and where that part takes the place of another, `rows_before` are its rows.
    """

    relation: Relation
    rows: int | None = None
    published: Relation | None = None
    result: Relation | None = None
    rows_before: int | None = None

    @property
    def whole(self) -> Relation:
        """What has the rows of the table as they would be."""
        return self.relation if self.result is None else self.result


@dataclass(frozen=True, slots=True)
class _Verdict:
    rows: int
    failed_rows: int
    message: str
    statement: Statement
    offending: Statement | None = None


def run_rule(
    rule: CheckRule, subject: Subject, nulls: tuple[int, int] | None, session: Session, context: Context
) -> CheckResult:
    """Run a ready-made check; it has failed where the engine refuses its query.

    Args:
        rule: The check.
        subject: What is checked.
        nulls: For a `not_null`, how many rows there are and in how many its column is NULL, where that is known.
        session: Where it is.
        context: The run.
    """
    started_at = context.now()

    def fetch(query: Statement) -> Rows:
        return context.retries.run(lambda: session.fetch_rows(query), context.sleep)

    sample: Sample | None = None
    try:
        verdict = _Judge(rule, subject, nulls, fetch).judge()
        sql = verdict.statement.sql(context.warehouse.capabilities.dialect)
        if verdict.message and verdict.offending is not None:
            sample = sample_of(fetch(verdict.offending))
        rows, failed_rows, message = verdict.rows, verdict.failed_rows, verdict.message
    except TransientWarehouseError:
        raise
    except WarehouseError as error:
        message = _missing_column(rule, subject, session, context) or error.message
        rows, failed_rows, sql = 0, 0, error.statement or ""
    return CheckResult(
        name=rule.spec.name,
        passed=not message,
        is_blocking=rule.spec.is_blocking,
        rows=rows,
        failed_rows=failed_rows,
        message=message,
        sql=sql,
        seconds=context.seconds_since(started_at),
        sample=sample,
    )


def _missing_column(rule: CheckRule, subject: Subject, session: Session, context: Context) -> str | None:
    """Which column of a rule the table does not have, if that is why the engine refuses its query."""
    try:
        columns = [name for name, _ in session.fetch_columns(subject.whole)]
    except WarehouseError:
        return None
    fold = context.warehouse.capabilities.fold_column
    known = set(map(fold, columns))
    missing = next((column for column in rule.columns if fold(column) not in known), None)
    if missing is None or not columns:
        return None
    place = (rule.spec.path, rule.spec.line)
    return failures.rule_column_missing(missing, place, columns, nearest(missing, columns))


def sample_of(found: Rows) -> Sample:
    """Rows for a person: every value as text, as SQL would write it where that is short."""
    return Sample(
        tuple(column.name for column in found.columns), tuple(tuple(_text(v) for v in row) for row in found.rows)
    )


def _text(value: object) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


@dataclass(frozen=True, slots=True)
class _Judge:
    rule: CheckRule
    subject: Subject
    nulls: tuple[int, int] | None
    fetch: Callable[[Statement], Rows]

    def judge(self) -> _Verdict:
        match self.rule.kind:
            case RuleKind.UNIQUE:
                return self._unique()
            case RuleKind.NOT_NULL:
                return self._not_null()
            case RuleKind.MIN_ROWS:
                return self._min_rows()
            case RuleKind.MAX_ROW_CHANGE:
                return self._max_row_change()

    def _unique(self) -> _Verdict:
        relation, columns = self.subject.whole, self.rule.columns
        statement = check_statements.count_repeats(relation, columns)
        values, failed_rows = (int(value) for value in self.fetch(statement).rows[0])
        message = failures.values_repeat(columns, values, failed_rows) if values else ""
        offending = check_statements.sample_repeats(relation, columns)
        return _Verdict(self._rows(), failed_rows, message, statement, offending)

    def _not_null(self) -> _Verdict:
        relation, name = self.subject.relation, self.rule.columns[0]
        statement = check_statements.count_nulls(relation, name)
        rows, nulls = self.nulls or (int(value) for value in self.fetch(statement).rows[0])
        message = failures.value_is_null(name, nulls, rows) if nulls else ""
        return _Verdict(rows, nulls, message, statement, check_statements.sample_nulls(relation, name))

    def _min_rows(self) -> _Verdict:
        rows, limit = self._rows(), int(self.rule.limit)
        message = failures.too_few_rows(rows, limit) if rows < limit else ""
        return _Verdict(rows, 0, message, statements.count_rows(self.subject.relation))

    def _max_row_change(self) -> _Verdict:
        subject, limit = self.subject, self.rule.limit
        statement = statements.count_rows(subject.published or subject.relation)
        if subject.published is None:
            return _Verdict(self._rows(), 0, "", statement)
        if subject.rows_before is not None:
            rows, before = self._rows(), subject.rows_before
        else:
            rows = self._rows() if subject.whole == subject.relation else self._count(subject.whole)
            before = self._count(subject.published)
        # A range that had no rows yet is new, and no change.
        is_new = before == 0 and subject.rows_before is not None
        is_too_much = not is_new and abs(rows - before) > limit * before
        message = failures.rows_changed_too_much(before, rows, limit) if is_too_much else ""
        return _Verdict(rows, 0, message, statement)

    def _rows(self) -> int:
        return self._count(self.subject.relation) if self.subject.rows is None else self.subject.rows

    def _count(self, relation: Relation) -> int:
        return int(self.fetch(statements.count_rows(relation)).rows[0][0])
