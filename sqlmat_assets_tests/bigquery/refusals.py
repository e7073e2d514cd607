"""What DuckDB would take and BigQuery does not. The README has the table of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from sqlmat_assets_tests.bigquery.texts import Text, tokens_of
from sqlmat_assets_tests.bigquery.wire import ApiError, invalid_query

# Types of other engines, with which a CAST is refused.
_FOREIGN = {"VARCHAR", "TEXT", "DOUBLE", "REAL", "CHAR", "TIMESTAMPTZ", "INTEGER[]", "UUID", "HUGEINT", "BLOB"}
_FOREIGN_FUNCTIONS = {"now", "to_timestamp", "list_value", "epoch", "getdate", "nvl2", "date_part", "generate_series"}


def refuse(text: Text, tree: exp.Expr) -> None:
    """Refuse a statement that is not GoogleSQL.

    Raises:
        ApiError: With the words of BigQuery where they are known.
    """
    for check in _CHECKS:
        for error in check(text, tree):
            raise error


def _colons(text: Text, _tree: exp.Expr) -> Iterator[ApiError]:
    for token in tokens_of(text.sql):
        if token.token_type == TokenType.DCOLON:
            yield invalid_query('Syntax error: Unexpected ":"', text.place(token.line, token.col))


def _types(text: Text, tree: exp.Expr) -> Iterator[ApiError]:
    tokens = tokens_of(text.sql)
    for before, token in pairwise(tokens):
        is_cast = before.text.upper() == "AS" and token.text.upper() in _FOREIGN and tree.find(exp.Cast, exp.TryCast)
        if is_cast and not _is_alias(tree, token.text):
            yield invalid_query(f"Type not found: {token.text}", text.find(token.text))


def _is_alias(tree: exp.Expr, name: str) -> bool:
    return any(each.alias == name for each in tree.find_all(exp.Alias, exp.TableAlias, exp.CTE))


def _conditions(text: Text, tree: exp.Expr) -> Iterator[ApiError]:
    if isinstance(tree, exp.Update | exp.Delete) and tree.args.get("where") is None:
        yield invalid_query(f"{type(tree).__name__.upper()} must have a WHERE clause", text.place(1, 1))


def _functions(text: Text, tree: exp.Expr) -> Iterator[ApiError]:
    for each in tree.find_all(exp.Anonymous):
        if each.name.lower() in _FOREIGN_FUNCTIONS:
            yield invalid_query(f"Function not found: {each.name}", text.find(each.name))


def _ilike(text: Text, tree: exp.Expr) -> Iterator[ApiError]:
    for _ in tree.find_all(exp.ILike):
        yield invalid_query("Syntax error: Unexpected identifier ILIKE", text.find("ilike"))


def _comments(text: Text, tree: exp.Expr) -> Iterator[ApiError]:
    if isinstance(tree, exp.Comment):
        yield invalid_query("Statement not supported: COMMENT", text.place(1, 1))


def _lateral(text: Text, tree: exp.Expr) -> Iterator[ApiError]:
    for _ in tree.find_all(exp.Lateral):
        yield invalid_query("Syntax error: Unexpected keyword LATERAL", text.find("lateral"))


def _without_from(text: Text, tree: exp.Expr) -> Iterator[ApiError]:
    for each in tree.find_all(exp.Select):
        if each.args.get("where") is not None and each.args.get("from_") is None:
            yield invalid_query("Query without FROM clause cannot have a WHERE clause", text.find("where"))


def _distinct(text: Text, tree: exp.Expr) -> Iterator[ApiError]:
    """UNION alone is neither ALL nor DISTINCT."""
    words = [token.text.upper() for token in tokens_of(text.sql)]
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in ("UNION", "EXCEPT", "INTERSECT") and following not in (
            "ALL",
            "DISTINCT",
            "(",
            "BY",
            "CORRESPONDING",
        ):
            if word == "EXCEPT" and not tree.find(exp.Except):
                continue
            yield invalid_query(f'Syntax error: Expected keyword ALL or keyword DISTINCT but got "{following}"')


_CHECKS: tuple[Callable[[Text, exp.Expr], Iterator[ApiError]], ...] = (
    _colons,
    _types,
    _conditions,
    _functions,
    _ilike,
    _comments,
    _lateral,
    _without_from,
    _distinct,
)
