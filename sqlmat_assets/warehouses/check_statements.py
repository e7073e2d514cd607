"""Syntax trees of the queries that tell whether checks hold, and which rows break them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import ResultColumn, Rows
from sqlmat_assets.warehouses.statements import column, derived_table, identifier, named, table, verbatim

SAMPLE_ROWS = 20
_CHECKED = "checked"
_REPEATS = "repeats"
_TIMES = "sqlmat_times"
_OWN = "sqlmat_"


def count_outcomes(query: str, titles: Sequence[str]) -> exp.Expr:
    """One row of counts over the result of a check's query.

    Its columns: all rows, then for each title the rows that are not NULL, the rows that are true, and any value
    (which has the type of the column).
    """
    counts: list[exp.Expr] = [named(exp.Count(this=exp.Star()), "rows")]
    for number, title in enumerate(titles):
        value = exp.Column(this=identifier(title), table=identifier(_CHECKED))
        held = exp.Case(ifs=[exp.If(this=value.copy(), true=exp.Literal.number(1))])
        counts += [
            named(exp.Count(this=value), f"known_{number}"),
            named(exp.Count(this=held), f"held_{number}"),
            named(exp.AnyValue(this=value.copy()), f"value_{number}"),
        ]
    return exp.select(*counts, copy=False).from_(derived_table(query, _CHECKED), copy=False)


def count_in_one_scan(source: Relation, values: Sequence[tuple[str, bool]], not_null: Sequence[str]) -> exp.Select:
    """One row of counts for many checks of a table.

    Its columns: all rows; then for each value that is computed from one row the rows where it is true, and any of it
    (which has its type), and for each that is an aggregate that value; then for each name the rows in which that column
    is NULL. A column of the table goes before a name that is given here, and the names are none that anybody would
    write in a check.

    Args:
        source: The table.
        values: Each as written, and whether it is an aggregate.
        not_null: Names of columns.
    """
    counts: list[exp.Expr] = [named(exp.Count(this=exp.Star()), f"{_OWN}rows")]
    for number, (written, is_aggregate) in enumerate(values):
        # The line break keeps a comment at its end from swallowing the bracket.
        value = exp.Paren(this=verbatim(f"{written}\n"))
        if not is_aggregate:
            held = exp.Case(ifs=[exp.If(this=value.copy(), true=exp.Literal.number(1))])
            counts.append(named(exp.Count(this=held), f"{_OWN}held_{number}"))
        counts.append(named(value if is_aggregate else exp.AnyValue(this=value), f"{_OWN}value_{number}"))
    counts += (
        named(exp.Count(this=_one_if_null(name)), f"{_OWN}nulls_{number}") for number, name in enumerate(not_null)
    )
    return exp.select(*counts, copy=False).from_(table(source), copy=False)


def no_rows_of(query: str) -> exp.Expr:
    """The columns of a query's result, without rows."""
    return exp.select("*").from_(derived_table(query, _CHECKED), copy=False).limit(0)


def asks_for_columns(query: exp.Expr) -> bool:
    """Whether this is a question of `no_rows_of`."""
    limit = query.args.get("limit")
    return isinstance(limit, exp.Limit) and limit.expression == exp.Literal.number(0)


def sample_offending(query: str, title: str) -> exp.Expr:
    """Some rows of a check's result that are not true."""
    value = exp.Column(this=identifier(title), table=identifier(_CHECKED))
    return (
        exp.select("*").from_(derived_table(query, _CHECKED), copy=False).where(_is_not_true(value)).limit(SAMPLE_ROWS)
    )


def sample_rows_behind(query: str, title: str, dialect: str) -> exp.Expr | None:
    """Some of the rows or groups that a check looks at and that do not hold, first with what tells them apart.

    That is all columns of a row, and the columns of a GROUP BY. None where the check looks at neither.

    Examples:
        >>> query = sample_rows_behind("SELECT a > 0 AS positive FROM s.t", "positive", "duckdb")
        >>> query.sql("duckdb")
        'SELECT *, a > 0 AS positive FROM s.t WHERE NOT (a > 0) IS TRUE LIMIT 20'
        >>> query = sample_rows_behind("SELECT sum(a) > 0 AS positive FROM s.t GROUP BY day", "positive", "duckdb")
        >>> query.sql("duckdb")
        'SELECT day, SUM(a) > 0 AS positive FROM s.t GROUP BY day HAVING NOT (SUM(a) > 0) IS TRUE LIMIT 20'
        >>> sample_rows_behind("SELECT count(*) > 0 AS filled FROM s.t", "filled", "duckdb") is None
        True
    """
    try:
        tree = sqlglot.parse_one(query, dialect=dialect)
    except SqlglotError:
        return None
    if not isinstance(tree, exp.Select) or tree.args.get("from_") is None:
        return None
    if any(tree.args.get(part) for part in ("distinct", "windows", "qualify", "limit", "offset")):
        return None
    if any(projection.is_star or projection.find(exp.Window) for projection in tree.expressions):
        return None
    values = [projection.unalias() for projection in tree.expressions if projection.alias_or_name == title]
    if len(values) != 1:
        return None
    fails = _is_not_true(exp.Paren(this=values[0].copy()))
    if tree.args.get("group"):
        return _groups_behind(tree, fails)
    if tree.args.get("having") or any(projection.find(exp.AggFunc, exp.Star) for projection in tree.expressions):
        return None
    offending = tree.where(fails).limit(SAMPLE_ROWS)
    offending.set("expressions", [exp.Star(), *offending.expressions])
    return offending


def _groups_behind(tree: exp.Select, fails: exp.Expr) -> exp.Expr | None:
    group = tree.args["group"]
    keys: list[exp.Expr] = group.expressions
    is_plain = not any(value for part, value in group.args.items() if part != "expressions")
    if not keys or not is_plain or not all(isinstance(key, exp.Column) for key in keys):
        return None
    shown = {projection.alias_or_name for projection in tree.expressions}
    offending = tree.having(fails).limit(SAMPLE_ROWS)
    more = [key.copy() for key in keys if key.alias_or_name not in shown]
    offending.set("expressions", [*more, *offending.expressions])
    return offending


def count_repeats(source: Relation, columns: Sequence[str]) -> exp.Expr:
    """How many values of some columns occur more than once, and in how many rows; values with a NULL do not count."""
    counts = [
        named(exp.Count(this=exp.Star()), "values"),
        named(exp.Coalesce(this=exp.Sum(this=column(_TIMES)), expressions=[exp.Literal.number(0)]), "rows"),
    ]
    return exp.select(*counts).from_(_repeats(source, columns).subquery(identifier(_REPEATS)))


def sample_repeats(source: Relation, columns: Sequence[str]) -> exp.Expr:
    """Some rows whose values occur more than once, those of the most frequent first."""
    repeats = _repeats(source, columns).subquery(identifier(_REPEATS))
    same = [exp.EQ(this=_of(_CHECKED, name), expression=_of(_REPEATS, name)) for name in columns]
    order = [
        exp.Ordered(this=_of(_REPEATS, _TIMES), desc=True),
        *(exp.Ordered(this=_of(_REPEATS, name)) for name in columns),
    ]
    rows = exp.Column(this=exp.Star(), table=identifier(_CHECKED))
    aliased = exp.alias_(table(source), _CHECKED, table=True, quoted=True)
    return exp.select(rows).from_(aliased).join(repeats, on=exp.and_(*same)).order_by(*order).limit(SAMPLE_ROWS)


def count_nulls(source: Relation, name: str) -> exp.Expr:
    """How many rows a table has, and in how many of them a column is NULL."""
    counts = [
        named(exp.Count(this=exp.Star()), "rows"),
        named(exp.Count(this=_one_if_null(name)), "nulls"),
    ]
    return exp.select(*counts).from_(table(source))


def sample_nulls(source: Relation, name: str) -> exp.Expr:
    """Some rows in which a column is NULL."""
    is_null = exp.Is(this=column(name), expression=exp.Null())
    return exp.select("*").from_(table(source)).where(is_null).limit(SAMPLE_ROWS)


def all_hold(query: exp.Expr) -> Rows:
    """What an engine answers to a counting query of this module where the check holds; no rows to any other."""
    names = query.named_selects if isinstance(query, exp.Query) else []
    if not {"rows", f"{_OWN}rows"}.intersection(names):
        return Rows((), ())
    columns = tuple(ResultColumn(name, "BOOLEAN", is_boolean=True) for name in names)
    are_zero = ("values", "nulls", f"{_OWN}nulls_")
    return Rows(columns, [tuple(0 if name.startswith(are_zero) else 1 for name in names)])


def _repeats(source: Relation, columns: Sequence[str]) -> exp.Select:
    counted = named(exp.Count(this=exp.Star()), _TIMES)
    more_than_one = exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(1))
    known = [exp.Not(this=exp.Is(this=column(name), expression=exp.Null())) for name in columns]
    query = exp.select(*map(column, columns), counted).from_(table(source)).where(*known)
    return query.group_by(*map(column, columns)).having(more_than_one)


def _one_if_null(name: str) -> exp.Expr:
    return exp.Case(ifs=[exp.If(this=exp.Is(this=column(name), expression=exp.Null()), true=exp.Literal.number(1))])


def _of(table_name: str, name: str) -> exp.Column:
    return exp.Column(this=identifier(name), table=identifier(table_name))


def _is_not_true(value: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=value, expression=exp.true()))
