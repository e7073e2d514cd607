"""In which line of a file it is what an engine points at."""

from __future__ import annotations

import re

# DuckDB, PostgreSQL and Redshift show the line, and below it a mark under what they mean.
# BigQuery says the line and the column.
_PLACED = re.compile(r"\bat \[(?P<line>\d+):(?P<column>\d+)\]")
_POINTED = re.compile(r"^(?P<label>LINE (?P<line>\d+): )(?P<shown>.*\n)(?P<space> *)(?=\^)", re.MULTILINE)


def find_pointed(message: str, statement: str, query: str) -> int | None:
    r"""Find what an engine points at, as an offset in a query that is a part of what was sent.

    Args:
        message: The driver's words.
        statement: What was sent.
        query: The part of it.

    Examples:
        >>> find_pointed("no x\nLINE 2: x, y\n           ^", "CREATE TABLE t AS select\nx, y", "select\nx, y")
        10
    """
    found = _POINTED.search(message)
    start = statement.find(query)
    lines = statement.split("\n")
    if found is None or start < 0 or int(found["line"]) > len(lines):
        return None
    line, shown = lines[int(found["line"]) - 1], found["shown"].rstrip("\n")
    # Of a long line only the middle is shown, between dots.
    cut = shown.removeprefix("...")
    column = line.find(cut.removesuffix("..."))
    if column < 0:
        return None
    mark = len(found["space"]) - len(found["label"]) - (len(shown) - len(cut))
    before = sum(len(each) + 1 for each in lines[: int(found["line"]) - 1])
    at = before + column + max(mark, 0) - start
    return at if 0 <= at < len(query) else None


def count_in_file(message: str, statement: str, query: str, first: int) -> tuple[str, int] | None:
    r"""Have what an engine says count the lines of a file, and not those of the statement that was sent.

    Args:
        message: The driver's words.
        statement: What was sent.
        query: The part of it that stands in a file, line for line.
        first: The line of the file in which that begins.

    Returns:
        The same words with the line of the file, and that line; None where they point at nothing in the query.

    Examples:
        >>> count_in_file("no x\nLINE 2: x\n        ^", "CREATE TABLE t AS select\nx", "select\nx", 9)
        ('no x\nLINE 10: x\n         ^', 10)
        >>> count_in_file("Unrecognized name: x at [1:26]", "CREATE TABLE t AS select x", "select x", 9)
        ('Unrecognized name: x at [9:8]', 9)
    """
    found = _POINTED.search(message)
    start = statement.find(query)
    if start < 0:
        return None
    if found is None:
        return _count_placed(message, statement[:start], query, first)
    behind = int(found["line"]) - 1 - statement.count("\n", 0, start)
    if not 0 <= behind <= query.count("\n"):
        return None
    label = f"LINE {first + behind}: "
    space = found["space"] + " " * (len(label) - len(found["label"]))
    told = f"{message[: found.start()]}{label}{found['shown']}{space}{message[found.end() :]}"
    return told, first + behind


def _count_placed(message: str, before: str, query: str, first: int) -> tuple[str, int] | None:
    found = _PLACED.search(message)
    if found is None:
        return None
    behind = int(found["line"]) - 1 - before.count("\n")
    if not 0 <= behind <= query.count("\n"):
        return None
    column = int(found["column"]) - (0 if behind else len(before) - (before.rfind("\n") + 1))
    place = f"at [{first + behind}:{column}]"
    return f"{message[: found.start()]}{place}{message[found.end() :]}", first + behind
