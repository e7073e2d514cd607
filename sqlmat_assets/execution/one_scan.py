"""What one scan of a table can tell: the counts of all checks that ask nothing else, and the fingerprint."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from sqlmat_assets.errors import TransientWarehouseError, WarehouseError
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.rules import Subject
from sqlmat_assets.execution.speaking import say_value
from sqlmat_assets.project.model import CheckValue, Model, RuleKind
from sqlmat_assets.warehouses import check_statements
from sqlmat_assets.warehouses.base import ResultColumn, Rows, Session

Columns = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found, by the names of checks; a check that is not here is asked for by itself.

    `held` has the checks that hold, each with the rows that say so. `rows` are those of the table, and `nulls` has for
    each `not_null` those in which its column is NULL.
    """

    rows: int = 0
    held: dict[str, int] = field(default_factory=dict[str, int])
    nulls: dict[str, int] = field(default_factory=dict[str, int])
    seconds: float = 0.0
    fingerprint: str | None = None


def scan(
    model: Model,
    subject: Subject,
    session: Session,
    context: Context,
    only: Collection[str] | None = None,
    columns: Columns | None = None,
) -> Scan:
    """Ask for everything that one scan can tell; nothing is known where the engine refuses it.

    Args:
        model: The table.
        subject: What is checked.
        session: Where it is.
        context: The run.
        only: The names of the checks that are of interest; None for all.
        columns: Those of the table, where its fingerprint is asked for.
    """
    asked = list(_values(model, subject, only))
    nulls = [
        (rule.spec.name, rule.columns[0])
        for rule in model.rules
        if rule.kind is RuleKind.NOT_NULL and (only is None or rule.spec.name in only)
    ]
    if not asked and not nulls:
        return Scan()
    started_at = context.now()
    values = [(say_value(value.sql, context), value.is_aggregate) for _, value in asked]

    def fetch() -> tuple[Rows, str | None]:
        query = check_statements.count_in_one_scan(subject.relation, values, [name for _, name in nulls])
        return (session.fetch_rows(query), None) if columns is None else session.fetch_with_fingerprint(query, columns)

    try:
        found, fingerprint = context.retries.run(fetch, context.sleep)
    except TransientWarehouseError:
        raise
    except WarehouseError:
        # One of them is wrong. Asked one by one, it is known which, and the others have their answers.
        return Scan()
    answers = iter(zip(found.rows[0], found.columns, strict=True))
    rows = int(next(answers)[0])
    told = {name: _rows_that_hold(value, rows, answers) for name, value in asked}
    return Scan(
        rows=rows,
        held={name: held for name, held in told.items() if held},
        nulls={name: int(next(answers)[0]) for name, _ in nulls},
        seconds=context.seconds_since(started_at),
        fingerprint=fingerprint,
    )


def _values(model: Model, subject: Subject, only: Collection[str] | None) -> Iterator[tuple[str, CheckValue]]:
    for query in model.checks:
        if query.on_result and subject.whole != subject.relation:
            continue
        if len(query.values) == len(query.specs):
            for spec, value in zip(query.specs, query.values, strict=True):
                if only is None or spec.name in only:
                    yield spec.name, value


def _rows_that_hold(value: CheckValue, rows: int, answers: Iterator[tuple[object, ResultColumn]]) -> int:
    """How many rows say that a check holds, if all do; else 0."""
    if value.is_aggregate:
        told, column = next(answers)
        return int(told is True and column.is_boolean)
    (held, _), (_, column) = next(answers), next(answers)
    return rows if held == rows and column.is_boolean else 0
