"""A fingerprint of a PostgreSQL table: the same for the same rows, in whatever order they lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements


def fingerprint_query(
    relation: Relation, columns: Sequence[tuple[str, str]], where: exp.Expr | None = None
) -> exp.Select:
    """One row with the sums over all rows of a table."""
    query = exp.select(*fingerprint_sums(columns), copy=False).from_(statements.table(relation), copy=False)
    return query if where is None else query.where(where.copy())


def fingerprint_sums(columns: Sequence[tuple[str, str]]) -> tuple[exp.Expr, ...]:
    """How many rows there are, and the sum of 64-bit hashes of their text, which no order changes and nothing cuts off.

    The text of a row tells every two values apart; the server's own hashes of values call 0.0 and -0.0, a month and 30
    days, 1 and 2**32 equal. To write it is most of the work, so there is one sum.
    """
    row = exp.Anonymous(this="ROW", expressions=[statements.column(name) for name, _ in columns])
    text = exp.Cast(this=row, to=exp.DataType(this=exp.DataType.Type.TEXT))
    hashed = exp.Anonymous(this="HASHTEXTEXTENDED", expressions=[text, exp.Literal.number(1)])
    return exp.Count(this=exp.Star()), exp.Sum(this=hashed)


def fingerprint_of(row: Sequence[Any]) -> str:
    """The answer to `fingerprint_query` as short text.

    Examples:
        >>> fingerprint_of((2, -30)), fingerprint_of((0, None))
        ('2-i1e', '0-0')
    """
    rows, total = (int(value or 0) for value in row)
    return f"{rows}-{total:x}".replace("--", "-i")
