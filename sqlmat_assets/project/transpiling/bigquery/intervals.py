"""`INTERVAL 3 DAY` as an argument."""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery.numbers import plain
from sqlmat_assets.project.transpiling.bigquery.translator import Translator, brackets, call, cast, number

# DuckDB's function, and how many of its units the part has.
_MAKERS = {
    "MICROSECOND": ("TO_MICROSECONDS", 1),
    "MILLISECOND": ("TO_MICROSECONDS", 1000),
    "SECOND": ("TO_MICROSECONDS", 1_000_000),
    "MINUTE": ("TO_MINUTES", 1),
    "HOUR": ("TO_HOURS", 1),
    "DAY": ("TO_DAYS", 1),
    "WEEK": ("TO_DAYS", 7),
    "MONTH": ("TO_MONTHS", 1),
    "QUARTER": ("TO_MONTHS", 3),
    "YEAR": ("TO_MONTHS", 12),
}
SPANS = frozenset(_MAKERS)
DATE_SPANS = frozenset({"DAY", "WEEK", "MONTH", "QUARTER", "YEAR"})
TIME_SPANS = SPANS - {"WEEK", "MONTH", "QUARTER", "YEAR"}
_WIDE = ("TO_MICROSECONDS", "TO_MINUTES", "TO_HOURS")


def say_span(t: Translator, node: exp.Expr, known: Collection[str], *, is_negative: bool = False) -> exp.Expr | None:
    """An interval in DuckDB's SQL; None where it is none of the known parts.

    Args:
        t: Who says it.
        node: The interval.
        known: The parts that may be.
        is_negative: Whether to take it the other way.
    """
    if not isinstance(node, exp.Interval) or not isinstance(node.args.get("unit"), exp.Var):
        return None
    part = node.args["unit"].name.upper().removesuffix("S")
    if part not in known:
        return None
    name, units = _MAKERS[part]
    value = node.this
    if isinstance(value, exp.Literal):
        # sqlglot makes a string of a number here.
        if not value.name.removeprefix("-").isdecimal():
            return None
        return call(name, number(int(value.name) * units * (-1 if is_negative else 1)))
    tree = plain(t.say(value))
    if units > 1:
        tree = exp.Mul(this=brackets(tree), expression=number(units))
    if is_negative:
        tree = exp.Neg(this=brackets(tree))
    return call(name, cast(tree, "BIGINT" if name in _WIDE else "INTEGER"))
