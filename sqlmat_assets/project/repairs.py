"""Spellings that sqlglot does not read, turned into ones it does, token by token, so that every position stays."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot.tokenizer_core import Token, TokenType

_LEGACY_NAME = re.compile(r"[\w$@*:.-]*[:.][\w$@*:.-]+")
_LEGACY_RANGES = frozenset({"TABLE_DATE_RANGE", "TABLE_DATE_RANGE_STRICT"})
_BEFORE_TABLE = frozenset({TokenType.FROM, TokenType.JOIN, TokenType.COMMA, TokenType.L_PAREN})
_BEFORE_ARGUMENT = frozenset({TokenType.COMMA, TokenType.L_PAREN, TokenType.FARROW})
# Pipe operators that take expressions as EXTEND does and read no table by name.
_PIPES_LIKE_EXTEND = frozenset({"SET", "DROP", "RENAME", "WINDOW", "CALL", "ASSERT"})

Repair = Callable[[list[Token], str], list[Token]]


def repairs_of(dialect: str) -> tuple[Repair, ...]:
    """Name what may be tried, one after the other and all together, when sqlglot refuses a statement."""
    if dialect == "bigquery":
        return (_table_arguments, _pipe_operators, legacy)
    return (_table_arguments,)


LEGACY_MARK = "/*#legacySQL*/ "


def is_legacy(text: str) -> bool:
    """Tell whether a BigQuery text is in the legacy dialect; sqlglot reads some of it, wrongly."""
    upper = text.upper()
    return any(mark in upper for mark in ("#LEGACYSQL", "TABLE_DATE_RANGE", "TABLE_QUERY"))


def mark_legacy(statement: str, text: str, dialect: str) -> str:
    r"""Have a statement of a file in the legacy dialect say so itself, in the line in which it begins.

    Examples:
        >>> mark_legacy("select 1", "#legacySQL\nselect 1", "bigquery")
        '/*#legacySQL*/ select 1'
    """
    return f"{LEGACY_MARK}{statement}" if dialect == "bigquery" and is_legacy(text) else statement


def _like(model: Token, kind: TokenType, text: str, end: int | None = None) -> Token:
    return Token(kind, text, model.line, model.col, model.start, model.end if end is None else end, [])


def _table_arguments(tokens: list[Token], text: str) -> list[Token]:
    """Write `f(TABLE s.t)` as `f((SELECT * FROM s.t))`."""
    del text
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.token_type is not TokenType.TABLE or not result or result[-1].token_type not in _BEFORE_ARGUMENT:
            result.append(token)
            index += 1
            continue
        opening = (
            (TokenType.L_PAREN, "("),
            (TokenType.SELECT, "SELECT"),
            (TokenType.STAR, "*"),
            (TokenType.FROM, "FROM"),
        )
        result += (_like(token, kind, word) for kind, word in opening)
        index += 1
        while index < len(tokens) and tokens[index].token_type not in (TokenType.COMMA, TokenType.R_PAREN):
            result.append(tokens[index])
            index += 1
        result.append(_like(result[-1], TokenType.R_PAREN, ")"))
    return result


def _pipe_operators(tokens: list[Token], text: str) -> list[Token]:
    """Write `|> SET a = 1` as `|> EXTEND a = 1`."""
    del text
    return [
        _like(token, TokenType.VAR, "EXTEND")
        if before is not None and before.token_type is TokenType.PIPE_GT and token.text.upper() in _PIPES_LIKE_EXTEND
        else token
        for before, token in zip([None, *tokens], tokens, strict=False)
    ]


def legacy(tokens: list[Token], text: str) -> list[Token]:
    """Write `[project:dataset.table]` as one quoted name, and the functions that stand for tables as those.

    `TABLE_DATE_RANGE([p:d.prefix_], …)` is read as the wildcard `p:d.prefix_*`, `TABLE_QUERY([p:d], …)` as `p:d.*`,
    `FLATTEN(t, column)` as `t`. https://cloud.google.com/bigquery/docs/reference/legacy-sql
    """
    return _without_words(_table_functions(_bracketed(tokens, text), text))


def _bracketed(tokens: list[Token], text: str) -> list[Token]:
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        index += 1
        before = result[-1] if result else None
        opens = before is not None and (before.token_type in _BEFORE_TABLE or before.text.upper() == "EACH")
        if token.token_type is TokenType.L_BRACKET and opens:
            close = text.find("]", token.end)
            if close > 0 and _LEGACY_NAME.fullmatch(text, token.end + 1, close):
                token = _like(token, TokenType.IDENTIFIER, text[token.end + 1 : close], close)
                while index < len(tokens) and tokens[index].start <= close:
                    index += 1
        result.append(token)
    return result


def _table_functions(tokens: list[Token], text: str) -> list[Token]:
    """Put the first argument in the place of the whole call."""
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        name = token.text.upper()
        is_call = index + 1 < len(tokens) and tokens[index + 1].token_type is TokenType.L_PAREN
        if not is_call or name not in (*_LEGACY_RANGES, "TABLE_QUERY", "FLATTEN"):
            result.append(token)
            index += 1
            continue
        first, after = _first_argument(tokens, index + 2)
        if not first:
            return tokens
        if name != "FLATTEN":
            start, end = first[0].start, first[-1].end
            written = first[0].text if len(first) == 1 else text[start : end + 1].strip("[]")
            suffix = "*" if name in _LEGACY_RANGES else ".*"
            first = [_like(first[0], TokenType.IDENTIFIER, written + suffix, end)]
        result += first
        index = after
    return result


def _first_argument(tokens: list[Token], index: int) -> tuple[list[Token], int]:
    """Give the first argument of a call and the index after its closing bracket."""
    first: list[Token] = []
    is_first, depth = True, 1
    while index < len(tokens):
        token = tokens[index]
        index += 1
        if token.token_type is TokenType.L_PAREN:
            depth += 1
        elif token.token_type is TokenType.R_PAREN:
            depth -= 1
            if depth == 0:
                return first, index
        elif token.token_type is TokenType.COMMA and depth == 1:
            is_first = False
        if is_first:
            first.append(token)
    return [], index


def _without_words(tokens: list[Token]) -> list[Token]:
    """Leave out `EACH` of joins and groups, and `WITHIN RECORD`."""
    result: list[Token] = []
    skip = False
    for token in tokens:
        word = token.text.upper()
        before = result[-1].token_type if result else None
        if skip:
            skip = False
        elif word == "EACH" and before is TokenType.JOIN:
            continue
        elif word == "EACH" and result and result[-1].text.upper() == "GROUP":
            result[-1] = _like(result[-1], TokenType.GROUP_BY, "GROUP BY")
            skip = True
        elif word == "WITHIN" and before is TokenType.R_PAREN:
            skip = True
        else:
            result.append(token)
    return result
