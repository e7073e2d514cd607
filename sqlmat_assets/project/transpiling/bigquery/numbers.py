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
    once,
    try_cast,
)

NUMBERS = ("INT64", "FLOAT64")
NUMERIC = "DECIMAL(38, 9)"


def is_number_literal(tree: exp.Expr) -> bool:
    """Whether a number is written out."""
    inner = tree.this if isinstance(tree, (exp.Cast, exp.Neg)) else tree
    inner = inner.this if isinstance(inner, exp.Neg) else inner
    return isinstance(inner, exp.Literal) and not inner.is_string


def plain(said: Said) -> exp.Expr:
    """A literal without a type of its own, where what it stands beside gives it one; else the tree."""
    tree = said.tree
    if isinstance(tree, exp.Cast) and said.kind in NUMBERS:
        inner = tree.this.this if isinstance(tree.this, exp.Neg) else tree.this
        return tree.this if isinstance(inner, exp.Literal) and not inner.is_string else tree
    if isinstance(tree, exp.Literal) and not tree.is_string:
        return exp.Literal.number(tree.name.removesuffix("e0"))
    return tree


def is_literal(said: Said) -> bool:
    """Whether it is a number that is written out."""
    tree = plain(said)
    return isinstance(tree.this if isinstance(tree, exp.Neg) else tree, exp.Literal) and said.kind in NUMBERS


def added(left: Said, right: Said) -> exp.Expr:
    """What has the type of a sum, of a difference and of a product."""
    return exp.Add(this=brackets(left.sample), expression=brackets(right.sample))


def multiplied(left: Said, right: Said) -> exp.Expr:
    """A product."""
    a, b = brackets(left.tree), brackets(right.tree)
    product = exp.Mul(this=a, expression=b)
    if left.kind in NUMBERS and right.kind in NUMBERS:
        return product
    if "FLOAT64" in (left.kind, right.kind):
        literal, other = (a, b) if left.kind == "FLOAT64" else (b, a)
        if not is_number_literal(literal):
            return product
        # A literal is a NUMERIC beside one.
        value = literal.this if isinstance(literal, exp.Neg) else literal
        bare: exp.Expr = exp.Literal.number(value.name.removesuffix("e0"))
        decimal = exp.Mul(this=other.copy(), expression=exp.Neg(this=bare) if value is not literal else bare)
        sample = right.sample if left.kind == "FLOAT64" else left.sample
        return by_type(is_decimal(sample), try_cast(decimal, NUMERIC), product)
    if "INT64" in (left.kind, right.kind):
        return product
    # The sum has the type, and is never computed.
    return call("CAST_TO_TYPE", product, added(left, right))


def divided(left: Said, right: Said, by_zero: exp.Expr) -> exp.Expr:
    """A quotient.

    Args:
        left: What is divided.
        right: By what.
        by_zero: What takes its place where that is zero.
    """
    a, b = brackets(left.tree), brackets(right.tree)
    divisor = b.this if isinstance(b, exp.Cast) else b
    is_constant = isinstance(divisor, exp.Literal) and not divisor.is_string and float(divisor.name) != 0

    def divide(by: exp.Expr) -> exp.Expr:
        quotient = exp.Div(this=a, expression=by)
        return case((exp.EQ(this=by.copy(), expression=number(0)), by_zero), default=quotient)

    quotient = exp.Div(this=a, expression=b) if is_constant else once(b, divide, "divisor")
    if left.kind in NUMBERS and right.kind in NUMBERS:
        return quotient
    if any(each.kind == "FLOAT64" and not is_number_literal(each.tree) for each in (left, right)):
        return quotient
    refused = fail("the quotient of NUMERIC values is not the same in DuckDB")
    decimal = [is_decimal(each.sample) for each in (left, right) if each.kind not in NUMBERS]
    either = decimal[0] if len(decimal) == 1 else exp.Or(this=decimal[0], expression=decimal[1])
    return case((either, refused), default=quotient)


def as_bigint(tree: exp.Expr) -> exp.Expr:
    """A whole number of 64 bits."""
    return cast(tree, "BIGINT")
