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
from sqlmat_assets.warehouses.bigquery.link import Link, Resource
from sqlmat_assets.warehouses.bigquery.types import field_of
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
    """

    urls: tuple[str, ...]
    format: Format
    separator: str = ","
    has_header: bool = True
    is_packed: bool = False


def load_objects(
    link: Link,
    target: Relation,
    objects: Objects,
    columns: Sequence[tuple[str, str]] | None = None,
    *,
    required: Sequence[str] = (),
    most_bad_rows: int = 0,
    storage: Storage = _NO_STORAGE,
) -> int:
    """Create a table from objects, all of them or none, and tell how many rows it has; loading costs nothing.

    Args:
        link: Where.
        target: The table, which must not be there or have no rows.
        objects: Where the rows are.
        columns: All columns of the table (name, type); None to have them be what the values look like.
        required: Those that are NOT NULL.
        most_bad_rows: How many rows may be left out that cannot be read.
        storage: Its partitions and clusters.
    """
    configuration: Resource = {
        "sourceFormat": _FORMATS[objects.format],
        "writeDisposition": "WRITE_EMPTY",
        "createDisposition": "CREATE_IF_NEEDED",
        **designed(storage, columns or ()),
    }
    if objects.format == "csv":
        configuration |= {
            "fieldDelimiter": objects.separator,
            "skipLeadingRows": str(int(objects.has_header)),
            "allowQuotedNewlines": True,
        }
    if columns is None:
        configuration["autodetect"] = True
    else:
        fields = [field_of(name, kind, is_required=name in required) for name, kind in columns]
        configuration["schema"] = {"fields": fields}
    if most_bad_rows:
        configuration["maxBadRecords"] = most_bad_rows
    return link.load_objects(objects.urls, target, configuration)


def extract(link: Link, source: Relation, objects: Objects) -> int:
    """Write all rows of a table into objects, and tell how many there are; what is there is replaced.

    Args:
        link: Where.
        source: A table; BigQuery exports no view.
        objects: Its one address, with a `*` where more than 1 GB may come.
    """
    configuration: Resource = {
        "destinationFormat": _FORMATS[objects.format],
        "compression": ("SNAPPY" if objects.format == "parquet" else "GZIP") if objects.is_packed else "NONE",
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
