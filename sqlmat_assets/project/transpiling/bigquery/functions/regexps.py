"""Regular expressions: both engines use RE2."""

from __future__ import annotations

import re

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.calls import Call, function
from sqlmat_assets.project.transpiling.bigquery.translator import Said, call, case, number, once, text
from sqlmat_assets.project.transpiling.verdicts import Verdict

_EXACT, _EMULATED = Verdict.EXACT, Verdict.EMULATED
_PAGE = pages.STRINGS
# Brackets that are a group: not escaped, not `(?:`, `(?i)` and their like.
_ESCAPED = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]])*\]", re.DOTALL)
_GROUP = re.compile(r"\((?!\?(?!P?<))")


def groups_in(pattern: str) -> int:
    r"""How many groups a pattern has.

    Examples:
        >>> groups_in(r"a(b)(?:c)\([(]"), groups_in(r"(?P<x>a)(?i)b")
        (1, 1)
    """
    return len(_GROUP.findall(_ESCAPED.sub("", pattern)))


def may_lack_group(pattern: str) -> bool:
    r"""Whether a text may match without its one group, which is NULL in BigQuery, and nothing in DuckDB.

    Examples:
        >>> may_lack_group("a(b)?"), may_lack_group("a(b?)c"), may_lack_group("a|(b)"), may_lack_group("(a|b)")
        (True, False, True, False)
    """
    plain = _ESCAPED.sub("x", pattern)
    start = next(match.start() for match in _GROUP.finditer(plain))
    depth, end = 0, start
    for end in range(start, len(plain)):
        depth += {"(": 1, ")": -1}.get(plain[end], 0)
        if not depth:
            break
    return (
        plain[end + 1 : end + 2] in ("?", "*", "{") or "|" in plain[:start] + plain[end + 1 :] or "(" in plain[:start]
    )


@function("REGEXP_CONTAINS", _EXACT, f"{_PAGE}regexp_contains", "is REGEXP_MATCHES", count=(2, 2))
def _contains(c: Call) -> Said:
    return Said(call("REGEXP_MATCHES", c.tree(0), c.tree(1)), "BOOL")


@function(
    "REGEXP_EXTRACT, REGEXP_SUBSTR", _EMULATED, f"{_PAGE}regexp_extract", "NULL where nothing is found", count=(2, 2)
)
def _extract(c: Call) -> Said:
    pattern = c.literal(1)
    if pattern is None:
        return c.refuse("by a pattern that is not written out")
    count = groups_in(pattern)
    if count > 1:
        return c.refuse("by a pattern with several groups")
    if count and may_lack_group(pattern):
        return c.refuse("by a pattern whose group may be missing")

    def extract(value: exp.Expr) -> exp.Expr:
        found = call("REGEXP_MATCHES", value, text(pattern))
        return case((found, call("REGEXP_EXTRACT", value.copy(), text(pattern), number(count))))

    return Said(once(c.tree(0), extract), "STRING")


@function("REGEXP_EXTRACT_ALL", _EXACT, f"{_PAGE}regexp_extract_all", count=(2, 2))
def _extract_all(c: Call) -> Said:
    pattern = c.literal(1)
    if pattern is None or (count := groups_in(pattern)) > 1:
        return c.refuse("by a pattern that is not written out, or has several groups")
    return Said(call("REGEXP_EXTRACT_ALL", c.tree(0), text(pattern), number(count)), "ARRAY<STRING>")


@function("REGEXP_REPLACE", _EXACT, f"{_PAGE}regexp_replace", "everywhere", count=(3, 3))
def _replace(c: Call) -> Said:
    return Said(call("REGEXP_REPLACE", c.tree(0), c.tree(1), c.tree(2), text("g")), "STRING")
