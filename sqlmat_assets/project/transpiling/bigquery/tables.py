"""What stands in FROM: tables, subqueries, arrays, joins."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.clauses import quoted
from sqlmat_assets.project.transpiling.bigquery.pivots import pivoted
from sqlmat_assets.project.transpiling.bigquery.queries import say_query
from sqlmat_assets.project.transpiling.bigquery.translator import (
    Kinds,
    Said,
    Translator,
    call,
    construct,
    number,
    says,
)
from sqlmat_assets.project.transpiling.verdicts import Verdict

_EXACT, _EMULATED = Verdict.EXACT, Verdict.EMULATED

_TABLE = construct(
    "a table", _EXACT, f"{pages.QUERIES}from_clause", "without its project, which has to be that of `catalog`"
)
_SUBQUERY = construct("a subquery in FROM", _EXACT, f"{pages.SUBQUERIES}table_subquery_concepts")
_SCALAR = construct("a subquery as a value", _EXACT, f"{pages.SUBQUERIES}scalar_subquery_concepts")
_CROSS = construct("CROSS JOIN, a comma", _EXACT, f"{pages.QUERIES}cross_join")
_INNER = construct("INNER JOIN", _EXACT, f"{pages.QUERIES}inner_join")
_OUTER = construct("LEFT, RIGHT, FULL JOIN", _EXACT, f"{pages.QUERIES}left_join")
_USING = construct("USING", _EXACT, f"{pages.QUERIES}using_clause")
_UNNEST = construct(
    "UNNEST", _EMULATED, f"{pages.QUERIES}unnest_operator", "of structs the fields are columns: `max_depth := 2`"
)
_OFFSET = construct("UNNEST WITH OFFSET", _EMULATED, f"{pages.QUERIES}unnest_operator")
RELATION = "sqlmat_relation"
"""Under this name each reading of a table has what it reads: a `Relation`, or None where it is in no warehouse."""

_SIDES = ("LEFT", "RIGHT", "FULL")
_KINDS = ("CROSS", "INNER", "OUTER")


@says(exp.Table)
def _table(t: Translator, node: exp.Table) -> Said:
    t.only(node, "this", "db", "catalog", "alias", "pivots")
    alias = node.args.get("alias")
    if not isinstance(node.this, exp.Identifier):
        return t.refuse(node, "a table function")
    if RELATION not in node.meta:
        if node.args.get("db"):
            return t.refuse(node, "a path as a table")
        return _aliased(t, node, exp.Table(this=quoted(node.this)), alias, t.ctes.get(node.name.lower(), {}))
    relation = node.meta[RELATION]
    written = ".".join(part.name for part in node.parts)
    if written.endswith("*"):
        return t.refuse(node, "a wildcard table", f"`{written}` stands for many tables")
    if "$" in written or "@" in written:
        return t.refuse(node, "a decorator of a table")
    if "information_schema" in written.lower():
        return t.refuse(node, "INFORMATION_SCHEMA")
    if relation is None and not node.args.get("db"):
        return t.refuse(node, "a table without a dataset", f"`{written}`")
    if relation is None or relation.catalog is not None:
        return t.refuse(node, "a table of another project", f"`{written}` is in none that `catalog` names")
    t.use(_TABLE, node)
    table = exp.Table(
        this=exp.to_identifier(relation.name, quoted=True), db=exp.to_identifier(relation.schema, quoted=True)
    )
    return _aliased(t, node, table, alias)


def _aliased(t: Translator, node: exp.Expr, tree: exp.Expr, alias: Any, kinds: Kinds | None = None) -> Said:
    pivots = node.args.get("pivots")
    if pivots:
        # What is known of the table is of use to its aggregates.
        t.scopes.append({"": kinds or {}})
        said = Said(pivoted(t, node, tree, alias, pivots))
        t.scopes.pop()
        return said
    if t.scopes and (name := node.alias_or_name):
        t.scopes[-1][name.lower()] = kinds or {}
    if alias is not None:
        if alias.args.get("columns"):
            t.refuse(node, "names of columns behind the name of a table")
        tree.set("alias", exp.TableAlias(this=quoted(alias.this)))
    return Said(tree)


@says(exp.Subquery)
def _subquery(t: Translator, node: exp.Subquery) -> Said:
    if isinstance(node.this, exp.Table):
        t.only(node, "this")
        table = node.this.copy()
        joins = node.this.args.get("joins") or []
        table.set("joins", None)
        if joins or node.args.get("alias"):
            return t.refuse(node, "a join in brackets")
        return t.say(node.this)
    t.only(node, "this", "alias", "pivots", "order", "limit", "offset", "with_")
    is_item = isinstance(node.parent, (exp.From, exp.Join))
    if not is_item:
        t.use(_SCALAR, node)
        return Said(exp.Subquery(this=say_query(t, node.this)))
    t.use(_SUBQUERY, node)
    is_top, t.is_top = t.is_top, False
    said = exp.Subquery(this=say_query(t, node.this, is_top=is_top))
    if t.scopes and not node.alias:
        t.scopes[-1][f"({len(t.scopes[-1])})"] = dict(t.outputs)
    return _aliased(t, node, said, node.args.get("alias"), dict(t.outputs))


@says(exp.Unnest)
def _unnest(t: Translator, node: exp.Unnest) -> Said:
    t.only(node, "expressions", "alias", "offset", "explode_array")
    if len(node.expressions) != 1:
        return t.refuse(node, "UNNEST of several arrays")
    t.use(_UNNEST, node)
    array = t.say(node.expressions[0])
    alias, offset = node.args.get("alias"), node.args.get("offset")
    columns = [] if alias is None else alias.args.get("columns") or [alias.this]
    if offset:
        t.use(_OFFSET, node)
        offset = quoted(offset) if isinstance(offset, exp.Identifier) else exp.to_identifier("offset", quoted=True)
    return Said(_unnested(t, node, array, columns[0] if columns else None, offset or None))


def _unnested(
    t: Translator, node: exp.Expr, array: Said, name: exp.Expr | None, offset: exp.Identifier | None
) -> exp.Expr:
    """The elements of an array as a table: one column of this name, or the fields of structs as columns.

    DuckDB tells the two apart by the type of the array. The table has the name as well, so that it stands for the
    whole of a struct.
    """
    kind = None if array.kind is None else array.kind.removeprefix("ARRAY<").removesuffix(">")
    is_scalar = array.kind is not None and array.kind.startswith("ARRAY<") and kind != "STRUCT"
    known: Kinds = {} if offset is None else {offset.name.lower(): "INT64"}
    if is_scalar and kind is not None and name is not None:
        known[name.name.lower()] = kind
    if t.scopes:
        t.scopes[-1][f"({len(t.scopes[-1])})" if name is None else name.name.lower()] = known
    arguments = [array.tree]
    is_whole = offset is not None and name is not None and _is_used_whole(node, name.name)
    if is_whole and not is_scalar and _has_star(node):
        t.refuse(node, "`*`, the elements of an array and their places in one SELECT")
    if not is_scalar and not is_whole:
        arguments.append(exp.PropertyEQ(this=exp.to_identifier("max_depth"), expression=number(2)))
    element: exp.Expr = call("UNNEST", *arguments)
    columns = [element if name is None else exp.Alias(this=element, alias=quoted(name))]
    if offset is not None:
        places = call("UNNEST", call("RANGE", call("LEN", array.tree.copy())))
        columns.append(exp.Alias(this=places, alias=offset))
    table = exp.to_identifier("_unnest" if name is None else name.name, quoted=True)
    return exp.Subquery(this=exp.Select(expressions=columns), alias=exp.TableAlias(this=table))


def _has_star(node: exp.Expr) -> bool:
    select = node.find_ancestor(exp.Select)
    return select is not None and any(isinstance(each, exp.Star) for each in select.expressions)


def _is_used_whole(node: exp.Expr, name: str) -> bool:
    """Whether a query names an element of an array, and not only fields of it."""
    select = node.find_ancestor(exp.Select)
    columns = [] if select is None else select.find_all(exp.Column)
    return any(len(column.parts) == 1 and column.name.lower() == name.lower() for column in columns)


@says(exp.Join)
def _join(t: Translator, node: exp.Join) -> Said:
    t.only(node, "this", "side", "kind", "on", "using")
    side, kind = str(node.args.get("side") or "").upper(), str(node.args.get("kind") or "").upper()
    on, using = node.args.get("on"), node.args.get("using")
    if (side and side not in _SIDES) or (kind and kind not in _KINDS):
        return t.refuse(node, f"{side} {kind} JOIN".strip())
    if side:
        t.use(_OUTER, node)
    else:
        t.use(_INNER if on or using else _CROSS, node)
    said = exp.Join(this=t.tree(node.this))
    if side:
        said.set("side", side)
    if on is not None:
        said.set("on", t.tree(on))
    elif using:
        t.use(_USING, node)
        said.set("using", [quoted(name) for name in using])
    elif side:
        # BigQuery wants no condition where an array is joined.
        said.set("on", exp.true())
    else:
        said.set("kind", "CROSS")
    return Said(said)


@says(exp.CTE, exp.With, exp.From)
def _by_itself(t: Translator, node: exp.Expr) -> Said:
    return t.refuse(node, node.key.upper())
