"""The one way from the SQL of one engine to that of another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from sqlmat_assets.project.references import Names
from sqlmat_assets.project.transpiling.raw import UnreadableError, read_raw
from sqlmat_assets.project.transpiling.verdicts import Finding, Verdict, worst

# What the parser calls the place at which a node begins in the text.
_START = "start"
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
        said, findings = _said(sql, names, is_value=is_value)
    except UnreadableError as error:
        return Translated(None, (Finding("a query that is not understood", Verdict.UNSUPPORTED, 0, str(error)),))
    if worst(finding.verdict for finding in findings) is Verdict.UNSUPPORTED:
        return Translated(None, findings)
    return Translated(_written(said, spoken, is_value=is_value), findings)


def _said(sql: str, names: Names, *, is_value: bool = False) -> tuple[exp.Expr, tuple[Finding, ...]]:
    # Nobody else pays for what is known of BigQuery.
    from sqlmat_assets.project.transpiling.bigquery.translate import translate_query, translate_value

    if is_value:
        said, t = translate_value(read_raw(f"SELECT {sql}", names.dialect).expressions[0], names)
    else:
        said, t = translate_query(read_raw(sql, names.dialect), names)
    return said, tuple(t.findings)


def _written(tree: exp.Expr, spoken: str, *, is_value: bool = False) -> str:
    return tree.sql(Dialect.get_or_raise(spoken), pretty=not is_value, comments=False)


def find_source(sql: str, names: Names, spoken: str, offset: int) -> int | None:
    """Find what in a query a place of its translation comes from; both are offsets in the texts.

    Args:
        sql: The query, which can be translated.
        names: How names are told apart, and the dialect of the text.
        spoken: The dialect of the engine.
        offset: Where it is in the translation.

    Returns:
        Where it is in the query; None where that is not known.
    """
    said, _ = _said(sql, names)
    dialect = Dialect.get_or_raise(spoken)
    tokens = dialect.tokenize(_written(said, spoken))
    # The same once more, in which each name is the place that it comes from.
    marks = [_mark_of(token.text) for token in dialect.tokenize(_written(_marked(said), spoken))]
    at = next((index for index, token in enumerate(tokens) if token.end >= offset), None)
    if at is None or len(marks) != len(tokens):
        return None
    # Engines point at the beginning of what they mean.
    behind = next((mark for mark in marks[at:] if mark is not None), None)
    return behind if behind is not None else next((mark for mark in reversed(marks[:at]) if mark is not None), None)


_MARK = "sqlmat_at_"


def _marked(tree: exp.Expr) -> exp.Expr:
    copied = tree.copy()
    for node in copied.walk():
        start = node.meta.get(_START)
        if isinstance(start, int) and isinstance(node, (exp.Identifier, exp.Anonymous)):
            node.set("this", f"{_MARK}{start}")
    return copied


def _mark_of(text: str) -> int | None:
    number = text.removeprefix(_MARK)
    return int(number) if number != text and number.isdecimal() else None
