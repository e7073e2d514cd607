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
_COMPRESSIONS = {"csv": ("none", "gzip"), "parquet": ("none", "snappy", "gzip", "zstd")}
_PLAIN = frozenset({"INTEGER", "FLOAT", "BOOLEAN", "STRING", "DATE", "DATETIME", "TIME", "NUMERIC"})
# In Parquet moments lose their zone, large numbers have more digits than others read, and what is nested lies in
# another way; in CSV bytes are Base64.
_TYPES = {"csv": _PLAIN | {"TIMESTAMP", "BIGNUMERIC"}, "parquet": _PLAIN | {"BYTES"}}


def write_objects(
    link: Link, source: Relation, stem: str, ending: str, form: ObjectForm, *, is_one: bool = False
) -> Written | None:
    """Write all rows of a table into objects; see `WritesObjects`."""
    found = link.tables.find_table(source)
    if found is None or not _can_write(found, form):
        return None
    is_large = int(found.get("numBytes") or 0) > _MOST_BYTES_IN_ONE
    if is_large and (is_one or "*" in stem + ending):
        return None
    url = f"{stem}-*{ending}" if is_large else f"{stem}{ending}"
    objects = Objects((url,), "csv" if form.format == "csv" else "parquet", form.delimiter, form.header)
    try:
        count = extract(link, source, objects, form.compression)
    except TerminalWarehouseError as error:
        if is_out_of_reach(error):
            return None
        raise
    now = link.tables.find_table(source)
    if now is None or now.get("lastModifiedTime") != found.get("lastModifiedTime"):
        # Nobody knows which rows these are.
        return None
    urls = tuple(f"{stem}-{number:012}{ending}" for number in range(count)) if is_large else (url,)
    return Written(urls, int(found.get("numRows") or 0))


def _can_write(table: Resource, form: ObjectForm) -> bool:
    if table["type"] != "TABLE" or form.compression not in _COMPRESSIONS.get(form.format, ()):
        return False
    return all(
        each.get("mode") != "REPEATED" and each["type"] in _TYPES[form.format] for each in table["schema"]["fields"]
    )
