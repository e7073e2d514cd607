"""Which types of PostgreSQL and of DuckDB, which reads and writes the files for it, hold the same values."""

from __future__ import annotations

import re

from sqlglot import exp
from sqlglot.errors import SqlglotError

_TO_DUCKDB = {
    "boolean": "BOOLEAN",
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double precision": "DOUBLE",
    "date": "DATE",
    "time without time zone": "TIME",
    "timestamp without time zone": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMP WITH TIME ZONE",
}
_FROM_DUCKDB = {
    "BOOLEAN": "boolean",
    "TINYINT": "smallint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "HUGEINT": "numeric(39, 0)",
    "UTINYINT": "smallint",
    "USMALLINT": "integer",
    "UINTEGER": "bigint",
    "UBIGINT": "numeric(20, 0)",
    "UHUGEINT": "numeric(39, 0)",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "DATE": "date",
    "TIME": "time",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_S": "timestamp",
    "TIMESTAMP_MS": "timestamp",
    "TIMESTAMP_NS": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "INTERVAL": "interval",
    "UUID": "uuid",
    "BLOB": "bytea",
    "JSON": "jsonb",
}
_DECIMAL = re.compile(r"(?:DECIMAL|numeric)\((\d+), ?(\d+)\)")
_PRECISION = re.compile(r"\(\d+\)")
_MOST_DIGITS = 38
# The others are those of Redshift.
_BYTES = frozenset({"bytea", "varbyte", "varbinary", "binary varying"})


def from_duckdb(kind: str) -> str:
    """The type of PostgreSQL for the values of a type of DuckDB.

    Examples:
        >>> from_duckdb("DECIMAL(10,2)"), from_duckdb("STRUCT(a INTEGER)"), from_duckdb("ENUM('a')")
        ('numeric(10, 2)', 'jsonb', 'text')
    """
    decimal = _DECIMAL.fullmatch(kind)
    if decimal is not None:
        return f"numeric({decimal[1]}, {decimal[2]})"
    return "jsonb" if is_nested(kind) else _FROM_DUCKDB.get(kind, "text")


def is_nested(kind: str) -> bool:
    """Whether the values of a type of DuckDB are documents."""
    return kind.endswith("]") or kind.startswith(("STRUCT(", "MAP("))


def to_duckdb(kind: str) -> str:
    """The type of DuckDB that reads the text of a value as the server writes it; VARCHAR where it has none.

    Examples:
        >>> to_duckdb("numeric(10,2)"), to_duckdb("timestamp(3) without time zone"), to_duckdb("jsonb")
        ('DECIMAL(10, 2)', 'TIMESTAMP', 'VARCHAR')
    """
    decimal = _DECIMAL.fullmatch(kind)
    if decimal is not None and int(decimal[1]) <= _MOST_DIGITS:
        return f"DECIMAL({decimal[1]}, {decimal[2]})"
    plain = " ".join(_PRECISION.sub("", kind).split())
    return _TO_DUCKDB.get(plain, "VARCHAR")


def as_declared(kind: str, *, has_bytes: bool = False) -> str:
    """The type of DuckDB that tells whether a value in a file is one of a type that was declared in some spelling.

    Args:
        kind: The type.
        has_bytes: Whether bytes stand in the file as they are, and not as a text that the server reads.

    Examples:
        >>> as_declared("int8"), as_declared("varchar(20)"), as_declared("decimal(10, 2)"), as_declared("geometry")
        ('BIGINT', 'VARCHAR', 'DECIMAL(10, 2)', 'VARCHAR')
    """
    if has_bytes and kind.partition("(")[0].strip().lower() in _BYTES:
        return "BLOB"
    try:
        parsed = exp.DataType.build(kind, dialect="postgres", udt=True)
    except SqlglotError:
        return "VARCHAR"
    found = to_duckdb(_NAMES.get(parsed.this, kind.lower()))
    sizes = [each.name for each in parsed.expressions]
    if parsed.this == exp.DataType.Type.DECIMAL and sizes:
        return f"DECIMAL({sizes[0]}, {sizes[1] if len(sizes) > 1 else 0})"
    return found


_NAMES = {
    exp.DataType.Type.BOOLEAN: "boolean",
    exp.DataType.Type.SMALLINT: "smallint",
    exp.DataType.Type.INT: "integer",
    exp.DataType.Type.BIGINT: "bigint",
    exp.DataType.Type.FLOAT: "real",
    exp.DataType.Type.DOUBLE: "double precision",
    exp.DataType.Type.DATE: "date",
    exp.DataType.Type.TIME: "time without time zone",
    exp.DataType.Type.TIMESTAMP: "timestamp without time zone",
    exp.DataType.Type.TIMESTAMPTZ: "timestamp with time zone",
}
