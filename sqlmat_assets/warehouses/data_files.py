"""What a local data file holds, and what is wrong with it where an engine cannot read it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.errors import data_files as wording
from sqlmat_assets.warehouses.csv_headers import CsvHeader
from sqlmat_assets.warehouses.text_files import UTF8_MARK, open_bytes

_CHUNK = 1 << 20


def explain_csv(path: Path, header: CsvHeader) -> TerminalWarehouseError | None:
    """Find what keeps an engine from reading a CSV file; None where nothing is wrong with it."""
    line = _first_line_not_utf8(path)
    if line is not None:
        return wording.not_utf8(str(path), line)
    with _open_text(path, errors="strict") as file:
        reader = csv.reader(file, delimiter=header.separator, strict=True)
        line = 1
        try:
            for record in reader:
                # A line without anything is passed over by every reader of CSV.
                if record and len(record) != len(header.names):
                    return wording.ragged_row(str(path), line, len(record), len(header.names))
                line = reader.line_num + 1
        except csv.Error as error:
            # Python's limit of a value's length is none of DuckDB's.
            return None if "field limit" in str(error) else wording.broken_quotes(str(path), line)
    line = _first_line_that_ends_otherwise(path)
    return None if line is None else wording.mixed_line_ends(str(path), line)


def explain_ndjson(path: Path) -> TerminalWarehouseError | None:
    """Find what keeps an engine from reading a file with one JSON object per line; None where nothing is wrong."""
    with open_bytes(path) as file:
        for number, line in enumerate(file, 1):
            if number == 1 and line.startswith(UTF8_MARK):
                return wording.has_byte_order_mark(str(path))
            try:
                is_object = not line.strip() or isinstance(json.loads(line.decode()), dict)
            except UnicodeDecodeError:
                return wording.not_utf8(str(path), number)
            except ValueError:
                is_object = False
            if not is_object:
                return wording.no_json_object(str(path), number)
    return None


def find_value(path: Path, header: CsvHeader, column: str, value: str) -> int | None:
    """The line in which the first row with a value in a column begins; None where there is none."""
    place = header.names.index(column)
    line = 1
    with _open_text(path, errors="replace") as file:
        reader = csv.reader(file, delimiter=header.separator, strict=True)
        for record in reader:
            if line > 1 and len(record) > place and record[place] == value:
                return line
            line = reader.line_num + 1
    return None


def find_record(path: Path, header: CsvHeader, values: Sequence[object]) -> int | None:
    """The line in which the first row with these values begins, an empty one for None; None where there is none."""
    wanted = ["" if value is None else str(value) for value in values]
    line = 1
    with _open_text(path, errors="replace") as file:
        reader = csv.reader(file, delimiter=header.separator, strict=True)
        with suppress(csv.Error):
            for record in reader:
                if line > 1 and record == wanted:
                    return line
                line = reader.line_num + 1
    return None


def find_line(path: Path, text: str) -> int | None:
    """The first line that says something; None where none does."""
    wanted = text.strip().encode()
    with open_bytes(path) as file:
        return next((number for number, line in enumerate(file, 1) if line.strip() == wanted), None)


def line_at(path: Path, position: int) -> int:
    """The line that a byte of a file stands in; bytes count from 1."""
    number, before = 1, position - 1
    with open_bytes(path) as file:
        while before > 0 and (chunk := file.read(min(before, _CHUNK))):
            number += chunk.count(b"\n")
            before -= len(chunk)
    return number


@contextmanager
def _open_text(path: Path, errors: str) -> Generator[TextIO]:
    with open_bytes(path) as file, io.TextIOWrapper(file, "utf-8-sig", errors, newline="") as text:
        yield text


def _first_line_not_utf8(path: Path) -> int | None:
    with open_bytes(path) as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return None


def _first_line_that_ends_otherwise(path: Path) -> int | None:
    with open_bytes(path) as file:
        ends_in_both = file.readline().endswith(b"\r\n")
        for number, line in enumerate(file, 2):
            if line.endswith(b"\n") and line.endswith(b"\r\n") != ends_in_both:
                return number
    return None
