"""A fingerprint of a Redshift table: the same for the same rows, in whatever order they lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements

# So many hexadecimal digits `STRTOL` reads into a BIGINT without a sign.
_DIGITS = 15
_DOCUMENTS = frozenset({"super"})
_BYTES = ("binary varying", "varbyte")


def fingerprint_query(
    relation: Relation, columns: Sequence[tuple[str, str]], where: exp.Expr | None = None
) -> exp.Select:
    """One row with the sums over all rows of a table."""
    query = exp.select(*fingerprint_sums(columns), copy=False).from_(statements.table(relation), copy=False)
    return query if where is None else query.where(where.copy())


def fingerprint_sums(columns: Sequence[tuple[str, str]]) -> tuple[exp.Expr, ...]:
    """How many rows there are, and two sums over parts of their hashes.

    A value has 32 digits and NULL one sign that is no digit, so no two rows come to one text.
    """
    hashed = [_hash_of(name, kind) for name, kind in columns]
    row = exp.MD5(this=_joined(hashed)) if len(hashed) > 1 else hashed[0]
    return (
        exp.Count(this=exp.Star()),
        exp.Sum(this=_number(row, 1)),
        exp.Sum(this=_number(row.copy(), 1 + _DIGITS)),
    )


def fingerprint_of(row: Sequence[Any]) -> str:
    """The answer to `fingerprint_query` as short text.

    Examples:
        >>> fingerprint_of((2, 30, 255)), fingerprint_of((0, None, None))
        ('2-1e-ff', '0-0-0')
    """
    rows, one, other = (int(value or 0) for value in row)
    return f"{rows}-{one:x}-{other:x}"


def _hash_of(name: str, kind: str) -> exp.Expr:
    column = statements.column(name)
    if kind == "boolean":
        yes, no = exp.Literal.string("t"), exp.Literal.string("f")
        # It cannot be cast to text.
        text: exp.Expr = exp.Case(
            ifs=[exp.If(this=column, true=yes), exp.If(this=exp.Not(this=column.copy()), true=no)]
        )
    elif kind in _DOCUMENTS:
        text = exp.Anonymous(this="JSON_SERIALIZE", expressions=[column])
    elif kind.startswith(_BYTES):
        text = exp.Anonymous(this="TO_HEX", expressions=[column])
    else:
        text = exp.Cast(this=column, to=exp.DataType(this=exp.DataType.Type.TEXT))
    return exp.Coalesce(this=exp.MD5(this=text), expressions=[exp.Literal.string("-")])


def _joined(texts: Sequence[exp.Expr]) -> exp.Expr:
    """All of them in order; in halves, so that a thousand columns nest ten deep."""
    if len(texts) == 1:
        return texts[0]
    half = len(texts) // 2
    return exp.Paren(this=exp.DPipe(this=_joined(texts[:half]), expression=_joined(texts[half:])))


def _number(hashed: exp.Expr, start: int) -> exp.Expr:
    part = exp.Anonymous(this="SUBSTRING", expressions=[hashed, exp.Literal.number(start), exp.Literal.number(_DIGITS)])
    # A lone NULL has no digits.
    filled = exp.Anonymous(this="TRANSLATE", expressions=[part, exp.Literal.string("-"), exp.Literal.string("7")])
    padded = exp.DPipe(this=exp.Literal.string("0"), expression=filled)
    return exp.Anonymous(this="STRTOL", expressions=[padded, exp.Literal.number(16)])
