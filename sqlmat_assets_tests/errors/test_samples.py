"""A few rows as plain text."""

from __future__ import annotations

from sqlmat_assets.errors.samples import printable, sample_lines


def test_data_cannot_drive_the_terminal() -> None:
    assert printable("a\x1b[2J\nb\t€") == "a\\x1b[2J\\nb\\t€"


def test_five_rows_and_how_many_more() -> None:
    lines = sample_lines(["id", "name"], [[str(n), None] for n in range(20)], 1234, 80)
    assert lines == ["id  name", *(f"{n}   NULL" for n in range(5)), "and 1,229 more rows"]


def test_what_fits_is_shown_whole() -> None:
    assert sample_lines(["text"], [["x" * 60]], 1, 60) == ["text", "x" * 60]


def test_long_values_are_cut_before_columns_are_left_out() -> None:
    assert sample_lines(["a", "b", "c"], [["x" * 50, "y", "z" * 50]], 1, 30) == [
        f"a{' ' * 25}b",
        f"{'x' * 23}…  y",
        "and 1 more column",
    ]


def test_a_terminal_of_no_width_still_shows_the_first_column() -> None:
    assert sample_lines(["a", "b"], [["x" * 50, "y"]], 1, 0) == ["a", f"{'x' * 23}…", "and 1 more column"]
