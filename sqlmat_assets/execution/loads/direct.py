"""Objects that the engine reads by itself: this machine looks at their beginnings, and at what came of it."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from sqlmat_assets.connectors.base import Found, Store
from sqlmat_assets.errors import sources as wording
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.loads.finding import Wanted
from sqlmat_assets.project.loads import Load, path_of, scheme_of
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.buckets import ReadsObjects
from sqlmat_assets.warehouses.csv_headers import header_of
from sqlmat_assets.warehouses.design import Design
from sqlmat_assets.warehouses.source_files import Contents, Loaded, SourceObject

_THREADS = 16
_STARTS = (1 << 15, 1 << 20, 1 << 26)
# Most footers of Parquet files are shorter.
_ENDS = (1 << 16, 1 << 22, 1 << 26)
_PACKED, _GZIP = ".gz", b"\x1f\x8b"

_Fold = Callable[[str], str]


def load_directly(
    load: Load,
    contents: Contents,
    files: Sequence[Wanted],
    target: Relation,
    store: Store,
    session: Session,
    context: Context,
    design: Design,
) -> Loaded | None:
    """Create a table from objects by telling the engine where they are; None where they have to be fetched.

    Args:
        load: What the file of the table says.
        contents: What stands in the objects.
        files: The objects.
        target: The table.
        store: Where they are.
        session: Where the table is to be.
        context: The run.
        design: How its rows are to lie.

    Raises:
        SourceError: One of them has changed meanwhile.
        WarehouseError: The engine cannot read one.
    """
    # A login that this machine has is none of the engine's.
    is_named = load.connection is not None
    if is_named or scheme_of(load.files) not in context.warehouse.capabilities.reads_from:
        return None
    if not isinstance(session, ReadsObjects) or any(each.found.is_told_only for each in files):
        return None
    fold = context.warehouse.capabilities.fold_column
    objects = context.retries.run(lambda: _look_at_all(files, store, fold), context.sleep)
    if not session.can_load_objects(objects, contents):
        return None
    loaded = context.retries.run(lambda: session.load_objects(target, objects, contents, design=design), context.sleep)
    if loaded is None:
        return None
    _refuse_changed([each.found for each in files], store)
    return loaded


def _look_at_all(files: Sequence[Wanted], store: Store, fold: _Fold) -> list[SourceObject]:
    with ThreadPoolExecutor(_THREADS, "sqlmat-fetch") as pool:
        return list(pool.map(partial(_look_at, store, fold), files))


def _look_at(store: Store, fold: _Fold, wanted: Wanted) -> SourceObject:
    found = wanted.found
    name = path_of(found.url).lower()
    is_packed = name.endswith(_PACKED)
    kind = name.removesuffix(_PACKED).rpartition(".")[2]
    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    separator = ","
    if kind == "csv":
        names, separator, is_packed = _read_header(found, store, fold, is_packed=is_packed)
    elif kind == "parquet":
        names, types = _read_footer(found, store)
    return SourceObject(found.url, kind, is_packed, found.size, names, types, separator, wanted.constants)


def _read_header(found: Found, store: Store, fold: _Fold, *, is_packed: bool) -> tuple[tuple[str, ...], str, bool]:
    """The columns of a CSV file, what stands between them, and whether it is packed, as some are not called so."""
    for count in _STARTS:
        start = store.read_start(found, count)
        is_whole = len(start) < count
        is_packed = is_packed or start.startswith(_GZIP)
        if is_packed:
            try:
                start = zlib.decompressobj(wbits=31).decompress(start)
            except zlib.error as error:
                raise wording.refused(found.url, f"it cannot be unpacked: {error}") from error
        header = header_of(start, found.url, fold, is_whole=is_whole)
        if header is not None:
            return header.names, header.separator, is_packed
    raise wording.refused(found.url, "its first line has no end")


def _read_footer(found: Found, store: Store) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns of a Parquet file, which stand at its end, and their types."""
    import pyarrow as pa
    from pyarrow import parquet

    said = ""
    for count in _ENDS:
        end = store.read_end(found, count)
        try:
            # The footer counts from the end of the file, so that what is before it may be missing.
            schema = parquet.read_schema(io.BytesIO(end))
            return tuple(schema.names), tuple(str(each.type) for each in schema)
        except (pa.ArrowInvalid, OSError) as error:
            said = str(error).splitlines()[0]
        if len(end) < count:
            break
    raise wording.refused(found.url, said)


def _refuse_changed(found: Sequence[Found], store: Store) -> None:
    """Look at all objects again: the engine has read what was there, and not what was found."""
    with ThreadPoolExecutor(_THREADS, "sqlmat-fetch") as pool:
        for before, now in zip(found, pool.map(store.look, found), strict=True):
            if now is None:
                raise wording.is_gone(before.url)
            if now.etag != before.etag:
                raise wording.changed_meanwhile(before.url)
