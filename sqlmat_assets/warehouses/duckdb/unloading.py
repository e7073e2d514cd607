"""How DuckDB writes rows into a file for a program that reads it with pyarrow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlglot import exp

from sqlmat_assets.warehouses import statements

# What Parquet or pyarrow has no type for is written as this: a HUGEINT would become a DOUBLE, an INTERVAL twelve bytes.
_WRITTEN_AS = {
    "HUGEINT": "DECIMAL(38, 0)",
    "UHUGEINT": "DECIMAL(38, 0)",
    "BIGNUM": "VARCHAR",
    "BIT": "VARCHAR",
    "INTERVAL": "VARCHAR",
    "JSON": "VARCHAR",
    "TIME WITH TIME ZONE": "VARCHAR",
    "UUID": "VARCHAR",
    "VARIANT": "VARCHAR",
}


def unload_statement(query: str, path: Path, columns: Sequence[tuple[str, str]] = ()) -> exp.Expr:
    """`COPY ... TO` a Parquet file.

    Args:
        query: The rows, as it was written.
        path: The file.
        columns: What the query gives (name, type), where that is known.
    """
    rows: exp.Expr = exp.Subquery(this=statements.verbatim(f"{query}\n"))
    casts = [_cast(name, _WRITTEN_AS[kind]) for name, kind in columns if kind in _WRITTEN_AS]
    if casts:
        source = statements.derived_table(query, "rows")
        rows = exp.Subquery(this=exp.select(exp.Star(replace=casts)).from_(source))
    form = exp.CopyParameter(this=exp.Var(this="FORMAT"), expression=exp.Var(this="PARQUET"))
    return exp.Copy(this=rows, kind=False, files=[exp.Literal.string(str(path))], params=[form])


def _cast(name: str, kind: str) -> exp.Expr:
    value = exp.Cast(this=statements.column(name), to=exp.DataType.build(kind, dialect="duckdb"))
    return exp.alias_(value, name, quoted=True)
