"""The one way from the SQL of one engine to that of another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from sqlmat_assets.project.references import Names
from sqlmat_assets.project.transpiling.bigquery.translate import translate_query, translate_value
from sqlmat_assets.project.transpiling.raw import UnreadableError, read_raw
from sqlmat_assets.project.transpiling.verdicts import Finding, Verdict, worst

_PAIRS = frozenset({("bigquery", "duckdb")})
_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Translated:
    """A text in the other engine's SQL; None where something in it is unsupported. `findings` are in no order."""

    sql: str | None
    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        return worst(finding.verdict for finding in self.findings)

    @property
    def refused(self) -> tuple[Finding, ...]:
        """What is unsupported, in the order of the text."""
        found = (finding for finding in self.findings if finding.verdict is Verdict.UNSUPPORTED)
        return tuple(sorted(dict.fromkeys(found), key=lambda finding: finding.start))


def can_translate(written: str, spoken: str) -> bool:
    """Whether the SQL of one dialect can be said in another at all."""
    return (written, spoken) in _PAIRS


@lru_cache(maxsize=_KEPT)
def translate(sql: str, names: Names, spoken: str, *, is_value: bool = False) -> Translated:
    """Say a text in the SQL of another engine.

    Args:
        sql: One query, or an expression.
        names: How names are told apart, and the dialect of the text.
        spoken: The dialect of the engine.
        is_value: Whether it is an expression.
    """
    try:
        tree = read_raw(f"SELECT {sql}" if is_value else sql, names.dialect)
    except UnreadableError as error:
        return Translated(None, (Finding("a query that is not understood", Verdict.UNSUPPORTED, 0, str(error)),))
    if is_value:
        said, t = translate_value(tree.expressions[0], names)
    else:
        said, t = translate_query(tree, names)
    findings = tuple(t.findings)
    if worst(finding.verdict for finding in findings) is Verdict.UNSUPPORTED:
        return Translated(None, findings)
    return Translated(write(said, spoken, is_value=is_value), findings)


def write(tree: exp.Expr, spoken: str, *, is_value: bool = False) -> str:
    """The text of a tree."""
    return tree.sql(Dialect.get_or_raise(spoken), pretty=not is_value, comments=False)
