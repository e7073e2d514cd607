"""Load jobs: CSV, newline-delimited JSON and Parquet, uploaded or from Cloud Storage, with columns given or detected.

https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationLoad
"""

from __future__ import annotations

import gzip
import json
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
from sqlmat_assets_tests.bigquery.records import Read, read_csv, read_json
from sqlmat_assets_tests.bigquery.wire import ApiError, Json, invalid

_GZIP = b"\x1f\x8b"
_ENDINGS = {"CSV": ".csv", "NEWLINE_DELIMITED_JSON": ".ndjson", "PARQUET": ".parquet"}
_BAD = re.compile(
    r"(?:Could not convert string|Failed to cast value:)\s+.*?['\"](.*?)['\"].*?(?:to|type)\s+'?(\w+)", re.DOTALL
)


_NAMES = {"BIGINT": "INT64", "DOUBLE": "FLOAT64", "BOOLEAN": "BOOL", "DECIMAL": "NUMERIC"}


def run(catalog: Catalog, objects: Objects, config: Json, media: bytes | None) -> tuple[Json, list[Json]]:
    """Load files into a table, all of them or none; the statistics, and what is said of rows that were left out."""
    format_ = str(config.get("sourceFormat") or "CSV")
    if format_ not in _ENDINGS:
        raise ApiError("notImplemented", f"{format_} is not emulated")
    if "nullMarker" in config and "nullMarkers" in config:
        raise invalid("nullMarker and nullMarkers cannot be set at the same time")
    with tempfile.TemporaryDirectory(prefix="bigquery-") as name:
        folder = Path(name)
        files = _files(objects, config, media)
        declared = columns.normalized((config.get("schema") or {}).get("fields", ())) or _known(catalog, config)
        read = Read()
        if format_ == "PARQUET" or not declared:
            paths = _written(folder, files, _ENDINGS[format_])
            fields, physical = _read(catalog, config, format_, paths, declared)
        else:
            read = (read_csv if format_ == "CSV" else read_json)(config, files, declared)
            _refuse_bad(config, format_, read)
            fields, physical = declared, _stored(catalog, folder, read.rows, declared)
        size = sum(len(content) for _, content in files)
    count = int(catalog.cursor().execute(f"SELECT count(*) FROM {physical}").fetchall()[0][0])
    with catalog.lock:
        told = {**config, "writeDisposition": config.get("writeDisposition") or "WRITE_APPEND"}
        storing.put(catalog, told, fields, physical)
        description = config.get("destinationTableProperties") or {}
        reference = config["destinationTable"]
        name = str(reference["tableId"]).partition("$")[0]
        catalog.table(str(reference["projectId"]), str(reference["datasetId"]), name).options |= description
    counted = {"inputFiles": len(files), "inputFileBytes": size, "outputRows": count, "badRecords": len(read.bad)}
    return {name: str(value) for name, value in counted.items()}, read.told


def _files(objects: Objects, config: Json, media: bytes | None) -> list[tuple[str, bytes]]:
    """The files, each with its URL, unpacked."""
    if media is not None:
        found = [("", media)]
    else:
        named = [each for uri in config.get("sourceUris") or () for each in objects.find(uri)]
        found = [(f"gs://{bucket}/{name}", objects.read(bucket, name)) for bucket, name in named]
    is_packed = [content[:2] == _GZIP for _, content in found]
    if any(is_packed) and not all(is_packed):
        # https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-csv#limitations
        raise invalid("Cannot load both compressed and uncompressed files in the same job")
    return [(url, gzip.decompress(content) if content[:2] == _GZIP else content) for url, content in found]


def _written(folder: Path, files: Sequence[tuple[str, bytes]], ending: str) -> list[Path]:
    paths = [folder / f"{number}{ending}" for number in range(len(files))]
    for path, (_, content) in zip(paths, files, strict=True):
        path.write_bytes(content)
    return paths


def _refuse_bad(config: Json, format_: str, read: Read) -> None:
    most = int(config.get("maxBadRecords") or 0)
    if len(read.bad) <= most:
        return
    kind = "CSV" if format_ == "CSV" else "JSON"
    rows = len(read.rows) + len(read.bad)
    counted = f"Rows: {rows}; errors: {len(read.bad)}; max bad: {most}; error percent: 0"
    said = (
        f"Error while reading data, error message: {kind} processing encountered too many errors, giving up. {counted}"
    )
    raise ApiError("invalid", said, more=read.told)


def _stored(catalog: Catalog, folder: Path, rows: Sequence[Json], fields: Sequence[Json]) -> str:
    """Rows that have been read, in a table of DuckDB."""
    path = folder / "rows.ndjson"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    physical = catalog.make_empty(list(fields))
    types = {each["name"]: _as_read(each) for each in fields}
    casts = [f"CAST({quoted(name)} AS {columns.duckdb_type(each)})" for name, each in zip(types, fields, strict=True)]
    source = f"read_json('{path}', {_told({'format': 'newline_delimited', 'columns': types})})"
    if rows:
        catalog.cursor().execute(f"INSERT INTO {physical} SELECT {', '.join(casts)} FROM {source}")
    return physical


def _as_read(field: Json) -> str:
    """What is nested has its type at once; the others are texts first."""
    is_nested = field.get("mode") == "REPEATED" or field["type"] == "RECORD"
    return columns.duckdb_type(field) if is_nested else "VARCHAR"


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
                source = _csv(config, names)
            case _:
                source = _json(names)
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


def _csv(config: Json, names: Sequence[str]) -> str:
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
    options |= {"header": bool(skip), "skip": max(skip - 1, 0), "all_varchar": False, "sample_size": 500}
    return f"read_csv({_list(names)}, {_told(options)})"


def _json(names: Sequence[str]) -> str:
    return f"read_json({_list(names)}, {_told({'format': 'newline_delimited'})})"


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
