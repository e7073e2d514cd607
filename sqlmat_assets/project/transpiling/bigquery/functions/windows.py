"""Functions that stand in a window only."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.calls import Call, function
from sqlmat_assets.project.transpiling.bigquery.numbers import plain
from sqlmat_assets.project.transpiling.bigquery.translator import Said, call, cast
from sqlmat_assets.project.transpiling.verdicts import Verdict

_EXACT, _EMULATED = Verdict.EXACT, Verdict.EMULATED


def _numbering(name: str, kind: str, count: int = 0) -> None:
    @function(name, _EXACT, f"{pages.NUMBERING}{name.lower()}", count=(count, count), windowed=True)
    def _build(c: Call) -> Said:
        if c.window is None:
            return c.refuse("without OVER")
        return Said(c.over(call(c.name, *(plain(c.say(index)) for index in range(c.count)))), kind)


for _name in ("ROW_NUMBER", "RANK", "DENSE_RANK"):
    _numbering(_name, "INT64")
for _name in ("PERCENT_RANK", "CUME_DIST"):
    _numbering(_name, "FLOAT64")
_numbering("NTILE", "INT64", 1)


_WITH_NULLS: Mapping[str, type[exp.Expr]] = {
    "FIRST_VALUE": exp.FirstValue,
    "LAST_VALUE": exp.LastValue,
    "NTH_VALUE": exp.NthValue,
}


@function("LAG, LEAD", _EXACT, f"{pages.NAVIGATION}lag", count=(1, 3), windowed=True)
def _lag(c: Call) -> Said:
    if c.window is None or isinstance(c.arguments[0], (exp.IgnoreNulls, exp.RespectNulls)):
        return c.refuse("without OVER, or with IGNORE NULLS")
    value = c.say(0)
    rest = [plain(c.say(index)) if index == 1 else c.tree(index) for index in range(1, c.count)]
    return Said(c.over(call(c.name, value.tree, *rest)), value.kind)


@function("FIRST_VALUE, LAST_VALUE, NTH_VALUE", _EXACT, f"{pages.NAVIGATION}first_value", count=(1, 2), windowed=True)
def _nth(c: Call) -> Said:
    if c.window is None or (c.name == "NTH_VALUE") != (c.count == 2):
        return c.refuse("without OVER")
    *before, last = c.arguments
    nulls = type(last) if isinstance(last, (exp.IgnoreNulls, exp.RespectNulls)) else None
    bare = [*before, last.this if nulls is not None else last]
    said = c.t.say(bare[0])
    arguments = [said.tree, *(plain(c.t.say(each)) for each in bare[1:])]
    if nulls is None:
        return Said(c.over(call(c.name, *arguments)), said.kind)
    made = _WITH_NULLS[c.name](**dict(zip(("this", "offset"), arguments, strict=False)))
    return Said(c.over(nulls(this=made)), said.kind)


@function(
    "PERCENTILE_CONT, PERCENTILE_DISC",
    _EMULATED,
    f"{pages.NAVIGATION}percentile_cont",
    "in a window, with NULL left out: QUANTILE_CONT, QUANTILE_DISC",
    count=(2, 2),
    windowed=True,
)
def _percentile(c: Call) -> Said:
    at = c.arguments[1]
    if c.window is None or not isinstance(at, exp.Literal):
        return c.refuse("without OVER, with RESPECT NULLS, or at a place that is not written out")
    value = c.say(0)
    place = exp.Literal.number(at.name)
    if c.name == "PERCENTILE_CONT":
        return Said(c.over(call("QUANTILE_CONT", cast(value.tree, "DOUBLE"), place)), "FLOAT64")
    return Said(c.over(call("QUANTILE_DISC", value.tree, place)), value.kind)
