"""Values as strings, letter for letter as BigQuery writes them."""

from __future__ import annotations

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery.translator import (
    call,
    case,
    cast,
    fail,
    is_decimal,
    is_type,
    text,
)

_ZONED = "TIMESTAMP WITH TIME ZONE"
_REFUSED = ("TIME", "INTERVAL", "UUID")


def float_text(tree: exp.Expr) -> exp.Expr:
    """A FLOAT64: in as few digits as 15, or in 17 where these are another number."""
    value = cast(tree, "DOUBLE")
    short = call("PRINTF", text("%.15g"), value)
    exact = exp.EQ(this=cast(short.copy(), "DOUBLE"), expression=value.copy())
    return case((exact, short), default=call("PRINTF", text("%.17g"), value.copy()))


def timestamp_text(tree: exp.Expr) -> exp.Expr:
    """A TIMESTAMP, in UTC, with three digits of a second, or six, or none."""
    return exp.DPipe(
        this=datetime_text(call("TIMEZONE", text("UTC"), cast(tree, "TIMESTAMPTZ"))), expression=text("+00")
    )


def datetime_text(tree: exp.Expr) -> exp.Expr:
    """A DATETIME, with three digits of a second, or six, or none."""
    long = call("STRFTIME", cast(tree, "TIMESTAMP"), text("%Y-%m-%d %H:%M:%S.%f"))
    # Three zeros at the end go, or all six and the point.
    return call("REGEXP_REPLACE", long, text(r"(\.000)?000$"), text(""))


def decimal_text(tree: exp.Expr) -> exp.Expr:
    """A NUMERIC, without zeros at its end, nor a point."""
    return call("REGEXP_REPLACE", cast(tree, "VARCHAR"), text(r"\.?0+$"), text(""))


def as_text(tree: exp.Expr) -> exp.Expr:
    """A value whose type only DuckDB knows."""
    refused = fail("DuckDB writes values of this type otherwise than BigQuery")
    return case(
        (is_type(tree, "DOUBLE", "FLOAT"), float_text(tree.copy())),
        (is_decimal(tree), decimal_text(tree.copy())),
        (is_type(tree, _ZONED), timestamp_text(tree.copy())),
        (is_type(tree, "TIMESTAMP"), datetime_text(tree.copy())),
        (is_type(tree, "BLOB"), call("DECODE", cast(tree.copy(), "BLOB"))),
        (is_type(tree, *_REFUSED), refused),
        default=cast(tree.copy(), "VARCHAR"),
    )
