"""The columns that a query gives back, with the comments beside them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from sqlmat_assets.project.comments import Comment, described, read_comments
from sqlmat_assets.project.folding import fold
from sqlmat_assets.project.model import ColumnDoc
from sqlmat_assets.project.syntax import Statement

_OPENING = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE})
_CLOSING = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})
_AFTER_LIST = frozenset(
    {
        TokenType.FROM,
        TokenType.WHERE,
        TokenType.GROUP_BY,
        TokenType.HAVING,
        TokenType.QUALIFY,
        TokenType.WINDOW,
        TokenType.ORDER_BY,
        TokenType.LIMIT,
        TokenType.OFFSET,
        TokenType.FETCH,
        TokenType.UNION,
        TokenType.EXCEPT,
        TokenType.INTERSECT,
        TokenType.INTO,
        TokenType.PIPE_GT,
    }
)


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a SELECT list: the indexes of its first token and of the one behind its last."""

    first: int
    last: int


def final_select(tree: exp.Expr) -> exp.Select | None:
    """Give the SELECT whose names the result has: of a UNION the first."""
    node: object = tree
    while isinstance(node, (exp.Subquery, exp.SetOperation)):
        node = node.this
    return node if isinstance(node, exp.Select) else None


def is_star(projection: exp.Expr) -> bool:
    """Tell whether an item of a SELECT list stands for columns that it does not name."""
    return projection.is_star or isinstance(projection, exp.Columns)


def output_name(projection: exp.Expr, dialect: str) -> str:
    """Give an item's name in the result, empty where it is left to the engine."""
    if isinstance(projection, exp.Alias):
        name = projection.args.get("alias")
    elif isinstance(projection, exp.Column):
        name = projection.this
    elif isinstance(projection, exp.Dot):
        name = projection.expression
    else:
        return ""
    if not isinstance(name, exp.Identifier):
        return ""
    # DuckDB and BigQuery keep the spelling, whatever they think of its case.
    return fold(name.name, dialect, is_quoted=bool(name.quoted)) if dialect in ("postgres", "redshift") else name.name


def read_outputs(statement: Statement, text: str, dialect: str) -> tuple[tuple[ColumnDoc, ...], bool]:
    """Name a query's columns.

    Returns:
        The columns with a name, in order, and whether there are others.
    """
    select = final_select(statement.tree) if statement.tree is not None else None
    if select is None:
        return (), True
    projections = select.expressions
    items = select_items(statement.tokens)
    comments = _beside(statement.tokens, items, text, dialect) if len(items) == len(projections) else {}
    columns: list[ColumnDoc] = []
    for index, projection in enumerate(projections):
        name = "" if is_star(projection) else output_name(projection, dialect)
        if name:
            columns.append(ColumnDoc(name, described(comments.get(index, []))))
    return tuple(columns), len(columns) < len(projections)


def select_items(tokens: list[Token]) -> list[Item]:
    """Find the items of the final SELECT's list among the tokens of a statement."""
    at = _final_select_index(tokens)
    if at is None:
        return []
    at += 1
    while at < len(tokens) and tokens[at].token_type in (TokenType.DISTINCT, TokenType.ALL, TokenType.HINT):
        at += 1
    items: list[Item] = []
    depth, first = 0, at
    while at < len(tokens):
        kind = tokens[at].token_type
        if kind in _OPENING:
            depth += 1
        elif kind in _CLOSING:
            depth -= 1
        if depth < 0 or (depth == 0 and kind in _AFTER_LIST and not _is_star_option(tokens, at)):
            break
        if depth == 0 and kind is TokenType.COMMA:
            items.append(Item(first, at))
            first = at + 1
        at += 1
    if at > first:
        items.append(Item(first, at))
    return items


def _is_star_option(tokens: list[Token], at: int) -> bool:
    """`* EXCEPT (a)` is one item, `SELECT * EXCEPT SELECT …` is not."""
    if tokens[at].token_type is not TokenType.EXCEPT or tokens[at - 1].token_type is not TokenType.STAR:
        return False
    after = tokens[at + 1 : at + 3]
    return (
        len(after) == 2
        and after[0].token_type is TokenType.L_PAREN
        and after[1].token_type not in (TokenType.SELECT, TokenType.WITH, TokenType.FROM)
    )


def _final_select_index(tokens: list[Token]) -> int | None:
    """Find the SELECT that is in no brackets but those around the whole query, behind the WITH."""
    at = 0
    while at < len(tokens) and tokens[at].token_type in (TokenType.L_PAREN, TokenType.WITH):
        if tokens[at].token_type is TokenType.L_PAREN:
            at += 1
            continue
        at = _after_with(tokens, at + 1)
    depth = 0
    for index in range(at, len(tokens)):
        kind = tokens[index].token_type
        if kind in _OPENING:
            depth += 1
        elif kind in _CLOSING:
            depth -= 1
        elif kind is TokenType.SELECT and depth == 0:
            return index
        if depth < 0:
            return None
    return None


def _after_with(tokens: list[Token], at: int) -> int:
    """Give the index behind the last query of a WITH: a closing bracket that no comma and no name's AS follows."""
    depth = 0
    while at < len(tokens):
        kind = tokens[at].token_type
        if kind in _OPENING:
            depth += 1
        elif kind in _CLOSING:
            depth -= 1
            following = tokens[at + 1].token_type if at + 1 < len(tokens) else None
            if depth == 0 and following not in (TokenType.COMMA, TokenType.ALIAS):
                return at + 1
        at += 1
    return at


def _beside(tokens: list[Token], items: list[Item], text: str, dialect: str) -> dict[int, list[Comment]]:
    """Give each item the comments that stand beside or directly above it."""
    found: dict[int, list[Comment]] = {}
    for index, item in enumerate(items):
        gaps = {item.first, item.last}
        if index == len(items) - 1 and item.last < len(tokens) and tokens[item.last].token_type is TokenType.COMMA:
            gaps.add(item.last + 1)
        for gap in gaps:
            before = tokens[gap - 1]
            end = tokens[gap].start if gap < len(tokens) else len(text)
            if end <= before.end + 2:
                continue
            # In the gap before an item its predecessor may be commented, in the one behind it its successor.
            previous, following = (index - 1, index) if gap == item.first else (index, index + 1)
            for comment in read_comments(text, before.end + 1, end, dialect):
                owner = _owner(text, before.end, comment, end, previous, following)
                if owner is not None and 0 <= owner < len(items):
                    found.setdefault(owner, []).append(comment)
    return {index: sorted(comments, key=lambda comment: comment.start) for index, comments in found.items()}


def _owner(text: str, before: int, comment: Comment, end: int, previous: int, following: int) -> int | None:
    """Say whose a comment is: of what follows in its line, else of what precedes, else of what it stands above."""
    if following >= 0 and "\n" not in text[comment.end : end] and text[end : end + 1] not in (",", ""):
        return following
    if "\n" not in text[before : comment.start]:
        return previous
    is_apart = "\n\n" in text[comment.end : end].replace("\r", "").replace(" ", "").replace("\t", "")
    return None if is_apart else following
