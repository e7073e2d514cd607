"""How long the texts are that a query writes down: a column made of them has room for the longest, and for no more.

Only literals, and what chooses between them, are looked at; other expressions give 65535 bytes here. That a CASE over
literals gives a column of the longest one was met in dbt-labs/dbt-redshift#125.
"""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError


def lengths_of(query: str) -> dict[int, int]:
    """Return the lengths of the columns that are made of literals, by the numbers of the columns."""
    try:
        tree = sqlglot.parse_one(query, dialect="redshift")
    except SqlglotError:
        return {}
    found = [_lengths(select) for select in _selects(tree)]
    if not found or len({len(each) for each in found}) > 1:
        return {}
    columns = [_longest(column) for column in zip(*found, strict=True)]
    return {number: max(length, 1) for number, length in enumerate(columns, 1) if length is not None}


def _selects(tree: exp.Expr) -> list[exp.Select]:
    """The branches of a query, or nothing where one of them is no plain SELECT."""
    if isinstance(tree, exp.SetOperation):
        left, right = _selects(tree.this), _selects(tree.expression)
        return [*left, *right] if left and right else []
    if isinstance(tree, exp.Subquery) and isinstance(tree.this, exp.Expr):
        return _selects(tree.this)
    return [tree] if isinstance(tree, exp.Select) and not tree.is_star else []


def _lengths(select: exp.Select) -> list[int | None]:
    return [_length(each.unalias()) for each in select.expressions]


def _length(value: exp.Expr) -> int | None:
    match value:
        case exp.Literal() if value.is_string:
            return len(value.name.encode())
        case exp.Null():
            return 0
        case exp.Paren():
            return _length(value.this)
        case exp.Case():
            chosen = [each.args["true"] for each in value.args["ifs"]]
            return _longest([_length(each) for each in (*chosen, value.args.get("default") or exp.Null())])
        case exp.Coalesce():
            return _longest([_length(each) for each in (value.this, *value.expressions)])
        case _:
            return None


def _longest(lengths: list[int | None] | tuple[int | None, ...]) -> int | None:
    return None if any(each is None for each in lengths) else max(each or 0 for each in lengths)
