"""`@last_built` in a query: when the rows that the table has were asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from sqlmat_assets.project.narrowing.demands import moment
from sqlmat_assets.project.narrowing.kinds import Kind

# Before all data, and with room for an interval to be taken off in every engine.
FAR_PAST = datetime(1900, 1, 1, tzinfo=UTC)
_NAME = "last_built"


def reads_last_built(text: str, dialect: str) -> bool:
    """Whether a query names the moment, outside of strings and comments."""
    return any(True for _ in _spans(text, dialect))


def fill_last_built(text: str, dialect: str, at: datetime) -> str:
    """Put a moment in the place of its name, as a literal in UTC.

    Examples:
        >>> fill_last_built("SELECT * FROM s.t WHERE at > @last_built", "duckdb", datetime(2026, 1, 2, tzinfo=UTC))
        "SELECT * FROM s.t WHERE at > CAST('2026-01-02 00:00:00' AS TIMESTAMP)"
    """
    for start, end in reversed(list(_spans(text, dialect))):
        text = text[:start] + moment(at.astimezone(UTC), Kind.TIMESTAMP, dialect).sql(dialect) + text[end:]
    return text


def _spans(text: str, dialect: str) -> Iterator[tuple[int, int]]:
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(text)
    except SqlglotError:
        return
    for sign, name in pairwise(tokens):
        is_marker = sign.token_type is TokenType.PARAMETER and sign.text == "@" and name.start == sign.end + 1
        if is_marker and name.text.lower() == _NAME:
            yield sign.start, name.end + 1
