"""GoogleSQL in DuckDB's words, where sqlglot leaves something to do."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
from sqlglot import exp

# What DuckDB has under another name, or not at all.
MACROS = (
    "CREATE MACRO farm_fingerprint(x) AS CAST(CAST(hash(x) AS HUGEINT) - 9223372036854775808 AS BIGINT)",
    "CREATE MACRO sqlmat_divide(a, b) AS CASE WHEN b = 0 THEN error('division by zero: ' || a || ' / ' || b) "
    "ELSE a / b END",
    "CREATE MACRO sqlmat_error(said) AS error('sqlmat-error:' || said)",
    "CREATE MACRO to_json_string(x) AS CAST(to_json(x) AS VARCHAR)",
    "CREATE MACRO byte_length(x) AS strlen(x)",
    "CREATE MACRO unix_seconds(x) AS CAST(floor(epoch(x)) AS BIGINT)",
    "CREATE MACRO unix_micros(x) AS epoch_us(x)",
    "CREATE MACRO unix_millis(x) AS epoch_ms(x)",
    # Of a number no zeros are written behind the point, and no point where nothing is behind it.
    "CREATE MACRO sqlmat_string(x) AS CASE WHEN (typeof(x) IN ('DOUBLE', 'FLOAT') OR typeof(x) LIKE 'DECIMAL%') "
    r"AND contains(CAST(x AS VARCHAR), '.') THEN regexp_replace(regexp_replace(CAST(x AS VARCHAR), "
    r"'(\.[0-9]*?)0+$', '\1'), '\.$', '') ELSE CAST(x AS VARCHAR) END",
    "CREATE MACRO is_nan(x) AS isnan(x)",
    "CREATE MACRO is_inf(x) AS isinf(x)",
)

Rule = Callable[[exp.Expr], exp.Expr]


def install(database: duckdb.DuckDBPyConnection) -> None:
    """Have the functions that DuckDB lacks."""
    for macro in MACROS:
        database.execute(macro)


def to_duckdb(tree: exp.Expr) -> str:
    """The text for DuckDB; the tree is changed."""
    # From the leaves up, so that what is put around a part has its own parts done already.
    for node in reversed(list(tree.walk())):
        rule = _RULES.get(type(node))
        mended = node if rule is None else rule(node)
        if mended is not node:
            if node is tree:
                tree = mended
            else:
                node.replace(mended)
    return tree.sql("duckdb", copy=False)


def _literal(node: exp.Expr) -> exp.Expr:
    """A number with a point is a FLOAT64, and no decimal, unless it is cast to one."""
    is_float = not node.args.get("is_string") and any(letter in node.name for letter in ".eE")
    if not is_float or isinstance(node.parent, exp.Cast | exp.DataTypeParam | exp.Interval):
        return node
    return exp.Cast(this=node.copy(), to=exp.DataType.build("DOUBLE"))


def _cast(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.TryCast) or node.args["to"].this not in exp.DataType.TEXT_TYPES:
        return node
    if isinstance(node.this, exp.Literal | exp.Null):
        return node
    return exp.Anonymous(this="sqlmat_string", expressions=[node.this.copy()])


def _divide(node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="sqlmat_divide", expressions=[node.this.copy(), node.expression.copy()])


def _as_date(node: exp.Expr) -> exp.Expr:
    """Adding to a date gives a date."""
    return exp.Cast(this=node.copy(), to=exp.DataType.build("DATE"))


def _truncate(node: exp.Expr) -> exp.Expr:
    """Weeks of BigQuery begin on Sunday, unless it is told otherwise."""
    unit = node.args.get("unit")
    written = "" if unit is None else (unit.name or unit.sql("bigquery")).upper()
    if isinstance(unit, exp.WeekStart | exp.Anonymous):
        written = f"WEEK({(unit.this if isinstance(unit, exp.WeekStart) else unit.expressions[0]).name.upper()})"
    value: exp.Expr = node.this.copy()
    if written in ("WEEK", "WEEK(SUNDAY)"):
        day = exp.Interval(this=exp.Literal.string("1"), unit=exp.var("DAY"))
        moved = exp.Paren(this=exp.Add(this=value, expression=day))
        found: exp.Expr = exp.Sub(this=_truncated("week", moved), expression=day.copy())
    else:
        words = {"WEEK(MONDAY)": "week", "ISOWEEK": "week", "ISOYEAR": "isoyear"}
        found = _truncated(words.get(written, written.lower()), value)
    if isinstance(node, exp.DateTrunc) and written not in ("HOUR", "MINUTE", "SECOND"):
        return exp.Cast(this=found, to=exp.DataType.build("DATE"))
    return found


def _truncated(unit: str, value: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="date_trunc", expressions=[exp.Literal.string(unit), value])


def _now(node: exp.Expr) -> exp.Expr:
    del node  # has nothing to tell
    return exp.AtTimeZone(this=exp.Anonymous(this="now"), zone=exp.Literal.string("UTC"))


def _function(node: exp.Expr) -> exp.Expr:
    if node.name.upper() == "ERROR":
        return exp.Anonymous(this="sqlmat_error", expressions=[each.copy() for each in node.expressions])
    return node


def _bytes(node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="byte_length", expressions=[node.this.copy()])


_RULES: dict[type[exp.Expr], Rule] = {
    exp.Literal: _literal,
    exp.Cast: _cast,
    exp.Div: _divide,
    exp.DateAdd: _as_date,
    exp.DateSub: _as_date,
    exp.DateTrunc: _truncate,
    exp.TimestampTrunc: _truncate,
    exp.DatetimeTrunc: _truncate,
    exp.CurrentDatetime: _now,
    exp.ByteLength: _bytes,
    exp.Anonymous: _function,
}
