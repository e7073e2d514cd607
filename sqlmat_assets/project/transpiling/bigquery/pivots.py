"""PIVOT and UNPIVOT."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.translator import Translator, construct
from sqlmat_assets.project.transpiling.raw import function_name
from sqlmat_assets.project.transpiling.verdicts import Verdict

_PIVOT = construct(
    "PIVOT",
    Verdict.EMULATED,
    f"{pages.QUERIES}pivot_operator",
    "of the aggregates COUNT, SUM, AVG, MIN, MAX, COUNTIF and ANY_VALUE of columns, for strings and whole numbers; "
    "becomes an aggregation with conditions",
)
_UNPIVOT = construct(
    "UNPIVOT", Verdict.EMULATED, f"{pages.QUERIES}unpivot_operator", "of one column of values; without INCLUDE NULLS"
)
_AGGREGATES = frozenset({"COUNT", "SUM", "AVG", "MIN", "MAX", "COUNTIF", "ANY_VALUE"})


def pivoted(t: Translator, node: exp.Expr, tree: exp.Expr, alias: Any, pivots: Sequence[exp.Expr]) -> exp.Expr:
    """Say a table with PIVOT or UNPIVOT behind it.

    Args:
        t: Who says it.
        node: The table.
        tree: The table as it has been said, without its alias.
        alias: That of the table.
        pivots: What stands behind it.
    """
    pivot = pivots[0]
    if len(pivots) > 1 or alias is not None:
        return t.refuse(node, "several of PIVOT and UNPIVOT, or a name of the table before them").tree
    named = pivot.args.get("alias")
    if isinstance(tree, exp.Subquery):
        # DuckDB wants a name where columns of it are left out.
        tree.set("alias", exp.TableAlias(this=exp.to_identifier("_pivot", quoted=True)))
    say = _unpivot if pivot.args.get("unpivot") else _pivot
    select = say(t, pivot, tree)
    name = exp.to_identifier("_pivoted" if named is None else named.name, quoted=True)
    return exp.Subquery(this=select, alias=exp.TableAlias(this=name))


def _pivot(t: Translator, pivot: exp.Expr, tree: exp.Expr) -> exp.Expr:
    t.use(_PIVOT, pivot)
    fields, aggregates = pivot.args.get("fields") or [], pivot.expressions
    if len(fields) != 1 or not isinstance(fields[0], exp.In) or not _is_plain(fields[0].this):
        return t.refuse(pivot, "PIVOT by an expression").tree
    by, values = fields[0].this, fields[0].expressions
    used = {by.name.lower(): by.name}
    columns: list[exp.Expr] = []
    for value in values:
        given = value.args["alias"].name if isinstance(value, exp.PivotAlias) else None
        literal = value.this if isinstance(value, exp.PivotAlias) else value
        if not isinstance(literal, exp.Literal):
            return t.refuse(pivot, "PIVOT for other values than strings and whole numbers").tree
        for each in aggregates:
            aggregate = each.this if isinstance(each, exp.Alias) else each
            conditioned = _conditioned(t, aggregate, exp.EQ(this=by.copy(), expression=literal.copy()), used)
            name = given or (literal.name if literal.is_string else f"_{literal.name}")
            name = f"{each.alias}_{name}" if isinstance(each, exp.Alias) else name
            columns.append(exp.Alias(this=t.tree(conditioned), alias=exp.to_identifier(name, quoted=True)))
    star = exp.Star(except_=[exp.to_identifier(name, quoted=True) for name in used.values()])
    return exp.Select(expressions=[star, *columns], from_=exp.From(this=tree), group=exp.Group(all=True))


def _conditioned(t: Translator, aggregate: exp.Expr, condition: exp.Expr, used: dict[str, str]) -> exp.Expr:
    """An aggregate of the rows of which a condition is true; notes the columns that it takes."""
    arguments = aggregate.expressions
    is_known = function_name(aggregate) in _AGGREGATES and len(arguments) == 1
    inside = [each for each in arguments[0].walk() if isinstance(each, exp.Column)] if is_known else []
    is_of_columns = all(_is_plain(each) for each in inside)
    is_marked = is_known and isinstance(arguments[0], (exp.Distinct, exp.Order, exp.IgnoreNulls, exp.RespectNulls))
    if not is_known or not is_of_columns or is_marked:
        t.refuse(aggregate, "PIVOT of another aggregate")
        return exp.null()
    used.update({each.name.lower(): each.name for each in inside})
    value = exp.Literal.number(1) if isinstance(arguments[0], exp.Star) else arguments[0].copy()
    copied = aggregate.copy()
    copied.set("expressions", [exp.Case(ifs=[exp.If(this=condition, true=value)])])
    return copied


def _unpivot(t: Translator, pivot: exp.Expr, tree: exp.Expr) -> exp.Expr:
    t.use(_UNPIVOT, pivot)
    fields, values = pivot.args.get("fields") or [], pivot.expressions
    if len(fields) != 1 or len(values) != 1 or pivot.args.get("include_nulls"):
        return t.refuse(pivot, "UNPIVOT of several columns of values").tree
    by, value = fields[0].this, values[0]
    columns: list[exp.Expr] = []
    for each in fields[0].expressions:
        column = each.this if isinstance(each, exp.PivotAlias) else each
        label = each.args["alias"] if isinstance(each, exp.PivotAlias) else exp.Literal.string(column.name)
        if not _is_plain(column) or not isinstance(label, exp.Literal) or not label.is_string:
            return t.refuse(pivot, "UNPIVOT with other labels than strings").tree
        columns.append(exp.PivotAlias(this=_quoted(column.name), alias=label.copy()))
    made = exp.Pivot(
        expressions=[_quoted(value.name)],
        fields=[exp.In(this=_quoted(by.name), expressions=columns)],
        unpivot=True,
    )
    tree.set("pivots", [made])
    names = [exp.to_identifier(name, quoted=True) for name in (value.name, by.name)]
    star = exp.Star(except_=names)
    return exp.Select(expressions=[star, *(exp.column(name.copy()) for name in names)], from_=exp.From(this=tree))


def _quoted(name: str) -> exp.Expr:
    return exp.column(exp.to_identifier(name, quoted=True))


def _is_plain(node: exp.Expr) -> bool:
    return isinstance(node, exp.Column) and len(node.parts) == 1 and isinstance(node.this, exp.Identifier)
