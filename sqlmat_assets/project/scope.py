"""Which tables a syntax tree reads: every name is looked up as the engine does it, in the scope it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from sqlmat_assets.project.folding import fold

# `FROM d.t AS t, t.items` walks into a column of t.
_WITH_ARRAY_PATHS = frozenset({"bigquery", "redshift"})
# In these, WITH RECURSIVE makes each name visible to those before it too; elsewhere to itself and those after it.
_WITH_FORWARD_NAMES = frozenset({"bigquery", "postgres"})
_WRITES = (exp.Create, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Into, exp.Drop, exp.TruncateTable)
# Two thirds of a tree are these, and no table is inside of them.
_LEAVES = frozenset({exp.Identifier, exp.Column, exp.Literal, exp.Star, exp.DataType, exp.Null, exp.Boolean})


@dataclass(frozen=True, slots=True)
class _Scope:
    """What names mean somewhere: common table expressions, and aliases whose columns can be read as tables."""

    tables: frozenset[str] = frozenset()
    aliases: frozenset[str] = frozenset()


def iter_tables(tree: exp.Expr, dialect: str) -> Iterator[exp.Table]:
    """Yield every table that a statement reads, in no order; table functions, targets and CTEs are none.

    Args:
        tree: A statement.
        dialect: duckdb, postgres, redshift or bigquery.
    """
    stack: list[tuple[exp.Expr, _Scope]] = [(tree, _Scope())]
    while stack:
        node, scope = stack.pop()
        with_ = node.args.get("with_")
        if isinstance(with_, exp.With):
            scope = _enter_with(with_, scope, dialect, stack)
        if isinstance(node, exp.Table):
            if _is_physical(node, scope, dialect):
                yield node
        elif isinstance(node, exp.Unnest):
            table = _quoted_path(node)
            if table is not None:
                yield table
                continue
        elif isinstance(node, exp.Lock):
            continue
        if isinstance(node, exp.Select) and dialect in _WITH_ARRAY_PATHS:
            _enter_select(node, scope, dialect, stack)
        else:
            stack += ((child, scope) for child in _children(node))


def _children(node: exp.Expr, without: tuple[str, ...] = ()) -> Iterator[exp.Expr]:
    is_write = isinstance(node, _WRITES)
    for key, value in node.args.items():
        if key == "with_" or key in without:
            continue
        if is_write and key == "this":
            yield from _behind_target(value)
        elif isinstance(value, exp.Expr):
            if type(value) not in _LEAVES:
                yield value
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, exp.Expr) and type(item) not in _LEAVES:
                    yield item


def _behind_target(target: object) -> Iterator[exp.Expr]:
    """Yield what is read beside a written table: `UPDATE t JOIN u`."""
    if isinstance(target, exp.Table):
        yield from (join for join in target.args.get("joins") or [] if isinstance(join, exp.Expr))


def _enter_with(with_: exp.With, scope: _Scope, dialect: str, stack: list[tuple[exp.Expr, _Scope]]) -> _Scope:
    """Push the queries of a WITH and give the scope of what follows it."""
    names = [_cte_name(cte, dialect) for cte in with_.expressions]
    is_recursive = bool(with_.args.get("recursive"))
    visible = scope.tables
    if is_recursive and dialect in _WITH_FORWARD_NAMES:
        visible |= frozenset(names)
    for name, cte in zip(names, with_.expressions, strict=True):
        inner = visible | {name} if is_recursive else visible
        stack += ((child, _Scope(inner, scope.aliases)) for child in _children(cte))
        visible |= {name}
    return _Scope(visible, scope.aliases)


def _cte_name(cte: exp.Expr, dialect: str) -> str:
    alias = cte.args.get("alias")
    name = alias.this if isinstance(alias, exp.TableAlias) else None
    return fold(cte.alias, dialect, is_quoted=isinstance(name, exp.Identifier) and name.quoted, is_alias=True)


def _enter_select(node: exp.Select, scope: _Scope, dialect: str, stack: list[tuple[exp.Expr, _Scope]]) -> None:
    """Push the parts of a SELECT, each source with the aliases to its left, the rest with all of them."""
    aliases = scope.aliases
    sources: list[exp.Expr] = []
    from_ = node.args.get("from_")
    if isinstance(from_, exp.From):
        sources.append(from_)
    for key in ("joins", "laterals"):
        sources += (item for item in node.args.get(key) or [] if isinstance(item, exp.Expr))
    for source in sources:
        inner = _Scope(scope.tables, aliases)
        item = source.this
        if isinstance(item, exp.Subquery) and not isinstance(item.this, exp.Table):
            # A derived table sees what its SELECT sees from outside, never its neighbours.
            stack.append((item, scope))
            stack += ((child, inner) for child in _children(source, ("this",)))
        else:
            stack.append((source, inner))
        aliases |= {fold(name, dialect, is_quoted=False, is_alias=True) for name in _source_names(item)}
    rest = _Scope(scope.tables, aliases)
    stack += ((child, rest) for child in _children(node, ("from_", "joins", "laterals")))


def _source_names(source: object) -> Iterator[str]:
    """Yield the names by which a FROM item's columns can be written; brackets around a join hide none."""
    if not isinstance(source, exp.Expr):
        return
    if source.alias_or_name:
        yield source.alias_or_name
    if isinstance(source, exp.Unnest):
        # `UNNEST(t.a) AS x` names the column, which stands for the table too.
        yield from source.alias_column_names
    if isinstance(source, exp.Subquery) and not source.alias and isinstance(source.this, exp.Table):
        yield from _source_names(source.this)
    if isinstance(source, exp.Table):
        for join in source.args.get("joins") or []:
            yield from _source_names(join.this)


def _is_physical(table: exp.Table, scope: _Scope, dialect: str) -> bool:
    name = table.this
    if not isinstance(name, (exp.Identifier, exp.Dot)):
        return False
    parts = table.parts
    first = parts[0]
    if not isinstance(first, exp.Identifier):
        return False
    if len(parts) == 1:
        return fold(first.name, dialect, is_quoted=first.quoted, is_alias=True) not in scope.tables
    if dialect not in _WITH_ARRAY_PATHS or is_one_token(parts):
        return True
    return fold(first.name, dialect, is_quoted=first.quoted, is_alias=True) not in scope.aliases


def is_one_token(parts: list[exp.Expr]) -> bool:
    """Tell whether the parts of a name were written inside one pair of quotes: `` `d.t` ``."""
    return len(parts) > 1 and parts[0].meta.get("start") == parts[1].meta.get("start")


def _quoted_path(unnest: exp.Unnest) -> exp.Table | None:
    """Undo sqlglot's reading of `` FROM d.t, `t.items` `` as an array: quoted together it names a table."""
    column = unnest.expressions[0] if len(unnest.expressions) == 1 else None
    if not isinstance(column, exp.Column) or not is_one_token(column.parts):
        return None
    parts = [part.copy() for part in reversed(column.parts)]
    names = dict(zip(("this", "db", "catalog"), parts, strict=False))
    return exp.Table(**names, alias=unnest.args.get("alias"))
