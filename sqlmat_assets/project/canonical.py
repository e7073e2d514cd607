"""One hash for all texts that surely mean the same: comments, layout, letter case and needless words do not count."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from sqlmat_assets.project.brackets import redundant_brackets
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
_SIGNS = frozenset("+-")
_APART_FROM_SIGNS = frozenset("=<>*/+-")
_PUNCTUATION = frozenset("()[]{},;.")


def hash_syntax(syntax: Syntax, text: str, dialect: str) -> str:
    """Hash a whole text; one that cannot be read is hashed as it is.

    Two things are hashed: the words, because a tree may have lost some, and the form of the trees, because the same
    words may be grouped otherwise once those are left out that are optional.
    """
    if syntax.problem is not None or any(_is_unread(statement) for statement in syntax.statements):
        return hash_text(text)
    state = hashlib.blake2b(digest_size=8)
    _feed(state, _switches(text, dialect))
    end = int(text.startswith(BYTE_ORDER_MARK))
    for statement in syntax.statements:
        _feed(state, _hashed(statement, text, end, dialect))
        end = statement.end
    _feed(state, _gap(text[end:], dialect))
    return state.hexdigest()


def hash_text(text: str) -> str:
    """Hash a text as it is."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, person=b"text").hexdigest()


def _feed(state: hashlib.blake2b, parts: Iterator[str]) -> None:
    # With its length before it, no part can look like two.
    state.update("".join(f"{len(part)}:{part}" for part in (*parts, ";")).encode("utf-8", "surrogatepass"))


def _is_unread(statement: Statement) -> bool:
    return statement.tree is None or isinstance(statement.tree, exp.Command)


def _switches(text: str, dialect: str) -> Iterator[str]:
    """Yield the comments that choose one of BigQuery's dialects."""
    if dialect == "bigquery":
        yield from (found[1].lower() for found in _SWITCH.finditer(text))


def _hashed(statement: Statement, text: str, end: int, dialect: str) -> Iterator[str]:
    tree = statement.tree
    if tree is None:
        return
    mentioned = Mentioned()
    form = "".join(_form(tree, mentioned))
    yield from _words(statement.tokens, tree, mentioned, text, end, dialect)
    yield form


def _words(
    tokens: list[Token], tree: exp.Expr, mentioned: Mentioned, text: str, end: int, dialect: str
) -> Iterator[str]:
    kept = words_to_keep(tokens, tree, mentioned, dialect)
    left_out = redundant_brackets(tokens)
    before: Token | None = None
    for index, token in enumerate(tokens):
        gap = text[end : token.start]
        yield from _gap(gap, dialect)
        written = text[token.start : token.end + 1]
        if before is not None:
            yield from _border(before, token, text[before.end], written[:1], gap)
        is_optional = token.token_type is TokenType.ALIAS and before is not None
        if not (index in left_out or (is_optional and before and before.token_type not in _BEFORE_AS)):
            if index in kept or not _IN_QUOTES.isdisjoint(written) or not (written[0].isalpha() or written[0] == "_"):
                yield written
            else:
                yield from fold(written, "duckdb", is_quoted=False).split()
        before, end = token, token.end + 1


def _gap(gap: str, dialect: str) -> Iterator[str]:
    """Yield what stands between two words, unless it is nothing to every engine."""
    if gap in _BLANKS:
        return
    nothing = _NOTHING_BIGQUERY if dialect == "bigquery" else _NOTHING
    if not nothing.fullmatch(gap):
        yield gap


def _border(before: Token, token: Token, left: str, right: str, gap: str) -> Iterator[str]:
    """Yield a mark where it matters that two words touch, or that a line ends between them."""
    if gap:
        # PostgreSQL and DuckDB make one of two strings on two lines.
        if before.token_type is TokenType.STRING and token.token_type is TokenType.STRING and "\n" in gap:
            yield "\n"
        return
    if left in _PUNCTUATION or right in _PUNCTUATION:
        return
    # `0xff` and `0 xff`, `x'ab'` and `x 'ab'`; `<->` and `< ->`, but not `=-1`.
    is_word_left, is_word_right = (letter.isalnum() or letter in "_'\"`$" for letter in (left, right))
    is_sign = right in _SIGNS and left in _APART_FROM_SIGNS
    if is_word_left == is_word_right and not is_sign:
        yield "+"


def _form(tree: exp.Expr, mentioned: Mentioned) -> Iterator[str]:
    """Yield how a tree is built, without the parentheses that the words tell of."""
    stack: list[exp.Expr | str] = [_bare(tree) if isinstance(tree, exp.Subquery) else tree]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            yield node
            continue
        while isinstance(node, (exp.Paren, exp.Subquery)):
            inner = node.this
            is_doubled = isinstance(node, exp.Paren) or (isinstance(inner, exp.Subquery) and _is_bare(node))
            if not (is_doubled and isinstance(inner, exp.Expr)):
                break
            node = inner
        mentioned.add(node)
        yield f"{type(node).__name__}("
        stack.append(")")
        for key, value in reversed(node.args.items()):
            if value is None or value is False or value == []:
                continue
            if isinstance(value, list):
                stack.append("]")
                stack += (item if isinstance(item, exp.Expr) else _leaf(item) for item in reversed(value))
                stack.append("[")
            else:
                stack.append(value if isinstance(value, exp.Expr) else _leaf(value))
            stack.append(f" {key}=")


def _leaf(value: object) -> str:
    return f"{str(value).lower()!r}"


def _is_bare(node: exp.Expr) -> bool:
    return all(key == "this" or not value for key, value in node.args.items())


def _bare(tree: exp.Expr) -> exp.Expr:
    """Take away the parentheses around a whole statement."""
    while isinstance(tree, exp.Subquery) and _is_bare(tree) and isinstance(tree.this, exp.Query):
        tree = tree.this
    return tree
