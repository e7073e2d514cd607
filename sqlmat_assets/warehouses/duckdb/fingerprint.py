"""A fingerprint of a DuckDB table: the same for the same rows, in whatever order they lie."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements

# Types whose hash tells every two values apart. Of the others DuckDB's `hash` calls some pairs equal: a month and 30
# days, `[[1], [2]]` and `[[1, 2]]`, 1 and 2**64, a struct of NULLs and NULL; those are hashed as text too.
_HASHED = frozenset(
    {
        "BOOLEAN",
        *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
        *("DATE", "TIME", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"),
        *("VARCHAR", "BLOB"),
    }
)
_FLOATING = frozenset({"FLOAT", "DOUBLE"})
_DECIMAL = re.compile(r"DECIMAL\((\d+),\d+\)")
_MOST_DIGITS_IN_64_BITS = 18


def fingerprint_query(
    relation: Relation, columns: Sequence[tuple[str, str]], where: exp.Expr | None = None
) -> exp.Select:
    """One row with the sums over all rows of a table."""
    query = exp.select(*fingerprint_sums(columns), copy=False).from_(statements.table(relation), copy=False)
    return query if where is None else query.where(where.copy())


def fingerprint_sums(columns: Sequence[tuple[str, str]]) -> tuple[exp.Expr, ...]:
    """How many rows there are, and two sums over their hashes that no order changes.

    The hash of a row is hashed once more, so that values that change places between rows cannot cancel out.
    """
    row = _hash(*(value for name, kind in columns for value in _values(name, kind)))
    return (
        exp.Count(this=exp.Star()),
        exp.Sum(this=_hash(row, exp.Literal.number(1))),
        exp.Anonymous(this="bit_xor", expressions=[_hash(row.copy(), exp.Literal.number(2))]),
    )


def fingerprint_of(row: Sequence[int | None]) -> str:
    """The answer to `fingerprint_query` as short text.

    Examples:
        >>> fingerprint_of((2, 30, 255)), fingerprint_of((0, None, None))
        ('2-1e-ff', '0-0-0')
    """
    rows, total, exclusive = (int(value or 0) for value in row)
    return f"{rows}-{total:x}-{exclusive:x}"


def _values(name: str, kind: str) -> Iterator[exp.Expr]:
    """What is hashed of a column."""
    yield statements.column(name)
    if kind in _FLOATING:
        # 0.0 and -0.0 are equal, but not the same.
        is_zero = exp.EQ(this=statements.column(name), expression=exp.Literal.number(0))
        yield exp.And(this=is_zero, expression=exp.Anonymous(this="signbit", expressions=[statements.column(name)]))
    elif not _is_hashed_alone(kind):
        yield exp.Cast(this=statements.column(name), to=exp.DataType(this=exp.DataType.Type.VARCHAR))


def _is_hashed_alone(kind: str) -> bool:
    if kind in _HASHED:
        return True
    decimal = _DECIMAL.fullmatch(kind)
    return decimal is not None and int(decimal[1]) <= _MOST_DIGITS_IN_64_BITS


def _hash(*values: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="hash", expressions=list(values))
