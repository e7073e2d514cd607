"""Rows that stand in a query, written as all engines read them: VALUES is no table on Redshift, nor on BigQuery."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def select_rows(columns: Sequence[str], *rows: Sequence[object]) -> str:
    """The query of some rows; each value is the text of an expression.

    Examples:
        >>> select_rows(["id", "name"], (1, "'a'"), (2, "NULL"))
        "SELECT 1 AS id, 'a' AS name UNION ALL SELECT 2, NULL"
    """
    first, *others = rows
    named = [f"{value} AS {column}" for value, column in zip(first, columns, strict=True)]
    return " UNION ALL ".join(f"SELECT {', '.join(map(str, each))}" for each in (named, *others))


def table_of(name: str, columns: Sequence[str], *rows: Sequence[object]) -> str:
    """Some rows as a table behind FROM."""
    return f"({select_rows(columns, *rows)}) AS {name}"


def table_of_numbers(name: str, column: str, numbers: Iterable[int]) -> str:
    """Numbers as a table behind FROM."""
    return table_of(name, [column], *((number,) for number in numbers))
