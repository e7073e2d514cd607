"""The types of BigQuery: as its API tells them, as they are written in SQL, and as files have them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlglot import exp
from sqlglot.errors import SqlglotError

# https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema.FIELDS.type
_IN_SQL = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
_IN_API = {name: own for own, name in _IN_SQL.items()}
_FROM_DUCKDB = {
    "BOOLEAN": "BOOL",
    "TINYINT": "INT64",
    "SMALLINT": "INT64",
    "INTEGER": "INT64",
    "BIGINT": "INT64",
    "UTINYINT": "INT64",
    "USMALLINT": "INT64",
    "UINTEGER": "INT64",
    "HUGEINT": "BIGNUMERIC",
    "UBIGINT": "BIGNUMERIC",
    "UHUGEINT": "BIGNUMERIC",
    "FLOAT": "FLOAT64",
    "DOUBLE": "FLOAT64",
    "DATE": "DATE",
    "TIME": "TIME",
    "TIMESTAMP": "DATETIME",
    "TIMESTAMP_S": "DATETIME",
    "TIMESTAMP_MS": "DATETIME",
    "TIMESTAMP_NS": "DATETIME",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "BLOB": "BYTES",
    "JSON": "JSON",
}
_TO_DUCKDB = {
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "BOOL": "BOOLEAN",
    "DATE": "DATE",
    "TIME": "TIME",
    "DATETIME": "TIMESTAMP",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "BYTES": "BLOB",
    "JSON": "JSON",
    "NUMERIC": "DECIMAL(38, 9)",
    "BIGNUMERIC": "DECIMAL(38, 18)",
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_SIZED = re.compile(r"(?:BIG)?NUMERIC\((\d+)(?:,\s*(\d+))?\)")
_DIGITS_OF_NUMERIC, _SCALE_OF_NUMERIC = 29, 9


def in_sql(field: Mapping[str, Any]) -> str:
    """The type of a column as SQL writes it.

    Examples:
        >>> in_sql({"type": "INTEGER"}), in_sql({"type": "NUMERIC", "precision": "10", "scale": "2"})
        ('INT64', 'NUMERIC(10, 2)')
        >>> in_sql({"type": "RECORD", "mode": "REPEATED", "fields": [{"name": "a", "type": "FLOAT"}]})
        'ARRAY<STRUCT<a FLOAT64>>'
    """
    kind = str(field["type"])
    told = _IN_SQL.get(kind, kind)
    if told == "STRUCT":
        inner = (f"{each['name']} {in_sql(each)}" for each in field.get("fields", ()))
        told = f"STRUCT<{', '.join(inner)}>"
    elif field.get("precision"):
        scale = field.get("scale") or "0"
        told = f"{told}({field['precision']}, {scale})"
    elif field.get("maxLength"):
        told = f"{told}({field['maxLength']})"
    return f"ARRAY<{told}>" if field.get("mode") == "REPEATED" else told


def columns_of(fields: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    """The columns (name, type)."""
    return tuple((str(field["name"]), in_sql(field)) for field in fields)


def as_declared(kind: str) -> str:
    """The type of BigQuery for one that a person wrote in any spelling.

    Examples:
        >>> as_declared("varchar(20)"), as_declared("bigint"), as_declared("decimal(10, 2)"), as_declared("geography")
        ('STRING', 'INT64', 'NUMERIC(10, 2)', 'GEOGRAPHY')
    """
    try:
        parsed = exp.DataType.build(kind, dialect="bigquery", udt=True)
    except SqlglotError:
        return kind.upper()
    if parsed.this in exp.DataType.TEXT_TYPES:
        return "STRING"
    return parsed.sql("bigquery").upper()


def field_of(name: str, kind: str, *, is_required: bool = False) -> dict[str, Any]:
    """A column as the API takes it."""
    parsed = exp.DataType.build(as_declared(kind), dialect="bigquery", udt=True)
    field = _field(name, parsed)
    return {**field, "mode": "REQUIRED"} if is_required else field


def from_duckdb(kind: str) -> str:
    """The type of BigQuery for the values of a type of DuckDB.

    Examples:
        >>> from_duckdb("DECIMAL(10,2)"), from_duckdb("DECIMAL(38,20)"), from_duckdb("INTEGER[]"), from_duckdb("UUID")
        ('NUMERIC', 'BIGNUMERIC', 'JSON', 'STRING')
    """
    decimal = _DECIMAL.fullmatch(kind)
    if decimal is not None:
        digits, scale = int(decimal[1]), int(decimal[2])
        fits = scale <= _SCALE_OF_NUMERIC and digits - scale <= _DIGITS_OF_NUMERIC
        return "NUMERIC" if fits else "BIGNUMERIC"
    if kind.endswith("]") or kind.startswith(("STRUCT(", "MAP(")):
        return "JSON"
    return _FROM_DUCKDB.get(kind, "STRING")


def to_duckdb(kind: str) -> str:
    """The type of DuckDB that tells whether a value in a file is one of a type of BigQuery.

    Examples:
        >>> to_duckdb("NUMERIC(10, 2)"), to_duckdb("INT64"), to_duckdb("ARRAY<INT64>")
        ('DECIMAL(10, 2)', 'BIGINT', 'VARCHAR')
    """
    sized = _SIZED.fullmatch(kind)
    if sized is not None:
        return f"DECIMAL({sized[1]}, {sized[2] or 0})"
    return _TO_DUCKDB.get(kind, "VARCHAR")


def _field(name: str, parsed: exp.DataType) -> dict[str, Any]:
    if parsed.this == exp.DType.ARRAY:
        return {**_field(name, parsed.expressions[0]), "mode": "REPEATED"}
    if parsed.this == exp.DType.STRUCT:
        fields = [_field(each.name, each.args["kind"]) for each in parsed.expressions]
        return {"name": name, "type": "RECORD", "mode": "NULLABLE", "fields": fields}
    written = parsed.sql("bigquery").upper()
    word = written.partition("(")[0].strip()
    field: dict[str, Any] = {"name": name, "type": _IN_API.get(word, word), "mode": "NULLABLE"}
    sizes = [each.name for each in parsed.expressions if each.name.isdigit()]
    if sizes and word in ("NUMERIC", "BIGNUMERIC"):
        field |= {"precision": sizes[0], "scale": sizes[1] if len(sizes) > 1 else "0"}
    elif sizes:
        field["maxLength"] = sizes[0]
    return field
