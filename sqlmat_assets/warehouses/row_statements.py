"""Syntax trees of the statements that change some rows of a table, from another table with the new ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.statements import Value, column, identifier, literal, named, table

_TARGET, _STAGED = "target", "staged"
_PLACE, _RANKED = "sqlmat_place", "ranked"
_MOST_NAMED = 5


def replace_rows(target: Relation, staged: Relation, columns: Sequence[str], where: exp.Expr) -> Iterator[exp.Expr]:
    """Put the staged rows in the place of some rows of a table."""
    yield exp.Delete(this=table(target), where=exp.Where(this=where.copy()))
    yield insert_rows(target, columns, all_rows(staged, columns))


def merge_rows(
    target: Relation,
    staged: Relation,
    columns: Sequence[str],
    key: Sequence[str],
    *,
    updates: bool,
    where: exp.Expr | None = None,
) -> Iterator[exp.Expr]:
    """Add the staged rows to a table; without a key all of them, else each whose key is not there, or instead of it.

    With a condition, rows of the table of which it is true go where their key is not among the staged ones.
    """
    if where is not None:
        # Where rows are updated, those whose key is among the staged ones make room as well.
        gone = where.copy() if updates else _unmatched(where, staged, key)
        yield exp.Delete(this=_aliased(target, _TARGET), where=exp.Where(this=gone))
    if key and updates:
        matching = _matching(_STAGED, staged, _TARGET, key)
        yield exp.Delete(this=_aliased(target, _TARGET), where=exp.Where(this=matching))
    new = all_rows(staged, columns) if updates else new_rows(target, staged, columns, key)
    yield insert_rows(target, columns, new)


def insert_rows(target: Relation, columns: Sequence[str], query: exp.Expr) -> exp.Expr:
    """`INSERT` of a query's rows, by the names of the columns."""
    into = exp.Schema(this=table(target), expressions=[identifier(name) for name in columns])
    return exp.Insert(this=into, expression=query)


def insert_query(target: Relation, query: str) -> exp.Expr:
    """`INSERT` with the query as it was written, by the places of the columns."""
    return exp.Insert(this=table(target), expression=exp.Var(this=query))


def insert_many(target: Relation, names: Sequence[str], rows: Sequence[Sequence[Value]]) -> exp.Expr:
    """`INSERT` of many rows in one statement."""
    tuples = [exp.Tuple(expressions=[literal(value) for value in row]) for row in rows]
    return insert_rows(target, names, exp.Values(expressions=tuples))


def all_rows(source: Relation, columns: Sequence[str], absent: Mapping[str, str] | None = None) -> exp.Select:
    """All rows of a table; `absent` are columns that it does not have, each with the type of the NULL in its place."""
    return exp.select(*_projections(columns, absent)).from_(table(source))


def rows_outside(
    source: Relation, columns: Sequence[str], where: exp.Expr, absent: Mapping[str, str] | None = None
) -> exp.Select:
    """The rows of a table of which a condition is not true."""
    return all_rows(source, columns, absent).where(is_not_true(where))


def new_rows(target: Relation, staged: Relation, columns: Sequence[str], key: Sequence[str]) -> exp.Select:
    """The staged rows whose key is not in a table."""
    query = exp.select(*map(column, columns)).from_(_aliased(staged, _STAGED))
    return query.where(exp.Not(this=_matching(_TARGET, target, _STAGED, key))) if key else query


def kept_rows(
    target: Relation,
    staged: Relation,
    columns: Sequence[str],
    key: Sequence[str],
    absent: Mapping[str, str] | None = None,
    *,
    updates: bool = True,
    where: exp.Expr | None = None,
) -> exp.Select:
    """The rows of a table that `merge_rows` leaves there."""
    query = exp.select(*_projections(columns, absent)).from_(_aliased(target, _TARGET))
    if where is not None:
        query = query.where(is_not_true(where if updates else _unmatched(where, staged, key)))
    return query.where(exp.Not(this=_matching(_STAGED, staged, _TARGET, key))) if key and updates else query


def keep_first(
    source: Relation, columns: Sequence[str], key: Sequence[str], order_by: Sequence[tuple[str, bool]]
) -> exp.Select:
    """The first row of each key, by an order of (column, whether the greatest comes first); NULL comes last.

    All other columns decide between rows that are alike in these, so that the same rows always come to the same.
    """
    named_already = {*key, *(name for name, _ in order_by)}
    whole = (*order_by, *((name, False) for name in columns if name not in named_already))
    order = [exp.Ordered(this=column(name), desc=is_descending, nulls_first=False) for name, is_descending in whole]
    place = exp.Window(
        this=exp.RowNumber(),
        partition_by=[column(name) for name in key],
        order=exp.Order(expressions=order),
    )
    ranked = exp.select(exp.Star(), named(place, _PLACE)).from_(table(source)).subquery(identifier(_RANKED))
    first = exp.EQ(this=column(_PLACE), expression=exp.Literal.number(1))
    return exp.select(*map(column, columns)).from_(ranked).where(first)


def distinct_rows(source: Relation, columns: Sequence[str]) -> exp.Select:
    """The rows of a table, equal ones once."""
    return all_rows(source, columns).distinct()


def create_table_of(target: Relation, query: exp.Expr) -> exp.Expr:
    """`CREATE TABLE ... AS` with a syntax tree."""
    return exp.Create(this=table(target), kind="TABLE", expression=query)


def create_table_like(target: Relation, source: Relation) -> exp.Expr:
    """`CREATE TABLE ... (LIKE ...)`: no rows, the same columns, that lie in the same way."""
    like = exp.LikeProperty(this=table(source))
    return exp.Create(this=exp.Schema(this=table(target), expressions=[like]), kind="TABLE")


def create_view(target: Relation, query: exp.Expr) -> exp.Expr:
    """`CREATE VIEW`."""
    return exp.Create(this=table(target), kind="VIEW", expression=query)


def drop_view_if_exists(target: Relation) -> exp.Expr:
    """`DROP VIEW IF EXISTS`."""
    return exp.Drop(tables=[table(target)], kind="VIEW", exists=True)


def add_column_like(target: Relation, name: str, kind: str) -> exp.Expr:
    """`ALTER TABLE ... ADD COLUMN` of a type in the engine's own words."""
    action = exp.ColumnDef(this=identifier(name), kind=exp.DataType(this=exp.DataType.Type.USERDEFINED, kind=kind))
    return exp.Alter(this=table(target), kind="TABLE", actions=[action])


def union_all(one: exp.Select, other: exp.Select) -> exp.Expr:
    """The rows of both."""
    return exp.union(one, other, distinct=False)


def nulls(names: Sequence[str], types: Mapping[str, str] | None = None) -> exp.Expr:
    """No rows of columns, which have a type only where one is given, in the engine's own words."""
    known = types or {}
    columns = [_null(name, known[name]) if name in known else named(exp.Null(), name) for name in names]
    # BigQuery takes no WHERE without a FROM.
    return exp.select(*columns).limit(0)


def typed_nulls(columns: Sequence[tuple[str, str]]) -> exp.Expr:
    """No rows of columns (name, type in the engine's own words)."""
    return nulls([name for name, _ in columns], dict(columns))


def count_rows_where(source: Relation, where: exp.Expr) -> exp.Expr:
    """In how many rows of a table a condition is true, as `rows`."""
    return exp.select(named(exp.Count(this=exp.Star()), "rows")).from_(table(source)).where(where.copy())


def count_by(source: Relation, value: exp.Expr, where: exp.Expr) -> exp.Expr:
    """Each value and how many rows have it."""
    counted = named(exp.Count(this=exp.Star()), "counted")
    query = exp.select(named(value, "value"), counted).from_(table(source)).where(where.copy())
    return query.group_by(value.copy())


def count_without_key(source: Relation, key: Sequence[str]) -> exp.Expr:
    """How many rows a table has, and in how many of them a column of a key is NULL."""
    missing = exp.or_(*(exp.Is(this=column(name), expression=exp.Null()) for name in key))
    nulls_ = exp.Case(ifs=[exp.If(this=missing, true=exp.Literal.number(1))])
    counts = [named(exp.Count(this=exp.Star()), "rows"), named(exp.Count(this=nulls_), "nulls")]
    return exp.select(*counts).from_(table(source))


def repeated_keys(source: Relation, key: Sequence[str]) -> exp.Expr:
    """Some keys that occur more than once."""
    columns = [column(name) for name in key]
    many = exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(1))
    query = exp.select(*columns).from_(table(source)).group_by(*(each.copy() for each in columns))
    return query.having(many).order_by(*(each.copy() for each in columns)).limit(_MOST_NAMED)


def is_not_true(where: exp.Expr) -> exp.Expr:
    """A condition is false or NULL."""
    return exp.Not(this=exp.Is(this=exp.Paren(this=where.copy()), expression=exp.true()))


def _unmatched(where: exp.Expr, staged: Relation, key: Sequence[str]) -> exp.Expr:
    """A condition is true, and the key of the row is not among the staged ones."""
    return exp.and_(where.copy(), exp.Not(this=_matching(_STAGED, staged, _TARGET, key)), copy=False)


def _matching(alias: str, source: Relation, outer: str, key: Sequence[str]) -> exp.Expr:
    """A table has a row with the key of the row outside."""
    same = [exp.EQ(this=column_of(alias, name), expression=column_of(outer, name)) for name in key]
    return exp.Exists(this=exp.select("1").from_(_aliased(source, alias)).where(*same))


def column_of(alias: str, name: str) -> exp.Column:
    """A column of one of the tables of a query."""
    return exp.Column(this=identifier(name), table=identifier(alias))


def _projections(columns: Sequence[str], absent: Mapping[str, str] | None) -> list[exp.Expr]:
    types = absent or {}
    return [_null(name, types[name]) if name in types else column(name) for name in columns]


def _null(name: str, kind: str) -> exp.Expr:
    # The type is the engine's own text, which is never regenerated.
    return named(exp.Cast(this=exp.Null(), to=exp.DataType(this=exp.DataType.Type.USERDEFINED, kind=kind)), name)


def _aliased(relation: Relation, alias: str) -> exp.Expr:
    return exp.alias_(table(relation), alias, table=True, quoted=True)
