"""Tables that are loaded from a database: which rows, and how they get into the warehouse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlmat_assets.connectors.ahead import reading_ahead
from sqlmat_assets.connectors.databases import Asked, Database, Kind, SourceColumn, Stream
from sqlmat_assets.errors import CancelledError, WarehouseError
from sqlmat_assets.errors import sources as wording
from sqlmat_assets.errors.failures import cancelled
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.journal import Entry, Notes
from sqlmat_assets.execution.loads.batches import Batch
from sqlmat_assets.execution.loads.fitting import match_columns, scale_of
from sqlmat_assets.execution.processor.files import passing_folder
from sqlmat_assets.execution.speaking import spoken_types
from sqlmat_assets.project.canonical import hash_text
from sqlmat_assets.project.intervals import parse_interval
from sqlmat_assets.project.loads import Load, Strategy
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Capabilities, LoadsRows, Session
from sqlmat_assets.warehouses.design import Design
from sqlmat_assets.warehouses.source_files import Contents, Loaded, SourceFile

_KEYS = (Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.TIMESTAMP, Kind.MOMENT)
_ALL = "{} (all of it)"


def plan_rows(load: Load, known: Mapping[str, Entry] | None, context: Context, *, is_whole: bool) -> Batch:
    """Decide which rows of a database are loaded.

    Args:
        load: What the file of the table says.
        known: What the rows that are there were loaded from; None where that is not known.
        context: The run.
        is_whole: Whether all is loaded anew, whatever is known.

    Raises:
        SourceError: The database cannot be asked, or the key has no order.
    """
    database, asked = _open(load, context)
    if load.strategy is not Strategy.INCREMENTAL or database.is_told_only:
        return Batch((), asked=asked)
    asked = replace(asked, key=context.retries.run(lambda: _key_of(load, database, asked, context), context.sleep))
    greatest = context.retries.run(lambda: database.find_greatest(asked), context.sleep)
    source = _source_of(load)
    entry, before = Entry(source, greatest), (known or {}).get(source)
    if before is None or is_whole or _is_due(load, known or {}, source, context) or _fell(asked, before.mark, greatest):
        everything = Entry(_ALL.format(source), context.run.decided_at.isoformat())
        rows = None if greatest is None else replace(asked, upto=greatest)
        return Batch((), Notes((entry, everything), replaces_all=True), asked=rows)
    if greatest == before.mark:
        return Batch((), is_whole=False)
    rows = replace(asked, after=before.mark, upto=greatest)
    return Batch((), Notes((entry,), sources=(source,)), is_whole=False, asked=rows)


def write_rows(
    load: Load, asked: Asked, intermediate: Relation, session: Session, context: Context, design: Design
) -> Loaded:
    """Create the intermediate table from rows of a database.

    Args:
        load: What the file of the table says.
        asked: Which rows.
        intermediate: The table to create.
        session: Where.
        context: The run.
        design: How its rows are to lie.

    Raises:
        SourceError: They cannot be read, or not all of them came, or a type does not fit.
    """
    database, _ = _open(load, context)
    types = spoken_types([(column.name, column.type) for column in load.columns], context)
    writer = _Writer(database, types, intermediate, session, context, design)
    return context.retries.run(lambda: writer.write(load, asked), context.sleep)


@dataclass(frozen=True, slots=True)
class _Writer:
    database: Database
    types: Sequence[tuple[str, str]]
    target: Relation
    session: Session
    context: Context
    design: Design

    @property
    def _capabilities(self) -> Capabilities:
        return self.context.warehouse.capabilities

    def write(self, load: Load, asked: Asked) -> Loaded:
        if not self.database.is_told_only:
            found = self.database.describe(asked)
            kinds = [kind for _, kind in self.types]
            columns = match_columns(self.database.label, load.columns, kinds, found, self._capabilities)
            asked = replace(asked, columns=columns)
        with self.database.open_rows(asked) as stream:
            rows = _Rows(stream, asked.columns, self.types, self.database.label, self._capabilities)
            with self.context.cancellation.along(self.session, rows), reading_ahead(stream.parts) as batches:
                try:
                    loaded = self._load(rows, batches)
                except BaseException as error:
                    # Nobody waits for rows that nobody takes.
                    stream.cancel()
                    # What the rows failed with tells more than what the engine makes of it.
                    if rows.failure is not None and isinstance(error, WarehouseError):
                        raise rows.failure from error
                    raise
        return replace(loaded, statement=f"{stream.statement};\n{loaded.statement}")

    def _load(self, rows: _Rows, batches: Iterator[Any]) -> Loaded:
        import pyarrow as pa

        reader = pa.RecordBatchReader.from_batches(rows.schema, rows.taken(batches))
        if isinstance(self.session, LoadsRows):
            return self.session.load_rows(self.target, reader, self.types, design=self.design)
        name = f"{self.context.run.id}.{self.target}"
        with passing_folder(self.context.own / "loading", name, self.context.sleep) as folder:
            file = _written(reader, folder / "rows.parquet")
            source = SourceFile(file, label=self.database.label)
            return self.session.load_files(self.target, [source], Contents.of(self.types), design=self.design)


class _Rows:
    """Rows with the names of the table, checked on their way; `failure` is why they ended early."""

    def __init__(
        self,
        stream: Stream,
        columns: Sequence[SourceColumn],
        types: Sequence[tuple[str, str]],
        label: str,
        capabilities: Capabilities,
    ) -> None:
        import pyarrow as pa

        self._stream = stream
        self._label = label
        self._is_cancelled = False
        self.failure: BaseException | None = None
        self.schema = pa.schema([(name, each.type) for (name, _), each in zip(types, stream.schema, strict=True)])
        scales = [
            (source, type_, scale_of(type_, capabilities)) for source, (_, type_) in zip(columns, types, strict=False)
        ]
        self._unscaled = [
            (at, source.name, type_, re.compile(rf"\.\d{{{scale}}}\d*[1-9]"))
            for at, (source, type_, scale) in enumerate(scales)
            if source.kind is Kind.DECIMAL and source.scale is None and scale is not None
        ]

    def cancel(self) -> None:
        """End them, from another thread."""
        self._is_cancelled = True
        self._stream.cancel()

    def taken(self, batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        try:
            for batch in batches:
                self._check()
                for at, name, type_, digits in self._unscaled:
                    self._refuse_digits(batch.column(at), name, type_, digits)
                yield pa.RecordBatch.from_arrays(batch.columns, schema=self.schema)
        except BaseException as error:
            self.failure = CancelledError(cancelled()) if self._is_cancelled else error
            raise

    def _check(self) -> None:
        if self._is_cancelled:
            raise CancelledError(cancelled())

    def _refuse_digits(self, values: Any, name: str, type_: str, digits: re.Pattern[str]) -> None:
        compute: Any = import_module("pyarrow.compute")
        found = compute.filter(values, compute.match_substring_regex(values, digits.pattern))
        if len(found):
            raise wording.too_many_digits(self._label, name, found[0].as_py(), type_)


def _written(reader: Any, path: Path) -> Path:
    from pyarrow import parquet

    with parquet.ParquetWriter(path, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
    return path


def _open(load: Load, context: Context) -> tuple[Database, Asked]:
    table, query = ("", "") if load.asked is None else (load.asked.table, load.asked.query)
    return context.connectors.open_database(load.connection or ""), Asked(table, query)


def _source_of(load: Load) -> str:
    """What is read, in the journal; the same wherever the database moves to."""
    asked = load.asked
    what = "" if asked is None else asked.table or f"query {hash_text(asked.query)}"
    return f"{load.connection}: {what} by {'' if asked is None else asked.key}"


def _key_of(load: Load, database: Database, asked: Asked, context: Context) -> SourceColumn:
    name = "" if load.asked is None else load.asked.key or ""
    column = next(each for each in load.columns if each.name.lower() == name.lower())
    ((_, kind),) = spoken_types([(column.name, column.type)], context)
    (key,) = match_columns(database.label, [column], [kind], database.describe(asked), context.warehouse.capabilities)
    if key.kind not in _KEYS:
        raise wording.no_key_kind(database.label, key.name, key.type)
    return key


def _is_due(load: Load, known: Mapping[str, Entry], source: str, context: Context) -> bool:
    """Whether everything is to be read anew, because it was long ago."""
    interval = None if load.asked is None else load.asked.reload
    last = known.get(_ALL.format(source))
    if interval is None:
        return False
    if last is None or last.mark is None:
        return True
    return context.run.decided_at - datetime.fromisoformat(last.mark) >= parse_interval(interval)


def _fell(asked: Asked, before: str | None, now: str | None) -> bool:
    """Whether the greatest key is smaller than before: the rows are others."""
    if before is None or now is None or asked.key is None:
        return before is not None or now is not None
    if asked.key.kind in (Kind.INTEGER, Kind.DECIMAL):
        return Decimal(now) < Decimal(before)
    return now < before
