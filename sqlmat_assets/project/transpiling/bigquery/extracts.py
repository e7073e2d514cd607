"""EXTRACT."""

from __future__ import annotations

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.moments import at_zone, truncated, week_shift
from sqlmat_assets.project.transpiling.bigquery.translator import (
    Said,
    Translator,
    brackets,
    call,
    cast,
    construct,
    number,
    says,
    text,
)
from sqlmat_assets.project.transpiling.verdicts import Verdict

_EXTRACT = construct(
    "EXTRACT",
    Verdict.EMULATED,
    f"{pages.DATES}extract",
    "Sunday is 1; MILLISECOND and MICROSECOND are without the seconds; a week is from Sunday",
)
_PLAIN = frozenset({"YEAR", "MONTH", "DAY", "QUARTER", "HOUR", "MINUTE", "SECOND", "ISOYEAR"})


@says(exp.Extract)
def _extract(t: Translator, node: exp.Extract) -> Said:
    t.use(_EXTRACT, node)
    part = f"WEEK({node.this.name.upper()})" if isinstance(node.this, exp.WeekStart) else node.this.name.upper()
    value: exp.Expr = node.expression
    if isinstance(value, exp.AtTimeZone):
        tree = at_zone(cast(t.tree(value.this), "TIMESTAMPTZ"), t.tree(value.args["zone"]))
    else:
        said = t.say(value)
        tree = cast(said.tree, "DATE") if said.kind == "STRING" else said.tree
    found = _part(part, tree)
    if found is None:
        return t.refuse(node, f"EXTRACT({part} …)")
    return Said(found, {"DATE": "DATE", "TIME": "TIME", "DATETIME": "DATETIME"}.get(part, "INT64"))


def _part(part: str, tree: exp.Expr) -> exp.Expr | None:
    match part:
        case "DATE" | "TIME":
            return cast(tree, part)
        case "DATETIME":
            return cast(tree, "TIMESTAMP")
        case "DAYOFWEEK":
            return exp.Add(this=call("DAYOFWEEK", tree), expression=number(1))
        case "DAYOFYEAR":
            return call("DAYOFYEAR", tree)
        case "ISOWEEK":
            return call("WEEK", tree)
        case "MILLISECOND" | "MICROSECOND":
            return exp.Mod(this=call(part, tree), expression=number(1000 if part == "MILLISECOND" else 1_000_000))
        case _ if part in _PLAIN:
            return call("DATE_PART", text(part.lower()), tree)
        case _:
            return _week(part, tree)


def _week(part: str, tree: exp.Expr) -> exp.Expr | None:
    """The number of the week, where days before the first beginning of one are in week 0."""
    if week_shift(part) is None or (start := truncated(tree, part)) is None:
        return None
    # The day of the year on which the week begins, and its place among all weeks that begin in that year. A week that
    # began in the year before is number 0.
    year = call("DATE_TRUNC", text("year"), tree.copy())
    days = call("DATE_DIFF", text("day"), cast(year, "DATE"), cast(start, "DATE"))
    return exp.IntDiv(this=exp.Paren(this=exp.Add(this=brackets(days), expression=number(7))), expression=number(7))
