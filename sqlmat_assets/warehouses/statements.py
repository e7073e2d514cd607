"""Syntax trees of the statements that are the same on every engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlglot import exp

from sqlmat_assets.relation import Relation

Value = str | int | float | datetime | None


def identifier(name: str) -> exp.Identifier:
    """A name, always quoted."""
    return exp.Identifier(this=name, quoted=True)


def table(relation: Relation) -> exp.Table:
    """A table's full name."""
    catalog = None if relation.catalog is None else identifier(relation.catalog)
    return exp.Table(this=identifier(relation.name), db=identifier(relation.schema), catalog=catalog)


def column(name: str) -> exp.Column:
    """A column's name, always quoted."""
    return exp.Column(this=identifier(name))


def named(value: exp.Expr, name: str) -> exp.Alias:
    """A value with a name, always quoted."""
    return exp.Alias(this=value, alias=identifier(name))


def verbatim(query: str) -> exp.Expr:
    """A query that goes to the engine as it was written.

    sqlglot reads far more than it can write back unchanged, so what a person wrote is never regenerated.
    """
    return exp.Var(this=query)


def derived_table(query: str, alias: str) -> exp.Subquery:
    """A query in brackets; the line break keeps a comment at its end from swallowing the bracket."""
    return exp.Subquery(this=verbatim(f"{query}\n"), alias=exp.TableAlias(this=identifier(alias)))


def set_time_zone(zone: str) -> exp.Expr:
    """Have a session show moments in a time zone."""
    value = exp.EQ(this=exp.column("TimeZone"), expression=exp.Literal.string(zone))
    return exp.Set(expressions=[exp.SetItem(this=value)])


def reset_time_zone() -> exp.Expr:
    """Have a session show moments as it did at its beginning."""
    return exp.Command(this="RESET", expression="TimeZone")


def create_schema(name: str) -> exp.Expr:
    """`CREATE SCHEMA IF NOT EXISTS`."""
    return exp.Create(this=exp.Table(db=identifier(name)), kind="SCHEMA", exists=True)


def drop_schema(name: str) -> exp.Expr:
    """`DROP SCHEMA IF EXISTS`, which engines refuse for one that is not empty."""
    return exp.Drop(tables=[exp.Table(db=identifier(name))], kind="SCHEMA", exists=True)


def create_table_as(target: Relation, query: str) -> exp.Expr:
    """`CREATE TABLE ... AS` with the query as it was written."""
    return exp.Create(this=table(target), kind="TABLE", expression=verbatim(query))


def create_table(target: Relation, columns: Sequence[tuple[str, str]]) -> exp.Expr:
    """`CREATE TABLE IF NOT EXISTS` with columns (name, type)."""
    definitions = [exp.ColumnDef(this=identifier(name), kind=exp.DataType.build(kind)) for name, kind in columns]
    return exp.Create(this=exp.Schema(this=table(target), expressions=definitions), kind="TABLE", exists=True)


def add_column(target: Relation, name: str, kind: str) -> exp.Expr:
    """`ALTER TABLE ... ADD COLUMN`."""
    action = exp.ColumnDef(this=identifier(name), kind=exp.DataType.build(kind))
    return exp.Alter(this=table(target), kind="TABLE", actions=[action])


def drop_table(target: Relation, *, if_exists: bool = False) -> exp.Expr:
    """`DROP TABLE`."""
    return exp.Drop(tables=[table(target)], kind="TABLE", exists=if_exists)


def drop_index(index: Relation) -> exp.Expr:
    """`DROP INDEX`."""
    return exp.Drop(tables=[table(index)], kind="INDEX")


def drop_view(target: Relation) -> exp.Expr:
    """`DROP VIEW`."""
    return exp.Drop(tables=[table(target)], kind="VIEW")


def rename_table(target: Relation, name: str) -> exp.Expr:
    """`ALTER TABLE ... RENAME TO`, within its schema."""
    action = exp.AlterRename(this=exp.Table(this=identifier(name)))
    return exp.Alter(this=table(target), kind="TABLE", actions=[action])


def rename_view(target: Relation, name: str) -> exp.Expr:
    """`ALTER VIEW ... RENAME TO`, within its schema."""
    action = exp.AlterRename(this=exp.Table(this=identifier(name)))
    return exp.Alter(this=table(target), kind="VIEW", actions=[action])


def comment_on_view(target: Relation, text: str) -> exp.Expr:
    """`COMMENT ON VIEW`."""
    return exp.Comment(this=table(target), kind="VIEW", expression=exp.Literal.string(text))


def comment_on_table(target: Relation, text: str) -> exp.Expr:
    """`COMMENT ON TABLE`."""
    return exp.Comment(this=table(target), kind="TABLE", expression=exp.Literal.string(text))


def comment_on_column(target: Relation, name: str, text: str) -> exp.Expr:
    """`COMMENT ON COLUMN`."""
    place = exp.Column(this=identifier(name), table=identifier(target.name), db=identifier(target.schema))
    return exp.Comment(this=place, kind="COLUMN", expression=exp.Literal.string(text))


def count_rows(relation: Relation) -> exp.Expr:
    """The number of rows of a table, as `rows`."""
    return exp.select(named(exp.Count(this=exp.Star()), "rows")).from_(table(relation))


def count_rows_of_all(relations: Sequence[Relation]) -> exp.Expr:
    """One row with the number of rows of each table."""
    return exp.select(*(exp.Subquery(this=count_rows(relation)) for relation in relations))


def literal(value: Value) -> exp.Expr:
    """A value; a moment becomes a timestamp in UTC, without a zone.

    Raises:
        ValueError: A moment has no zone.
    """
    match value:
        case None:
            return exp.Null()
        case datetime():
            if value.tzinfo is None:
                raise ValueError(f"{value} has no time zone")
            text = value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
            return exp.Cast(this=exp.Literal.string(text), to=exp.DataType(this=exp.DataType.Type.TIMESTAMP))
        case str():
            return exp.Literal.string(value)
        case _:
            return exp.Literal.number(value)


def insert_values(target: Relation, values: Mapping[str, Value]) -> exp.Expr:
    """`INSERT` of one row."""
    return exp.Insert(
        this=exp.Schema(this=table(target), expressions=[identifier(name) for name in values]),
        expression=exp.Values(expressions=[exp.Tuple(expressions=[literal(value) for value in values.values()])]),
    )


def update_values(target: Relation, values: Mapping[str, Value], where: Mapping[str, Value]) -> exp.Expr:
    """`UPDATE` of the rows whose columns have the values in `where`."""
    return exp.Update(
        this=table(target),
        expressions=[exp.EQ(this=column(name), expression=literal(value)) for name, value in values.items()],
        where=exp.Where(this=equal(where)),
    )


def delete_rows(target: Relation, where: exp.Expr) -> exp.Expr:
    """`DELETE`."""
    return exp.Delete(this=table(target), where=exp.Where(this=where))


def equal(values: Mapping[str, Value]) -> exp.Expr:
    """Every column has its value."""
    return exp.and_(
        *(exp.EQ(this=column(name), expression=literal(value)) for name, value in values.items()), copy=False
    )


def equal_any(values: Sequence[Mapping[str, Value]]) -> exp.Expr:
    """Every column has its value in one of these."""
    return exp.or_(*(equal(one) for one in values), copy=False)


def before(name: str, moment: datetime) -> exp.Expr:
    """A column's moment lies before another."""
    return exp.LT(this=column(name), expression=literal(moment))


def select_columns(source: Relation, names: Sequence[str], where: exp.Expr | None = None) -> exp.Expr:
    """Some columns of a table's rows."""
    query = exp.select(*(column(name) for name in names)).from_(table(source))
    return query if where is None else query.where(where)
