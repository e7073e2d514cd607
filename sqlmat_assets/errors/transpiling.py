"""The wording of what is said of SQL that another engine is to read."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors.sql import Place

_ENGINES = {"bigquery": "BigQuery", "duckdb": "DuckDB", "postgres": "PostgreSQL", "redshift": "Redshift"}
_PAGE = "docs/bigquery-on-duckdb.md"


def engine(dialect: str) -> str:
    """An engine, by its dialect."""
    return _ENGINES.get(dialect, dialect)


def unsupported(place: Place, name: str, spoken: str, why: str | None = None) -> Problem:
    """A construct for which nothing is known that would give the same.

    Args:
        place: Where it stands.
        name: What it is.
        spoken: The dialect of the engine.
        why: More of it, where there is more to say.
    """
    because = "" if why is None else f": {why}"
    return place.problem(
        f"{name} is unsupported on {engine(spoken)}{because}",
        f"{_PAGE} lists what is known; leave the table out here, or say it with what is known",
    )


def two_by_case(place: Place, name: str, other: str, spoken: str) -> Problem:
    """Two names that are one to the engine."""
    return place.problem(
        f"`{name}` and `{other}` are one table on {engine(spoken)}, which takes their letters for the same",
        "rename one of the two",
    )


def not_transpiled(relation: str, written: str, spoken: str, problems: Sequence[Problem], held: str) -> str:
    """A table is not built because something in its files is unsupported."""
    sql = f"SQL of {engine(written)}"
    head = f"`{relation}` is not built: its files have {sql} of which nothing is known on {engine(spoken)}"
    return "\n".join([head, *map(str, problems), held])


def transpiled(message: str, written: str, spoken: str, path: str, line: int) -> str:
    """The driver's words on a statement that is not as it was written.

    Args:
        message: The driver's words.
        written: The dialect of the file.
        spoken: That of the engine.
        path: The file.
        line: The line of the file that they are about, 0 where that is not known.
    """
    place = f"{path}:{line}" if line else path
    return (
        f"{message}\n  in {place}, which was transpiled from {engine(written)} to {engine(spoken)}; "
        "`sqlmat render` shows what was sent"
    )


def may_be_transpiled(written: str, spoken: str) -> str:
    """What to do where the dialect of a project is not that of a warehouse that nobody has named."""
    return (
        f"name the warehouse, as in `--warehouse duckdb:///dev.duckdb`, to build it there with each query transpiled "
        f"from {engine(written)} to {engine(spoken)}"
    )


def summary(counts: Sequence[tuple[str, int]], spoken: str) -> str:
    """How many files there are of each verdict.

    Examples:
        >>> summary([("exact", 3), ("emulated", 1), ("unsupported", 0)], "duckdb")
        'on DuckDB: 3 files exact, 1 emulated, 0 unsupported'
    """
    told = ", ".join(f"{count:,} {'files ' if not index else ''}{name}" for index, (name, count) in enumerate(counts))
    return f"on {engine(spoken)}: {told}"


def no_pair(written: str, spoken: str) -> str:
    """Nothing is known of saying one dialect in another."""
    return f"nothing is known of the SQL of {engine(written)} on {engine(spoken)}"


def built_transpiled(written: str, spoken: str) -> str:
    """A build of a project in the SQL of another engine has ended."""
    return f"transpiled from {engine(written)} to {engine(spoken)}"
