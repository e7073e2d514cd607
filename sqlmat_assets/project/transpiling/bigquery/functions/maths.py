"""Functions of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.calls import Call, function
from sqlmat_assets.project.transpiling.bigquery.numbers import NUMERIC, as_bigint, divided, is_number_literal, plain
from sqlmat_assets.project.transpiling.bigquery.translator import (
    Said,
    brackets,
    by_type,
    call,
    case,
    cast,
    fail,
    is_decimal,
    number,
    once,
    text,
    try_cast,
)
from sqlmat_assets.project.transpiling.verdicts import Verdict

_EXACT, _EMULATED = Verdict.EXACT, Verdict.EMULATED
_PAGE = pages.MATHS


@function("SAFE_DIVIDE", _EMULATED, f"{_PAGE}safe_divide", count=(2, 2))
def _safe_divide(c: Call) -> Said:
    return Said(divided(c.say(0), c.say(1), exp.null()), "FLOAT64")


@function("IEEE_DIVIDE", _EXACT, f"{_PAGE}ieee_divide", "DuckDB divides numbers with a point like this", count=(2, 2))
def _ieee_divide(c: Call) -> Said:
    return Said(exp.Div(this=cast(c.tree(0), "DOUBLE"), expression=cast(c.tree(1), "DOUBLE")), "FLOAT64")


@function("DIV", _EMULATED, f"{_PAGE}div", "by zero is an error", count=(2, 2))
def _div(c: Call) -> Said:
    return Said(_whole(c.say(0), c.say(1), exp.IntDiv), "INT64")


@function("MOD", _EMULATED, f"{_PAGE}mod", "by zero is an error", count=(2, 2))
def _mod(c: Call) -> Said:
    return Said(_whole(c.say(0), c.say(1), exp.Mod), c.say(0).kind)


def _whole(left: Said, right: Said, operator: type[exp.Binary]) -> exp.Expr:
    a, b = brackets(left.tree), brackets(plain(right))
    made = operator(this=a, expression=b)
    if isinstance(b, exp.Literal) and b.name != "0":
        return made
    return case((exp.EQ(this=b.copy(), expression=number(0)), fail("division by zero")), default=made)


@function("ROUND", _EMULATED, f"{_PAGE}round", "half away from zero; of INT64 it is FLOAT64", count=(1, 2))
def _round(c: Call) -> Said:
    return _rounded(c)


@function("TRUNC", _EMULATED, f"{_PAGE}trunc", "of INT64 it is FLOAT64")
def _trunc(c: Call) -> Said:
    return _rounded(c)


@function("CEIL, CEILING, FLOOR", _EMULATED, f"{_PAGE}ceil", "of INT64 it is FLOAT64")
def _ceil(c: Call) -> Said:
    return _rounded(c)


def _rounded(c: Call) -> Said:
    said = c.say(0)
    digits = plain(c.say(1)) if c.has(1) else None
    if digits is not None and not is_number_literal(digits):
        return c.refuse("to a number of digits that is not written out")
    rest = [] if digits is None else [digits]
    if said.kind in ("INT64", "FLOAT64"):
        return Said(_rounded_float(c.name, cast(said.tree, "DOUBLE"), digits), "FLOAT64")

    def round_any(value: exp.Expr) -> exp.Expr:
        as_numeric = try_cast(call(c.name, value.copy(), *(each.copy() for each in rest)), NUMERIC)
        return by_type(is_decimal(said.sample), as_numeric, _rounded_float(c.name, cast(value, "DOUBLE"), digits))

    return Said(once(said.tree, round_any))


def _rounded_float(name: str, tree: exp.Expr, digits: exp.Expr | None) -> exp.Expr:
    """Rounded as the number is, and not as it looks: 2.675 is a little less than that."""
    if not isinstance(digits, exp.Literal) or digits.name == "0":
        return call(name, tree) if digits is None else call(name, tree, digits)

    def round_exactly(value: exp.Expr) -> exp.Expr:
        exact = cast(call("PRINTF", text("%.25f"), value), "DECIMAL(38, 25)")
        small = exp.LT(this=call("ABS", value.copy()), expression=exp.Literal.number("1e12"))
        return case((small, cast(call(name, exact, digits), "DOUBLE")), default=call(name, value.copy(), digits.copy()))

    return once(tree, round_exactly, "number")


def _keeping(name: str, note: str = "") -> None:
    """A function that gives the type that it takes."""

    @function(name, _EXACT, f"{_PAGE}{name.lower()}", note)
    def _build(c: Call) -> Said:
        said = c.say(0)
        return Said(call(c.name, said.tree), said.kind)


_keeping("ABS")


@function("SIGN", _EMULATED, f"{_PAGE}sign", "is of the type of its argument")
def _sign(c: Call) -> Said:
    said = c.say(0)
    tree = call("SIGN", said.tree)
    known = {"INT64": "BIGINT", "FLOAT64": "DOUBLE"}
    if said.kind in known:
        return Said(cast(tree, known[said.kind]), said.kind)
    return Said(call("CAST_TO_TYPE", tree, said.tree.copy()))


_NOTE = "where there is no finite result it is an error"


# Where a function is not defined; DuckDB 1.5 says so itself, and DuckDB 2 gives what is no number.
_UNDEFINED: Mapping[str, type[exp.Binary]] = {"SQRT": exp.LT, "LN": exp.LTE, "LOG": exp.LTE, "LOG10": exp.LTE}


def finite(name: str, tree: exp.Expr, values: Sequence[exp.Expr]) -> exp.Expr:
    """A result that is an error where it is not finite although the arguments are."""
    error = fail(f"{name} has no finite result")
    if (compare := _UNDEFINED.get(name)) is not None and len(values) == 1:
        return case((compare(this=values[0].copy(), expression=number(0)), error), default=tree)
    wrong: exp.Expr = exp.Not(this=call("ISFINITE", tree.copy()))
    for value in values:
        wrong = exp.And(this=wrong, expression=call("ISFINITE", value.copy()))
    return case((wrong, error), default=tree)


def _of_floats(names: Sequence[str], count: tuple[int, int] = (1, 1)) -> None:
    for name in names:

        @function(name, _EMULATED, f"{_PAGE}{name.split(', ')[0].lower()}", _NOTE, count=count)
        def _build(c: Call) -> Said:
            to = "POW" if c.name == "POWER" else c.name
            values = [cast(c.tree(index), "DOUBLE") for index in range(c.count)]
            if c.count > 1:
                return Said(finite(c.name, call(to, *values), values), "FLOAT64")
            return Said(once(values[0], lambda value: finite(c.name, call(to, value), [value])), "FLOAT64")


_of_floats(("SQRT", "EXP", "LN", "LOG10", "SIN", "COS", "TAN", "ATAN"))
_of_floats(("POW, POWER", "ATAN2"), (2, 2))


@function("LOG", _EMULATED, f"{_PAGE}log", "of one argument it is the natural one", count=(1, 2))
def _log(c: Call) -> Said:
    value = cast(c.tree(0), "DOUBLE")
    if not c.has(1):
        return Said(once(value, lambda each: finite("LOG", call("LN", each), [each])), "FLOAT64")
    base = cast(c.tree(1), "DOUBLE")
    return Said(finite("LOG", call("LOG", base, value), [value, base]), "FLOAT64")


@function("IS_NAN, IS_INF", _EXACT, f"{_PAGE}is_nan")
def _is_nan(c: Call) -> Said:
    return Said(call("ISNAN" if c.name == "IS_NAN" else "ISINF", cast(c.tree(0), "DOUBLE")), "BOOL")


_SAFE_OPERATORS = {"SAFE_ADD": exp.Add, "SAFE_SUBTRACT": exp.Sub, "SAFE_MULTIPLY": exp.Mul}


@function(
    "SAFE_ADD, SAFE_SUBTRACT, SAFE_MULTIPLY", _EMULATED, f"{_PAGE}safe_add", "of columns and numbers", count=(2, 2)
)
def _safe(c: Call) -> Said:
    left, right = c.say(0), c.say(1)
    if not all(isinstance(each, (exp.Column, exp.Literal, exp.Neg)) for each in c.arguments):
        return c.refuse("of expressions")
    tree = _SAFE_OPERATORS[c.name](this=brackets(left.tree), expression=brackets(right.tree))
    return Said(call("TRY", tree), left.kind if left.kind == right.kind else None)


@function("BIT_COUNT", _EXACT, f"{pages.BITS}bit_count")
def _bit_count(c: Call) -> Said:
    return Said(as_bigint(call("BIT_COUNT", c.tree(0))), "INT64")
