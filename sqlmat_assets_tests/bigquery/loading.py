"""Load jobs: CSV, newline-delimited JSON and Parquet, uploaded or from Cloud Storage, with columns given or detected.

https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationLoad
"""

from __future__ import annotations

import gzip
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from sqlmat_assets_tests.bigquery import columns, storing
from sqlmat_assets_tests.bigquery.catalog import Catalog
from sqlmat_assets_tests.bigquery.columns import quoted
from sqlmat_assets_tests.bigquery.objects import Objects
from sqlmat_assets_tests.bigquery.wire import ApiError, Json, invalid

_ENDINGS = {"CSV": ".csv", "NEWLINE_DELIMITED_JSON": ".ndjson", "PARQUET": ".parquet"}
_BAD = re.compile(
    r"(?:Could not convert string|Failed to cast value:)\s+.*?['\"](.*?)['\"].*?(?:to|type)\s+'?(\w+)", re.DOTALL
)


_NAMES = {"BIGINT": "INT64", "DOUBLE": "FLOAT64", "BOOLEAN": "BOOL", "DECIMAL": "NUMERIC"}


def run(catalog: Catalog, objects: Objects, config: Json, media: bytes | None) -> Json:
    """Load files into a table, all of them or none."""
    format_ = str(config.get("sourceFormat") or "CSV")
    if format_ not in _ENDINGS:
        raise ApiError("notImplemented", f"{format_} is not emulated")
    with tempfile.TemporaryDirectory(prefix="bigquery-") as folder:
        paths = _files(objects, config, media, Path(folder), _ENDINGS[format_])
        declared = columns.normalized((config.get("schema") or {}).get("fields", ()))
        fields, physical = _read(catalog, config, format_, paths, declared or _known(catalog, config))
        size = sum(path.stat().st_size for path in paths)
    count = int(catalog.cursor().execute(f"SELECT count(*) FROM {physical}").fetchall()[0][0])
    with catalog.lock:
        told = {**config, "writeDisposition": config.get("writeDisposition") or "WRITE_APPEND"}
        storing.put(catalog, told, fields, physical)
        description = config.get("destinationTableProperties") or {}
        reference = config["destinationTable"]
        name = str(reference["tableId"]).partition("$")[0]
        catalog.table(str(reference["projectId"]), str(reference["datasetId"]), name).options |= description
    return {"inputFiles": str(len(paths)), "inputFileBytes": str(size), "outputRows": str(count), "badRecords": "0"}


def _files(objects: Objects, config: Json, media: bytes | None, folder: Path, ending: str) -> list[Path]:
    if media is not None:
        contents = [media]
    else:
        found = [each for uri in config.get("sourceUris") or () for each in objects.find(uri)]
        contents = [objects.read(*each) for each in found]
    paths: list[Path] = []
    for number, content in enumerate(contents):
        path = folder / f"{number}{ending}"
        path.write_bytes(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
        paths.append(path)
    return paths


def _known(catalog: Catalog, config: Json) -> list[Json]:
    """The columns of the table that is there, which files are read by where nothing else is said."""
    reference = config["destinationTable"]
    name = str(reference["tableId"]).partition("$")[0]
    there = catalog.find(str(reference["projectId"]), str(reference["datasetId"]), name)
    is_told = there is not None and not config.get("autodetect") and config.get("writeDisposition") != "WRITE_TRUNCATE"
    return list(there.fields) if there is not None and is_told else []


def _read(
    catalog: Catalog, config: Json, format_: str, paths: Sequence[Path], declared: list[Json]
) -> tuple[list[Json], str]:
    cursor = catalog.cursor()
    names = [str(path) for path in paths]
    try:
        match format_:
            case "PARQUET":
                source = f"read_parquet({_list(names)}, union_by_name = true)"
            case "CSV":
                source = _csv(config, names, declared)
            case _:
                source = _json(config, names, declared)
        found = cursor.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        given = [columns.field_from_duckdb(str(name), str(kind)) for name, kind, *_ in found]
        fields = declared or given
        own = {each["name"].lower(): each["name"] for each in given}
        missing = [each["name"] for each in fields if each["name"].lower() not in own]
        if missing and format_ == "PARQUET":
            raise invalid(f"Provided Parquet file is missing columns: {', '.join(missing)}")
        casts = [
            f"CAST({quoted(own[each['name'].lower()]) if each['name'].lower() in own else 'NULL'} "
            f"AS {columns.duckdb_type(each)}) AS {quoted(each['name'])}"
            for each in fields
        ]
        physical = catalog.make_empty(fields)
        cursor.execute(f"INSERT INTO {physical} SELECT {', '.join(casts)} FROM {source}")
    except duckdb.Error as error:
        raise _explained(error) from error
    return fields, physical


def _csv(config: Json, names: Sequence[str], declared: Sequence[Json]) -> str:
    skip = int(config.get("skipLeadingRows") or 0)
    null = config.get("nullMarker", "")
    options: dict[str, Any] = {
        "delim": config.get("fieldDelimiter") or ",",
        "quote": config.get("quote", '"'),
        "nullstr": null,
        "header": False,
        "skip": skip,
        "all_varchar": True,
        "null_padding": bool(config.get("allowJaggedRows")),
    }
    if declared:
        # Text first: what is no value of the type is told as such.
        options["columns"] = {each["name"]: "VARCHAR" for each in declared}
        options["auto_detect"] = False
        return f"read_csv({_list(names)}, {_told(options)})"
    options |= {"header": bool(skip), "skip": max(skip - 1, 0), "all_varchar": False, "sample_size": 500}
    return f"read_csv({_list(names)}, {_told(options)})"


def _json(config: Json, names: Sequence[str], declared: Sequence[Json]) -> str:
    del config  # has nothing to tell
    options: dict[str, Any] = {"format": "newline_delimited"}
    if declared:
        options["columns"] = {each["name"]: columns.duckdb_type(each) for each in declared}
    return f"read_json({_list(names)}, {_told(options)})"


def _told(options: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {_value(value)}" for name, value in options.items())


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case dict():
            return "{" + ", ".join(f"{_value(key)}: {_value(each)}" for key, each in value.items()) + "}"
        case _:
            return "'" + str(value).replace("'", "''") + "'"


def _list(names: Sequence[str]) -> str:
    return "[" + ", ".join(_value(name) for name in names) + "]"


def _explained(error: duckdb.Error) -> ApiError:
    said = str(error)
    found = _BAD.search(said)
    if found is not None:
        kind = _NAMES.get(found[2], found[2])
        return invalid(f"Error while reading data, error message: Could not parse '{found[1]}' as {kind}")
    return invalid(f"Error while reading data, error message: {said.splitlines()[0]}")
