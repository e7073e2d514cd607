"""Functions in SQL, scalar and for tables, as macros of DuckDB; models, which predict what a test says.

https://cloud.google.com/bigquery/docs/user-defined-functions
https://cloud.google.com/bigquery/docs/table-functions
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import sqlglot
from sqlglot import exp

from sqlmat_assets_tests.bigquery.catalog import Catalog
from sqlmat_assets_tests.bigquery.columns import quoted
from sqlmat_assets_tests.bigquery.dialect import to_duckdb
from sqlmat_assets_tests.bigquery.wire import invalid_query, not_found


def define(
    tree: exp.Create, cursor: duckdb.DuckDBPyConnection, resolve: Callable[[exp.Expr], None], *, is_temporary: bool
) -> None:
    """Make a function: of the session where it is temporary, else of a dataset."""
    head, body = tree.this, tree.expression
    if not isinstance(head, exp.UserDefinedFunction) or not isinstance(body, exp.Expr) or body.is_string:
        raise invalid_query("Only functions in SQL are emulated")
    arguments = ", ".join(quoted(each.name) for each in head.expressions)
    body = body.copy()
    is_table = isinstance(body, exp.Query) and not isinstance(body, exp.Subquery)
    # What reads tables does so when it is defined.
    resolve(body)
    kind, said = ("TABLE ", to_duckdb(body)) if is_table else ("", f"({to_duckdb(body)})")
    name = _macro([part.name for part in head.this.parts])
    cursor.execute(f"CREATE OR REPLACE {'TEMP ' if is_temporary else ''}MACRO {name}({arguments}) AS {kind}{said}")


def put_calls(tree: exp.Expr, catalog: Catalog) -> None:
    """Have the calls of functions of datasets name the macros, and predictions of models be queries."""
    for dot in list(tree.find_all(exp.Dot)):
        if isinstance(dot.expression, exp.Anonymous) and not isinstance(dot.parent, exp.Dot):
            path = [each.name for each in dot.flatten()]
            dot.replace(_call(path, dot.expression))
    for call in list(tree.find_all(exp.Anonymous)):
        if isinstance(call.this, exp.Identifier) and "." in call.this.name:
            call.replace(_call(call.this.name.split("."), call))
    for table in list(tree.find_all(exp.Table)):
        if isinstance(table.this, exp.Anonymous) and table.db:
            table.set("this", _call([table.db, table.this.name], table.this))
            table.set("db", None)
            table.set("catalog", None)
        elif isinstance(table.this, exp.Predict):
            table.replace(_predicted(table, table.this, catalog))


def _predicted(table: exp.Table, predict: exp.Predict, catalog: Catalog) -> exp.Expr:
    model = predict.this
    found = catalog.models.get((model.db, model.name))
    if found is None:
        raise not_found("Model", f"{model.catalog or 'a-project'}:{model.db}.{model.name}")
    given = predict.expression
    source = given if isinstance(given, exp.Subquery) else exp.select("*").from_(given).subquery()
    outputs = [exp.alias_(sqlglot.parse_one(value, dialect="bigquery"), name) for name, value in found.items()]
    query = exp.select(*outputs, exp.Star()).from_(source.copy())
    return exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(table.alias or "predicted")))


def _call(path: list[str], call: exp.Anonymous) -> exp.Anonymous:
    return exp.Anonymous(this=_macro(path), expressions=[each.copy() for each in call.expressions])


def _macro(path: list[str]) -> str:
    """The name of a macro: those of functions of datasets have the dataset in it, without the project."""
    return "__".join(part.lower() for part in path[-2:])
