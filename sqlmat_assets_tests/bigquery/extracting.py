"""Extract jobs: the rows of a table as files in Cloud Storage.

https://cloud.google.com/bigquery/docs/exporting-data
"""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

from sqlmat_assets_tests.bigquery import sizes
from sqlmat_assets_tests.bigquery.catalog import Catalog
from sqlmat_assets_tests.bigquery.columns import quoted
from sqlmat_assets_tests.bigquery.objects import Objects
from sqlmat_assets_tests.bigquery.wire import ApiError, Json, invalid

_FORMATS = {
    "CSV": "FORMAT csv, HEADER {header}, DELIMITER '{delimiter}', QUOTE '\"'",
    "NEWLINE_DELIMITED_JSON": "FORMAT json",
    "PARQUET": "FORMAT parquet, COMPRESSION '{compression}'",
}
# https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationExtract
_COMPRESSIONS = {
    "CSV": ("NONE", "GZIP"),
    "NEWLINE_DELIMITED_JSON": ("NONE", "GZIP"),
    "PARQUET": ("NONE", "SNAPPY", "GZIP", "ZSTD"),
}
_MOST_BYTES_IN_ONE = 10**9


def run(catalog: Catalog, objects: Objects, config: Json) -> Json:
    """Write a table; where the address has a `*`, into files of at most so many rows."""
    reference = config["sourceTable"]
    table = catalog.table(str(reference["projectId"]), str(reference["datasetId"]), str(reference["tableId"]))
    if table.kind == "VIEW":
        raise invalid(f"Cannot export a view: {table.full_name}")
    format_ = str(config.get("destinationFormat") or "CSV")
    if format_ not in _FORMATS:
        raise ApiError("notImplemented", f"{format_} is not emulated")
    if format_ == "CSV" and any(each.get("mode") == "REPEATED" or "fields" in each for each in table.fields):
        raise invalid(f"Operation cannot be performed on a nested schema: {table.full_name}")
    compression = config.get("compression") or "NONE"
    if compression not in _COMPRESSIONS[format_]:
        raise invalid(f"Compression {compression} is not supported for {format_}")
    written = _FORMATS[format_].format(
        header="true" if config.get("printHeader", True) else "false",
        delimiter=config.get("fieldDelimiter") or ",",
        compression="uncompressed" if compression == "NONE" else compression.lower(),
    )
    uris = config.get("destinationUris") or [config["destinationUri"]]
    size = sizes.of_columns(catalog, table, [each["name"] for each in table.fields])
    if size > _MOST_BYTES_IN_ONE and not any("*" in uri for uri in uris):
        raise invalid(f"Table {table.full_name} too large to be exported to a single file. Specify a uri including a *")
    rows = ", ".join(_told(catalog, each, format_) for each in table.fields)
    counts: list[str] = []
    for uri in uris:
        shards = catalog.shards if "*" in uri else 1
        for number in range(shards):
            content = _content(catalog, rows, table.stored, written, number, shards)
            if compression == "GZIP" and format_ != "PARQUET":
                content = gzip.compress(content)
            objects.write(uri.replace("*", f"{number:012d}"), content)
        counts.append(str(shards))
    return {"destinationUriFileCounts": counts}


def _told(catalog: Catalog, field: Json, format_: str) -> str:
    """A column as it stands in a file; https://cloud.google.com/bigquery/docs/exporting-data#parquet_export_details."""
    name = quoted(field["name"])
    if field.get("mode") == "REPEATED":
        return name
    match format_, field["type"]:
        case "PARQUET", "TIMESTAMP":
            return f"CAST({name} AT TIME ZONE 'UTC' AS TIMESTAMP) AS {name}"
        case "PARQUET", "FLOAT" if catalog.has_short_floats:
            # The page says FLOAT, of which Parquet knows two.
            return f"CAST({name} AS FLOAT) AS {name}"
        case "CSV", "TIMESTAMP":
            return f"CAST({name} AT TIME ZONE 'UTC' AS VARCHAR) || ' UTC' AS {name}"
        case "CSV", "NUMERIC" | "BIGNUMERIC":
            return f"regexp_replace(CAST({name} AS VARCHAR), '\\.0*$|(\\.\\d*[1-9])0+$', '\\1') AS {name}"
        case "CSV", "BYTES":
            return f"to_base64({name}) AS {name}"
        case _:
            return name


def _content(catalog: Catalog, columns: str, stored: str, written: str, number: int, shards: int) -> bytes:
    with tempfile.TemporaryDirectory(prefix="bigquery-") as folder:
        path = Path(folder, "rows")
        # Which rows are in which file nobody knows.
        rows = f"SELECT {columns} FROM {stored} WHERE rowid % {shards} = {number}"
        catalog.cursor().execute(f"COPY ({rows}) TO '{path}' ({written})")
        return path.read_bytes()
