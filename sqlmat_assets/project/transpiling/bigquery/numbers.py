"""Products and quotients whose type depends on that of what is multiplied and divided."""

from __future__ import annotations

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery.translator import (
    Said,
    brackets,
    by_type,
    call,
    case,
    cast,
    fail,
    is_decimal,
    number,
    try_cast,
)

_KNOWN = ("INT64", "FLOAT64")
NUMERIC = "DECIMAL(38, 9)"


def is_number_literal(tree: exp.Expr) -> bool:
    """Whether a number is written out."""
    inner = tree.this if isinstance(tree, (exp.Cast, exp.Neg)) else tree
    inner = inner.this if isinstance(inner, exp.Neg) else inner
    return isinstance(inner, exp.Literal) and not inner.is_string


def multiplied(left: Said, right: Said) -> exp.Expr:
    """A product."""
    a, b = brackets(left.tree), brackets(right.tree)
    product = exp.Mul(this=a, expression=b)
    if left.kind in _KNOWN and right.kind in _KNOWN:
        return product
    if "FLOAT64" in (left.kind, right.kind):
        literal, other = (a, b) if left.kind == "FLOAT64" else (b, a)
        if not is_number_literal(literal):
            return product
        # A literal is a NUMERIC beside one.
        value = literal.this if isinstance(literal, exp.Neg) else literal
        bare: exp.Expr = exp.Literal.number(value.name.removesuffix("e0"))
        decimal = exp.Mul(this=other.copy(), expression=exp.Neg(this=bare) if value is not literal else bare)
        return by_type(is_decimal(other), try_cast(decimal, NUMERIC), product)
    if "INT64" in (left.kind, right.kind):
        return product
    # The sum has the type, and is never computed.
    return call("CAST_TO_TYPE", product, exp.Add(this=a.copy(), expression=b.copy()))


def divided(left: Said, right: Said, by_zero: exp.Expr) -> exp.Expr:
    """A quotient.

    Args:
        left: What is divided.
        right: By what.
        by_zero: What takes its place where that is zero.
    """
    a, b = brackets(left.tree), brackets(right.tree)
    quotient: exp.Expr = exp.Div(this=a, expression=b)
    divisor = b.this if isinstance(b, exp.Cast) else b
    is_constant = isinstance(divisor, exp.Literal) and not divisor.is_string and float(divisor.name) != 0
    if not is_constant:
        quotient = case((exp.EQ(this=b.copy(), expression=number(0)), by_zero), default=quotient)
    if left.kind in _KNOWN and right.kind in _KNOWN:
        return quotient
    if any(each.kind == "FLOAT64" and not is_number_literal(each.tree) for each in (left, right)):
        return quotient
    refused = fail("the quotient of NUMERIC values is not the same in DuckDB")
    decimal = [is_decimal(each.tree) for each in (left, right) if each.kind not in _KNOWN]
    either = decimal[0] if len(decimal) == 1 else exp.Or(this=decimal[0], expression=decimal[1])
    return case((either, refused), default=quotient)


def as_bigint(tree: exp.Expr) -> exp.Expr:
    """A whole number of 64 bits."""
    return cast(tree, "BIGINT")
