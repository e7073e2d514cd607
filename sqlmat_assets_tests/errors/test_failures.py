"""The wording of run-time failures that no other test meets word for word."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sqlmat_assets.errors import failures


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.25s"), (59, "59s"), (60, "1m"), (90, "1m 30s"), (3600, "1h"), (93784, "1d 2h 3m 4s"), (300, "5m")],
)
def test_spans(seconds: float, text: str) -> None:
    assert failures.span(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("is_built", "text"),
    [
        (None, "`first.cities` was not touched"),
        (True, "`first.cities` still holds its previous rows"),
        (False, "`first.cities` was never built"),
    ],
)
def test_what_the_target_holds(is_built: bool | None, text: str) -> None:
    assert failures.holds_now("first.cities", is_built=is_built) == text


@pytest.mark.parametrize(
    ("is_built", "text"),
    [
        (True, "it is not known whether `first.cities` holds its previous rows or holds the new rows"),
        (False, "it is not known whether `first.cities` does not exist or holds the new rows"),
    ],
)
def test_what_the_target_may_hold(is_built: bool, text: str) -> None:
    told = failures.holds_now("first.cities", is_built=is_built, is_known=False)
    assert told == f"{text}\n  hint: build it again when the warehouse answers"


def test_several_checks_failed() -> None:
    error = failures.checks_failed("first.cities", [("one", "is false"), ("two", "is NULL")])
    assert str(error) == "2 checks of `first.cities` failed\n  `one`: is false\n  `two`: is NULL"


@pytest.mark.parametrize(
    ("columns", "values", "rows", "text"),
    [
        (["id"], 1, 2, "1 value of `id` repeats, in 2 rows"),
        (["id", "day"], 1200, 2500, "1,200 values of `id`, `day` repeat, in 2,500 rows"),
    ],
)
def test_values_repeat(columns: list[str], values: int, rows: int, text: str) -> None:
    assert failures.values_repeat(columns, values, rows) == text


@pytest.mark.parametrize(
    ("false", "null", "rows", "text"),
    [
        (1, 0, 1, "is false"),
        (0, 1, 1, "is NULL"),
        (2, 0, 3, "false in 2 of 3 rows"),
        (0, 2, 3, "NULL in 2 of 3 rows"),
        (1000, 1, 2000, "false in 1,000 and NULL in 1 of 2,000 rows"),
    ],
)
def test_a_check_that_does_not_hold(false: int, null: int, rows: int, text: str) -> None:
    assert failures.check_is_false(false, null, rows) == text


@pytest.mark.parametrize(
    ("before", "after", "limit", "text"),
    [
        (100, 50, 0.2, "50 rows, after 100 before: a change of 50.0%, at most 20.0% allowed"),
        (1000, 1, 0.2, "1 row, after 1,000 before: a change of 99.9%, at most 20.0% allowed"),
        (0, 7, 0.2, "7 rows, none before: more than 20.0% of change"),
    ],
)
def test_rows_changed_too_much(before: int, after: int, limit: float, text: str) -> None:
    assert failures.rows_changed_too_much(before, after, limit) == text


def test_a_file_that_an_unknown_process_holds() -> None:
    assert str(failures.file_is_held("/w.duckdb", None, timedelta(minutes=1))) == (
        "`/w.duckdb` is held by another process, waited 1m\n  hint: close it there, or wait longer with `?wait=300`"
    )


def test_a_file_that_cannot_be_opened_for_an_unknown_reason() -> None:
    assert str(failures.cannot_open("/w.duckdb", "IO Error: no", None)) == "cannot open `/w.duckdb`: IO Error: no"


def test_the_engine_refused_without_a_statement() -> None:
    assert failures.engine_refused("no", "held", None) == "no\nheld"
    assert failures.engine_refused("no", "held", "SELECT 1") == "no\nheld\nstatement: SELECT 1"
