"""Aggregates, which may stand in a window as well."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.calls import Call, function
from sqlmat_assets.project.transpiling.bigquery.clauses import say_order
from sqlmat_assets.project.transpiling.bigquery.numbers import as_bigint
from sqlmat_assets.project.transpiling.bigquery.translator import (
    Said,
    brackets,
    call,
    case,
    cast,
    fail,
    is_decimal,
    number,
    text,
)
from sqlmat_assets.project.transpiling.verdicts import Verdict

_EXACT, _EMULATED = Verdict.EXACT, Verdict.EMULATED
_PAGE = pages.AGGREGATES


@dataclass(frozen=True, slots=True)
class _Argument:
    """The argument of an aggregate with what stands around it."""

    value: exp.Expr
    is_distinct: bool = False
    order: exp.Order | None = None
    limit: int | None = None
    nulls: type[exp.Expr] | None = None
    extreme: exp.HavingMax | None = None
    second: exp.Expr | None = None


def _argument(c: Call) -> _Argument | None:
    """Take the argument apart; None where something is in it that is not known."""
    order: exp.Order | None = None
    limit: int | None = None
    nulls: type[exp.Expr] | None = None
    second: exp.Expr | None = None
    # What ends the list of arguments hangs on the last of them.
    last = c.arguments[-1]
    if isinstance(last, exp.Limit):
        if not isinstance(last.expression, exp.Literal):
            return None
        limit, last = int(last.expression.name), last.this
    if isinstance(last, exp.Order):
        order, last = last, last.this
    value = last if c.count == 1 else c.arguments[0]
    if c.count == 2:
        second = last
    if isinstance(value, (exp.IgnoreNulls, exp.RespectNulls)):
        nulls, value = type(value), value.this
    extreme: exp.HavingMax | None = None
    if isinstance(value, exp.HavingMax):
        extreme, value = value, value.this
    is_distinct = isinstance(value, exp.Distinct)
    if isinstance(value, exp.Distinct):
        if value.args.get("on") or not 1 <= len(value.expressions) <= 2:
            return None
        value, *rest = value.expressions
        second = rest[0] if rest else second
    if isinstance(value, (exp.IgnoreNulls, exp.RespectNulls)):
        nulls, value = type(value), value.this
    return _Argument(value, is_distinct, order, limit, nulls, extreme, second)


def _distinct(tree: exp.Expr, argument: _Argument) -> exp.Expr:
    return exp.Distinct(expressions=[tree]) if argument.is_distinct else tree


def _simple(c: Call) -> tuple[_Argument, Said] | None:
    """The argument of an aggregate for which nothing but DISTINCT is known."""
    argument = _argument(c)
    if argument is None or argument.order or argument.limit or argument.nulls or argument.extreme or argument.second:
        return None
    return argument, c.t.say(argument.value)


_REFUSED = "with ORDER BY, LIMIT, IGNORE NULLS or HAVING inside"


@function("COUNT", _EXACT, f"{_PAGE}count", windowed=True)
def _count(c: Call) -> Said:
    if isinstance(c.arguments[0], exp.Star):
        return Said(c.over(call("COUNT", exp.Star())), "INT64")
    found = _simple(c)
    if found is None:
        return c.refuse(_REFUSED)
    return Said(c.over(call("COUNT", _distinct(found[1].tree, found[0]))), "INT64")


@function("COUNTIF", _EXACT, f"{_PAGE}countif", "becomes COUNT(CASE …)", windowed=True)
def _countif(c: Call) -> Said:
    found = _simple(c)
    if found is None or found[0].is_distinct:
        return c.refuse("with DISTINCT")
    return Said(c.over(call("COUNT", case((found[1].tree, number(1))))), "INT64")


@function("SUM", _EMULATED, f"{_PAGE}sum", "of INT64 it is one, and fails beyond", windowed=True)
def _sum(c: Call) -> Said:
    found = _simple(c)
    if found is None:
        return c.refuse(_REFUSED)
    argument, said = found
    tree = c.over(call("SUM", _distinct(said.tree, argument)))
    if said.kind == "FLOAT64":
        return Said(tree, "FLOAT64")
    if said.kind == "INT64":
        return Said(as_bigint(tree), "INT64")
    # The type of a sum with a BIGINT is that of BigQuery. It is never computed.
    sample = said.sample if c.window is not None else call("MIN", said.sample)
    like = exp.Add(this=brackets(sample), expression=cast(number(0), "BIGINT"))
    return Said(call("CAST_TO_TYPE", tree, like.copy()), None, like)


@function("AVG", _EMULATED, f"{_PAGE}avg", "of NUMERIC it is refused by DuckDB", windowed=True)
def _avg(c: Call) -> Said:
    found = _simple(c)
    if found is None:
        return c.refuse(_REFUSED)
    argument, said = found
    tree = said.tree
    if said.kind not in ("INT64", "FLOAT64"):
        refused = fail("the average of NUMERIC values is not the same in DuckDB")
        tree = case((is_decimal(said.sample), refused), default=tree)
    return Said(c.over(call("AVG", _distinct(tree, argument))), "FLOAT64")


@function("MIN, MAX", _EXACT, f"{_PAGE}min", windowed=True)
def _extreme(c: Call) -> Said:
    found = _simple(c)
    if found is None:
        return c.refuse(_REFUSED)
    return Said(c.over(call(c.name, found[1].tree)), found[1].kind)


@function("LOGICAL_AND, LOGICAL_OR", _EXACT, f"{_PAGE}logical_and", "are BOOL_AND, BOOL_OR", windowed=True)
def _logical(c: Call) -> Said:
    found = _simple(c)
    if found is None or found[0].is_distinct:
        return c.refuse(_REFUSED)
    return Said(c.over(call(c.name.replace("LOGICAL", "BOOL"), found[1].tree)), "BOOL")


@function("BIT_AND, BIT_OR, BIT_XOR", _EXACT, f"{_PAGE}bit_and")
def _bits(c: Call) -> Said:
    found = _simple(c)
    if found is None or found[0].is_distinct:
        return c.refuse(_REFUSED)
    return Said(call(c.name, found[1].tree), "INT64")


@function(
    "ANY_VALUE",
    _EMULATED,
    f"{_PAGE}any_value",
    "with HAVING MAX or MIN it is ARG_MAX or ARG_MIN; without them one of the values, and not NULL",
    windowed=True,
)
def _any_value(c: Call) -> Said:
    argument = _argument(c)
    if argument is None or argument.is_distinct or argument.order or argument.limit or argument.nulls:
        return c.refuse(_REFUSED)
    said = c.t.say(argument.value)
    if argument.extreme is None:
        return Said(c.over(call("ANY_VALUE", said.tree)), said.kind)
    by = c.t.tree(argument.extreme.expression)
    name = "ARG_MAX" if argument.extreme.args.get("max") else "ARG_MIN"
    # BigQuery may take a NULL; DuckDB leaves out rows in which the value is one.
    return Said(c.over(call(name, said.tree, by)), said.kind)


@function("MAX_BY, MIN_BY", _EXACT, f"{_PAGE}max_by", "are ARG_MAX, ARG_MIN", count=(2, 2))
def _by(c: Call) -> Said:
    if any(isinstance(each, (exp.Order, exp.Limit, exp.Distinct)) for each in c.arguments):
        return c.refuse(_REFUSED)
    said = c.say(0)
    return Said(call("ARG_MAX" if c.name == "MAX_BY" else "ARG_MIN", said.tree, c.tree(1)), said.kind)


@function(
    "ARRAY_AGG",
    _EMULATED,
    f"{_PAGE}array_agg",
    "with LIMIT the first elements are taken; an array with NULL is no error",
    windowed=True,
)
def _array_agg(c: Call) -> Said:
    argument = _argument(c)
    if argument is None or argument.extreme or argument.second:
        return c.refuse("with HAVING MAX or MIN")
    said = c.t.say(argument.value)
    inner = _ordered(c, _distinct(said.tree, argument), argument)
    tree: exp.Expr = call("LIST", inner)
    if argument.nulls is exp.IgnoreNulls:
        tree = exp.Filter(this=tree, expression=_present(said.tree))
    tree = c.over(tree)
    if argument.limit is not None:
        tree = call("LIST_SLICE", tree, number(1), number(argument.limit))
    return Said(tree, f"ARRAY<{said.kind}>" if said.kind else "ARRAY")


def _ordered(c: Call, tree: exp.Expr, argument: _Argument) -> exp.Expr:
    if argument.order is None:
        return tree
    order = say_order(c.t, argument.order, {})
    order.set("this", tree)
    return order


@function(
    "STRING_AGG",
    _EMULATED,
    f"{_PAGE}string_agg",
    "with LIMIT the first strings are taken",
    count=(1, 2),
    windowed=True,
)
def _string_agg(c: Call) -> Said:
    argument = _argument(c)
    if argument is None or argument.extreme or argument.nulls:
        return c.refuse("with IGNORE NULLS or HAVING inside")
    said = c.t.say(argument.value)
    separator = text(",") if argument.second is None else c.t.tree(argument.second)
    is_ordered_set = argument.is_distinct and argument.order is not None
    if argument.limit is None and not is_ordered_set:
        inner = _distinct(said.tree, argument)
        if argument.order is None:
            return Said(c.over(call("STRING_AGG", inner, separator)), "STRING")
        return Said(c.over(call("STRING_AGG", inner, _ordered(c, separator, argument))), "STRING")
    if c.window is not None:
        return c.refuse("with LIMIT, or DISTINCT and ORDER BY … OVER")
    strings: exp.Expr = exp.Filter(
        this=call("LIST", _ordered(c, _distinct(said.tree, argument), argument)), expression=_present(said.tree)
    )
    if argument.limit is not None:
        strings = call("LIST_SLICE", strings, number(1), number(argument.limit))
    return Said(call("ARRAY_TO_STRING", strings, separator), "STRING")


def _present(tree: exp.Expr) -> exp.Expr:
    return exp.Where(this=exp.Not(this=exp.Is(this=brackets(tree.copy()), expression=exp.null())))


@function("ARRAY_CONCAT_AGG", _EMULATED, f"{_PAGE}array_concat_agg", "is FLATTEN of the arrays")
def _array_concat_agg(c: Call) -> Said:
    argument = _argument(c)
    if argument is None or argument.is_distinct or argument.limit or argument.nulls or argument.extreme:
        return c.refuse("with DISTINCT or LIMIT")
    said = c.t.say(argument.value)
    arrays = exp.Filter(this=call("LIST", _ordered(c, said.tree, argument)), expression=_present(said.tree))
    return Said(call("FLATTEN", arrays), said.kind or "ARRAY")


@function(
    "APPROX_COUNT_DISTINCT",
    _EMULATED,
    f"{pages.APPROXIMATE}approx_count_distinct",
    "is counted exactly, to which BigQuery comes near",
)
def _approx_count_distinct(c: Call) -> Said:
    return Said(call("COUNT", exp.Distinct(expressions=[c.tree(0)])), "INT64")


@function(
    "APPROX_QUANTILES",
    _EMULATED,
    f"{pages.APPROXIMATE}approx_quantiles",
    "are found exactly, to which BigQuery comes near",
    count=(2, 2),
)
def _approx_quantiles(c: Call) -> Said:
    argument = _argument(c)
    count = argument.second if argument is not None else None
    if argument is None or argument.is_distinct or argument.nulls or not isinstance(count, exp.Literal):
        return c.refuse("with DISTINCT, or a number that is not written out")
    said = c.t.say(argument.value)
    total = int(count.name)
    places = exp.Array(expressions=[exp.Literal.number(repr(place / total)) for place in range(total + 1)])
    return Said(call("QUANTILE_DISC", said.tree, places), f"ARRAY<{said.kind}>" if said.kind else "ARRAY")


def _statistic(name: str, to: str, count: int = 1) -> None:
    page = f"{pages.STATISTICS}{name.split(', ', maxsplit=1)[0].lower()}"

    @function(name, _EMULATED, page, "may differ in the last digit", count=(count, count), windowed=True)
    def _build(c: Call) -> Said:
        if any(isinstance(each, (exp.Distinct, exp.Order)) for each in c.arguments):
            return c.refuse("with DISTINCT")
        values = [cast(c.tree(index), "DOUBLE") for index in range(c.count)]
        return Said(c.over(call(to, *values)), "FLOAT64")


_statistic("STDDEV, STDDEV_SAMP", "STDDEV_SAMP")
_statistic("STDDEV_POP", "STDDEV_POP")
_statistic("VARIANCE, VAR_SAMP", "VAR_SAMP")
_statistic("VAR_POP", "VAR_POP")
_statistic("CORR", "CORR", 2)
_statistic("COVAR_POP", "COVAR_POP", 2)
_statistic("COVAR_SAMP", "COVAR_SAMP", 2)


@function("GROUPING", _EXACT, f"{_PAGE}grouping")
def _grouping(c: Call) -> Said:
    return Said(as_bigint(call("GROUPING", c.tree(0))), "INT64")
