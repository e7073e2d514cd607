"""One hash for all texts that surely mean the same: comments, layout, letter case and needless words do not count."""

from __future__ import annotations

import re
from collections.abc import Container

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from sqlmat_assets.project.brackets import redundant_brackets
from sqlmat_assets.project.code_version import hash_parts
from sqlmat_assets.project.folding import fold
from sqlmat_assets.project.letter_case import Mentioned, words_to_keep
from sqlmat_assets.project.positions import BYTE_ORDER_MARK
from sqlmat_assets.project.syntax import Statement, Syntax

# What may stand between two words and is nothing: blanks, and comments as all four engines delimit them. A gap of
# another form is hashed as it is, since an engine may read more of it than sqlglot does.
_NOTHING = re.compile(r"(?:[ \t\r\n\f\v;]|--[^\r\n]*(?![^\r\n])|/\*(?:[^*/]|\*(?!/)|/(?!\*))*\*/)*")
_NOTHING_BIGQUERY = re.compile(
    r"(?:[ \t\r\n\f\v;]|(?:--|#)[^\r\n]*(?![^\r\n])|/\*(?:[^*/]|\*(?!/)|/(?!\*))*\*/)*",
)
_BLANKS = frozenset({"", " ", "\n"})
_SWITCH = re.compile(r"#\s*(legacy|standard)sql", re.IGNORECASE)
_IN_QUOTES = frozenset("'\"`$")
# Behind these AS is no mere ornament: `SELECT AS STRUCT`, `interval '1' as day`.
_BEFORE_AS = frozenset({TokenType.SELECT, TokenType.DISTINCT, TokenType.ALL, TokenType.STRING})
# Marks among the words; no word can be one.
_TOUCHING = "\0touching"
_NEXT_LINE = "\0next line"
_BETWEEN = "\0between"
_FORM = "\0form"
# A dialect that folds what is not in quotes.
_FOLDING = "duckdb"
_OF_WORDS = frozenset("_'\"`$")
_SIGNS = frozenset("+-")
_APART_FROM_SIGNS = frozenset("=<>*/+-")
_WRAPPERS = frozenset({exp.Paren, exp.Subquery})
_MENTIONING = frozenset({exp.Column, exp.Table, exp.CTE, exp.Subquery})
_LEAVES = frozenset({exp.Identifier, exp.Literal, exp.Null})
_PUNCTUATION = frozenset("()[]{},;.")


def hash_syntax(syntax: Syntax, text: str, dialect: str) -> str:
    """Hash a whole text; one that cannot be read is hashed as it is.

    Two things are hashed: the words, because a tree may have lost some, and the form of the trees, because the same
    words may be grouped otherwise once those are left out that are optional.
    """
    if syntax.problem is not None or any(_is_unread(statement) for statement in syntax.statements):
        return hash_text(text)
    parts: list[str] = []
    if dialect == "bigquery":
        parts += (found[1].lower() for found in _SWITCH.finditer(text))
    end = int(text.startswith(BYTE_ORDER_MARK))
    for statement in syntax.statements:
        if statement.tree is not None:
            mentioned = Mentioned()
            form = _form(statement.tree, mentioned)
            kept = words_to_keep(statement.tokens, statement.tree, mentioned, dialect)
            parts += _words(statement.tokens, kept, text, end, dialect)
            parts.append(f"{_FORM} {' '.join(form)}")
            end = statement.end
    if not _is_nothing(text[end:], dialect):
        parts.append(_BETWEEN + text[end:])
    return hash_parts(parts)


def hash_text(text: str) -> str:
    """Hash a text as it is."""
    return hash_parts(("as it is", text))


def _is_unread(statement: Statement) -> bool:
    return statement.tree is None or isinstance(statement.tree, exp.Command)


def _words(tokens: list[Token], kept: Container[int], text: str, end: int, dialect: str) -> list[str]:
    """Give the words of a statement, and of what is between them that which is not nothing.

    Args:
        tokens: Those of the statement.
        kept: Places of tokens whose letter case counts.
        text: The whole text.
        end: Where the statement before ends in it.
        dialect: duckdb, postgres, redshift or bigquery.
    """
    words: list[str] = []
    left_out = redundant_brackets(tokens)
    before: TokenType | None = None
    for index, token in enumerate(tokens):
        start, kind = token.start, token.token_type
        written = text[start : token.end + 1]
        if start == end:
            if before is not None and _is_touching(text[end - 1], written[0]):
                words.append(_TOUCHING)
        elif (gap := text[end:start]) != " ":
            if not _is_nothing(gap, dialect):
                words.append(_BETWEEN + gap)
            # PostgreSQL and DuckDB make one of two strings on two lines.
            if before is TokenType.STRING and kind is TokenType.STRING and "\n" in gap:
                words.append(_NEXT_LINE)
        is_optional = kind is TokenType.ALIAS and before is not None and before not in _BEFORE_AS
        if not is_optional and index not in left_out:
            if index in kept:
                words.append(written)
            elif written.isidentifier():
                words.append(written.lower() if written.isascii() else fold(written, _FOLDING, is_quoted=False))
            elif written[0].isalpha() and _IN_QUOTES.isdisjoint(written):
                # Two words as one token, `group by`, are the same as two tokens.
                words += fold(written, _FOLDING, is_quoted=False).split()
            else:
                words.append(written)
        before, end = kind, token.end + 1
    return words


def _is_nothing(gap: str, dialect: str) -> bool:
    """Whether what stands between two words is nothing to every engine."""
    nothing = _NOTHING_BIGQUERY if dialect == "bigquery" else _NOTHING
    return gap in _BLANKS or nothing.fullmatch(gap) is not None


def _is_touching(left: str, right: str) -> bool:
    """Whether it matters that there is no blank: `0xff` and `0 xff`, `<->` and `< ->`, but not `=-1`."""
    if left in _PUNCTUATION or right in _PUNCTUATION or (right in _SIGNS and left in _APART_FROM_SIGNS):
        return False
    return (left.isalnum() or left in _OF_WORDS) == (right.isalnum() or right in _OF_WORDS)


def _form(tree: exp.Expr, mentioned: Mentioned) -> list[str]:
    """Tell how a tree is built, without the parentheses that the words tell of."""
    form: list[str] = []
    stack: list[exp.Expr | str] = [_bare(tree) if isinstance(tree, exp.Subquery) else tree]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            form.append(node)
            continue
        kind = type(node)
        while kind in _WRAPPERS:
            inner = node.this
            is_doubled = kind is exp.Paren or (isinstance(inner, exp.Subquery) and _is_bare(node))
            if not (is_doubled and isinstance(inner, exp.Expr)):
                break
            node, kind = inner, type(inner)
        if kind in _MENTIONING:
            mentioned.add(node)
        form.append(kind.__name__)
        # The words have what is in a leaf.
        if kind in _LEAVES:
            continue
        form.append("(")
        stack.append(")")
        for key, value in reversed(node.args.items()):
            if value is None or value is False:
                continue
            if isinstance(value, list):
                if value:
                    stack.append("]")
                    stack += (item if isinstance(item, exp.Expr) else _leaf(item) for item in reversed(value))
                    stack.append("[")
            elif isinstance(value, exp.Expr):
                stack.append(value)
            else:
                stack.append(_leaf(value))
            stack.append(key)
    return form


def _leaf(value: object) -> str:
    return f"{str(value).lower()!r}"


def _is_bare(node: exp.Expr) -> bool:
    return all(key == "this" or not value for key, value in node.args.items())


def _bare(tree: exp.Expr) -> exp.Expr:
    """Take away the parentheses around a whole statement."""
    while isinstance(tree, exp.Subquery) and _is_bare(tree) and isinstance(tree.this, exp.Query):
        tree = tree.this
    return tree
