"""Where the words of engines point at."""

from __future__ import annotations

import pytest

from sqlmat_assets.warehouses.error_lines import count_in_file

QUERY = "select\n  a,\n  b\nfrom t"
SENT = f"SELECT *\nFROM (\n{QUERY}\n) AS rows LIMIT 0"


def said(line: int) -> str:
    return f"Error: no b\n\nLINE {line}:   b\n          ^ here"


def test_the_lines_before_the_query_are_those_of_the_file() -> None:
    assert count_in_file(said(5), SENT, QUERY, 98) == ("Error: no b\n\nLINE 100:   b\n            ^ here", 100)


def test_a_line_and_a_column_in_brackets() -> None:
    assert count_in_file("no b at [5:3]", SENT, QUERY, 98) == ("no b at [100:3]", 100)


@pytest.mark.parametrize("line", [0, 1, 2, 7, 80])
def test_what_is_around_the_query_is_in_no_line_of_the_file(line: int) -> None:
    assert count_in_file(said(line), SENT, QUERY, 98) is None


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Error: LINE 5: b\n^",
        "LINE 5: b",
        "LINE 5: b\nLINE 6: c",
        "LINE five: b\n ^",
        "syntax error at [5:]",
        "syntax error at [7:1]",
    ],
)
def test_words_that_point_at_nothing(message: str) -> None:
    assert count_in_file(message, SENT, QUERY, 98) is None


def test_another_statement() -> None:
    assert count_in_file(said(2), "SELECT\nb\nFROM u", QUERY, 98) is None
