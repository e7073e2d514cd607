"""What is asked of a column, and how it is written in SQL."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlglot import exp

from sqlmat_assets.project.narrowing.kinds import Kind
from sqlmat_assets.project.partitions.ranges import ListRange, Range, TimeRange

_DAY = timedelta(days=1)


def hull(one: Range, other: Range) -> Range | None:
    """A demand that both imply; None where there is no simple one."""
    if isinstance(one, TimeRange) and isinstance(other, TimeRange):
        return one.hull(other)
    return one if one == other else None


def predicate(column: exp.Expr, demand: Range, kind: Kind | None, dialect: str) -> exp.Expr:
    """Say in SQL that a column is inside.

    Args:
        column: As it is called where the predicate will stand.
        demand: The range or the values.
        kind: What the column holds; None where that is not known.
        dialect: duckdb, postgres, redshift or bigquery.
    """
    if isinstance(demand, ListRange):
        return column.isin(*(_value(value) for value in demand.values), copy=False)
    start, end = demand.start, demand.end
    if kind is Kind.DATE:
        start, end = _next_day(start), _next_day(end)
    return exp.and_(
        exp.GTE(this=column.copy(), expression=moment(start, kind, dialect)),
        exp.LT(this=column, expression=moment(end, kind, dialect)),
        copy=False,
    )


def moment(at: datetime, kind: Kind | None, dialect: str) -> exp.Expr:
    """A moment as a literal.

    Where the kind of the column is not known it is a date if it can be one: engines compare dates with everything that
    is a moment. BigQuery compares only what is alike, but takes any text for what it is compared with.
    """
    is_midnight = at.time() == datetime.min.time()
    day, plain = at.date().isoformat(), at.replace(tzinfo=None).isoformat(" ")
    if kind is None and dialect == "bigquery":
        return exp.Literal.string(day if is_midnight else plain)
    if kind is Kind.DATE or (kind is None and is_midnight):
        return exp.cast(exp.Literal.string(day), exp.DType.DATE)
    if kind is Kind.ZONED:
        return exp.cast(exp.Literal.string(f"{plain}+00"), exp.DType.TIMESTAMPTZ)
    return exp.cast(exp.Literal.string(plain), exp.DType.DATETIME if dialect == "bigquery" else exp.DType.TIMESTAMP)


def _next_day(at: datetime) -> datetime:
    """The first midnight from a moment on; dates are compared with it as with the moment."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == at else midnight + _DAY


def _value(value: str | int) -> exp.Expr:
    return exp.Literal.string(value) if isinstance(value, str) else exp.Literal.number(value)
