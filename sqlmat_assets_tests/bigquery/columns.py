"""Types: as the API names them, as SQL names them, and as DuckDB, which does the work, has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from sqlglot import exp

from sqlmat_assets_tests.bigquery.wire import Json, invalid_query

# The API has names of its own for some; https://cloud.google.com/bigquery/docs/reference/rest/v2/tables
_OF_API = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}
_OF_SQL = {name: own for own, name in _OF_API.items()}
_TO_DUCKDB = {
    "INTEGER": "BIGINT",
    "FLOAT": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "STRING": "VARCHAR",
    "BYTES": "BLOB",
    "DATE": "DATE",
    "DATETIME": "TIMESTAMP",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "TIME": "TIME",
    "NUMERIC": "DECIMAL(38, 9)",
    "BIGNUMERIC": "DECIMAL(38, 18)",
    "INTERVAL": "INTERVAL",
    "JSON": "JSON",
    "GEOGRAPHY": "VARCHAR",
}
_FROM_DUCKDB = {
    "BOOLEAN": "BOOLEAN",
    "TINYINT": "INTEGER",
    "SMALLINT": "INTEGER",
    "INTEGER": "INTEGER",
    "BIGINT": "INTEGER",
    "HUGEINT": "INTEGER",
    "UTINYINT": "INTEGER",
    "USMALLINT": "INTEGER",
    "UINTEGER": "INTEGER",
    "UBIGINT": "INTEGER",
    "UHUGEINT": "INTEGER",
    "BIGNUM": "INTEGER",
    "FLOAT": "FLOAT",
    "DOUBLE": "FLOAT",
    "DATE": "DATE",
    "TIME": "TIME",
    "TIMESTAMP": "DATETIME",
    "TIMESTAMP_S": "DATETIME",
    "TIMESTAMP_MS": "DATETIME",
    "TIMESTAMP_NS": "DATETIME",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "INTERVAL": "INTERVAL",
    "UUID": "STRING",
    "VARCHAR": "STRING",
    "BLOB": "BYTES",
    "JSON": "JSON",
    "NULL": "INTEGER",
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_NUMERIC_SCALE = 9
# https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types and its aliases
KNOWN_NAMES = frozenset(
    [
        "INT64",
        "INT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "TINYINT",
        "BYTEINT",
        "NUMERIC",
        "DECIMAL",
        "BIGNUMERIC",
        "BIGDECIMAL",
        "FLOAT64",
        "BOOL",
        "BOOLEAN",
        "STRING",
        "BYTES",
        "DATE",
        "DATETIME",
        "TIME",
        "TIMESTAMP",
        "ARRAY",
        "STRUCT",
        "JSON",
        "INTERVAL",
        "GEOGRAPHY",
        "RANGE",
    ]
)
_PARSED = {
    exp.DType.BIGINT: "INTEGER",
    exp.DType.INT: "INTEGER",
    exp.DType.SMALLINT: "INTEGER",
    exp.DType.TINYINT: "INTEGER",
    exp.DType.DOUBLE: "FLOAT",
    exp.DType.BOOLEAN: "BOOLEAN",
    exp.DType.TEXT: "STRING",
    exp.DType.VARCHAR: "STRING",
    exp.DType.BINARY: "BYTES",
    exp.DType.VARBINARY: "BYTES",
    exp.DType.DATE: "DATE",
    exp.DType.DATETIME: "DATETIME",
    exp.DType.TIMESTAMP: "DATETIME",
    exp.DType.TIMESTAMPTZ: "TIMESTAMP",
    exp.DType.TIME: "TIME",
    exp.DType.DECIMAL: "NUMERIC",
    exp.DType.BIGDECIMAL: "BIGNUMERIC",
    exp.DType.JSON: "JSON",
    exp.DType.INTERVAL: "INTERVAL",
    exp.DType.GEOGRAPHY: "GEOGRAPHY",
}


def field_of(name: str, type_: exp.DataType, *, is_required: bool = False) -> Json:
    """A column of CREATE TABLE as the API has it."""
    field: Json = {"name": name, "mode": "REQUIRED" if is_required else "NULLABLE"}
    if type_.this == exp.DType.ARRAY:
        inner = field_of(name, type_.expressions[0])
        return {**inner, "mode": "REPEATED"}
    if type_.this == exp.DType.STRUCT:
        fields = [field_of(each.name, each.args["kind"]) for each in type_.expressions]
        return {**field, "type": "RECORD", "fields": fields}
    if type_.this not in _PARSED:
        raise invalid_query(f"Type not found: {type_.sql('bigquery')}")
    field["type"] = _PARSED[type_.this]
    sizes = [int(each.name) for each in type_.expressions if each.name.isdigit()]
    if sizes and field["type"] in ("NUMERIC", "BIGNUMERIC"):
        field["precision"] = str(sizes[0])
        field["scale"] = str(sizes[1] if len(sizes) > 1 else 0)
    elif sizes:
        field["maxLength"] = str(sizes[0])
    return field


def field_from_duckdb(name: str, kind: str) -> Json:
    """The column that a query of DuckDB gives."""
    if kind.endswith("[]"):
        return {**field_from_duckdb(name, kind[:-2]), "mode": "REPEATED"}
    if kind.startswith("STRUCT("):
        fields = [field_from_duckdb(own, each) for own, each in _members(kind)]
        return {"name": name, "type": "RECORD", "mode": "NULLABLE", "fields": fields}
    decimal = _DECIMAL.fullmatch(kind)
    if decimal is not None:
        api = "NUMERIC" if int(decimal[2]) <= _NUMERIC_SCALE else "BIGNUMERIC"
    else:
        # The type of a NULL that nobody has cast has quotes around its name.
        api = _FROM_DUCKDB.get(kind.strip('"'), "STRING")
    return {"name": name, "type": api, "mode": "NULLABLE"}


def duckdb_type(field: Json) -> str:
    """What a column is stored as."""
    if field.get("mode") == "REPEATED":
        return f"{duckdb_type({**field, 'mode': 'NULLABLE'})}[]"
    if field["type"] in ("RECORD", "STRUCT"):
        inner = ", ".join(f"{quoted(each['name'])} {duckdb_type(each)}" for each in field["fields"])
        return f"STRUCT({inner})"
    if "precision" in field:
        return f"DECIMAL({min(int(field['precision']), 38)}, {field.get('scale', 0)})"
    return _TO_DUCKDB[field["type"]]


def sql_type(field: Json) -> str:
    """The type in GoogleSQL's words."""
    if field.get("mode") == "REPEATED":
        return f"ARRAY<{sql_type({**field, 'mode': 'NULLABLE'})}>"
    if field["type"] in ("RECORD", "STRUCT"):
        inner = [f"{each['name']} {sql_type(each)}" for each in field["fields"]]
        return f"STRUCT<{', '.join(inner)}>"
    if "precision" in field:
        return f"{field['type']}({field['precision']}, {field.get('scale', 0)})"
    return str(_OF_SQL.get(field["type"], field["type"]))


def normalized(fields: Iterable[Json]) -> list[Json]:
    """Columns as somebody gives them, with the names of types that the API answers with."""
    found: list[Json] = []
    for each in fields:
        own: Json = {**each, "type": _OF_API.get(each["type"].upper(), each["type"].upper())}
        own.setdefault("mode", "NULLABLE")
        if own.get("fields"):
            own["fields"] = normalized(own["fields"])
        found.append(own)
    return found


def is_same_type(one: Json, other: Json) -> bool:
    """Whether a value of one column fits the other without a cast."""
    is_list = [each.get("mode") == "REPEATED" for each in (one, other)]
    return one["type"] == other["type"] and is_list[0] == is_list[1]


def quoted(name: str) -> str:
    """A name for DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def _members(kind: str) -> Iterator[tuple[str, str]]:
    """The names and types in `STRUCT(a INTEGER, "b c" STRUCT(...))`."""
    for part in _split(kind[len("STRUCT(") : -1]):
        if part.startswith('"'):
            end = part.index('"', 1)
            yield part[1:end], part[end + 2 :]
        else:
            name, _, rest = part.partition(" ")
            yield name, rest


def _split(text: str) -> Sequence[str]:
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]
