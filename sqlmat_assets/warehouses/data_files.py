"""What a local data file holds, and what is wrong with it where an engine cannot read it."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.errors import data_files as wording

_SEPARATORS = (",", ";", "\t", "|")
_COMPRESSED = ".gz"
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# So many rows decide where the header alone does not tell what separates its columns.
_ROWS_TO_COMPARE = 100
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class CsvHeader:
    """What stands between the columns of a CSV file, and their names without spaces around them."""

    separator: str
    names: tuple[str, ...]


def read_csv_header(path: Path, fold: Callable[[str], str]) -> CsvHeader:
    """Tell the columns of a CSV file by its first line.

    Args:
        path: A file in UTF-8.
        fold: The spelling under which the engine takes two names for one.

    Raises:
        TerminalWarehouseError: The file cannot be read, is empty, or its first line does not name its columns.
    """
    refuse_other_encodings(path)
    separator = _separator(path)
    names = tuple(name.strip() for name in next(_records(path, separator), []))
    if not any(names):
        raise wording.has_no_header(str(path))
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        if not name:
            raise wording.unnamed_column(str(path), number)
        if fold(name) in seen:
            raise wording.doubled_column(str(path), name)
        seen.add(fold(name))
    return CsvHeader(separator, names)


def refuse_other_encodings(path: Path) -> None:
    """Look at the first bytes of a text file.

    Raises:
        TerminalWarehouseError: It cannot be read, is empty, or is UTF-16.
    """
    try:
        with _open_bytes(path) as file:
            start = file.read(4)
    except OSError as error:
        raise TerminalWarehouseError(f"{path}: {error.strerror}") from error
    if not start.removeprefix(_UTF8_MARK):
        raise wording.is_empty(str(path))
    if start.startswith(_UTF16_MARKS):
        raise wording.is_utf16(str(path))


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
    with _open_bytes(path) as file:
        for number, line in enumerate(file, 1):
            if number == 1 and line.startswith(_UTF8_MARK):
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
    with _open_bytes(path) as file:
        return next((number for number, line in enumerate(file, 1) if line.strip() == wanted), None)


def line_at(path: Path, position: int) -> int:
    """The line that a byte of a file stands in; bytes count from 1."""
    number, before = 1, position - 1
    with _open_bytes(path) as file:
        while before > 0 and (chunk := file.read(min(before, _CHUNK))):
            number += chunk.count(b"\n")
            before -= len(chunk)
    return number


def has_ending(path: Path, *endings: str) -> bool:
    """Whether a file ends so, compressed or not."""
    return path.name.lower().removesuffix(_COMPRESSED).endswith(endings)


@contextmanager
def _open_bytes(path: Path) -> Generator[BinaryIO]:
    is_compressed = path.name.lower().endswith(_COMPRESSED)
    with cast("BinaryIO", gzip.open(path)) if is_compressed else path.open("rb") as file:
        try:
            yield file
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise wording.broken_gzip(str(path), str(error)) from error


@contextmanager
def _open_text(path: Path, errors: str) -> Generator[TextIO]:
    with _open_bytes(path) as file, io.TextIOWrapper(file, "utf-8-sig", errors, newline="") as text:
        yield text


def _separator(path: Path) -> str:
    """The character that cuts the first line, and where several do, the rows into equally many columns."""
    widths = {separator: _widths(path, separator) for separator in _SEPARATORS}
    cutting = [separator for separator, found in widths.items() if found and found[0] > 1]
    if len(cutting) < 2:
        return cutting[0] if cutting else _SEPARATORS[0]
    even = [separator for separator in cutting if len(set(widths[separator])) == 1]
    most = max(widths[separator][0] for separator in even or cutting)
    best = [separator for separator in even or cutting if widths[separator][0] == most]
    if len(best) > 1:
        raise wording.unclear_separator(str(path), best)
    return best[0]


def _widths(path: Path, separator: str) -> Sequence[int]:
    """How many columns the first rows have, lines without anything left out."""
    return [len(record) for record in islice(_records(path, separator), _ROWS_TO_COMPARE) if record]


def _records(path: Path, separator: str) -> Iterator[list[str]]:
    """The rows of a CSV file up to the first that cannot be read; what is wrong there is for others to say."""
    with _open_text(path, errors="replace") as file:
        try:
            yield from csv.reader(file, delimiter=separator, strict=True)
        except csv.Error:
            return


def _first_line_not_utf8(path: Path) -> int | None:
    with _open_bytes(path) as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return None


def _first_line_that_ends_otherwise(path: Path) -> int | None:
    with _open_bytes(path) as file:
        ends_in_both = file.readline().endswith(b"\r\n")
        for number, line in enumerate(file, 2):
            if line.endswith(b"\n") and line.endswith(b"\r\n") != ends_in_both:
                return number
    return None
