"""The first line of a CSV file: its columns, and what stands between them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.errors import data_files as wording
from sqlmat_assets.warehouses.text_files import open_bytes, refuse_encoding_of

_SEPARATORS = (",", ";", "\t", "|")
# So many rows decide where the header alone does not tell what separates its columns.
_ROWS_TO_COMPARE = 100
# The first line ends in the first of these that is long enough.
_STARTS = (1 << 15, 1 << 20, -1)

Fold = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class CsvHeader:
    """What stands between the columns of a CSV file, and their names without spaces around them."""

    separator: str
    names: tuple[str, ...]


def read_csv_header(path: Path, fold: Fold) -> CsvHeader:
    """Tell the columns of a CSV file by its first line.

    Args:
        path: A file in UTF-8.
        fold: The spelling under which the engine takes two names for one.

    Raises:
        TerminalWarehouseError: The file cannot be read, is empty, or its first line does not name its columns.
    """
    start, is_whole = b"", False
    try:
        for count in _STARTS:
            with open_bytes(path) as file:
                start = file.read(count)
            is_whole = len(start) < count or count < 0
            found = header_of(start, str(path), fold, is_whole=is_whole)
            if found is not None:
                return found
    except OSError as error:
        raise TerminalWarehouseError(f"{path}: {error.strerror}") from error
    raise wording.has_no_header(str(path))


def header_of(start: bytes, shown: str, fold: Fold, *, is_whole: bool) -> CsvHeader | None:
    """Tell the columns of a CSV file that begins so; None where the first line does not end in there.

    Args:
        start: Its first bytes, unpacked.
        shown: Its name.
        fold: The spelling under which the engine takes two names for one.
        is_whole: Whether these bytes are all.

    Raises:
        TerminalWarehouseError: The file is empty, or its first line does not name its columns.
    """
    refuse_encoding_of(start[:4], shown)
    text = start.decode("utf-8-sig", errors="replace")
    if not is_whole:
        # The last line may go on.
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]
    separator = _separator(text, shown)
    first = next(_records(text, separator), None)
    if first is None and not is_whole:
        return None
    names = tuple(name.strip() for name in first or ())
    if not any(names):
        raise wording.has_no_header(shown)
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        if not name:
            raise wording.unnamed_column(shown, number)
        if fold(name) in seen:
            raise wording.doubled_column(shown, name)
        seen.add(fold(name))
    return CsvHeader(separator, names)


def _separator(text: str, shown: str) -> str:
    """The character that cuts the first line, and where several do, the rows into equally many columns."""
    first = text.partition("\n")[0].strip("\r")
    if first and '"' not in first and "\r" not in first:
        there = [separator for separator in _SEPARATORS if separator in first]
        if len(there) < 2:
            return there[0] if there else _SEPARATORS[0]
    widths = {separator: _widths(text, separator) for separator in _SEPARATORS}
    cutting = [separator for separator, found in widths.items() if found and found[0] > 1]
    if len(cutting) < 2:
        return cutting[0] if cutting else _SEPARATORS[0]
    even = [separator for separator in cutting if len(set(widths[separator])) == 1]
    most = max(widths[separator][0] for separator in even or cutting)
    best = [separator for separator in even or cutting if widths[separator][0] == most]
    if len(best) > 1:
        raise wording.unclear_separator(shown, best)
    return best[0]


def _widths(text: str, separator: str) -> Sequence[int]:
    """How many columns the first rows have, lines without anything left out."""
    return [len(record) for record in islice(_records(text, separator), _ROWS_TO_COMPARE) if record]


def _records(text: str, separator: str) -> Iterator[list[str]]:
    """The rows of a CSV file up to the first that cannot be read; what is wrong there is for others to say."""
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    except csv.Error:
        return
