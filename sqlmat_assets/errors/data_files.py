"""The wording of what is wrong with a data file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlmat_assets.errors import BadRowError, TerminalWarehouseError

_MOST_SHOWN = 5


def _at(path: str, line: int | None, what: str, hint: str) -> TerminalWarehouseError:
    place = path if line is None else f"{path}:{line}"
    return TerminalWarehouseError(f"{place}: {what}\n  hint: {hint}")


def is_empty(path: str) -> TerminalWarehouseError:
    """A data file without a byte: not even columns."""
    return _at(path, None, "the file is empty", "write the names of the columns, or remove the file")


def has_no_header(path: str) -> TerminalWarehouseError:
    """The first line of a CSV file is empty."""
    return _at(path, 1, "the first line is empty", "put the names of the columns into the first line")


def unnamed_column(path: str, number: int) -> TerminalWarehouseError:
    """A column without a name in the header of a CSV file; columns count from 1."""
    what = f"column {number} has no name"
    return _at(path, 1, what, "name every column; a separator at the end of the line begins one more")


def doubled_column(path: str, name: str) -> TerminalWarehouseError:
    """Two columns of a CSV file have one name."""
    return _at(path, 1, f"two columns are named `{name}`", "give each column a name of its own")


def unclear_separator(path: str, separators: Sequence[str]) -> TerminalWarehouseError:
    """Several characters could be what stands between the columns."""
    names = " or ".join(f"`{_visible(separator)}`" for separator in separators)
    hint = "put double quotes around the names and values that contain another one than the separator"
    return _at(path, 1, f"columns could be separated by {names}", hint)


def ragged_row(path: str, line: int, found: int, expected: int) -> TerminalWarehouseError:
    """A row of a CSV file has more or fewer values than there are columns."""
    return _at(path, line, *said_of_count(found, expected))


def broken_quotes(path: str, line: int) -> TerminalWarehouseError:
    """A quoted value of a CSV file does not end, or goes on after its end."""
    return _at(path, line, *said_of_quotes())


def mixed_line_ends(path: str, line: int) -> TerminalWarehouseError:
    """Lines of a CSV file end in different ways."""
    return _at(
        path, line, "the line ends in another way than the first line", "end all lines with LF, or all with CRLF"
    )


def not_utf8(path: str, line: int) -> TerminalWarehouseError:
    """Bytes that are no UTF-8."""
    return _at(path, line, "the line is not UTF-8", "save the file as UTF-8")


def is_utf16(path: str) -> TerminalWarehouseError:
    """A file in UTF-16."""
    return _at(path, None, "the file is UTF-16", "save the file as UTF-8")


def has_byte_order_mark(path: str) -> TerminalWarehouseError:
    """An NDJSON file with a byte order mark."""
    return _at(path, 1, "the file begins with a byte order mark", "save the file as UTF-8 without one")


def no_json_object(path: str, line: int) -> TerminalWarehouseError:
    """A line of an NDJSON file is something else than one object."""
    return _at(path, line, "the line is no JSON object", "write one object per line, without brackets or commas around")


def column_not_in_file(path: str, name: str, names: Sequence[str]) -> TerminalWarehouseError:
    """The settings give a type to a column that a CSV file does not have."""
    known = ", ".join(f"`{known}`" for known in names)
    return _at(path, 1, f"there is no column `{name}`, which the settings declare", f"its columns are {known}")


def header_misread(path: str, found: Sequence[str], expected: Sequence[str]) -> TerminalWarehouseError:
    """The engine found other columns in a CSV file than its header names."""
    names = ", ".join(f"`{name}`" for name in found)
    wanted = ", ".join(f"`{name}`" for name in expected)
    return _at(path, 1, f"read as {names}, and the header names {wanted}", "write plain names into the first line")


def driver_refused(path: str, message: str, statement: str | None) -> TerminalWarehouseError:
    """The engine cannot read a data file, for a reason that only its driver tells."""
    return TerminalWarehouseError(f"{path}: {message}", statement)


def broken_gzip(path: str, message: str) -> TerminalWarehouseError:
    """A compressed file that cannot be unpacked to its end."""
    return _at(path, None, f"cannot be unpacked: {message}", "fetch the file again, it is damaged or cut off")


def declared_column_missing(path: str, name: str, names: Sequence[str]) -> TerminalWarehouseError:
    """A file lacks a column that the load declares."""
    known = ", ".join(f"`{known}`" for known in names)
    return _at(path, None, f"there is no column `{name}`, which `columns` declares", f"its columns are {known}")


def column_not_declared(path: str, name: str) -> TerminalWarehouseError:
    """A file has a column that the load does not declare."""
    return _at(path, None, f"there is a column `{name}`, which `columns` does not declare", "declare it with its type")


def said_of_value(column: str, value: str, kind: str, row: int | None = None) -> tuple[str, str]:
    """What is wrong, and a hint: a value is none of its column's type; `row` counts from 1 in a file without lines."""
    where = "" if row is None else f" of row {row:,}"
    return (
        f"`{value}` in the column `{column}`{where} is no `{kind}`",
        f"write a value of that type, or declare another type for `{column}`",
    )


def said_of_object() -> tuple[str, str]:
    """What is wrong, and a hint: a line of an NDJSON file is something else than one object."""
    return "the line is no JSON object", "write one object per line, without brackets or commas around"


def said_of_line(kind: str, message: str, expected: int) -> tuple[str, str]:
    """What is wrong, and a hint: a line of CSV that is not built as a row, by the kind that DuckDB says."""
    found = re.search(r"Found: (\d+)", message)
    if kind in ("MISSING COLUMNS", "TOO MANY COLUMNS") and found is not None:
        return said_of_count(int(found[1]), expected)
    if kind == "UNQUOTED VALUE":
        return said_of_quotes()
    if kind == "INVALID ENCODING":
        return "the line is not UTF-8", "save the file as UTF-8"
    return message.splitlines()[0], "correct the line"


def said_of_count(found: int, expected: int) -> tuple[str, str]:
    """What is wrong, and a hint: a row has more or fewer values than there are columns."""
    counted = f"{found:,} {'value' if found == 1 else 'values'}"
    what = f"{counted}, and the header names {expected:,} {'column' if expected == 1 else 'columns'}"
    if found > expected:
        return what, "put double quotes around values that contain the separator"
    return what, "write every value, an empty one too"


def said_of_quotes() -> tuple[str, str]:
    """What is wrong, and a hint: a quoted value does not end, or goes on after its end."""
    hint = 'end the value with a double quote, and write a double quote inside of it as `""`'
    return "the quotes around a value are broken", hint


def said_by_engine(column: str, value: str, reason: str) -> tuple[str, str]:
    """What is wrong, and a hint: what an engine says of a line that it has read by itself."""
    if not column:
        return reason, "correct the line"
    return (
        f"`{value}` in the column `{column}`: {reason}",
        f"write a value of its type, or declare another type for `{column}`",
    )


def bad_row(row: object, hint: str) -> TerminalWarehouseError:
    """A row that cannot be read, where each has to be; `row` tells it with its place."""
    return TerminalWarehouseError(f"{row}\n  hint: {hint}")


def too_many_bad(count: int, most: int, first: Sequence[object]) -> TerminalWarehouseError:
    """More rows that cannot be read than may be left out."""
    lines = [
        f"{count:,} rows cannot be read, and `max_bad_rows` is {most:,}:",
        *(f"  {row}" for row in first[:_MOST_SHOWN]),
    ]
    if count > len(first[:_MOST_SHOWN]):
        lines.append(f"  and {count - len(first[:_MOST_SHOWN]):,} more")
    return TerminalWarehouseError("\n".join(lines))


def bad_value(path: str, line: int | None, column: str, value: str, kind: str) -> TerminalWarehouseError:
    """A value that is none of its column's type."""
    return _at(path, line, *said_of_value(column, value, kind))


def bad_value_in_row(path: str, row: int, column: str, value: str, kind: str) -> BadRowError:
    """A value that is none of its column's type, in a file that has no lines."""
    what, hint = said_of_value(column, value, kind, row)
    return BadRowError(f"{path}: {what}\n  hint: {hint}", row, column, value, kind)


def _visible(separator: str) -> str:
    return "tab" if separator == "\t" else separator
