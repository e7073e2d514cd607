"""A query as a tree in which each function is called as it was written, with the arguments as they were written."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import Token, TokenType

from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.syntax import read_syntax

_MARK = "sqlmat$"


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


# What stands before a bracket and is no function, or has a syntax of its own inside of the bracket.
_SYNTAX = words(
    "ALL ANY ARRAY AS CAST CUBE EXCEPT EXISTS EXTRACT IN INTERVAL OFFSET OPTIONS ORDINAL PIVOT RANGE ROLLUP SAFE_CAST "
    "SAFE_OFFSET SAFE_ORDINAL SETS SOME STRUCT SYSTEM TABLE UNNEST UNPIVOT USING VALUES WEEK"
)
# Words of the language that are functions where a bracket follows.
_WORDS = words(
    "CURRENT_DATE CURRENT_DATETIME CURRENT_TIME CURRENT_TIMESTAMP DATE DATETIME FORMAT IF LEFT REPEAT REPLACE RIGHT "
    "ROW_NUMBER STRING TIME TIMESTAMP"
)
# Types that may have a bracket of their own behind them, and functions of the same name.
_TYPES = frozenset({"STRING"})
_BEFORE_TYPE = frozenset({TokenType.ALIAS, TokenType.LT, TokenType.VAR})


class UnreadableError(Exception):
    """A text is no single query that the parser knows; says why."""


def read_raw(sql: str, dialect: str) -> exp.Expr:
    """Read one statement, with every call of a function as `exp.Anonymous`.

    What sqlglot makes of a function depends on what it knows of it, and some of it is lost on the way. Here the name
    and the arguments are those of the text.

    Args:
        sql: The statement.
        dialect: How it is written.

    Raises:
        UnreadableError: It cannot be read.
    """
    statements = read_syntax(sql, dialect, Positions(sql)).statements
    if len(statements) > 1:
        raise UnreadableError("it has statements before the SELECT")
    if len(statements) != 1 or statements[0].tree is None:
        problem = statements[0].problem if statements else None
        raise UnreadableError("it cannot be read" if problem is None else problem.what)
    tokens = statements[0].tokens
    if any(token.token_type is TokenType.PIPE_GT for token in tokens):
        raise UnreadableError("pipe syntax")
    marked = [_marked(tokens, index) for index in range(len(tokens))]
    try:
        tree = Dialect.get_or_raise(dialect).parser().parse(marked, sql)[0]
    # sqlglot raises AttributeError, TypeError, KeyError and more on valid and invalid SQL alike.
    except Exception as error:
        raise UnreadableError("the parser does not know it") from error
    if tree is None:
        raise UnreadableError("it cannot be read")
    return tree


def function_name(node: exp.Expr) -> str | None:
    """The name of the function that is called, in capitals; None where the node is no call of that kind."""
    if isinstance(node, exp.Anonymous) and isinstance(node.this, str) and node.this.startswith(_MARK):
        return node.this.removeprefix(_MARK).upper()
    return None


def _marked(tokens: list[Token], index: int) -> Token:
    token = tokens[index]
    is_call = index + 1 < len(tokens) and tokens[index + 1].token_type is TokenType.L_PAREN
    if not is_call or not _is_function(tokens, index):
        return token
    return Token(TokenType.VAR, _MARK + token.text, token.line, token.col, token.start, token.end, [])


def _is_function(tokens: list[Token], index: int) -> bool:
    token, word = tokens[index], tokens[index].text.upper()
    before = tokens[index - 1].token_type if index else None
    if token.token_type is not TokenType.VAR and word not in _WORDS:
        return False
    if word == "REPLACE":
        # `* REPLACE (` and `* EXCEPT (…) REPLACE (` change columns.
        return before not in (TokenType.STAR, TokenType.R_PAREN)
    if word in _TYPES:
        return before not in _BEFORE_TYPE
    return word not in _SYNTAX
