"""Columns that a join makes equal to each other, so that what is asked of one can be asked of the other."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from sqlmat_assets.project.narrowing.sources import Env, Reader, Source


def equal_columns(
    select: exp.Select, source: Source, name: str, env: Env, reader: Reader
) -> Iterator[tuple[Source, exp.Expr]]:
    """Find the columns of other sources that an inner join makes equal to one, and that hold the same.

    Args:
        select: What joins them.
        source: Where the column is.
        name: The column, folded.
        env: What the names around mean.
        reader: Looks up names.
    """
    joins = select.args.get("joins") or []
    inner = [join for join in joins if not join.side and join.kind in ("", "INNER") and not join.method]
    conditions = [join.args["on"] for join in inner if join.args.get("on")]
    if select.args.get("where"):
        conditions.append(select.args["where"].this)
    type_ = source.types.get(name) if source.types is not None else None
    pairs: list[tuple[Source | None, exp.Expr]] = [*_using(select, source, name, inner, env, reader)]
    for condition in conditions:
        for part in condition.flatten() if isinstance(condition, exp.And) else [condition]:
            for mine, theirs in _pairs(part):
                if reader.fold(mine.this) == name and reader.resolve(mine, select, env) is source:
                    pairs.append((reader.resolve(theirs, select, env), theirs.this))
    for other, column in pairs:
        if other is None or other is source or other.types is None or type_ is None:
            continue
        if other.types.get(reader.fold(column)) == type_:
            yield other, column


def _using(
    select: exp.Select, source: Source, name: str, inner: list[exp.Join], env: Env, reader: Reader
) -> Iterator[tuple[Source, exp.Expr]]:
    """What a USING makes equal to a column of a source on its left."""
    sources = reader.sources(select, env)
    for index, join in enumerate(select.args.get("joins") or [], 1):
        for part in join.args.get("using") or []:
            is_first = not any(name in (each.types or {name}) for each in sources[:index] if each is not source)
            if join in inner and source.index < index and reader.fold(part) == name and is_first:
                yield sources[index], part


def _pairs(condition: exp.Expr) -> Iterator[tuple[exp.Column, exp.Column]]:
    """The two sides of an equation of columns, each first once."""
    bare = condition.unnest()
    if isinstance(bare, exp.EQ) and isinstance(bare.this, exp.Column) and isinstance(bare.expression, exp.Column):
        yield bare.this, bare.expression
        yield bare.expression, bare.this
