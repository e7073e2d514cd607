"""Clauses that a range may not be taken past, because they would give other rows behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from sqlmat_assets.errors.partitions import Obstacle
from sqlmat_assets.project.narrowing.functions import PURE, VOLATILE
from sqlmat_assets.project.narrowing.sources import Reader, Source

# What a SELECT, a table, a derived table or a set operation may have; anything else is named and stops.
_SELECT = frozenset({
    "with_", "expressions", "from_", "joins", "laterals", "where", "group", "having", "qualify", "windows", "distinct",
    "order", "hint",
})  # fmt: skip
_SET = frozenset({"with_", "this", "expression", "distinct", "order", "by_name"})
_SUBQUERY = frozenset({"with_", "this", "alias"})
_TABLE = frozenset({"this", "db", "catalog", "alias"})
_JOIN = frozenset({"this", "on", "using", "side", "kind", "method", "global_", "expressions"})
_GROUPINGS = {exp.GroupingSets: "GROUPING SETS", exp.Cube: "CUBE", exp.Rollup: "ROLLUP"}
_NAMED = {"sample": "TABLESAMPLE", "pivots": "PIVOT", "version": "time travel", "when": "time travel", "match": "MATCH"}
# Where functions give tables, their rows are none of the range's.
_TABLE_FUNCTIONS = (exp.Table, exp.Lateral, exp.Unnest, exp.From, exp.Join)
# Columns that a table has and a query of the table has not.
_PSEUDO = frozenset({
    "rowid", "ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "_table_suffix", "_file_name", "_partitiontime",
    "_partitiondate",
})  # fmt: skip


def everywhere(tree: exp.Expr, reader: Reader) -> Obstacle | None:
    """What keeps every table of a statement from being read in part."""
    for node in tree.walk():
        if isinstance(node, VOLATILE):
            name = "TABLESAMPLE" if isinstance(node, exp.TableSample) else "the lock"
            if isinstance(node, exp.Func):
                name = f"the volatile function `{_function_name(node, reader)}`"
            return Obstacle(name, reader.line(node))
        if isinstance(node, (exp.Anonymous, exp.AnonymousAggFunc)):
            if not isinstance(node.parent, _TABLE_FUNCTIONS) and node.name.lower() not in PURE:
                return Obstacle(f"the function `{node.name}`, of which nothing is known,", reader.line(node))
        elif isinstance(node, exp.Column) and node.name.lower() in _PSEUDO:
            return Obstacle(f"`{node.name}`, which a table has and a part of it has not,", reader.line(node))
        elif isinstance(node, exp.Command):
            return Obstacle("a statement that cannot be read", reader.line(node))
    return None


def _function_name(node: exp.Expr, reader: Reader) -> str:
    start, end = node.meta.get("start"), node.meta.get("end")
    return reader.text[start : end + 1] if isinstance(start, int) and isinstance(end, int) else node.key


def in_table(table: exp.Table, reader: Reader) -> Obstacle | None:
    """What is written behind a table's name."""
    return _unknown(table, _TABLE, reader)


def in_subquery(node: exp.Subquery, reader: Reader) -> Obstacle | None:
    """What is written behind the closing bracket of a query."""
    return _unknown(node, _SUBQUERY, reader)


def in_set(node: exp.SetOperation, reader: Reader) -> Obstacle | None:
    """What a UNION has behind it."""
    return _unknown(node, _SET, reader)


def in_select(select: exp.Select, reader: Reader, same: Callable[[exp.Expr], bool]) -> Obstacle | None:
    """Clauses of one SELECT.

    Args:
        select: The SELECT.
        reader: Looks up names.
        same: Whether an expression is the column that the range is asked of, or a step from it.
    """
    unknown = _unknown(select, _SELECT, reader)
    if unknown is not None:
        return unknown
    distinct = select.args.get("distinct")
    if isinstance(distinct, exp.Distinct) and distinct.args.get("on"):
        return Obstacle("the DISTINCT ON", reader.line(distinct))
    group = select.args.get("group")
    if isinstance(group, exp.Group):
        stopped = _in_group(group, select, reader, same)
        if stopped is not None:
            return stopped
    elif select.args.get("having"):
        return Obstacle("the HAVING without GROUP BY", reader.line(select.args["having"]))
    for node in own_nodes(select):
        if isinstance(node, exp.Window) and not _is_by_name(node):
            if not any(same(key) for key in node.args.get("partition_by") or []):
                return Obstacle("the window", reader.line(node))
        elif isinstance(node, exp.AggFunc) and group is None and not _is_windowed(node):
            return Obstacle("the aggregate without GROUP BY", reader.line(node))
    return None


def _in_group(
    group: exp.Group, select: exp.Select, reader: Reader, same: Callable[[exp.Expr], bool]
) -> Obstacle | None:
    for kind, name in _GROUPINGS.items():
        if group.find(kind):
            return Obstacle(f"the {name}", reader.line(group))
    if group.args.get("all"):
        return None
    for key in group.expressions:
        if same(key):
            return None
        if isinstance(key, exp.Literal) and not key.is_string and key.name.isdecimal():
            index = int(key.name) - 1
            before = select.expressions[: index + 1]
            if index < len(before) and not any(item.is_star for item in before) and same(before[index].unalias()):
                return None
        elif isinstance(key, exp.Column) and len(key.parts) == 1:
            named = [item for item in select.expressions if reader.item_name(item) == reader.fold(key.this)]
            # Were it a column of a source and not this item, an engine would ask for the item among the keys.
            if len(named) == 1 and same(named[0].unalias()):
                return None
    return Obstacle("the GROUP BY, which is not by it,", reader.line(group))


def before_source(select: exp.Select, source: Source, reader: Reader) -> Obstacle | None:
    """Joins that give rows without the source, or look at all of its rows for one."""
    joins: list[exp.Join] = [join for join in select.args.get("joins") or [] if isinstance(join, exp.Join)]
    has_from = select.args.get("from_") is not None
    for index, join in enumerate(joins, 1 if has_from else 0):
        if index < source.index:
            continue
        is_own = index == source.index
        if join.method.upper() not in ("", "NATURAL", "ASOF") or _unknown(join, _JOIN, reader):
            return Obstacle(f"the {join.method.upper() or 'join'} JOIN".replace("join JOIN", "join"), reader.line(join))
        if is_own and join.method.upper() == "ASOF":
            return Obstacle("the ASOF JOIN", reader.line(join))
        if join.kind.upper() not in ("", "INNER", "CROSS", "OUTER", "SEMI", "ANTI"):
            return Obstacle(f"the {join.kind.upper()} JOIN", reader.line(join))
        side = join.side.upper()
        is_half = join.kind.upper() in ("SEMI", "ANTI")
        if side == "FULL" or (side == "LEFT" and is_own) or (side == "RIGHT" and (not is_own or is_half)):
            return Obstacle(f"the {side} JOIN", reader.line(join))
    return None


def own_nodes(select: exp.Select) -> Iterator[exp.Expr]:
    """All expressions of a SELECT but those of queries inside of it and of its FROM."""
    stack: list[exp.Expr] = []
    for key, value in select.args.items():
        if key not in ("with_", "from_", "joins", "laterals"):
            stack += [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, exp.Expr)]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, exp.Query):
            stack += node.iter_expressions()


def _is_by_name(window: exp.Window) -> bool:
    """`OVER w`: the window is looked at where it is defined."""
    return bool(window.args.get("alias")) and not window.args.get("partition_by") and window.arg_key != "windows"


def _is_windowed(node: exp.Expr) -> bool:
    parent = node.parent
    while isinstance(parent, (exp.Filter, exp.IgnoreNulls, exp.RespectNulls, exp.WithinGroup)):
        parent = parent.parent
    return isinstance(parent, exp.Window)


def _unknown(node: exp.Expr, known: frozenset[str], reader: Reader) -> Obstacle | None:
    for key, value in node.args.items():
        if value and key not in known:
            part = next((each for each in (value if isinstance(value, list) else [value])), None)
            name = _NAMED.get(key, key.strip("_").replace("_", " ").upper())
            return Obstacle(f"the {name}", reader.line(part if isinstance(part, exp.Expr) else node))
    return None
