"""The wording of slips that people make in SQL: what stands there, and what they most likely meant."""

from __future__ import annotations

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors.sql import Place


def template(place: Place, opening: str, written: str | None, table: str | None) -> Problem:
    """A piece of Jinja.

    Args:
        place: Where it begins.
        opening: `{{` or `{%`.
        written: The whole piece, where it stands for a table.
        table: The table that it stands for, as far as it says so.
    """
    hint = "write plain SQL, which runs as it is in any console"
    if written is not None and table is not None:
        hint = f"write the table's name in place of `{written}`: `{table}`"
    return place.problem(f"`{opening}` begins a template, but the files are plain SQL", hint)


def template_settings(place: Place) -> Problem:
    """`{{ config(…) }}`."""
    return place.problem(
        "`{{ config(…) }}` is a template, but the files are plain SQL",
        "write settings as comments on top of the file, `-- owner: data-eng@example.com`, or in a `.conf`",
    )


def misspelled(place: Place, word: str, keyword: str) -> Problem:
    """A word that has to be a keyword for the statement to make sense."""
    return place.problem(f"`{word}` is not expected here", f"did you mean `{keyword}`?")


def back_quote(place: Place, dialect: str) -> Problem:
    """A back-quote in an engine that has none."""
    return place.problem(
        f"back-quotes are no quotes in {dialect}",
        'write double quotes, `"name"`; if the files are written for BigQuery, set `dialect = bigquery` in '
        "`global.conf`",
    )


def curly_quote(place: Place, quote: str) -> Problem:
    """A quote as word processors and chats make it."""
    return place.problem(f"`{quote}` is no quote in SQL", "write straight quotes: `'` around text, `\"` around names")


def top(place: Place, count: str, dialect: str) -> Problem:
    """`SELECT TOP 10` where it is unknown."""
    return place.problem(f"{dialect} has no `TOP`", f"write `LIMIT {count}` at the end of the query")


def minus(place: Place, dialect: str) -> Problem:
    """`MINUS` between two queries, as Oracle and Redshift have it."""
    return place.problem(f"{dialect} has no `MINUS`", "write `EXCEPT`")


def lonely_with(place: Place) -> Problem:
    """A WITH that no SELECT follows."""
    return place.problem("no SELECT follows this WITH", "write the SELECT that reads it behind the closing bracket")


def bracketed_name(place: Place, name: str, dialect: str) -> Problem:
    """`[name]` as SQL Server quotes it."""
    return place.problem(f"brackets are no quotes in {dialect}", f'write `{name}`, or `"{name}"` if it needs quotes')


def foreign_comment(place: Place, mark: str) -> Problem:
    """A comment as another language writes it."""
    return place.problem(f"`{mark}` begins no comment in SQL", "write `--`")


def create_table_as(place: Place) -> Problem:
    """`CREATE TABLE … AS SELECT` in the file of a table."""
    return place.problem(
        "the file creates its table itself", "keep the SELECT alone; the table is named after the file"
    )


def duplicate_output(place: Place, name: str, line: int) -> Problem:
    """Two columns of one name in the result."""
    return place.problem(
        f"the column `{name}` is there twice, first in line {line}", "remove one of the two, or rename it with `AS`"
    )


def unnamed_output(place: Place, written: str, *, is_warning: bool) -> Problem:
    """An expression whose column the engine would name, or refuse."""
    said = "that the engine makes up" if is_warning else "and the table needs one"
    what = f"the column `{written}` has a name {said}" if is_warning else f"the column `{written}` has no name, {said}"
    return Problem(place.path, place.line, place.column, what, f"name it: `{written} AS …`", is_warning=is_warning)


def near_warn(place: Place, line: str) -> Problem:
    """A comment above a check that looks like `-- warn` and is none."""
    return Problem(
        place.path,
        place.line,
        place.column,
        f"`{line}` does not make this check a warning: it blocks",
        "write `-- warn`, or `-- warn: why`, if that is what you mean, else ignore this",
        is_warning=True,
    )


def near_on_result(place: Place, line: str) -> Problem:
    """A comment above a check that looks like `-- on: result` and is none."""
    return Problem(
        place.path,
        place.line,
        place.column,
        f"`{line}` does not make this check look at the whole table",
        "write `-- on: result` if that is what you mean, else ignore this",
        is_warning=True,
    )
