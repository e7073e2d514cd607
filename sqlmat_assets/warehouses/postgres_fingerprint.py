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
    """How many rows there are, and two sums over hashes of their text that no order changes.

    The text of a row tells every two values apart; the server's own hashes of values call 0.0 and -0.0, a month and 30
    days, 1 and 2**32 equal.
    """
    row = exp.Anonymous(this="ROW", expressions=[statements.column(name) for name, _ in columns])
    text = exp.Cast(this=row, to=exp.DataType(this=exp.DataType.Type.TEXT))
    return (
        exp.Count(this=exp.Star()),
        exp.Sum(this=_hash(text, 1)),
        exp.Anonymous(this="BIT_XOR", expressions=[_hash(text.copy(), 2)]),
    )


def fingerprint_of(row: Sequence[Any]) -> str:
    """The answer to `fingerprint_query` as short text.

    Examples:
        >>> fingerprint_of((2, -30, 255)), fingerprint_of((0, None, None))
        ('2-i1e-ff', '0-0-0')
    """
    rows, total, exclusive = (int(value or 0) for value in row)
    return "-".join((str(rows), f"{total:x}".replace("-", "i"), f"{exclusive:x}".replace("-", "i")))


def _hash(text: exp.Expr, seed: int) -> exp.Expr:
    return exp.Anonymous(this="HASHTEXTEXTENDED", expressions=[text, exp.Literal.number(seed)])
