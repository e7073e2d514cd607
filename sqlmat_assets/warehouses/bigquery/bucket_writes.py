"""Tables that are written into Cloud Storage by extract jobs, which cost nothing.

https://cloud.google.com/bigquery/docs/exporting-data
"""

from __future__ import annotations

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.bigquery.errors import is_out_of_reach
from sqlmat_assets.warehouses.bigquery.link import Link, Resource
from sqlmat_assets.warehouses.bigquery.objects import Objects, extract
from sqlmat_assets.warehouses.buckets import ObjectForm, Written

# Of logical bytes, which the table tells; above that there are several objects.
_MOST_BYTES_IN_ONE = 10**9
# Of a table that is published anew meanwhile nobody knows which rows were written.
_TRIES = 3
_COMPRESSIONS = {"csv": ("none", "gzip"), "parquet": ("none", "snappy", "gzip", "zstd")}
_PLAIN = frozenset({"INTEGER", "FLOAT", "BOOLEAN", "STRING", "DATE", "DATETIME", "TIME", "NUMERIC"})
# In Parquet moments lose their zone, large numbers have more digits than others read, and what is nested lies in
# another way; in CSV bytes are Base64.
_TYPES = {"csv": _PLAIN | {"TIMESTAMP", "BIGNUMERIC"}, "parquet": _PLAIN | {"BYTES"}}


def write_objects(
    link: Link, source: Relation, stem: str, ending: str, form: ObjectForm, *, is_one: bool = False
) -> Written | None:
    """Write all rows of a table into objects; see `WritesObjects`."""
    for _ in range(_TRIES):
        found = link.tables.find_table(source)
        if found is None or not _can_write(found, form):
            return None
        is_large = int(found.get("numBytes") or 0) > _MOST_BYTES_IN_ONE
        if is_large and (is_one or "*" in stem + ending):
            return None
        url = f"{stem}-*{ending}" if is_large else f"{stem}{ending}"
        count = _extract(link, source, url, form)
        if count is None:
            return None
        now = link.tables.find_table(source)
        if now is not None and now.get("lastModifiedTime") == found.get("lastModifiedTime"):
            urls = tuple(f"{stem}-{number:012}{ending}" for number in range(count)) if is_large else (url,)
            return Written(urls, int(found.get("numRows") or 0))
        if is_large:
            # The next time there could be fewer objects, and some of these would stay.
            return None
    return None


def _extract(link: Link, source: Relation, url: str, form: ObjectForm) -> int | None:
    objects = Objects((url,), "csv" if form.format == "csv" else "parquet", form.delimiter, form.header)
    try:
        return extract(link, source, objects, form.compression)
    except TerminalWarehouseError as error:
        if is_out_of_reach(error):
            return None
        raise


def _can_write(table: Resource, form: ObjectForm) -> bool:
    if table["type"] != "TABLE" or form.compression not in _COMPRESSIONS.get(form.format, ()):
        return False
    return all(
        each.get("mode") != "REPEATED" and each["type"] in _TYPES[form.format] for each in table["schema"]["fields"]
    )
