"""The clauses of a SELECT in which the names of its columns may stand: GROUP BY, HAVING, QUALIFY, ORDER BY."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.translator import Translator, construct
from sqlmat_assets.project.transpiling.raw import function_name, words
from sqlmat_assets.project.transpiling.verdicts import Construct, Verdict

_EXACT, _EMULATED = Verdict.EXACT, Verdict.EMULATED

_GROUP = construct("GROUP BY", _EXACT, f"{pages.QUERIES}group_by_clause")
_GROUP_ALIAS = construct(
    "GROUP BY an alias",
    _EMULATED,
    f"{pages.QUERIES}group_by_clause",
    "an alias goes before a column of the same name, so that it becomes the number of its column",
)
_GROUP_ALL = construct("GROUP BY ALL", _EXACT, f"{pages.QUERIES}group_by_all")
_ROLLUP = construct("GROUP BY ROLLUP", _EXACT, f"{pages.QUERIES}group_by_rollup")
_CUBE = construct("GROUP BY CUBE", _EXACT, f"{pages.QUERIES}group_by_cube")
_SETS = construct("GROUP BY GROUPING SETS", _EXACT, f"{pages.QUERIES}group_by_grouping_sets")
_ALIAS = construct(
    "an alias in an expression",
    _EMULATED,
    f"{pages.QUERIES}using_aliases",
    "in HAVING, QUALIFY and ORDER BY it goes before a column of the same name: what it stands for is written out",
)
_ORDER = construct(
    "ORDER BY", _EXACT, f"{pages.QUERIES}order_by_clause", "NULL is the smallest value; `NULLS FIRST` says it"
)
_LIMIT = construct("LIMIT, OFFSET", _EXACT, f"{pages.QUERIES}limit_and_offset_clause")

AGGREGATES = words(
    "ANY_VALUE APPROX_COUNT_DISTINCT APPROX_QUANTILES ARRAY_AGG ARRAY_CONCAT_AGG AVG BIT_AND BIT_OR BIT_XOR CORR COUNT "
    "COUNTIF COVAR_POP COVAR_SAMP LOGICAL_AND LOGICAL_OR MAX MAX_BY MIN MIN_BY STDDEV STDDEV_POP STDDEV_SAMP "
    "STRING_AGG SUM VARIANCE VAR_POP VAR_SAMP"
)
"""The functions of many rows."""

_SETS_OF_GROUPS: Mapping[type[exp.Expr], Construct] = {
    exp.Rollup: _ROLLUP,
    exp.Cube: _CUBE,
    exp.GroupingSets: _SETS,
}

Aliases = Mapping[str, tuple[int | None, exp.Expr]]


def is_star(node: exp.Expr) -> bool:
    """Whether it stands for any number of columns."""
    return isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star))


def name_of_column(node: exp.Expr) -> exp.Identifier | None:
    """The name that a column has without an alias."""
    last: Any = None
    if isinstance(node, exp.Column):
        last = node.this
    elif isinstance(node, exp.Dot):
        last = node.expression
    return last if isinstance(last, exp.Identifier) else None


def quoted(name: exp.Expr) -> exp.Identifier:
    """A name in quotes, so that DuckDB takes none of them for a word of its own; it still folds their letters."""
    said = exp.to_identifier(name.name, quoted=True)
    said.meta.update(name.meta)
    return said


def aliases_of(node: exp.Select) -> Aliases:
    """The names of columns that stand for something else than a column of that name, with the number of the column."""
    found: dict[str, tuple[int | None, exp.Expr]] = {}
    has_star = False
    for index, each in enumerate(node.expressions):
        has_star = has_star or is_star(each)
        name = each.args["alias"] if isinstance(each, exp.Alias) else name_of_column(each)
        value = each.this if isinstance(each, exp.Alias) else each
        if name is None or (isinstance(value, exp.Column) and len(value.parts) == 1 and value.name == name.name):
            continue
        found.setdefault(name.name.lower(), (None if has_star else index + 1, value))
    return found


def _alias_of(node: exp.Expr, aliases: Aliases) -> tuple[int | None, exp.Expr] | None:
    is_name = isinstance(node, exp.Column) and len(node.parts) == 1 and isinstance(node.this, exp.Identifier)
    return aliases.get(node.name.lower()) if is_name else None


def spell_out(t: Translator, node: exp.Expr, aliases: Aliases) -> exp.Expr:
    """Write out what aliases stand for."""
    if (found := _alias_of(node, aliases)) is not None:
        t.use(_ALIAS, node)
        return exp.Paren(this=found[1].copy())
    copied = node.copy()
    inside = [each for each in copied.walk(prune=lambda each: isinstance(each, exp.Query)) if each is not copied]
    for each in inside:
        found = _alias_of(each, aliases)
        if found is not None:
            t.use(_ALIAS, each)
            each.replace(exp.Paren(this=found[1].copy()))
    return copied


def spell_out_in_aggregates(t: Translator, node: exp.Expr, aliases: Aliases) -> exp.Expr:
    """Write out what aliases stand for inside of aggregates; elsewhere in HAVING DuckDB finds the alias first, too."""
    copied = node.copy()
    for each in copied.find_all(exp.Anonymous):
        if function_name(each) in AGGREGATES:
            each.set("expressions", [spell_out(t, argument, aliases) for argument in each.expressions])
    return copied


def say_group(t: Translator, node: exp.Group, aliases: Aliases) -> exp.Expr:
    """Say GROUP BY."""
    t.only(node, "expressions", "all", "rollup", "cube", "grouping_sets")
    if node.args.get("all"):
        t.use(_GROUP_ALL, node)
        return exp.Group(all=True)
    t.use(_GROUP, node)
    return exp.Group(expressions=[_group_item(t, each, aliases) for each in node.expressions])


def _group_item(t: Translator, node: exp.Expr, aliases: Aliases) -> exp.Expr:
    if isinstance(node, exp.Literal) and not node.is_string:
        return node.copy()
    if (known := _SETS_OF_GROUPS.get(type(node))) is not None:
        t.use(known, node)
        return type(node)(expressions=[_group_item(t, each, aliases) for each in node.expressions])
    if isinstance(node, (exp.Tuple, exp.Paren)):
        inside = node.expressions if isinstance(node, exp.Tuple) else [node.this]
        return exp.Tuple(expressions=[_group_item(t, each, aliases) for each in inside])
    found = _alias_of(node, aliases)
    if found is None:
        return t.tree(node)
    t.use(_GROUP_ALIAS, node)
    number, value = found
    is_inside = not isinstance(node.parent, exp.Group)
    return t.tree(value) if number is None or is_inside else exp.Literal.number(number)


def say_end(t: Translator, node: exp.Expr, said: exp.Expr, aliases: Aliases) -> None:
    """Say ORDER BY, LIMIT and OFFSET."""
    if order := node.args.get("order"):
        said.set("order", say_order(t, order, aliases))
    for key, made in (("limit", exp.Limit), ("offset", exp.Offset)):
        if clause := node.args.get(key):
            t.only(clause, "expression")
            t.use(_LIMIT, clause)
            value = clause.args["expression"]
            if not isinstance(value, exp.Literal):
                t.refuse(clause, f"{key.upper()} of an expression")
            said.set(key, made(expression=value.copy()))


def say_order(t: Translator, node: exp.Order, aliases: Aliases) -> exp.Order:
    """Say ORDER BY; `aliases` are those that may stand in it."""
    t.only(node, "expressions", "this")
    t.use(_ORDER, node)
    return exp.Order(expressions=[_ordered(t, each, aliases) for each in node.expressions])


def _ordered(t: Translator, node: exp.Expr, aliases: Aliases) -> exp.Expr:
    if not isinstance(node, exp.Ordered):
        return t.tree(node)
    t.only(node, "this", "desc", "nulls_first")
    value = node.this
    if isinstance(value, exp.Literal) and not value.is_string:
        tree: exp.Expr = value.copy()
    elif _alias_of(value, aliases) is not None:
        # By its name alone DuckDB finds the alias first, too.
        tree = exp.column(quoted(value.this))
    else:
        tree = t.tree(spell_out(t, value, aliases))
    return exp.Ordered(this=tree, desc=bool(node.args.get("desc")), nulls_first=bool(node.args.get("nulls_first")))
