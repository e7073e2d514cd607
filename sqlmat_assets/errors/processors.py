"""The wording of what goes wrong with the script of a processed table, its packages, and its rows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.errors.project import TextError

_LINES_SHOWN = 40


def _last_lines(text: str) -> list[str]:
    lines = text.rstrip().splitlines()
    shown = [f"  {line}" for line in lines[-_LINES_SHOWN:]]
    return shown if len(lines) <= _LINES_SHOWN else ["  …", *shown]


def _said(head: str, text: str, nothing: str) -> MaterializeError:
    said = _last_lines(text)
    return MaterializeError("\n".join([f"{head}, {nothing}" if not said else f"{head}:", *said]))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


# The files, before anything runs


def bad_syntax(message: str) -> TextError:
    """The script is no Python."""
    return TextError(f"this is no Python: {message}", "mend it, then run `python -m py_compile` on the file")


def not_callable() -> TextError:
    """`process` cannot take the rows."""
    return TextError(
        "`process` has to take the rows as its one argument",
        "write `def process(df):`, or give the function another name",
    )


def not_a_requirement(line: str) -> TextError:
    """A line of a `_requirements.txt`."""
    return TextError(f"`{line}` is no requirement", "write a package and its versions, such as `pandas>=2,<4`")


def requirement_elsewhere(option: str) -> TextError:
    """`-r`, `-c` or `-e`."""
    return TextError(
        f"`{option}` names files whose changes would not be seen", "write the packages themselves into this file"
    )


def constraint_not_kept(constraint: str) -> TextError:
    """A part of the CREATE TABLE that is not carried over."""
    return TextError(
        f"`{constraint}` is not put on the table",
        "set `unique`, `not_null` or another setting that says the same, or write a check; NOT NULL is kept",
    )


def doubled_definition(name: str) -> TextError:
    """The CREATE TABLE names one column twice."""
    return TextError(f"the column `{name}` is declared twice", "remove one of the two")


# The packages


def not_installed(requirements: str, text: str) -> MaterializeError:
    """The environment of a script cannot be made; `text` is what the tool said."""
    return _said(f"the packages in `{requirements}` cannot be installed", text, "and nothing says why")


# The script


def no_script(path: str) -> MaterializeError:
    """A file that was there when the project was read is gone."""
    return MaterializeError(f"the file `{path}` does not exist")


def script_failed(script: str, code: int, text: str) -> MaterializeError:
    """The script ended with another exit code than 0."""
    return _said(f"`{script}` ended with exit code {code}", text, "and printed nothing")


def script_killed(script: str, signal_name: str, text: str) -> MaterializeError:
    """Something has killed the script."""
    why = " (was there enough memory?)" if signal_name == "SIGKILL" else ""
    return _said(f"`{script}` was killed by {signal_name}{why}", text, "and printed nothing")


def printed_by(script: str, text: str, *, is_cut: bool) -> str:
    """All that a script has printed, or the end of it."""
    head = f"`{script}` printed, at the end:" if is_cut else f"`{script}` printed:"
    return f"{head}\n{text.rstrip()}"


# The rows that it gives back


def result_of(script: str) -> str:
    """The file with the rows that a script gives back."""
    return f"what `{script}` gives"


def wrote_nothing(script: str) -> MaterializeError:
    """There is no file with rows."""
    return MaterializeError(
        f"`{script}` ended well and wrote no rows\n"
        "  hint: write a header and rows to the file in `sys.argv[2]`, or define `process(df)`"
    )


def wrote_no_header(script: str) -> MaterializeError:
    """The file with rows is empty."""
    return MaterializeError(f"`{script}` wrote an empty file\n  hint: write the names of the columns first")


def bad_result(script: str, problem: str) -> MaterializeError:
    """What `process` returned is no table."""
    return MaterializeError(f"`{script}`: {problem}")


def unreadable_line(script: str, line: int, problem: str) -> MaterializeError:
    """The file with rows is no CSV; `problem` is what Python's reader says."""
    return MaterializeError(
        f"line {line:,} of what `{script}` wrote cannot be read: {problem}\n"
        '  hint: write with `csv.writer(file, delimiter=";", escapechar="\\\\")`'
    )


def ragged_row(script: str, line: int, found: int, expected: int) -> MaterializeError:
    """A row is longer or shorter than the header."""
    counted = f"{found:,} {'value' if found == 1 else 'values'}"
    columns = f"{expected:,} {'column' if expected == 1 else 'columns'}"
    return MaterializeError(
        f"line {line:,} of what `{script}` wrote has {counted}, and the header names {columns}\n"
        '  hint: write with `csv.writer(file, delimiter=";", escapechar="\\\\")`'
    )


def doubled_column(script: str, name: str) -> MaterializeError:
    """Two columns have one name."""
    return MaterializeError(f"`{script}` gives two columns named `{name}`\n  hint: give each a name of its own")


def column_missing(script: str, name: str, names: Sequence[str]) -> MaterializeError:
    """A declared column is not there."""
    what = f"`{script}` does not give the column `{name}`, which the CREATE TABLE declares"
    if len(names) == 1 and ("," in names[0] or "\t" in names[0]):
        return MaterializeError(f"{what}\n  hint: separate columns by `;`, the header is `{names[0]}`")
    return MaterializeError(f"{what}\n  hint: it gives {_listed(names)}")


def column_not_declared(script: str, name: str, names: Sequence[str]) -> MaterializeError:
    """A column that nobody declared."""
    return MaterializeError(
        f"`{script}` gives a column `{name}`, which the CREATE TABLE does not declare\n"
        f"  hint: leave it out or declare it beside {_listed(names)}"
    )


def bad_value(script: str, place: str, column: str, value: str, kind: str) -> MaterializeError:
    """A value that is none of its column's type; `place` is its line or row."""
    return MaterializeError(
        f"`{value}` in the column `{column}`, {place} of what `{script}` gives, is no {kind}\n"
        f"  hint: give a value of that type, or declare another one for `{column}`"
    )


def null_in_required(script: str, place: str, column: str) -> MaterializeError:
    """NULL where the CREATE TABLE says NOT NULL."""
    return MaterializeError(
        f"`{column}` is NULL in {place} of what `{script}` gives, and declared NOT NULL\n"
        "  hint: leave the row out, or allow NULL in the CREATE TABLE"
    )
