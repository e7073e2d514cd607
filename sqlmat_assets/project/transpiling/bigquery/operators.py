"""Arithmetic, comparisons, logic, CASE."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.intervals import SPANS, say_span
from sqlmat_assets.project.transpiling.bigquery.numbers import NUMBERS, added, divided, is_literal, multiplied, plain
from sqlmat_assets.project.transpiling.bigquery.queries import say_query
from sqlmat_assets.project.transpiling.bigquery.translator import (
    Said,
    Translator,
    brackets,
    construct,
    fail,
    says,
    text,
)
from sqlmat_assets.project.transpiling.verdicts import Verdict

_EXACT, _EMULATED = Verdict.EXACT, Verdict.EMULATED
_OPS = pages.OPERATORS

_PLUS = construct("a + b", _EXACT, f"{_OPS}arithmetic_operators")
_MINUS = construct(
    "a - b", _EMULATED, f"{_OPS}arithmetic_operators", "the difference of dates is an INTERVAL there: refused by DuckDB"
)
_SHIFTED = construct("a + INTERVAL n part, a - INTERVAL n part", _EXACT, f"{_OPS}datetime_subtraction_operators")
_TIMES = construct("a * b", _EMULATED, f"{_OPS}arithmetic_operators", "a product of NUMERIC is rounded to 9 digits")
_BY = construct("a / b", _EMULATED, f"{_OPS}arithmetic_operators", "division by zero is an error")
_NEGATED = construct("-a", _EXACT, f"{_OPS}arithmetic_operators")
_BITS = construct("~a, a & b, a | b, a ^ b, a << b, a >> b", _EXACT, f"{_OPS}bitwise_operators")
_JOINED = construct("a || b", _EXACT, f"{_OPS}concatenation_operator")
_COMPARED = construct("=, !=, <, <=, >, >=", _EXACT, f"{_OPS}comparison_operators", "NaN is equal to itself in DuckDB")
_BETWEEN = construct("BETWEEN", _EXACT, f"{_OPS}comparison_operators")
_LIKE = construct("LIKE", _EMULATED, f"{_OPS}like_operator", "a backslash escapes")
_IN = construct("IN (…)", _EXACT, f"{_OPS}in_operators")
_IN_QUERY = construct("IN (SELECT …)", _EXACT, f"{_OPS}in_operators")
_IN_UNNEST = construct("IN UNNEST(…)", _EMULATED, f"{_OPS}in_operators")
_IS = construct("IS NULL, IS TRUE, IS FALSE", _EXACT, f"{_OPS}is_operators")
_DISTINCT = construct("IS DISTINCT FROM", _EXACT, f"{_OPS}is_distinct")
_LOGIC = construct("AND, OR, NOT", _EXACT, f"{_OPS}logical_operators")
_CASE = construct("CASE", _EXACT, f"{pages.CONDITIONS}case_expr")

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
_MOMENTS = ("DATE", "DATETIME", "TIMESTAMP", "TIME", "INTERVAL")


@says(exp.Add, exp.Sub)
def _sum(t: Translator, node: exp.Binary) -> Said:
    is_sum = isinstance(node, exp.Add)
    if isinstance(node.right, exp.Interval):
        return _shifted(t, node, node.right, is_negative=not is_sum)
    left, right = t.say(node.left), t.say(node.right)
    kind = _common(left, right)
    if left.kind == right.kind and left.kind in _MOMENTS and not is_sum:
        return t.refuse(node, f"{left.kind} - {right.kind}")
    if is_sum:
        t.use(_PLUS, node)
        return Said(exp.Add(this=_operand(left, right), expression=_operand(right, left)), kind, added(left, right))
    t.use(_MINUS, node)
    if left.kind in NUMBERS or right.kind in NUMBERS:
        subtrahend = brackets(_operand(right, left)) if isinstance(right.tree, exp.Binary) else _operand(right, left)
        return Said(exp.Sub(this=_operand(left, right), expression=subtrahend), kind, added(left, right))
    # DuckDB has a negative of every type of which BigQuery has a difference of the same type, and of no other.
    negative = exp.Neg(this=exp.Paren(this=right.tree))
    return Said(exp.Add(this=left.tree, expression=negative), kind, added(left, right))


def _shifted(t: Translator, node: exp.Binary, interval: exp.Interval, *, is_negative: bool) -> Said:
    """A moment that is moved; of a DATE it becomes a DATETIME in both."""
    said, span = t.say(node.left), say_span(t, interval, SPANS, is_negative=is_negative)
    if span is None:
        return t.refuse(interval, "an INTERVAL of several parts")
    t.use(_SHIFTED, node)
    kind = {"DATE": "DATETIME", "DATETIME": "DATETIME", "TIMESTAMP": "TIMESTAMP"}.get(said.kind or "")
    return Said(exp.Add(this=brackets(said.tree), expression=span), kind)


def _operand(said: Said, other: Said) -> exp.Expr:
    """A whole number beside what may be a date, which takes INTEGER alone; all others have their type."""
    return plain(said) if said.kind == "INT64" and not is_literal(other) else said.tree


def _common(left: Said, right: Said) -> str | None:
    """The type of a sum or product, where it is known: that of a literal number gives way."""
    if "FLOAT64" in (left.kind, right.kind):
        other = right if left.kind == "FLOAT64" else left
        literal = is_literal(left) if left.kind == "FLOAT64" else is_literal(right)
        return "FLOAT64" if other.kind in NUMBERS or not literal else None
    if left.kind == right.kind == "INT64":
        return "INT64"
    return "DATE" if "DATE" in (left.kind, right.kind) else None


@says(exp.Mul)
def _product(t: Translator, node: exp.Mul) -> Said:
    left, right = t.say(node.left), t.say(node.right)
    t.use(_TIMES, node)
    return Said(multiplied(left, right), _common(left, right), added(left, right))


@says(exp.Div)
def _quotient(t: Translator, node: exp.Div) -> Said:
    left, right = t.say(node.left), t.say(node.right)
    t.use(_BY, node)
    return Said(divided(left, right, fail("division by zero")), "FLOAT64")


@says(exp.Neg)
def _negative(t: Translator, node: exp.Neg) -> Said:
    said = t.say(node.this)
    t.use(_NEGATED, node)
    # The smallest INT64 is read as a number without its sign first.
    if isinstance(said.tree, exp.Cast) and isinstance(said.tree.this, exp.Literal):
        return Said(exp.Cast(this=exp.Neg(this=said.tree.this), to=said.tree.args["to"]), said.kind)
    return Said(exp.Neg(this=brackets(said.tree)), said.kind, said.like)


@says(exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.BitwiseLeftShift, exp.BitwiseRightShift, exp.BitwiseNot)
def _bitwise(t: Translator, node: exp.Expr) -> Said:
    t.use(_BITS, node)
    if isinstance(node, exp.BitwiseNot):
        return Said(exp.BitwiseNot(this=brackets(t.tree(node.this))), "INT64")
    left, right = t.tree(node.this), t.tree(node.args["expression"])
    if isinstance(node, exp.BitwiseXor):
        return Said(exp.Anonymous(this="XOR", expressions=[left, right]), "INT64")
    return Said(type(node)(this=brackets(left), expression=brackets(right)), "INT64")


@says(exp.DPipe)
def _joined(t: Translator, node: exp.DPipe) -> Said:
    t.use(_JOINED, node)
    left, right = t.say(node.left), t.say(node.right)
    kind = "STRING" if "STRING" in (left.kind, right.kind) else left.kind
    return Said(exp.DPipe(this=brackets(left.tree), expression=brackets(right.tree)), kind)


@says(*_COMPARISONS)
def _compared(t: Translator, node: exp.Binary) -> Said:
    t.use(_COMPARED, node)
    left, right = t.say(node.left), t.say(node.right)
    return Said(type(node)(this=brackets(plain(left)), expression=brackets(plain(right))), "BOOL")


@says(exp.NullSafeEQ, exp.NullSafeNEQ)
def _distinct(t: Translator, node: exp.Binary) -> Said:
    t.use(_DISTINCT, node)
    left, right = plain(t.say(node.left)), plain(t.say(node.right))
    return Said(type(node)(this=brackets(left), expression=brackets(right)), "BOOL")


@says(exp.Between)
def _between(t: Translator, node: exp.Between) -> Said:
    t.only(node, "this", "low", "high")
    t.use(_BETWEEN, node)
    low, high = (brackets(plain(t.say(node.args[key]))) for key in ("low", "high"))
    return Said(exp.Between(this=brackets(plain(t.say(node.this))), low=low, high=high), "BOOL")


@says(exp.Like)
def _like(t: Translator, node: exp.Like) -> Said:
    if isinstance(node.expression, (exp.Any, exp.All)):
        return t.refuse(node.expression, f"LIKE {type(node.expression).__name__.upper()}")
    t.only(node, "this", "expression", "negate")
    t.use(_LIKE, node)
    like = exp.Like(this=brackets(t.tree(node.this)), expression=brackets(t.tree(node.expression)))
    said: exp.Expr = exp.Escape(this=like, expression=text("\\"))
    return Said(exp.Not(this=exp.Paren(this=said)) if node.args.get("negate") else said, "BOOL")


@says(exp.In)
def _in(t: Translator, node: exp.In) -> Said:
    t.only(node, "this", "expressions", "query", "unnest")
    said = exp.In(this=brackets(plain(t.say(node.this))))
    unnest: Any = node.args.get("unnest")
    query: Any = node.args.get("query")
    if unnest is not None:
        t.use(_IN_UNNEST, node)
        array = t.tree(unnest.expressions[0])
        select = exp.Select(expressions=[exp.Anonymous(this="UNNEST", expressions=[array])])
        said.set("query", exp.Subquery(this=select))
    elif query is not None:
        t.use(_IN_QUERY, node)
        said.set("query", exp.Subquery(this=say_query(t, query.this if isinstance(query, exp.Subquery) else query)))
    else:
        t.use(_IN, node)
        said.set("expressions", [plain(t.say(each)) for each in node.expressions])
    return Said(said, "BOOL")


@says(exp.Is)
def _is(t: Translator, node: exp.Is) -> Said:
    if not isinstance(node.expression, (exp.Null, exp.Boolean, exp.Not)):
        return t.refuse(node, "IS")
    t.use(_IS, node)
    return Said(exp.Is(this=brackets(t.tree(node.this)), expression=node.expression.copy()), "BOOL")


@says(exp.And, exp.Or, exp.Xor)
def _connected(t: Translator, node: exp.Connector) -> Said:
    t.use(_LOGIC, node)
    left, right = t.tree(node.left), t.tree(node.right)
    if isinstance(node, exp.And):
        left, right = (exp.Paren(this=each) if isinstance(each, exp.Or) else each for each in (left, right))
    return Said(type(node)(this=left, expression=right), "BOOL")


@says(exp.Not)
def _not(t: Translator, node: exp.Not) -> Said:
    t.use(_LOGIC, node)
    said = t.tree(node.this)
    is_safe = isinstance(said, (exp.Paren, exp.Column, exp.Is, exp.In, exp.Between, exp.Exists, exp.Anonymous))
    return Said(exp.Not(this=said if is_safe else exp.Paren(this=said)), "BOOL")


@says(exp.Case)
def _case(t: Translator, node: exp.Case) -> Said:
    t.only(node, "this", "ifs", "default")
    t.use(_CASE, node)
    ifs: list[exp.Expr] = []
    said: list[Said] = []
    for each in node.args["ifs"]:
        condition = t.say(each.this)
        said.append(t.say(each.args["true"]))
        ifs.append(exp.If(this=plain(condition), true=said[-1].tree))
    tree = exp.Case(ifs=ifs)
    if node.this is not None:
        tree.set("this", t.tree(node.this))
    if (default := node.args.get("default")) is not None:
        said.append(t.say(default))
        tree.set("default", said[-1].tree)
    return Said(tree, shared(said))


def shared(said: list[Said]) -> str | None:
    """The type of values of which one is taken, where it is known."""
    kinds = {each.kind for each in said if not isinstance(each.tree, exp.Null)}
    if len(kinds) == 1:
        return kinds.pop()
    return "FLOAT64" if kinds == set(NUMBERS) else None
