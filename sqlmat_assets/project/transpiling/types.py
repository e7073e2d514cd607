"""The names of types, from one engine to another."""

from __future__ import annotations

import re

# BigQuery's names in capitals, and DuckDB's; the first that stands for one of DuckDB's goes back.
_BIGQUERY_ON_DUCKDB = {
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "NUMERIC": "DECIMAL(38,9)",
    "STRING": "VARCHAR",
    "BYTES": "BLOB",
    "BOOL": "BOOLEAN",
    "DATE": "DATE",
    "TIME": "TIME",
    "DATETIME": "TIMESTAMP",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "JSON": "JSON",
    "INT": "BIGINT",
    "SMALLINT": "BIGINT",
    "INTEGER": "BIGINT",
    "BIGINT": "BIGINT",
    "TINYINT": "BIGINT",
    "BYTEINT": "BIGINT",
    "DECIMAL": "DECIMAL(38,9)",
    "BOOLEAN": "BOOLEAN",
}
_ARRAY = re.compile(r"ARRAY\s*<(?P<element>.*)>", re.DOTALL)


def spoken_type(written: str) -> str | None:
    """A type of BigQuery as DuckDB calls it; None where DuckDB has none that is the same.

    Examples:
        >>> spoken_type("int64"), spoken_type("TIMESTAMP"), spoken_type("ARRAY<STRING>"), spoken_type("GEOGRAPHY")
        ('BIGINT', 'TIMESTAMP WITH TIME ZONE', 'VARCHAR[]', None)
    """
    name = " ".join(written.upper().split())
    array = _ARRAY.fullmatch(name)
    if array is not None:
        element = spoken_type(array["element"])
        return None if element is None else f"{element}[]"
    return _BIGQUERY_ON_DUCKDB.get(name)


def written_type(spoken: str) -> str:
    """A type of DuckDB as BigQuery calls it; what it has no name for stays.

    Examples:
        >>> written_type("TIMESTAMP"), written_type("TIMESTAMP WITH TIME ZONE"), written_type("STRUCT(a BIGINT)")
        ('DATETIME', 'TIMESTAMP', 'STRUCT(a BIGINT)')
    """
    return next((ours for ours, theirs in _BIGQUERY_ON_DUCKDB.items() if theirs == spoken.upper()), spoken)
