"""Extract jobs: the rows of a table as files in Cloud Storage.

https://cloud.google.com/bigquery/docs/exporting-data
"""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

from sqlmat_assets_tests.bigquery.catalog import Catalog
from sqlmat_assets_tests.bigquery.objects import Objects
from sqlmat_assets_tests.bigquery.wire import ApiError, Json, invalid

_FORMATS = {
    "CSV": "FORMAT csv, HEADER {header}, DELIMITER '{delimiter}', QUOTE '\"'",
    "NEWLINE_DELIMITED_JSON": "FORMAT json",
    "PARQUET": "FORMAT parquet",
}


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
    written = _FORMATS[format_].format(
        header="true" if config.get("printHeader", True) else "false", delimiter=config.get("fieldDelimiter") or ","
    )
    counts: list[str] = []
    for uri in config.get("destinationUris") or [config["destinationUri"]]:
        shards = catalog.shards if "*" in uri else 1
        for number in range(shards):
            content = _content(catalog, table.stored, written, number, shards)
            if config.get("compression") == "GZIP":
                content = gzip.compress(content)
            objects.write(uri.replace("*", f"{number:012d}"), content)
        counts.append(str(shards))
    return {"destinationUriFileCounts": counts}


def _content(catalog: Catalog, stored: str, written: str, number: int, shards: int) -> bytes:
    with tempfile.TemporaryDirectory(prefix="bigquery-") as folder:
        path = Path(folder, "rows")
        # Which rows are in which file nobody knows.
        rows = f"SELECT * FROM {stored} WHERE rowid % {shards} = {number}"
        catalog.cursor().execute(f"COPY ({rows}) TO '{path}' ({written})")
        return path.read_bytes()
