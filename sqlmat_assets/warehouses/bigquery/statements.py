"""Statements as BigQuery takes them, and which of them go by way of its API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from sqlglot import Dialect, exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.bigquery.errors import MEANWHILE
from sqlmat_assets.warehouses.bigquery.link import STATE

DIALECT = Dialect.get_or_raise("bigquery")
_MONDAY = exp.Anonymous(this="WEEK", expressions=[exp.var("MONDAY")])


def sql(tree: exp.Expr) -> str:
    r"""The text of a statement; the tree is changed.

    Examples:
        >>> sql(exp.select("a").from_(statements.derived_table("SELECT 1 AS a -- one", "t")))
        'SELECT a FROM (SELECT 1 AS a -- one\n) AS `t`'
    """
    verbatim: dict[str, str] = {}
    for node in list(tree.find_all(exp.Subquery)):
        if isinstance(node.this, exp.Var):
            # What writes queries for BigQuery looks into those inside.
            mark = f"sqlmat_verbatim_{len(verbatim)}"
            verbatim[f"SELECT {mark}"] = node.this.name
            node.set("this", exp.select(exp.column(mark)))
    text = as_sent(tree).sql(DIALECT, copy=False)
    for mark, query in verbatim.items():
        text = text.replace(mark, query, 1)
    return text


def as_sent(tree: exp.Expr) -> exp.Expr:
    """A statement with what BigQuery writes otherwise; the tree is changed.

    Examples:
        >>> unit = exp.TimestampTrunc(this=exp.column("a"), unit=exp.var("WEEK"))
        >>> as_sent(exp.select(unit)).sql("bigquery")
        'SELECT DATE_TRUNC(a, WEEK(MONDAY))'
    """
    if isinstance(tree, exp.Comment):
        return _comment(tree)
    for node in list(tree.find_all(exp.TimestampTrunc)):
        unit = node.args["unit"]
        is_week = unit.name.upper() == "WEEK"
        # Takes dates as well as moments.
        told = exp.Anonymous(this="DATE_TRUNC", expressions=[node.this, _MONDAY.copy() if is_week else unit])
        if node is tree:
            return told
        node.replace(told)
    return tree


def relation_of(table: exp.Expr) -> Relation:
    """The name in a tree."""
    found = cast("exp.Table", table.this if isinstance(table, exp.Schema) else table)
    return Relation(found.db, found.name, found.catalog or None)


def schema_of(tree: exp.Expr) -> str:
    """The dataset that a statement makes or drops."""
    named = tree.this or tree.args["tables"][0]
    return str(named.args["db"].name)


def is_private(relation: Relation) -> bool:
    """Whether only one run knows of a table: it is built, or about to go."""
    stem, mark, _ = relation.name.rpartition("__sqlmat_")
    return bool(stem and mark) and relation.name.endswith(("_new", "_old", "_all"))


def is_state(relation: Relation) -> bool:
    """Whether a table is one of those that say what sqlmat knows."""
    return relation.schema == STATE


def is_about_state(tree: exp.Expr, state: str) -> bool:
    """Whether a query reads nothing but what sqlmat knows, which is little."""
    tables = list(tree.find_all(exp.Table))
    return bool(tables) and all(table.db in (STATE, state) for table in tables)


def in_state(tree: exp.Expr, state: str) -> exp.Expr:
    """A statement with the dataset that the URL names for the state; the tree is changed."""
    if state != STATE:
        for table in tree.find_all(exp.Table):
            if table.db == STATE:
                table.set("db", statements.identifier(state))
    return tree


def replaced(tree: exp.Expr, instead: Callable[[Relation], exp.Expr | None]) -> exp.Expr:
    """A query that reads other tables; the tree is changed.

    Args:
        tree: The query.
        instead: What is read instead of a table; None for that table.
    """
    for table in list(tree.find_all(exp.Table)):
        if isinstance(table.this, exp.Func) or not table.db:
            continue
        other = instead(relation_of(table))
        if other is None:
            continue
        alias = exp.TableAlias(this=statements.identifier(table.alias or table.name))
        other.set("alias", alias)
        for part in ("joins", "pivots", "sample"):
            if table.args.get(part):
                other.set(part, table.args[part])
        table.replace(other)
    return tree


def count_of(query: exp.Expr) -> exp.Expr:
    """How many rows a query gives."""
    return exp.select(statements.named(exp.Count(this=exp.Star()), "rows")).from_(_subquery(query))


def count_changed(change: exp.Update | exp.Delete) -> exp.Expr:
    """How many rows a statement would change."""
    query = exp.select(statements.named(exp.Count(this=exp.Star()), "rows")).from_(change.this.copy())
    where = change.args.get("where")
    return query if where is None else query.where(where.this.copy())


def assertion(query: exp.Expr, count: int) -> str:
    """That a count is what it was, which ends a transaction where it is not."""
    told = exp.Literal.string(MEANWHILE).sql(DIALECT)
    return f"ASSERT ({query.sql(DIALECT)}) = {count} AS {told}"


def script(texts: Sequence[str], *, is_atomic: bool) -> str:
    """Several statements, all of them or none."""
    if len(texts) == 1:
        return texts[0]
    parts = ["BEGIN TRANSACTION", *texts, "COMMIT TRANSACTION"] if is_atomic else list(texts)
    return ";\n".join(parts) + ";"


def all_of(relation: Relation) -> str:
    """`SELECT *`."""
    return exp.select("*").from_(statements.table(relation)).sql(DIALECT)


def rename(relation: Relation, name: str) -> str:
    """`ALTER TABLE ... RENAME TO`."""
    return statements.rename_table(relation, name).sql(DIALECT)


def create_view(relation: Relation, query: str, *, replaces: bool) -> str:
    """`CREATE VIEW`, or `CREATE OR REPLACE VIEW`."""
    kind = "CREATE OR REPLACE VIEW" if replaces else "CREATE VIEW"
    return f"{kind} {statements.table(relation).sql(DIALECT)} AS\n{query}"


def create_policy(relation: Relation, policy: Mapping[str, object], grantees: Sequence[str]) -> str:
    """`CREATE OR REPLACE ROW ACCESS POLICY`, which sqlglot does not know."""
    reference = cast("Mapping[str, str]", policy["rowAccessPolicyReference"])
    name = statements.identifier(reference["policyId"]).sql(DIALECT)
    listed = ", ".join(exp.Literal.string(each).sql(DIALECT) for each in grantees)
    granted = f" GRANT TO ({listed})" if grantees else ""
    table = statements.table(relation).sql(DIALECT)
    return f"CREATE OR REPLACE ROW ACCESS POLICY {name} ON {table}{granted} FILTER USING ({policy['filterPredicate']})"


def drop_policies(relation: Relation) -> str:
    """`DROP ALL ROW ACCESS POLICIES`, which sqlglot does not know."""
    return f"DROP ALL ROW ACCESS POLICIES ON {statements.table(relation).sql(DIALECT)}"


def _subquery(query: exp.Expr) -> exp.Expr:
    return exp.Subquery(this=query, alias=exp.TableAlias(this=statements.identifier("rows_")))


def _comment(tree: exp.Comment) -> exp.Expr:
    """What a comment comes to, for people: descriptions are set by way of the API."""
    text = exp.Literal.string(tree.expression.name).sql(DIALECT)
    if tree.args["kind"] == "COLUMN":
        column = tree.this
        table = exp.Table(this=column.args["table"].copy(), db=column.args["db"].copy()).sql(DIALECT)
        name = column.this.sql(DIALECT)
        told = f"TABLE {table} ALTER COLUMN {name} SET OPTIONS (description = {text})"
    else:
        told = f"{tree.args['kind']} {tree.this.sql(DIALECT)} SET OPTIONS (description = {text})"
    return exp.Command(this="ALTER", expression=f" {told}")
