"""Statements as DuckDB takes them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import Dialect, exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import ObjectKind

# Looked up by its name, a dialect is made anew for every statement.
DIALECT = Dialect.get_or_raise("duckdb")


def sql(statement: exp.Expr) -> str:
    """The text of a statement; the tree may be changed."""
    return statement.sql(DIALECT, copy=False)


def swap(
    target: Relation, intermediate: Relation, in_place: ObjectKind | None, becomes: ObjectKind
) -> Iterator[exp.Expr]:
    """What puts the new table or view in the place of the old one."""
    match in_place:
        case "table":
            yield statements.drop_table(target)
        case "view":
            yield statements.drop_view(target)
        case None:
            pass
    rename = statements.rename_view if becomes == "view" else statements.rename_table
    yield rename(intermediate, target.name)
