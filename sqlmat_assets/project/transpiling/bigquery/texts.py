"""Values as strings, letter for letter as BigQuery writes them."""

from __future__ import annotations

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery.translator import (
    Said,
    call,
    case,
    cast,
    fail,
    is_decimal,
    is_type,
    once,
    text,
    try_cast,
)

_ZONED = "TIMESTAMP WITH TIME ZONE"
_REFUSED = ("TIME", "INTERVAL", "UUID")


def float_text(tree: exp.Expr) -> exp.Expr:
    """A FLOAT64: in as few digits as 15, or in 17 where these are another number."""
    value = _as(tree, "DOUBLE")
    short = call("PRINTF", text("%.15g"), value)
    exact = exp.EQ(this=cast(short.copy(), "DOUBLE"), expression=value.copy())
    return case((exact, short), default=call("PRINTF", text("%.17g"), value.copy()))


def _as(tree: exp.Expr, kind: str) -> exp.Expr:
    return tree if isinstance(tree, exp.TryCast) else cast(tree, kind)


def timestamp_text(tree: exp.Expr) -> exp.Expr:
    """A TIMESTAMP, in UTC, with three digits of a second, or six, or none."""
    return exp.DPipe(
        this=datetime_text(call("TIMEZONE", text("UTC"), _as(tree, "TIMESTAMPTZ"))), expression=text("+00")
    )


def datetime_text(tree: exp.Expr) -> exp.Expr:
    """A DATETIME, with three digits of a second, or six, or none."""
    long = call("STRFTIME", _as(tree, "TIMESTAMP"), text("%Y-%m-%d %H:%M:%S.%f"))
    # Three zeros at the end go, or all six and the point.
    return call("REGEXP_REPLACE", long, text(r"(\.000)?000$"), text(""))


def decimal_text(tree: exp.Expr) -> exp.Expr:
    """A NUMERIC, without zeros at its end, nor a point."""
    return call("REGEXP_REPLACE", cast(tree, "VARCHAR"), text(r"\.?0+$"), text(""))


def as_text(said: Said) -> exp.Expr:
    """A value whose type only DuckDB knows."""
    kind = said.sample
    refused = fail("DuckDB writes values of this type otherwise than BigQuery")

    def say(value: exp.Expr) -> exp.Expr:
        def tree(to: str) -> exp.Expr:
            # What is taken for another type is never computed, but what is written out is looked at before.
            return try_cast(value.copy(), to)

        return case(
            (is_type(kind, "DOUBLE", "FLOAT"), float_text(tree("DOUBLE"))),
            (is_decimal(kind), decimal_text(value.copy())),
            (is_type(kind, _ZONED), timestamp_text(tree("TIMESTAMPTZ"))),
            (is_type(kind, "TIMESTAMP"), datetime_text(tree("TIMESTAMP"))),
            (is_type(kind, "BLOB"), call("DECODE", tree("BLOB"))),
            (is_type(kind, *_REFUSED), refused),
            default=cast(value, "VARCHAR"),
        )

    return once(said.tree, say)
