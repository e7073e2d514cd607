r"""The files of scripts that read and write CSV: `;` between the columns, `\` before what is meant literally.

They are what Python's `csv` makes of `delimiter=";", escapechar="\\"`, and NULL is an empty value. Both ways pass in
pieces, so that tables larger than the memory fit.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet as pq

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.errors import processors as wording

_SEPARATOR = ";"
_ESCAPE = "\\"
_ROWS_AT_ONCE = 10_000


def write_csv(source: Path, target: Path) -> None:
    """Write the rows of a Parquet file as a script reads them."""
    with pq.ParquetFile(source) as parquet, target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=_SEPARATOR, escapechar=_ESCAPE, lineterminator="\n")
        writer.writerow(parquet.schema_arrow.names)
        for batch in parquet.iter_batches(_ROWS_AT_ONCE):
            columns = [column.to_pylist() for column in batch.columns]
            writer.writerows(map(_written, row) for row in zip(*columns, strict=True))


def _written(value: object) -> object:
    """A value as text where Python's own way to write it is known to nobody else."""
    match value:
        case list() | dict():
            return json.dumps(value, default=str, ensure_ascii=False)
        case bytes():
            return "".join([f"\\x{byte:02X}" for byte in value])
        case _:
            return value


def read_csv(source: Path, target: Path, script: str) -> None:
    """Write the rows that a script has written as a Parquet file of texts.

    Raises:
        MaterializeError: They cannot be read; says in which line.
    """
    rows = _rows(source, script)
    names = next(rows, None)
    if names is None:
        raise wording.wrote_no_header(script)
    for name in names:
        if names.count(name) > 1:
            raise wording.doubled_column(script, name)
    schema = pa.schema([(name, pa.string()) for name in names])
    with pq.ParquetWriter(target, schema) as writer:
        while piece := list(islice(rows, _ROWS_AT_ONCE)):
            arrays = [pa.array([value or None for value in column], pa.string()) for column in zip(*piece, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))


def line_of_row(source: Path, number: int, script: str) -> int:
    """In which line a row begins; rows count from 1, without the header."""
    return next(islice(_records(source, script), number, None))[0]


def _rows(source: Path, script: str) -> Iterator[Sequence[str]]:
    """The header and all rows, which are as long as that."""
    width = 0
    for line, record in _records(source, script):
        width = width or len(record)
        if len(record) != width:
            raise wording.ragged_row(script, line, len(record), width)
        yield record


def _records(source: Path, script: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Each record with the line in which it begins; a line without anything is passed over."""
    csv.field_size_limit(sys.maxsize)
    with source.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(_lines(file, source, script), delimiter=_SEPARATOR, escapechar=_ESCAPE, strict=True)
        line = 1
        try:
            for record in reader:
                if record:
                    yield line, record
                line = reader.line_num + 1
        except csv.Error as error:
            raise wording.unreadable_line(script, line, str(error)) from error


def _lines(file: Iterable[str], source: Path, script: str) -> Iterator[str]:
    try:
        yield from file
    except UnicodeDecodeError as error:
        raise _not_utf8(source, script) from error


def _not_utf8(source: Path, script: str) -> MaterializeError:
    with source.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return wording.unreadable_line(script, number, "it is no UTF-8")
    return wording.unreadable_line(script, 1, "it is no UTF-8")
