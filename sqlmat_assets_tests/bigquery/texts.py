"""The text of a query: its statements, and where in it something stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from sqlmat_assets_tests.bigquery.wire import Place, invalid_query

_WORDS = frozenset(
    [
        "SELECT",
        "WITH",
        "FROM",
        "INSERT",
        "UPDATE",
        "DELETE",
        "MERGE",
        "TRUNCATE",
        "CREATE",
        "DROP",
        "ALTER",
        "EXPORT",
        "LOAD",
        "GRANT",
        "REVOKE",
        "CALL",
        "EXECUTE",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "DECLARE",
        "SET",
        "IF",
        "ASSERT",
        "RETURN",
        "RAISE",
        "(",
        "<<",
    ]
)
# What sqlglot does not read, and would say so on the terminal.
_BEYOND = re.compile(
    r"create\s+(?:or\s+replace\s+)?row\s+access|drop\s+(?:all\s+)?row\s+access|create\s+snapshot\s|"
    r"alter\s+table\s+(?:if\s+exists\s+)?\S+\s+alter\s+column\s+\S+\s+set\s+options|"
    r"create\s+table\s+(?:if\s+not\s+exists\s+)?\S+\s+(?:clone|copy)\s",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Text:
    """One statement of a query; `line` is the line of the query in which it begins, `column` where in that."""

    sql: str
    line: int = 1
    column: int = 1

    def place(self, line: int, column: int) -> Place:
        """A place in the statement as one of the whole query."""
        return Place(self.line + line - 1, column if line > 1 else self.column + column - 1)

    def find(self, word: str) -> Place | None:
        """Where a name stands first."""
        for token in tokens_of(self.sql):
            if token.text.lower() == word.lower():
                return self.place(token.line, token.col - len(_raw(self.sql, token)) + 1)
        return None

    @property
    def is_beyond_trees(self) -> bool:
        """Whether sqlglot has no syntax tree for it."""
        return _BEYOND.match(self.sql.strip()) is not None

    def parse(self) -> exp.Expr:
        """The syntax tree."""
        first = tokens_of(self.sql)[0]
        if first.text.upper() not in _WORDS:
            place = self.place(first.line, first.col - len(_raw(self.sql, first)) + 1)
            raise invalid_query(f'Syntax error: Unexpected identifier "{first.text}"', place)
        try:
            found = _parse(self.sql)
        except (ParseError, TokenError) as error:
            raise self._refusal(error) from error
        return found.copy()

    def _refusal(self, error: ParseError | TokenError) -> Exception:
        details = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
        line, column = int(details.get("line") or 1), int(details.get("col") or 1)
        word = str(details.get("highlight") or "")
        told = f'Unexpected "{word}"' if word else "Unexpected end of script"
        return invalid_query(f"Syntax error: {told}", self.place(line, max(column - len(word) + 1, 1)))


def split(query: str) -> list[Text]:
    """The statements of a script, in order; those of a block (`BEGIN … END`, `IF … END IF`) stand in one."""
    found: list[Text] = []
    start: Token | None = None
    depth, previous = 0, None
    for token in tokens_of(query):
        word = token.text.upper()
        if token.token_type == TokenType.SEMICOLON and depth == 0:
            if start is not None:
                found.append(_between(query, start, token.start))
            start, previous = None, None
            continue
        if start is None:
            start = token
        depth += _opens(word, token is start, previous)
        previous = word
    if start is not None:
        found.append(_between(query, start, len(query)))
    return found


@lru_cache(4096)
def tokens_of(query: str) -> Sequence[Token]:
    """All tokens of a text."""
    try:
        return tuple(BigQuery().tokenize(query))
    except TokenError as error:
        raise invalid_query(f"Syntax error: Unclosed string literal or comment: {error}") from error


def _opens(word: str, is_first: bool, previous: str | None) -> int:
    if word in ("BEGIN", "IF", "CASE", "LOOP", "WHILE", "FOR", "REPEAT"):
        # BEGIN TRANSACTION is told from a block by what follows it, and CASE is closed by END in any place.
        return 1 if word == "CASE" or (is_first and word != "BEGIN") else 0
    if word == "END":
        return -1 if previous != "END" else 0
    return 0


def _between(query: str, start: Token, end: int) -> Text:
    text = query[start.start : end]
    before = query[: start.start]
    line = before.count("\n") + 1
    return Text(text, line, start.start - (before.rfind("\n") + 1) + 1)


def _raw(sql: str, token: Token) -> str:
    return sql[token.start : token.end + 1]


@lru_cache(2048)
def _parse(sql: str) -> exp.Expr:
    found = sqlglot.parse_one(sql, read="bigquery")
    if found is None:  # pyright: ignore[reportUnnecessaryComparison] - of an empty text there is none
        raise invalid_query("Syntax error: Unexpected end of script")
    return found
