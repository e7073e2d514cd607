"""SQL text to statements: tokens, one tree each, and what the parser has to say."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import sql as wording
from sqlmat_assets.project import repairs, slips
from sqlmat_assets.project.positions import BYTE_ORDER_MARK, Positions

# Compiled sqlglot does not count its own recursion and takes the process down with it (seen at 20,000 brackets).
_MAX_DEPTH = 250
_OPENING = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE})
_CLOSING = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})
_TOKEN_PLACE = re.compile(r"Missing (?P<opening>\S+) from \d+:(?P<offset>\d+)$")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that is not empty.

    `tokens` are as written; `tree` is None when the statement cannot be read, and then `problem` says why.
    """

    tokens: list[Token]
    tree: exp.Expr | None
    problem: Problem | None = None

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end + 1

    @property
    def keyword(self) -> str:
        """The first word, as people write statements."""
        return self.tokens[0].text.upper()


@dataclass(frozen=True, slots=True)
class Syntax:
    """The statements of a text; when it cannot even be cut into words there are none and `problem` says why."""

    statements: tuple[Statement, ...]
    problem: Problem | None = None


def _is_no_fallback(record: logging.LogRecord) -> bool:
    return "Falling back to parsing as a 'Command'" not in str(record.msg)


# A statement that sqlglot does not understand becomes a problem here; its own warning would say it a second time.
logging.getLogger("sqlglot").addFilter(_is_no_fallback)


def read_syntax(text: str, dialect: str, positions: Positions) -> Syntax:
    """Read all statements of a text; whatever goes wrong becomes a problem."""
    clean = _without_mark(text)
    engine = Dialect.get_or_raise(dialect)
    try:
        tokens = engine.tokenize(clean)
    except SqlglotError as error:
        return Syntax((), _token_problem(error, clean, dialect, positions))
    return Syntax(tuple(_read(chunk, clean, engine, dialect, positions) for chunk in _split(tokens)))


def read_spans(text: str, dialect: str) -> list[tuple[int, int]]:
    """Give where each statement begins and ends, without comments around it; none when the text cannot be cut."""
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(_without_mark(text))
    except SqlglotError:
        return []
    return [(chunk[0].start, chunk[-1].end + 1) for chunk in _split(tokens)]


def _without_mark(text: str) -> str:
    """Put a space in the place of the byte order mark, so that offsets stay."""
    return " " + text[1:] if text.startswith(BYTE_ORDER_MARK) else text


def _split(tokens: list[Token]) -> Iterator[list[Token]]:
    chunk: list[Token] = []
    for token in tokens:
        if token.token_type is not TokenType.SEMICOLON:
            chunk.append(token)
        elif chunk:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _read(tokens: list[Token], text: str, engine: Dialect, dialect: str, positions: Positions) -> Statement:
    deep = _too_deep(tokens)
    if deep is not None:
        return Statement(tokens, None, wording.too_deep(positions.place(deep.start)))
    foreign = slips.find_foreign(tokens, text, dialect, positions)
    if foreign is not None:
        return Statement(tokens, None, foreign)
    attempt = repairs.legacy(tokens, text) if dialect == "bigquery" and repairs.is_legacy(text) else tokens
    first_error: Exception | None = None
    for repair in (None, *repairs.repairs_of(dialect)):
        repaired = repair(attempt, text) if repair else attempt
        if repair and repaired == attempt:
            continue
        attempt = repaired
        try:
            tree = engine.parser().parse(attempt, text)[0]
        # sqlglot raises AttributeError, TypeError, KeyError and more on valid and invalid SQL alike.
        except Exception as error:  # noqa: BLE001
            first_error = first_error or error
        else:
            slip = _misspelled_start(tree, tokens, text, dialect, positions)
            return Statement(tokens, None, slip) if slip else Statement(tokens, tree)
    stopped = _stopped_at(first_error, tokens)
    slip = slips.find_slip(tokens, stopped, text, dialect, positions)
    return Statement(tokens, None, slip or _parse_problem(first_error, tokens, positions))


def _misspelled_start(
    tree: exp.Expr | None, tokens: list[Token], text: str, dialect: str, positions: Positions
) -> Problem | None:
    """`selct 1` is read as a column with an alias."""
    if isinstance(tree, exp.Query) or tokens[0].token_type is not TokenType.VAR:
        return None
    return slips.find_misspelled(tokens, tokens[0].start, text, dialect, positions)


def _too_deep(tokens: list[Token]) -> Token | None:
    if len(tokens) <= _MAX_DEPTH:
        return None
    depth = 0
    for token in tokens:
        if token.token_type in _OPENING:
            depth += 1
            if depth > _MAX_DEPTH:
                return token
        elif token.token_type in _CLOSING:
            depth -= 1
    return None


def _parse_problem(error: Exception | None, tokens: list[Token], positions: Positions) -> Problem:
    if isinstance(error, ParseError) and error.errors:
        first = error.errors[0]
        found = str(first.get("highlight") or "")
        place = positions.place(_stopped_at(error, tokens))
        return wording.syntax(place, str(first.get("description") or ""), found or tokens[0].text)
    start = positions.place(tokens[0].start)
    if isinstance(error, RecursionError):
        return wording.too_deep(start)
    return wording.unreadable(start, type(error).__name__)


def _stopped_at(error: Exception | None, tokens: list[Token]) -> int:
    """Find the token that an error of sqlglot speaks of: its line and column are those of the token's end."""
    first = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
    for token in tokens:
        if token.line == first.get("line") and token.col == first.get("col"):
            return token.start
    return tokens[0].start


def _token_problem(error: SqlglotError, text: str, dialect: str, positions: Positions) -> Problem:
    # Compiled sqlglot leaves out the cause.
    match = _TOKEN_PLACE.search(str(error.__cause__ or error.__context__ or error))
    if match:
        last = max(0, len(text) - 1)
        offset = slips.find_opening(text, min(int(match["offset"]), last), match["opening"], dialect)
        return wording.unterminated(positions.place(offset), match["opening"])
    if not text.endswith("\n"):
        # A quote as the last letter of all makes sqlglot look behind the end, and say nothing of the quote.
        try:
            Dialect.get_or_raise(dialect).tokenize(text + "\n")
        except SqlglotError as again:
            return _token_problem(again, text + "\n", dialect, positions)
    comment = text.rfind("/*")
    if comment >= 0 and "*/" not in text[comment:]:
        return wording.unterminated(positions.place(comment), "/*")
    offset = error.start if isinstance(error, TokenError) and error.start is not None else 0
    return wording.unreadable(positions.place(offset), "it cannot be cut into words")
