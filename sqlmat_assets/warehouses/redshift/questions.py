"""How Redshift is asked what other engines are asked in words that it does not have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements

_TARGET = "target"


def question_of_types(query: exp.Expr) -> exp.Select | None:
    """The question which types the values have of which any is asked for; None where there are none."""
    if not isinstance(query, exp.Select):
        return None
    values = list(_values(query))
    if not values:
        return None
    asked = exp.select(*(statements.named(value.copy(), name) for name, value in values), copy=False).limit(0)
    asked.set("from_", query.args["from_"].copy())
    return asked


def with_conditions_only(query: exp.Expr, is_boolean: Mapping[str, bool]) -> exp.Expr:
    """The same question, where a value of another type than boolean, which would be refused, is never true."""
    assert isinstance(query, exp.Select)  # noqa: S101 - as `question_of_types` has found
    others = [value for name, value in _values(query) if not is_boolean[name]]
    if not others:
        return query

    def said_otherwise(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.If) and node.this in others:
            return exp.If(this=exp.false(), true=node.args.get("true"))
        return node

    return query.transform(said_otherwise)


def as_sent(statement: exp.Expr) -> exp.Expr:
    """The same statement in its words: no alias for the table of a DELETE, and views are renamed as tables are.

    Examples:
        >>> import sqlglot
        >>> as_sent(sqlglot.parse_one('DELETE FROM "s"."t" AS "target" WHERE "target"."a" = 1')).sql("redshift")
        'DELETE FROM "s"."t" WHERE "s"."t"."a" = 1'
    """
    if isinstance(statement, exp.Alter):
        return _altered(statement)
    if not isinstance(statement, exp.Delete) or not isinstance(statement.this, exp.Table) or not statement.this.alias:
        return statement
    alias, plain = statement.this.alias, statement.this.copy()
    plain.set("alias", None)
    changed = statement.copy()
    changed.set("this", plain)
    for column in list(changed.find_all(exp.Column)):
        if column.table == alias:
            column.set("table", plain.this.copy())
            column.set("db", plain.args["db"].copy() if plain.args.get("db") else None)
    return changed


def _altered(statement: exp.Alter) -> exp.Expr:
    """Views are renamed as tables are, and a length is told as in the vendor's examples.

    https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE_examples_basic.html
    """
    changed = statement.copy()
    changed.set("kind", "TABLE")
    for action in changed.args["actions"]:
        kind = action.args.get("dtype") if isinstance(action, exp.AlterColumn) else None
        if isinstance(kind, exp.Var):
            action.set("dtype", exp.DataType.build(kind.name, dialect="redshift"))
    return changed


def lock_statement(relation: Relation) -> exp.Expr:
    """`LOCK TABLE`, which waits for those who read."""
    return exp.Command(this="LOCK", expression=f"TABLE {statements.table(relation).sql('redshift')}")


def _values(query: exp.Select) -> Iterator[tuple[str, exp.Expr]]:
    for each in query.expressions:
        value = each.unalias()
        if isinstance(value, exp.AnyValue):
            yield each.alias, value.this
