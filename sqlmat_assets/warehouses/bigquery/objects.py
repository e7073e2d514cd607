"""Rows that go between BigQuery and Cloud Storage by themselves, without passing through this machine.

https://cloud.google.com/bigquery/docs/loading-data-cloud-storage
https://cloud.google.com/bigquery/docs/exporting-data
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.bigquery.link import Link, Resource, Taken
from sqlmat_assets.warehouses.bigquery.types import columns_of
from sqlmat_assets.warehouses.storage import Storage

Format = Literal["csv", "ndjson", "parquet"]
_FORMATS = {"csv": "CSV", "ndjson": "NEWLINE_DELIMITED_JSON", "parquet": "PARQUET"}
_MILLISECOND = timedelta(milliseconds=1)
_NO_STORAGE = Storage()


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects in buckets, and how rows stand in them.

    Args:
        urls: `gs://bucket/name`, each with at most one `*`.
        format: CSV, JSON with a row in a line, or Parquet.
        separator: What stands between the values of CSV.
        has_header: Whether the first line of each has the names of the columns.
        is_packed: Whether those that are written are packed with gzip; of those that are read BigQuery sees it.
        passes_unknown: Whether JSON may have more keys than there are columns.
    """

    urls: tuple[str, ...]
    format: Format
    separator: str = ","
    has_header: bool = True
    is_packed: bool = False
    passes_unknown: bool = False


def load_objects(
    link: Link,
    target: Relation,
    objects: Objects,
    fields: Sequence[Resource] | None = None,
    *,
    most_bad_rows: int = 0,
    storage: Storage = _NO_STORAGE,
    replaces: bool = False,
) -> Taken:
    """Create a table from objects, all of them or none; loading costs nothing.

    Args:
        link: Where.
        target: The table, which must not be there or have no rows.
        objects: Where the rows are.
        fields: All columns of the table; None to have them be what the values look like.
        most_bad_rows: How many rows may be left out that cannot be read.
        storage: Its partitions and clusters.
        replaces: Whether the table may be there, and is replaced.

    Raises:
        RefusedRowsError: A row cannot be read, or too many.
    """
    configuration: Resource = {
        "sourceFormat": _FORMATS[objects.format],
        "writeDisposition": "WRITE_TRUNCATE" if replaces else "WRITE_EMPTY",
        "createDisposition": "CREATE_IF_NEEDED",
        **designed(storage, columns_of(fields or ())),
    }
    if objects.format == "csv":
        configuration |= {
            "fieldDelimiter": objects.separator,
            "skipLeadingRows": str(int(objects.has_header)),
            "allowQuotedNewlines": True,
            # An empty value is none, as everywhere; by `nullMarker` a text in quotes would be an empty one.
            "nullMarkers": [""],
            "preserveAsciiControlCharacters": True,
        }
    if objects.format == "ndjson" and objects.passes_unknown:
        configuration["ignoreUnknownValues"] = True
    if fields is None:
        configuration["autodetect"] = True
    else:
        configuration["schema"] = {"fields": list(fields)}
    if most_bad_rows:
        configuration["maxBadRecords"] = most_bad_rows
    return link.load_objects(objects.urls, target, configuration)


def extract(link: Link, source: Relation, objects: Objects, compression: str | None = None) -> int:
    """Write all rows of a table into objects, and tell how many there are; what is there is replaced.

    Args:
        link: Where.
        source: A table; BigQuery exports no view.
        objects: Its one address, with a `*` where more than 1 GB may come.
        compression: How they are packed, where `is_packed` does not say it.
    """
    usual = ("snappy" if objects.format == "parquet" else "gzip") if objects.is_packed else "none"
    configuration: Resource = {
        "destinationFormat": _FORMATS[objects.format],
        "compression": (compression or usual).upper(),
    }
    if objects.format == "csv":
        configuration |= {"fieldDelimiter": objects.separator, "printHeader": objects.has_header}
    return link.extract(source, objects.urls, configuration)


def designed(storage: Storage, columns: Sequence[tuple[str, str]]) -> Resource:
    """How the rows of a table with such columns lie, as a load job takes it."""
    storage = storage.with_columns(columns) if columns else storage
    found: Resource = {}
    if storage.unit is not None and storage.column is not None:
        found["timePartitioning"] = {"type": storage.unit, "field": storage.column[0]}
        if storage.expires_after is not None:
            found["timePartitioning"]["expirationMs"] = str(storage.expires_after // _MILLISECOND)
    if storage.clusters:
        found["clustering"] = {"fields": list(storage.clusters)}
    if storage.labels:
        found["destinationTableProperties"] = {"labels": dict(storage.labels)}
    return found
