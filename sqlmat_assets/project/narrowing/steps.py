"""Functions of a moment that keep the order: which moments they take into a range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from sqlmat_assets.project.narrowing.kinds import Kind, kind_of
from sqlmat_assets.project.partitions.grains import Grain
from sqlmat_assets.project.partitions.ranges import TimeRange

_UNIT_LENGTHS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_LENGTHS = {**_UNIT_LENGTHS, **{f"{unit}s": length for unit, length in _UNIT_LENGTHS.items()}}
_TRUNCATIONS = (exp.TimestampTrunc, exp.DateTrunc, exp.DatetimeTrunc)
_QUARTER = 3


class Step(Protocol):
    """One function, from the inside of an expression to its outside."""

    def result(self, kind: Kind, dialect: str) -> Kind | None:
        """What it gives back; None where it may not keep the order."""
        ...

    def before(self, range_: TimeRange) -> TimeRange:
        """The moments that it takes into a range."""
        ...


@dataclass(frozen=True, slots=True)
class Floor:
    """`date_trunc('month', x)`, and a cast to a date, which is one to the day."""

    unit: str
    to: Kind | None = None

    def result(self, kind: Kind, dialect: str) -> Kind | None:
        if self.to is not None:
            return self.to
        if kind is Kind.DATE:
            # PostgreSQL takes the date for midnight in the session's zone.
            return {"postgres": Kind.ZONED, "bigquery": Kind.DATE}.get(dialect, Kind.TIMESTAMP)
        return kind

    def before(self, range_: TimeRange) -> TimeRange:
        """A moment is cut off to `start` or later exactly when it is not before the next whole unit."""
        return TimeRange(self._ceil(range_.start), self._ceil(range_.end))

    def _ceil(self, moment: datetime) -> datetime:
        floor = floor_to(self.unit, moment)
        return floor if floor == moment else _next(self.unit, floor)


@dataclass(frozen=True, slots=True)
class Keep:
    """A cast that changes no moment."""

    to: Kind

    def result(self, kind: Kind, dialect: str) -> Kind | None:  # noqa: ARG002 - alike in all dialects
        # To and from a zone the hour changes with the zone.
        return self.to if (kind is Kind.ZONED) == (self.to is Kind.ZONED) else None

    def before(self, range_: TimeRange) -> TimeRange:
        return range_


@dataclass(frozen=True, slots=True)
class Shift:
    """`x + INTERVAL 7 DAY`."""

    by: timedelta

    def result(self, kind: Kind, dialect: str) -> Kind | None:
        if dialect == "bigquery" or kind is Kind.ZONED:
            return None
        return Kind.TIMESTAMP

    def before(self, range_: TimeRange) -> TimeRange:
        return TimeRange(range_.start - self.by, range_.end - self.by)


def floor_to(unit: str, moment: datetime) -> datetime:
    """The beginning of the unit that a moment is in, as the engines cut it off; weeks begin on Monday."""
    if unit in set(Grain):
        return Grain(unit).floor(moment)
    match unit:
        case "year":
            return Grain.MONTH.floor(moment).replace(month=1)
        case "quarter":
            month = Grain.MONTH.floor(moment)
            return month.replace(month=(month.month - 1) // _QUARTER * _QUARTER + 1)
        case "minute":
            return moment.replace(second=0, microsecond=0)
        case "second":
            return moment.replace(microsecond=0)
        case _:
            raise ValueError(unit)


def _next(unit: str, floor: datetime) -> datetime:
    if unit in ("year", "quarter"):
        return Grain.MONTH.step(floor, 12 if unit == "year" else _QUARTER)
    return Grain.MONTH.step(floor) if unit == "month" else floor + _LENGTHS[unit]


_UNITS = frozenset({"second", "minute", "hour", "day", "week", "month", "quarter", "year"})


@dataclass(frozen=True, slots=True)
class Chain:
    """An expression that is a column with steps around it.

    `nodes` are all of its expressions, the column first, the whole last; `stopped` is the first that is no step, and
    then the others are empty.
    """

    column: exp.Column | None
    steps: tuple[Step, ...] = ()
    nodes: tuple[exp.Expr, ...] = ()
    stopped: exp.Expr | None = None


def read_chain(expression: exp.Expr, dialect: str, tokens: Mapping[int, int], all_tokens: Sequence[Token]) -> Chain:
    """Take an expression apart.

    Args:
        expression: An item of a SELECT list.
        dialect: How it is written.
        tokens: The index of each token by where it starts.
        all_tokens: The tokens of the statement.
    """
    steps: list[Step] = []
    nodes: list[exp.Expr] = []
    node: exp.Expr = expression
    while not isinstance(node, exp.Column):
        if isinstance(node, (exp.Alias, exp.Paren)):
            inner, step = node.this, None
        else:
            inner, step = _step(node, dialect, tokens, all_tokens)
            if step is None:
                return Chain(None, stopped=node)
            steps.append(step)
        if not isinstance(inner, exp.Expr):
            return Chain(None, stopped=node)
        if not isinstance(node, exp.Alias):
            nodes.append(node)
        node = inner
    return Chain(node, tuple(reversed(steps)), (node, *reversed(nodes)))


def _step(
    node: exp.Expr, dialect: str, tokens: Mapping[int, int], all_tokens: Sequence[Token]
) -> tuple[object, Step | None]:
    if isinstance(node, (exp.Cast, exp.TryCast)):
        return node.this, _cast(node, dialect)
    if isinstance(node, exp.Date):
        is_plain = not any(value for key, value in node.args.items() if key != "this")
        return node.this, Floor("day", Kind.DATE) if is_plain else None
    if isinstance(node, _TRUNCATIONS):
        return node.this, _truncation(node, dialect, tokens, all_tokens)
    if isinstance(node, (exp.Add, exp.Sub)) and isinstance(node.expression, exp.Interval):
        return node.this, _shift(node)
    return None, None


def _cast(node: exp.Expr, dialect: str) -> Step | None:
    if any(node.args.get(key) for key in ("format", "default", "action")):
        return None
    to = node.args.get("to")
    if not isinstance(to, exp.DataType) or to.expressions:
        return None
    kind = kind_of(to.sql(dialect), dialect)
    if kind is Kind.DATE:
        return Floor("day", Kind.DATE)
    return None if kind is None else Keep(kind)


def _truncation(node: exp.Expr, dialect: str, tokens: Mapping[int, int], all_tokens: Sequence[Token]) -> Step | None:
    unit = node.args.get("unit")
    if node.args.get("zone") or not isinstance(unit, exp.Expr):
        return None
    name = unit.name.lower()
    if dialect == "bigquery":
        # Its weeks begin on Sunday, if they are not told otherwise.
        name = {"isoweek": "week", "week": "", "monday": "week" if isinstance(unit, exp.WeekStart) else ""}.get(
            name, name
        )
    elif not _is_plain_call(node, tokens, all_tokens):
        return None
    return Floor(name) if name in _UNITS else None


def _is_plain_call(node: exp.Expr, tokens: Mapping[int, int], all_tokens: Sequence[Token]) -> bool:
    """Whether two arguments are written, the first as text: the tree forgets a zone, and takes a column for a unit."""
    start = node.meta.get("start")
    at = tokens.get(start) if isinstance(start, int) else None
    if at is None or len(all_tokens) <= at + 3:
        return False
    kinds = [token.token_type for token in all_tokens[at + 1 : at + 4]]
    if kinds != [TokenType.L_PAREN, TokenType.STRING, TokenType.COMMA]:
        return False
    depth, commas = 0, 0
    for token in all_tokens[at + 1 :]:
        depth += (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)
        commas += depth == 1 and token.token_type is TokenType.COMMA
        if not depth:
            break
    return commas == 1


def _shift(node: exp.Expr) -> Shift | None:
    by = read_interval(node.args.get("expression"))
    if by is None:
        return None
    return Shift(-by if isinstance(node, exp.Sub) else by)


def read_interval(node: object) -> timedelta | None:
    """Read `INTERVAL 7 DAY`; None for what has no fixed length, like a month."""
    if not isinstance(node, exp.Interval) or not isinstance(node.this, exp.Literal):
        return None
    length = _LENGTHS.get(node.text("unit").lower())
    count = node.this.name
    if length is None or not count.isdecimal() or len(count) > 6:  # longer ones leave the calendar
        return None
    return int(count) * length


def result_kind(steps: Sequence[Step], kind: Kind, dialect: str, *, is_utc: bool) -> Kind | None:
    """What comes out of the steps; None where one may not keep the order of what goes into it.

    Args:
        steps: From the inside to the outside.
        kind: What goes in.
        dialect: How the engine types them.
        is_utc: Whether the session's time zone is UTC, in which nothing shifts.
    """
    current = kind
    for step in steps:
        after = step.result(current, dialect)
        if after is None and is_utc and isinstance(step, Keep):
            after = step.to
        if after is None or (Kind.ZONED in (current, after) and not is_utc):
            return None
        current = after
    return current


def before_all(steps: Sequence[Step], range_: TimeRange) -> TimeRange | None:
    """The moments that the steps take into a range; None where that is outside of the calendar."""
    try:
        for step in reversed(steps):
            range_ = step.before(range_)
    except (OverflowError, ValueError):
        return None
    return range_
