"""Which values of objects a load job reads as they would be read here.

https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-csv#data_types
https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-json#data_types
https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#parquet_conversions
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlmat_assets.warehouses.bigquery.link import Resource
from sqlmat_assets.warehouses.bigquery.types import as_declared, field_of
from sqlmat_assets.warehouses.source_files import FileColumn, SourceObject

# Bytes stand in texts as Base64 there, and here as they are. What is nested is read here as JSON.
_IN_TEXTS = frozenset(
    {
        "INT64",
        "FLOAT64",
        "BOOL",
        "STRING",
        "NUMERIC",
        "BIGNUMERIC",
        "DATE",
        "DATETIME",
        "TIME",
        "TIMESTAMP",
        "JSON",
    }
)
_IN_PARQUET = {
    "bool": "BOOL",
    "int8": "INT64",
    "int16": "INT64",
    "int32": "INT64",
    "int64": "INT64",
    "float": "FLOAT64",
    "double": "FLOAT64",
    "string": "STRING",
    "large_string": "STRING",
    "binary": "BYTES",
    "date32[day]": "DATE",
    "time64[us]": "TIME",
    "timestamp[ms]": "DATETIME",
    "timestamp[us]": "DATETIME",
    "timestamp[ms, tz=UTC]": "TIMESTAMP",
    "timestamp[us, tz=UTC]": "TIMESTAMP",
}
_ENCODED = re.compile(r"dictionary<values=(\w+), .*>")
_DECIMAL = re.compile(r"decimal128\((\d+), (\d+)\)")
_SIZED = re.compile(r"(NUMERIC|BIGNUMERIC)(?:\((\d+)(?:, (\d+))?\))?")
_DIGITS, _SCALE = 38, 9
# https://cloud.google.com/bigquery/docs/schemas#column_names
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,299}")

Fold = Callable[[str], str]


def can_read(like: SourceObject, columns: Sequence[FileColumn], fold: Fold) -> bool:
    """Whether a load job reads all columns of an object as they would be read here."""
    types = {column.name: as_declared(column.type) for column in columns}
    match like.format:
        case "csv":
            return all(len(column.keys) == 1 and _is_in_texts(types[column.name]) for column in columns)
        case "ndjson":
            return all(map(_is_in_texts, types.values())) and _is_tree(columns, fold)
        case "parquet":
            stored = {fold(name): kind for name, kind in zip(like.names, like.types, strict=True)}
            return all(
                len(column.keys) == 1
                # One that is missing is told by its name.
                and can_take(types[column.name], stored.get(fold(column.keys[0])))
                and _NAME.fullmatch(column.keys[0]) is not None
                for column in columns
            )
        case _:
            return False


def can_take(kind: str, stored: str | None) -> bool:
    """Whether a column of Parquet, of this type of Arrow, is one of a type of BigQuery without a cast.

    Examples:
        >>> can_take("NUMERIC(10, 2)", "decimal128(10, 2)"), can_take("INT64", "int32"), can_take("INT64", "double")
        (True, True, False)
    """
    if stored is None:
        return True
    encoded = _ENCODED.fullmatch(stored)
    plain = stored if encoded is None else str(encoded[1])
    decimal, sized = _DECIMAL.fullmatch(plain), _SIZED.fullmatch(kind)
    if decimal is not None:
        if sized is None or sized[1] != "NUMERIC":
            return False
        digits, scale = (int(sized[2]), int(sized[3] or 0)) if sized[2] else (_DIGITS, _SCALE)
        return int(decimal[2]) <= scale and int(decimal[1]) - int(decimal[2]) <= digits - scale
    return _IN_PARQUET.get(plain) == kind


def nested_fields(columns: Sequence[FileColumn]) -> list[Resource]:
    """The columns of a table as they stand in JSON, those inside of others in a RECORD.

    Examples:
        >>> [each] = nested_fields([FileColumn("town", "varchar", ("user", "city"))])
        >>> each["type"], [inner["name"] for inner in each["fields"]]
        ('RECORD', ['city'])
    """
    tree: dict[str, Any] = {}
    for column in columns:
        place = tree
        for key in column.keys[:-1]:
            place = place.setdefault(key, {})
        place[column.keys[-1]] = column
    return _fields(tree)


def _fields(tree: Mapping[str, Any]) -> list[Resource]:
    return [
        field_of(name, as_declared(inside.type))
        if isinstance(inside, FileColumn)
        else {"name": name, "type": "RECORD", "mode": "NULLABLE", "fields": _fields(inside)}
        for name, inside in tree.items()
    ]


def _is_in_texts(kind: str) -> bool:
    return kind.partition("(")[0] in _IN_TEXTS


def _is_tree(columns: Sequence[FileColumn], fold: Fold) -> bool:
    """Whether the paths of columns are those of a schema: names that it takes, and no column inside of another one."""
    paths = [tuple(map(fold, column.keys)) for column in columns]
    inner = {path[:depth] for path in paths for depth in range(1, len(path))}
    spelt = {column.keys[:depth] for column in columns for depth in range(1, len(column.keys) + 1)}
    is_spelt_once = len({tuple(map(fold, each)) for each in spelt}) == len(spelt)
    is_apart = len(set(paths)) == len(paths) and not inner & set(paths)
    return is_spelt_once and is_apart and all(_NAME.fullmatch(key) for column in columns for key in column.keys)
