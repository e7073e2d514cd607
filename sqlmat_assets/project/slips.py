"""Slips that people make in SQL, found where the parser stops or where it reads something nobody means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import slips as wording
from sqlmat_assets.errors.sql import trailing_comma
from sqlmat_assets.project.positions import Positions

_STARTS = ("SELECT", "WITH", "FROM", "VALUES")
_KEYWORDS = (
    *("SELECT", "DISTINCT", "FROM", "WHERE", "GROUP", "HAVING", "QUALIFY", "ORDER", "LIMIT", "OFFSET", "UNION"),
    *("LEFT", "RIGHT", "INNER", "OUTER", "CROSS", "JOIN", "USING", "WITH", "VALUES", "BETWEEN", "LIKE", "PARTITION"),
    *("CASE", "WHEN", "THEN", "ELSE", "END", "AND", "OVER", "BY", "GROUP BY", "ORDER BY"),
)
# A word this near is only believed when the statement can be read with the keyword in its place.
_NEARNESS = 0.66
_MOST_TRIES = 8
_CURLY = frozenset("\u201c\u201d\u201e\u2018\u2019\u201a")
# Most files have none of these, and then their tokens need no look.
_FOREIGN = re.compile(r"\{[{%]|[`\u201c\u201d\u201e\u2018\u2019\u201a]|\btop\b", re.IGNORECASE)
_MAYBE_FOREIGN = frozenset({TokenType.VAR, TokenType.UNKNOWN, TokenType.L_BRACE, TokenType.BLOCK_START})
_IN_QUOTES = frozenset({TokenType.STRING, TokenType.IDENTIFIER, TokenType.HEREDOC_STRING, TokenType.RAW_STRING})
_WITH_HASH_COMMENTS = frozenset({"bigquery"})


def find_foreign(tokens: list[Token], text: str, dialect: str, positions: Positions) -> Problem | None:
    """Say what is no SQL of this dialect, whether or not the parser makes something of it.

    Templates, back-quotes, curly quotes, `TOP`.
    """
    if _FOREIGN.search(text) is None:
        return None
    for index, token in enumerate(tokens):
        if token.token_type not in _MAYBE_FOREIGN:
            continue
        if text.startswith(("{{", "{%"), token.start):
            return _template(tokens, index, text, positions)
        if token.text == "`":
            return wording.back_quote(positions.place(token.start), dialect)
        curly = next((letter for letter in token.text if letter in _CURLY), None)
        if curly is not None:
            return wording.curly_quote(positions.place(token.start + token.text.index(curly)), curly)
        count = _top_count(tokens, index)
        if count is not None:
            return wording.top(positions.place(token.start), count, dialect)
    return None


def _template(tokens: list[Token], index: int, text: str, positions: Positions) -> Problem:
    start = tokens[index].start
    place = positions.place(start)
    words = [token for token in tokens[index : index + 9] if token.token_type is not TokenType.L_BRACE]
    # `{{-` is one token.
    words = words[1:] if words and words[0].text.startswith("{") else words
    name = words[0].text.lower() if words else ""
    if name == "config":
        return wording.template_settings(place)
    end = text.find("}}", start)
    if name not in ("ref", "source") or end < 0:
        return wording.template(place, text[start : start + 2], None, None)
    parts = [token.text for token in words if token.token_type in _IN_QUOTES and token.start < end]
    table = ".".join(parts[-2:]) if name == "source" or len(parts) > 1 else f"schema.{''.join(parts)}"
    return wording.template(place, "{{", " ".join(text[start : end + 2].split()), table if parts else None)


def _top_count(tokens: list[Token], index: int) -> str | None:
    """Give N of `SELECT TOP N` or `SELECT TOP (N)`."""
    token = tokens[index]
    if index == 0 or token.token_type is not TokenType.VAR or token.text.upper() != "TOP":
        return None
    if tokens[index - 1].token_type not in (TokenType.SELECT, TokenType.DISTINCT):
        return None
    after = [behind for behind in tokens[index + 1 : index + 3] if behind.token_type is not TokenType.L_PAREN]
    return after[0].text if after and after[0].token_type is TokenType.NUMBER else None


def find_slip(tokens: list[Token], stopped: int, text: str, dialect: str, positions: Positions) -> Problem | None:
    """Say which slip made the parser stop, where it is sure.

    Args:
        tokens: The statement.
        stopped: The offset of the token at which the parser stopped.
        text: The whole text.
        dialect: The name of the SQL dialect.
        positions: Of that text.
    """
    for before, opening, name, close in zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False):
        is_behind = before.token_type in (TokenType.FROM, TokenType.JOIN) and opening.start <= stopped
        if is_behind and (opening.token_type, close.token_type) == (TokenType.L_BRACKET, TokenType.R_BRACKET):
            return wording.bracketed_name(positions.place(opening.start), name.text, dialect)
    for before, word, behind in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if behind.token_type is not TokenType.SELECT or behind.start > stopped:
            continue
        if word.text.upper() == "MINUS":
            return wording.minus(positions.place(word.start), dialect)
        if (before.token_type, word.token_type) == (TokenType.R_PAREN, TokenType.COMMA):
            return trailing_comma(positions.place(word.start))
    is_with = tokens[0].token_type is TokenType.WITH and tokens[-1].token_type is TokenType.R_PAREN
    if is_with and stopped == tokens[-1].start:
        return wording.lonely_with(positions.place(tokens[0].start))
    found = _comment_mark(tokens, stopped, text, dialect)
    if found is not None:
        return wording.foreign_comment(positions.place(found[0]), found[1])
    return find_misspelled(tokens, stopped, text, dialect, positions)


def _comment_mark(tokens: list[Token], stopped: int, text: str, dialect: str) -> tuple[int, str] | None:
    """Find a `#` or `//` at which, or right behind which, the parser stopped: its offset and itself."""
    marks = ("//",) if dialect in _WITH_HASH_COMMENTS else ("//", "#")
    for token, behind in zip(tokens, [*tokens[1:], tokens[-1]], strict=True):
        mark = next((mark for mark in marks if text.startswith(mark, token.start)), None)
        if mark is not None and stopped in (token.start, behind.start):
            return token.start, mark
    return None


def find_misspelled(tokens: list[Token], stopped: int, text: str, dialect: str, positions: Positions) -> Problem | None:
    """Find the word that has to be a keyword for the statement to be read: the last one up to where it stopped."""
    near = [token for token in tokens if token.start <= stopped and token.token_type is TokenType.VAR]
    for token, keyword in _guesses(reversed(near), first=tokens[0]):
        start, end = tokens[0].start, tokens[-1].end + 1
        attempt = text[start : token.start] + keyword + text[token.end + 1 : end]
        if _is_query(attempt, dialect):
            return wording.misspelled(positions.place(token.start), token.text, keyword)
    return None


def _guesses(words: Iterable[Token], first: Token) -> Iterator[tuple[Token, str]]:
    tries = 0
    for token in words:
        known = _STARTS if token is first else _KEYWORDS
        for keyword in get_close_matches(token.text.upper(), known, n=2, cutoff=_NEARNESS):
            if tries < _MOST_TRIES and keyword != token.text.upper():
                tries += 1
                yield token, keyword


def _is_query(text: str, dialect: str) -> bool:
    engine = Dialect.get_or_raise(dialect)
    try:
        trees = engine.parser().parse(engine.tokenize(text), text)
    except (SqlglotError, AttributeError, TypeError, KeyError, ValueError, IndexError):
        return False
    return len(trees) == 1 and isinstance(trees[0], exp.Query)


def find_opening(text: str, offset: int, opening: str, dialect: str) -> int:
    """Give where the quote that was forgotten to be closed most likely stands.

    A forgotten quote turns the quotes behind it inside out, so that the last one seems to be open. The first text
    that goes over the end of a line, or that a word follows without a space, is where it began.

    Args:
        text: The whole text.
        offset: The quote that has no end, as the tokenizer sees it.
        opening: That quote.
        dialect: The name of the SQL dialect.
    """
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(text[:offset])
    except SqlglotError:
        return offset
    for token in tokens:
        if token.token_type not in _IN_QUOTES or not text.startswith(opening, token.start):
            continue
        behind = text[token.end + 1 : token.end + 2]
        if "\n" in text[token.start : token.end] or behind == "_" or behind.isalnum():
            return token.start
    return offset
