"""Functions of arrays."""

from __future__ import annotations

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.calls import Call, function
from sqlmat_assets.project.transpiling.bigquery.intervals import SPANS, say_span
from sqlmat_assets.project.transpiling.bigquery.translator import Said, brackets, call, case, cast, fail, number
from sqlmat_assets.project.transpiling.verdicts import Verdict

_EXACT, _EMULATED = Verdict.EXACT, Verdict.EMULATED
_PAGE = pages.ARRAYS
_MANY = 1000


@function("ARRAY_LENGTH", _EXACT, f"{_PAGE}array_length", "is LEN")
def _length(c: Call) -> Said:
    return Said(call("LEN", c.tree(0)), "INT64")


@function("ARRAY_CONCAT", _EXACT, f"{_PAGE}array_concat", "becomes `||`", count=(1, _MANY))
def _concat(c: Call) -> Said:
    first = c.say(0)
    tree = first.tree
    for index in range(1, c.count):
        tree = exp.DPipe(this=tree, expression=brackets(c.tree(index)))
    return Said(tree, first.kind or "ARRAY")


@function("ARRAY_REVERSE", _EXACT, f"{_PAGE}array_reverse", "is LIST_REVERSE")
def _reverse(c: Call) -> Said:
    said = c.say(0)
    return Said(call("LIST_REVERSE", said.tree), said.kind or "ARRAY")


@function(
    "ARRAY_TO_STRING",
    _EMULATED,
    f"{_PAGE}array_to_string",
    "NULL is left out, or the third argument takes its place",
    count=(2, 3),
)
def _to_string(c: Call) -> Said:
    array = c.tree(0)
    if c.has(2):
        element = exp.Lambda(this=call("COALESCE", exp.column("e"), c.tree(2)), expressions=[exp.to_identifier("e")])
        array = call("LIST_TRANSFORM", array, element)
    return Said(call("ARRAY_TO_STRING", array, c.tree(1)), "STRING")


@function("GENERATE_ARRAY", _EMULATED, f"{_PAGE}generate_array", "of INT64; a step of 0 is an error", count=(2, 3))
def _generate(c: Call) -> Said:
    bounds = [c.say(index) for index in range(c.count)]
    if any(each.kind == "FLOAT64" for each in bounds):
        return c.refuse("of numbers with a point")
    trees = [cast(each.tree, "BIGINT") if each.kind != "INT64" else each.tree for each in bounds]
    if c.has(2) and not isinstance(c.arguments[2], (exp.Literal, exp.Neg)):
        zero = exp.EQ(this=brackets(trees[2].copy()), expression=number(0))
        trees[2] = case((zero, fail("GENERATE_ARRAY with a step of 0")), default=trees[2])
    return Said(call("GENERATE_SERIES", *trees), "ARRAY<INT64>")


@function("GENERATE_DATE_ARRAY", _EMULATED, f"{_PAGE}generate_date_array", count=(2, 3))
def _generate_dates(c: Call) -> Said:
    start, end = (cast(c.tree(index), "DATE") for index in range(2))
    step = say_span(c.t, c.arguments[2], SPANS) if c.has(2) else call("TO_DAYS", number(1))
    if step is None:
        return c.refuse("with such a step")
    return Said(cast(call("GENERATE_SERIES", start, end, step), "DATE[]"), "ARRAY<DATE>")


@function("GENERATE_TIMESTAMP_ARRAY", _EMULATED, f"{_PAGE}generate_timestamp_array", count=(3, 3))
def _generate_timestamps(c: Call) -> Said:
    start, end = (cast(c.tree(index), "TIMESTAMPTZ") for index in range(2))
    step = say_span(c.t, c.arguments[2], SPANS)
    if step is None:
        return c.refuse("with such a step")
    return Said(call("GENERATE_SERIES", start, end, step), "ARRAY<TIMESTAMP>")
