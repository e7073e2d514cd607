"""CAST and SAFE_CAST."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.texts import (
    as_text,
    datetime_text,
    float_text,
    timestamp_text,
)
from sqlmat_assets.project.transpiling.bigquery.translator import (
    Said,
    Translator,
    call,
    case,
    cast,
    construct,
    fail,
    is_type,
    once,
    says,
    text,
    try_cast,
)
from sqlmat_assets.project.transpiling.bigquery.values import typed_array
from sqlmat_assets.project.transpiling.verdicts import Construct, Verdict

_EMULATED = Verdict.EMULATED

TYPES = {
    exp.DType.BIGINT: ("INT64", "BIGINT"),
    exp.DType.DOUBLE: ("FLOAT64", "DOUBLE"),
    exp.DType.DECIMAL: ("NUMERIC", "DECIMAL(38, 9)"),
    exp.DType.TEXT: ("STRING", "VARCHAR"),
    exp.DType.BINARY: ("BYTES", "BLOB"),
    exp.DType.BOOLEAN: ("BOOL", "BOOLEAN"),
    exp.DType.DATE: ("DATE", "DATE"),
    exp.DType.TIME: ("TIME", "TIME"),
    exp.DType.DATETIME: ("DATETIME", "TIMESTAMP"),
    exp.DType.TIMESTAMP: ("DATETIME", "TIMESTAMP"),
    exp.DType.TIMESTAMPTZ: ("TIMESTAMP", "TIMESTAMPTZ"),
    exp.DType.JSON: ("JSON", "JSON"),
}
"""The types of BigQuery as the parser calls them: BigQuery's name, and DuckDB's."""

_DATE = r"\d{1,4}-\d{1,2}-\d{1,2}"
_TIME = r"\d{1,2}:\d{1,2}:\d{1,2}(\.\d{0,6})?"
_ZONE = r"([Zz]|[ ]?[+-]\d{1,2}(:?\d{2})?)?"
# What BigQuery reads; DuckDB reads more.
_PATTERNS = {
    "INT64": r"\s*[+-]?(\d+|0[xX][0-9a-fA-F]+)\s*",
    "FLOAT64": r"\s*[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[iI][nN][fF]([iI][nN][iI][tT][yY])?|[nN][aA][nN])\s*",
    "NUMERIC": r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*",
    "BOOL": "(?i)true|false",
    "DATE": _DATE,
    "DATETIME": rf"{_DATE}([ Tt]{_TIME})?",
    "TIMESTAMP": rf"{_DATE}([ Tt]{_TIME})?{_ZONE}",
    "TIME": _TIME,
}
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_CONVERSIONS = f"{pages.CONVERSIONS}cast"


def _entry(kind: str, note: str) -> tuple[Construct, Construct]:
    page = {"INT64": "cast_as_integer", "FLOAT64": "cast_as_floating_point", "BYTES": "cast_as_bytes"}
    at = f"{pages.CONVERSIONS}{page.get(kind, f'cast_as_{kind.lower()}')}"
    return (
        construct(f"CAST(… AS {kind})", _EMULATED, at, note),
        construct(f"SAFE_CAST(… AS {kind})", _EMULATED, f"{pages.CONVERSIONS}safe_casting", note),
    )


_TO = {
    "INT64": _entry("INT64", "halves are rounded away from zero; of a string the whole of it has to be a number"),
    "FLOAT64": _entry("FLOAT64", "of a string the whole of it has to be a number"),
    "NUMERIC": _entry("NUMERIC", "is DECIMAL(38, 9)"),
    "STRING": _entry("STRING", "letter for letter; not of TIME and INTERVAL"),
    "BYTES": _entry("BYTES", "of a string"),
    "BOOL": _entry("BOOL", "of a string it has to be `true` or `false`"),
    "DATE": _entry("DATE", "of a string it has to be written like 2024-1-5"),
    "DATETIME": _entry("DATETIME", "of a string it has to be written like 2024-1-5 10:00:00"),
    "TIMESTAMP": _entry("TIMESTAMP", "of a string it has to be written like 2024-1-5 10:00:00+02"),
    "TIME": _entry("TIME", "of a string it has to be written like 10:00:00"),
}
_LITERAL = construct(
    "DATE '…', TIMESTAMP '…' and their like", Verdict.EXACT, f"{pages.LEXICAL}date_literals", "TIMESTAMP is in UTC"
)


@says(exp.Cast, exp.TryCast)
def _cast(t: Translator, node: exp.Cast) -> Said:
    to, is_safe = node.args["to"], isinstance(node, exp.TryCast)
    if isinstance(node.this, exp.Array) and to.this is exp.DType.ARRAY and not is_safe:
        return _array(t, node, to)
    t.only(node, "this", "to", "safe")
    if to.this not in TYPES or to.expressions or TYPES[to.this][0] == "JSON":
        return t.refuse(node, f"CAST(… AS {to.sql('bigquery')})")
    kind, duckdb = TYPES[to.this]
    if _is_written_out(node) and kind not in ("STRING", "BYTES", "BOOL"):
        return _literal(t, node, kind, duckdb)
    t.use(_TO[kind][is_safe], node)
    said = t.say(node.this)
    return Said(convert(said, kind, duckdb, is_safe=is_safe), kind)


def _is_written_out(node: exp.Cast) -> bool:
    return isinstance(node.this, exp.Literal) and node.this.is_string and not isinstance(node, exp.TryCast)


def _literal(t: Translator, node: exp.Cast, kind: str, duckdb: str) -> Said:
    """A value that is written out, or a cast of one, which is the same."""
    import re

    written = node.this.name
    if re.fullmatch(_PATTERNS[kind], written) is None:
        return t.refuse(node, f"`{written}` as a {kind}")
    t.use(_LITERAL, node)
    return Said(cast(text(written), duckdb), kind)


def _array(t: Translator, node: exp.Cast, to: exp.DataType) -> Said:
    element = to.expressions[0] if to.expressions else None
    inner = element.this if isinstance(element, exp.DataType) and not element.expressions else None
    if inner not in TYPES:
        return t.refuse(node, f"{to.sql('bigquery')}[…]")
    kind, duckdb = TYPES[inner]
    return typed_array(t, node, duckdb, f"ARRAY<{kind}>")


def convert(said: Said, kind: str, duckdb: str, *, is_safe: bool) -> exp.Expr:
    """A value as one of another type."""
    tree = said.tree
    if said.kind == kind:
        return tree
    if kind == "STRING":
        return as_string(said)
    if kind == "BYTES":
        return call("ENCODE", tree)
    make: Callable[[exp.Expr, str], exp.Expr] = try_cast if is_safe else cast
    wrong = exp.null() if is_safe else fail(f"a string is no {kind}")
    if said.kind == "STRING":
        return once(tree, lambda value: _of_string(value, kind, duckdb, make, wrong))
    if said.kind is not None:
        return _of_number(said, kind, duckdb, make)

    def any_type(value: exp.Expr) -> exp.Expr:
        from_text = _of_string(value, kind, duckdb, make, wrong)
        other = _of_number(Said(value, None, said.sample), kind, duckdb, make)
        return case((is_type(said.sample, "VARCHAR"), from_text), default=other)

    return once(tree, any_type)


def _of_string(
    tree: exp.Expr, kind: str, duckdb: str, make: Callable[[exp.Expr, str], exp.Expr], wrong: exp.Expr
) -> exp.Expr:
    value = cast(tree.copy(), "VARCHAR")
    matches = call("REGEXP_FULL_MATCH", value, text(_PATTERNS[kind]))
    # NULL matches nothing and stays NULL.
    unmatched = exp.Not(this=matches)
    return case((unmatched, wrong), default=make(value.copy(), duckdb))


def _of_number(said: Said, kind: str, duckdb: str, make: Callable[[exp.Expr, str], exp.Expr]) -> exp.Expr:
    tree = said.tree
    if kind != "INT64":
        return make(tree.copy(), duckdb)
    if said.kind == "FLOAT64":
        return make(call("ROUND", tree.copy()), duckdb)
    if said.kind is not None:
        return make(tree.copy(), duckdb)
    rounded = make(call("ROUND", try_cast(tree.copy(), "DOUBLE")), duckdb)
    return case((is_type(said.sample, "DOUBLE", "FLOAT"), rounded), default=make(tree.copy(), duckdb))


def as_string(said: Said) -> exp.Expr:
    """A value as BigQuery writes it."""
    if isinstance(said.tree, exp.Null):
        return cast(said.tree, "VARCHAR")
    match said.kind:
        case "STRING":
            return said.tree
        case "INT64" | "BOOL" | "DATE":
            return cast(said.tree, "VARCHAR")
        case "FLOAT64":
            return once(said.tree, float_text)
        case "TIMESTAMP":
            return timestamp_text(said.tree)
        case "DATETIME":
            return datetime_text(said.tree)
        case "BYTES":
            return call("DECODE", said.tree)
        case _:
            return as_text(said)
