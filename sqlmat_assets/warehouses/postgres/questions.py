"""How PostgreSQL is asked what other engines are asked in words that it does not have."""

from __future__ import annotations

from sqlglot import exp


def as_asked(query: exp.Expr) -> exp.Expr:
    """The same question in its words.

    The type of a value is told without `any_value`, which servers before 16 do not have; and whether a value is true
    by its text, since a condition of another type than boolean is refused.

    Examples:
        >>> as_asked(exp.select(exp.AnyValue(this=exp.column("a")))).sql("postgres")
        'SELECT (ARRAY_AGG(a) FILTER(WHERE FALSE))[1]'
    """
    if next(query.find_all(exp.AnyValue), None) is None:
        return query
    return query.transform(_said_otherwise)


def _said_otherwise(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.AnyValue):
        none = exp.Filter(this=exp.ArrayAgg(this=node.this), expression=exp.Where(this=exp.false()))
        return exp.Bracket(this=exp.Paren(this=none), expressions=[exp.Literal.number(1)], offset=1)
    if isinstance(node, exp.If) and isinstance(node.this, exp.Column):
        text = exp.Cast(this=node.this, to=exp.DataType(this=exp.DataType.Type.TEXT))
        is_true = exp.EQ(this=text, expression=exp.Literal.string("true"))
        return exp.If(this=is_true, true=node.args.get("true"))
    return node
