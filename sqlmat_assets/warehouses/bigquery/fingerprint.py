"""A fingerprint of a table's rows, which is taken only where somebody asks for it: it reads all of them.

Each row is a text in which every value tells its type and its end; its fingerprint is taken twice, with another
beginning, so that one that collides in the one does not in the other. The sums tell rows apart that are there more
often, and do not depend on the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements

_SEEDS = ("a", "b")


def fingerprint_query(relation: Relation, columns: Sequence[tuple[str, str]], where: exp.Expr | None) -> exp.Select:
    """One row of numbers that are the same for the same rows."""
    query = exp.select(*fingerprint_sums(columns)).from_(statements.table(relation))
    return query if where is None else query.where(where.copy())


def fingerprint_sums(columns: Sequence[tuple[str, str]]) -> list[exp.Expr]:
    """The numbers, as columns of a query on the table."""
    sums: list[exp.Expr] = [statements.named(exp.Count(this=exp.Star()), "sqlmat_count")]
    for seed in _SEEDS:
        row = _call("FARM_FINGERPRINT", _call("CONCAT", exp.Literal.string(seed), *map(_text, columns)))
        # A sum of whole numbers would be too great for one.
        numeric = exp.Cast(this=row, to=exp.DataType.build("BIGNUMERIC", dialect="bigquery"))
        sums.append(statements.named(exp.Sum(this=numeric), f"sqlmat_sum_{seed}"))
        sums.append(statements.named(_call("BIT_XOR", row.copy()), f"sqlmat_xor_{seed}"))
    return sums


def fingerprint_of(row: Sequence[Any]) -> str:
    """The numbers as a short text."""
    return blake2b(repr([None if each is None else str(each) for each in row]).encode(), digest_size=16).hexdigest()


def _text(column: tuple[str, str]) -> exp.Expr:
    """A value so that no two values of a row can be taken for two others."""
    name, kind = column
    value: exp.Expr = statements.column(name)
    written = _call("TO_JSON_STRING", value) if kind not in ("STRING", "BYTES") else _exact(value, kind)
    length = exp.Cast(this=_call("BYTE_LENGTH", written.copy()), to=exp.DataType.build("TEXT"))
    told = _call("CONCAT", length, exp.Literal.string(":"), written)
    return exp.Coalesce(this=told, expressions=[exp.Literal.string("-")])


def _exact(value: exp.Expr, kind: str) -> exp.Expr:
    return value if kind == "STRING" else _call("TO_BASE64", value)


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))
