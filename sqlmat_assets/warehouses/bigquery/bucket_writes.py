"""Tables that are written into Cloud Storage by extract jobs, which cost nothing.

https://cloud.google.com/bigquery/docs/exporting-data
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import timedelta
from hashlib import blake2b

from sqlglot import exp

from sqlmat_assets.errors import MaterializeError, TerminalWarehouseError, TransientWarehouseError
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.bigquery.errors import is_out_of_reach
from sqlmat_assets.warehouses.bigquery.link import STATE, Link, Resource
from sqlmat_assets.warehouses.bigquery.objects import Objects, extract
from sqlmat_assets.warehouses.bigquery.statements import all_of
from sqlmat_assets.warehouses.buckets import ObjectForm, Written
from sqlmat_assets.warehouses.storage import Storage

# Of logical bytes, which the table tells; above that there are several objects.
_MOST_BYTES_IN_ONE = 10**9
# Of a table that is published anew meanwhile nobody knows which rows were written.
_TRIES = 3
_LASTS = timedelta(days=1)
_COMPRESSIONS = {"csv": ("none", "gzip"), "parquet": ("none", "snappy", "gzip", "zstd")}
_PLAIN = frozenset({"INTEGER", "FLOAT", "BOOLEAN", "STRING", "DATE", "DATETIME", "TIME", "NUMERIC"})
# In Parquet moments lose their zone, large numbers have more digits than others read, and what is nested lies in
# another way; in CSV bytes are Base64.
_TYPES = {"csv": _PLAIN | {"TIMESTAMP", "BIGNUMERIC"}, "parquet": _PLAIN | {"BYTES"}}


def write_objects(
    link: Link,
    source: Relation,
    stem: str,
    ending: str,
    form: ObjectForm,
    write: Callable[[exp.Expr], int],
    *,
    is_one: bool = False,
) -> Written | None:
    """Write all rows of a table, or of a view, into objects; see `WritesObjects`.

    Args:
        link: Where.
        source: The table.
        stem: What the URL of each begins with.
        ending: What it ends in.
        form: What is to be in them.
        write: Executes a statement, and tells how many rows it wrote.
        is_one: Whether there may be only one.
    """
    found = link.tables.find_table(source)
    if found is None or not _can_write(found, form):
        return None
    if found["type"] != "VIEW":
        return _write_table(link, source, stem, ending, form, is_one=is_one)
    with _rows_of(link, source, stem, write) as rows:
        return _write_table(link, rows, stem, ending, form, is_one=is_one)


@contextmanager
def _rows_of(link: Link, view: Relation, stem: str, write: Callable[[exp.Expr], int]) -> Generator[Relation]:
    """A table with the rows of a view for a while; BigQuery exports none. It has one name for all tries."""
    name = blake2b(f"{view} {stem}".encode(), digest_size=12).hexdigest()
    rows = Relation(STATE, f"extract_{name}")
    if link.tables.find_table(rows) is None:
        write(Storage(lasts=_LASTS).create_table_as(rows, all_of(view)))
    try:
        yield rows
    except TransientWarehouseError:
        raise
    except BaseException:
        _drop(link, rows)
        raise
    _drop(link, rows)


def _drop(link: Link, rows: Relation) -> None:
    with suppress(MaterializeError):
        link.tables.delete_table(rows)


def _write_table(
    link: Link, source: Relation, stem: str, ending: str, form: ObjectForm, *, is_one: bool
) -> Written | None:
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
    if table["type"] not in ("TABLE", "VIEW") or form.compression not in _COMPRESSIONS.get(form.format, ()):
        return False
    fields = table.get("schema", {}).get("fields", ())
    return all(each.get("mode") != "REPEATED" and each["type"] in _TYPES[form.format] for each in fields)
