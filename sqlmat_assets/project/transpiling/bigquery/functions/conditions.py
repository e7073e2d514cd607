"""IF, COALESCE and their like."""

from __future__ import annotations

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.calls import Call, function
from sqlmat_assets.project.transpiling.bigquery.numbers import plain
from sqlmat_assets.project.transpiling.bigquery.operators import shared
from sqlmat_assets.project.transpiling.bigquery.translator import Said, brackets, call, case, trees
from sqlmat_assets.project.transpiling.verdicts import Verdict

_EXACT, _EMULATED = Verdict.EXACT, Verdict.EMULATED
_MANY = 1000


@function("IF", _EXACT, f"{pages.CONDITIONS}if", "becomes CASE", count=(3, 3))
def _if(c: Call) -> Said:
    condition, yes, no = (c.say(index) for index in range(3))
    return Said(case((condition.tree, yes.tree), default=no.tree), shared([yes, no]))


@function("IFNULL, COALESCE", _EXACT, f"{pages.CONDITIONS}coalesce", count=(1, _MANY))
def _coalesce(c: Call) -> Said:
    said = [c.say(index) for index in range(c.count)]
    return Said(call("COALESCE", *trees(said)), shared(said))


@function("NULLIF", _EXACT, f"{pages.CONDITIONS}nullif", count=(2, 2))
def _nullif(c: Call) -> Said:
    first = c.say(0)
    return Said(call("NULLIF", first.tree, plain(c.say(1))), first.kind)


@function("GREATEST, LEAST", _EMULATED, f"{pages.MATHS}greatest", "NULL where one of the values is", count=(1, _MANY))
def _extreme(c: Call) -> Said:
    said = [c.say(index) for index in range(c.count)]
    # A number that is written out is never NULL.
    missing = [
        exp.Is(this=brackets(each.tree.copy()), expression=exp.null()) for each in said if plain(each) is each.tree
    ]
    tree = call(c.name, *trees(said))
    if not missing:
        return Said(tree, shared(said))
    wrong: exp.Expr = missing[0]
    for each in missing[1:]:
        wrong = exp.Or(this=wrong, expression=each)
    return Said(case((wrong, exp.null()), default=tree), shared(said))
