"""FORMAT."""

from __future__ import annotations

import re

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.calls import Call, function
from sqlmat_assets.project.transpiling.bigquery.casts import as_string
from sqlmat_assets.project.transpiling.bigquery.translator import Said, call, case, cast, fail, is_decimal, text
from sqlmat_assets.project.transpiling.verdicts import Verdict

_ELEMENT = re.compile(r"%(%|0?\d*d|-?\d*s|t|(?:\.\d+)?f)|%.?")
_MANY = 1000


@function(
    "FORMAT",
    Verdict.EMULATED,
    f"{pages.STRINGS}format_string",
    "with a format that is written out, of `%d`, `%05d`, `%s`, `%10s`, `%t`, `%f`, `%.2f` and `%%`",
    count=(1, _MANY),
)
def _format(c: Call) -> Said:
    format_ = c.literal(0)
    elements = [] if format_ is None else [match[1] for match in _ELEMENT.finditer(format_)]
    if format_ is None or None in elements:
        return c.refuse("with an element that is not known, or a format that is not written out")
    asked = [element for element in elements if element != "%"]
    if len(asked) != c.count - 1:
        return c.refuse("with another number of values than the format has")
    values: list[exp.Expr] = []
    for index, element in enumerate(asked, 1):
        said = c.say(index)
        if element == "t" and said.kind != "STRING":
            # NULL is a word there.
            return c.refuse("with `%t` of other values than strings")
        values.append(_value(said, element[-1]))
    return Said(call("PRINTF", text(format_.replace("%t", "%s")), *values), "STRING")


def _value(said: Said, element: str) -> exp.Expr:
    if element == "d":
        return cast(said.tree, "BIGINT") if said.kind != "INT64" else said.tree
    if element != "f":
        return as_string(said)
    if said.kind in ("INT64", "FLOAT64"):
        return cast(said.tree, "DOUBLE")
    refused = fail("FORMAT of NUMERIC values is not the same in DuckDB")
    return case((is_decimal(said.tree), refused), default=cast(said.tree.copy(), "DOUBLE"))
