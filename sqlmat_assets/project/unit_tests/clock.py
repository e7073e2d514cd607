"""The functions that tell the time, in a query for which the clock stands still."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from sqlmat_assets.project.functions import BARE, BARE_ANYWHERE
from sqlmat_assets.project.narrowing.demands import moment
from sqlmat_assets.project.narrowing.kinds import Kind

_KINDS = {
    **dict.fromkeys(
        (
            "clock_timestamp",
            "current_timestamp",
            "get_current_timestamp",
            "now",
            "statement_timestamp",
            "transaction_timestamp",
        ),
        Kind.ZONED,
    ),
    **dict.fromkeys(
        ("current_datetime", "current_localtimestamp", "getdate", "localtimestamp", "sysdate"), Kind.TIMESTAMP
    ),
    **dict.fromkeys(("current_date", "today"), Kind.DATE),
}
"""What each function of the time gives; those of the time of day are left alone."""


def calls_clock(text: str, dialect: str) -> bool:
    """Whether a query asks for the time, in a way that can be answered for it."""
    return any(True for _ in _calls(text, dialect))


def stop_clock(text: str, dialect: str, at: datetime) -> str:
    """Put a moment in the place of every function that gives the present one, as a literal.

    Args:
        text: The query.
        dialect: How it is written.
        at: The moment, in UTC.

    Examples:
        >>> from datetime import UTC
        >>> stop_clock("SELECT today()", "duckdb", datetime(2026, 1, 2, 3, tzinfo=UTC))
        "SELECT CAST('2026-01-02' AS DATE)"
    """
    for start, end, kind, zone in reversed(list(_calls(text, dialect))):
        here = at if zone is None else at.astimezone(zone)
        text = text[:start] + moment(here, kind, dialect).sql(dialect) + text[end:]
    return text


def _calls(text: str, dialect: str) -> Iterator[tuple[int, int, Kind, ZoneInfo | None]]:
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(text)
    except SqlglotError:
        return
    bare = BARE.get(dialect, BARE_ANYWHERE)
    for index, token in enumerate(tokens):
        kind = _KINDS.get(token.text.lower())
        if kind is None or token.token_type in (TokenType.IDENTIFIER, TokenType.STRING) or _is_name(tokens, index):
            continue
        if index + 1 < len(tokens) and tokens[index + 1].token_type is TokenType.L_PAREN:
            call = _arguments(tokens, index + 2, kind)
            if call is not None:
                yield token.start, call[0], kind, call[1]
        elif token.text.lower() in bare:
            yield token.start, token.end + 1, kind, None


def _is_name(tokens: Sequence[Token], index: int) -> bool:
    before = tokens[index - 1].token_type if index else None
    after = tokens[index + 1].token_type if index + 1 < len(tokens) else None
    return before in (TokenType.DOT, TokenType.ALIAS) or after is TokenType.DOT


def _arguments(tokens: Sequence[Token], index: int, kind: Kind) -> tuple[int, ZoneInfo | None] | None:
    """Where a call ends, and the time zone that it names; None where it asks for what is not known here."""
    inside = tokens[index : index + 2]
    if inside and inside[0].token_type is TokenType.R_PAREN:
        return inside[0].end + 1, None
    if len(inside) < 2 or inside[1].token_type is not TokenType.R_PAREN:
        return None
    if inside[0].token_type is TokenType.STRING and kind is not Kind.ZONED:
        try:
            return inside[1].end + 1, ZoneInfo(inside[0].text)
        except (ZoneInfoNotFoundError, ValueError):
            return None
    # The number of digits of a second.
    return (inside[1].end + 1, None) if inside[0].token_type is TokenType.NUMBER else None
