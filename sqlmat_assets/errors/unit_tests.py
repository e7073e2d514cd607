"""The wording of what unit tests of the SQL say: cases that cannot be run, and rows that differ."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.errors.sql import Place

CONF = "case.conf"
EXPECTED = "expected.csv"


def _listed(words: Iterable[object]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


# The folder


def nothing_to_test(relation: object, kind: str) -> TextError:
    """Cases of a table that no query makes."""
    return TextError(f"`{relation}` is a {kind} table, which has no query to test", "remove the folder")


def no_query(relation: object) -> TextError:
    """Cases of a processed table whose query is missing."""
    return TextError(f"`{relation}` has no query to test", f"write `{str(relation).rpartition('.')[2]}_select.sql`")


def empty_case() -> TextError:
    """A folder without any file of a case."""
    return TextError("the folder holds no case", f"write `{EXPECTED}` and one CSV file for each table that is read")


def no_expected(folder: str) -> TextError:
    """Inputs alone."""
    return TextError(
        f"there is no `{EXPECTED}`", f"write the rows that the query should give into `{folder}/{EXPECTED}`"
    )


def missing_input(place: Place, relation: object, folder: str) -> Problem:
    """The query reads a table of which the case says nothing."""
    name = str(relation).rpartition(".")[2]
    return place.problem(
        f"`{relation}` is read here, and `{folder}` has no rows for it",
        f"write `{folder}/{name}.csv`; the names of its columns alone make an empty table",
    )


def unread_input(table: str, read: Iterable[object], near: object | None) -> TextError:
    """Rows of a table that the query does not read."""
    known = list(read)
    hint = f"it reads {_listed(known)}" if known else "it reads no table; remove the file"
    return TextError(f"the query does not read `{table}`", f"did you mean `{near}`?" if near else hint)


def ambiguous_input(name: str, relations: Iterable[object]) -> TextError:
    """A file name without a schema that several tables have."""
    known = [str(relation) for relation in relations]
    return TextError(
        f"`{name}` could be {' or '.join(f'`{each}`' for each in known)}", f"rename it to `{known[0]}.csv`"
    )


def doubled_input(relation: object, first: str) -> TextError:
    """Two files for one table."""
    return TextError(f"the rows of `{relation}` are in `{first}` as well", "remove one of the two files")


def other_conf(file: str) -> TextError:
    """Settings under another name."""
    return TextError(f"`{file}` is not read", f"rename it to `{CONF}`")


# case.conf


def no_setting(line: str) -> TextError:
    """A line that sets nothing."""
    return TextError(f"`{line}` is no setting", "write `now = 2026-01-31 12:00`")


def unknown_setting(key: str, near: str | None, known: Iterable[str]) -> TextError:
    """A key that no case has."""
    return TextError(
        f"`{key}` is no setting of a case", f"did you mean `{near}`?" if near else f"known are {_listed(known)}"
    )


def set_twice(key: str, line: int) -> TextError:
    """A key that stands there a second time."""
    return TextError(f"`{key}` is set in line {line} already", "remove one of the two lines")


def no_moment(text: str) -> TextError:
    """A value that should be a moment."""
    return TextError(f"`{text}` is no moment", "write it like `2026-01-31` or `2026-01-31 12:00`; it is in UTC")


def idle_setting(key: str, what: str) -> TextError:
    """A setting that changes nothing in this query."""
    return TextError(f"`{key}` has no effect: the query {what}", "remove the line")


def not_partitioned() -> TextError:
    """A partition of a table without any."""
    return TextError("`partition` has no effect: the table is not partitioned", "remove the line")


def no_partition(place: Place, marker: str, folder: str) -> Problem:
    """The query names the bounds of a partition, and the case none."""
    return place.problem(f"`{marker}` has no value", f"write `partition = 2019-01` into `{folder}/{CONF}`")


# The query


def unsupported(place: Place, dialect: str, name: str, why: str | None = None) -> Problem:
    """Nothing is known of how DuckDB says something."""
    because = "" if why is None else f": {why}"
    return place.problem(
        f"the query cannot be tested, because nothing is known of {name} of {dialect} on DuckDB{because}",
        "move it into a table of its own, and test what reads that",
    )


def wildcard(place: Place, name: str) -> Problem:
    """One name for many tables."""
    return place.problem(f"a query of `{name}` cannot be tested", "move it into a table of its own")


def refused(place: Place, message: str) -> Problem:
    """The engine's own words on the query as it is written."""
    return place.problem(message)


def refused_transpiled(place: Place, dialect: str, message: str) -> Problem:
    """The engine's own words on a query that is not as it was written."""
    return place.problem(
        f"DuckDB refuses what the query became when it was transpiled from {dialect}: {message}",
        "if this is right in the warehouse, move it into a table of its own, and test what reads that",
    )


def too_long(seconds: float) -> str:
    """A query that came to no end."""
    return f"the query was ended after {seconds:,.0f} s"


# Notes


def clock_runs(varies: str, folder: str) -> str:
    """The rows depend on when the case is run."""
    return f"its rows depend on the time: {varies}; `now = 2026-01-31 12:00` in `{folder}/{CONF}` stops the clock"


def may_vary(varies: str) -> str:
    """The rows may be others each time."""
    return f"its rows may differ from one time to the next: {varies}"


def script_not_run(script: str) -> str:
    """Only the query of a processed table is tested."""
    return f"the query alone is tested, `{script}` is not run"


# CSV files


def unknown_type(path: str, column: str, kind: str, dialect: str) -> str:
    """What stands behind the colon of a column's name."""
    engines = "DuckDB" if dialect == "duckdb" else f"{dialect} or DuckDB"
    hint = "write it like `id:integer`, or leave it out"
    return f"{path}:1: `{kind}` of the column `{column}` is no type of {engines}\n  hint: {hint}"


def other_type(path: str, column: str, kind: str, known: str) -> str:
    """The engine has no such type."""
    return f"{path}:1: `{kind}` of the column `{column}` cannot be used in DuckDB: {known}"


# Rows that differ


def missing_columns(names: Iterable[str]) -> str:
    """Columns that were expected."""
    known = list(names)
    return f"the query gives no column{'' if len(known) == 1 else 's'} {_listed(known)}"


def unexpected_columns(names: Iterable[str]) -> str:
    """Columns that were not expected."""
    known = list(names)
    return f"`{EXPECTED}` has no column{'' if len(known) == 1 else 's'} {_listed(known)}"


def wrong_type(column: str, expected: str, found: str) -> str:
    """A column whose type was stated."""
    return f"the column `{column}` is {found}, and `{EXPECTED}` says {expected}"


def missing_rows(count: int) -> str:
    """Rows that were expected."""
    return f"{_plural(count, 'row')} missing:"


def unexpected_rows(count: int) -> str:
    """Rows that were not expected."""
    return f"{_plural(count, 'row')} too many:"


def different_rows(count: int) -> str:
    """Rows of which some cells are others."""
    return f"{_plural(count, 'row')} {'differs' if count == 1 else 'differ'}:"


def different_cell(column: str, expected: str, found: str) -> str:
    """One cell."""
    return f"{column}: expected {expected}, found {found}"


def more_rows(count: int) -> str:
    """How many rows are not shown."""
    return f"and {_plural(count, 'more row')}"


def other_order(number: int) -> str:
    """The same rows in another order."""
    return f"the rows are in another order than the query's ORDER BY should give, from row {number} on:"


def too_many_rows(limit: int, expected: int) -> str:
    """Far more rows than anybody expects."""
    return f"the query gives more than {limit:,} rows, and `{EXPECTED}` has {expected:,}; the first are:"


# The command


def no_cases(folder: str) -> str:
    """Nothing to run."""
    hint = f"write some: `first/cities_unit/{EXPECTED}`, and a CSV file for each table that the query reads beside it"
    return f"there are no unit tests in `{folder}`\n  hint: {hint}"


def no_cases_selected() -> str:
    """Nothing to run of what is selected."""
    return "the selected tables have no unit tests"
