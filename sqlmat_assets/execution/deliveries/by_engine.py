"""Files of a delivery that the engine writes into a bucket by itself, without the rows passing through this machine.

Nobody looks for them yet: they lie in the new folder of the delivery, or in a folder beside the one file.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from sqlmat_assets.connectors.row_files import Form
from sqlmat_assets.connectors.stores import SharedStore
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.deliveries.notes import SentFile
from sqlmat_assets.execution.deliveries.parcel import Parcel
from sqlmat_assets.execution.deliveries.places import open_store
from sqlmat_assets.project.deliveries import Delivery, Files, Place
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.buckets import ObjectForm, WritesObjects, Written

BESIDE = ".sqlmat"
"""The folder of a file that is to take the place of another one, until it does."""

MOST_FILES = 500
"""What is listed in a note and in an event has to stay short."""

_SCHEMES = {Place.S3: "s3", Place.GCS: "gs"}
# Most footers of Parquet files are shorter.
_ENDS = (1 << 16, 1 << 24)
_NUMBERS = frozenset({"FLOAT64", "DOUBLE", "DOUBLE PRECISION"})


def write_by_engine(delivery: Delivery, parcel: Parcel, session: Session, context: Context) -> Parcel | None:
    """Have the engine write the files; None where it cannot, or writes others than are asked for.

    Args:
        delivery: What is to be where.
        parcel: The table, without its rows.
        session: A session in its warehouse.
        context: The run.

    Returns:
        The parcel, with the files that are there now.
    """
    files = delivery.files
    if files is None or _SCHEMES.get(delivery.place) not in context.warehouse.capabilities.writes_to:
        return None
    # It knows no other place than the one of that name, and does not count the rows of a file.
    if files.endpoint is not None or files.rows_per_file is not None or not isinstance(session, WritesObjects):
        return None
    store, name = open_store(delivery, files, parcel)
    with closing(store):
        if not isinstance(store, SharedStore):
            return None
        place = f"{parcel.stamp}/" if name is None else f"{BESIDE}/{parcel.stamp}/{name}"
        written = context.retries.run(lambda: _write(session, store, place, files, parcel), context.sleep)
        if written is not None and len(written.urls) <= MOST_FILES:
            base = store.url("")
            names = [url.removeprefix(base) for url in written.urls]
            found: list[SentFile] = []

            def look(written: Written = written) -> None:
                found[:] = _look_at(store, names, files, written, parcel)

            parcel.attempt(look)
            if len(found) == len(names):
                return replace(parcel, count=written.rows, sent=tuple(found))
        # What is left of it is not to be taken for what comes instead.
        parcel.attempt(lambda: store.remove([*store.fetch_names(place)] if name is None else [place]))
    return None


def _write(session: WritesObjects, store: SharedStore, place: str, files: Files, parcel: Parcel) -> Written | None:
    form = ObjectForm(files.format, files.compression, files.header, files.delimiter)
    if files.is_one:
        return session.write_objects(parcel.table, store.url(place), "", form, is_one=True)
    ending = Form(files.format, files.compression).ending
    return session.write_objects(parcel.table, store.url(f"{place}{parcel.table.name}"), ending, form)


def _look_at(
    store: SharedStore, names: list[str], files: Files, written: Written, parcel: Parcel
) -> Iterator[SentFile]:
    """How much is in each file, up to one that has other rows or types than it should."""
    if files.format != "parquet":
        for name in names:
            yield SentFile(name, written.rows if len(names) == 1 else None, store.fetch_size(name))
        return
    sent: list[SentFile] = []
    floats = {column.name for column in parcel.columns if column.type in _NUMBERS}
    for name in names:
        parcel.check()
        rows = _count_rows(store, name, floats)
        if rows is None:
            return
        sent.append(SentFile(name, rows, store.fetch_size(name)))
    if sum(each.rows or 0 for each in sent) == written.rows:
        yield from sent


def _count_rows(store: SharedStore, name: str, floats: set[str]) -> int | None:
    """The rows of a Parquet file by its footer; None where that is none, or its numbers have lost digits."""
    import pyarrow as pa
    from pyarrow import parquet

    for count in _ENDS:
        try:
            found = parquet.read_metadata(io.BytesIO(store.read_end(name, count)))
        except (pa.ArrowInvalid, OSError):
            continue
        columns = (found.schema.column(number) for number in range(found.num_columns))
        if any(column.path in floats and column.physical_type == "FLOAT" for column in columns):
            return None
        return int(found.num_rows)
    return None
