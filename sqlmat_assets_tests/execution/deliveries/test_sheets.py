"""Tables delivered as tabs of a spreadsheet."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from sqlmat_assets_tests.connectors.sheets_double import SheetsDouble, sheets_double
from sqlmat_assets_tests.execution.deliveries.sending import Sending

ROWS = [["id", "name"], [0, "city 0"], [1, "city 1"], [2, ""]]
FIRST, SECOND = "2026-01-02 040405", "2026-01-02 050405"


@pytest.fixture
def sheets(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[SheetsDouble]:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file))
    with sheets_double() as double:
        yield double


def write(sending: Sending, sheets: SheetsDouble, more: str = "", count: int = 3) -> None:
    to = f"https://docs.google.com/spreadsheets/d/{sheets.name}/edit#gid=0"
    sending.write(f'tab:\n  to: "{to}"\n  endpoint: {sheets.url}\n{more}', count=count)


def test_a_new_tab_is_the_first(sending: Sending, sheets: SheetsDouble) -> None:
    write(sending, sheets)
    event = sending.deliver("tab")
    assert sheets.titles == [FIRST, "Notes"]
    assert sheets.values(FIRST) == ROWS
    assert (event.rows, event.details) == (3, (("tab", FIRST),))
    assert event.shown == "https://docs.google.com/spreadsheets/d/1aB-c"


def test_the_last_ones_stay_and_nothing_of_people_goes(sending: Sending, sheets: SheetsDouble) -> None:
    sheets.add("2026 plans", rowCount=1, columnCount=1)
    for count in range(1, 5):
        write(sending, sheets, "  keep: 2\n", count=count)
        sending.deliver("tab")
    assert sheets.titles == ["2026-01-02 070405", "2026-01-02 060405", "Notes", "2026 plans"]


def test_it_is_seen_when_it_is_whole(sending: Sending, sheets: SheetsDouble) -> None:
    write(sending, sheets)
    sending.deliver("tab")
    write(sending, sheets, count=200_000)
    seen: list[list[str]] = []
    answer = sheets.answer

    def look(method: str, path: str, body: object) -> object:
        seen.append(sheets.titles)
        return answer(method, path, body)

    sheets.answer = look  # pyright: ignore[reportAttributeAccessIssue] - the test looks on
    sending.deliver("tab")
    assert len(seen) > 8
    assert {tuple(titles) for titles in seen} == {(FIRST, "Notes")}
    assert sheets.titles == [SECOND, FIRST, "Notes"]
    assert len(sheets.values(SECOND)) == 200_001


def test_what_may_pass_is_tried_again(sending: Sending, sheets: SheetsDouble) -> None:
    write(sending, sheets)
    sheets.fails = [429, 503]
    sending.deliver("tab")
    assert sheets.values(FIRST) == ROWS
    assert sending.pauses == [1.0, 2.0]


@pytest.mark.parametrize("lost", [":batchUpdate", "values"])
def test_an_answer_that_is_lost_changes_nothing(sending: Sending, sheets: SheetsDouble, lost: str) -> None:
    write(sending, sheets)
    sheets.loses = [lost, lost]
    sending.deliver("tab")
    assert sheets.titles == [FIRST, "Notes"]
    assert (sheets.values(FIRST), sheets.hidden) == (ROWS, [])


def test_what_a_delivery_has_left_behind_goes_with_a_later_one(sending: Sending, sheets: SheetsDouble) -> None:
    write(sending, sheets)
    sheets.add("2026-01-02 020000", hidden=True, rowCount=1, columnCount=1)
    sheets.add("2026-01-02 040000", hidden=True, rowCount=1, columnCount=1)
    sheets.add("secret notes", hidden=True, rowCount=1, columnCount=1)
    sending.deliver("tab")
    # Another run may be filling what is four minutes old.
    assert sheets.hidden == ["2026-01-02 040000", "secret notes"]


def test_a_spreadsheet_that_is_full(sending: Sending, sheets: SheetsDouble) -> None:
    sheets.add("Full", rowCount=999_900, columnCount=10)
    write(sending, sheets)
    assert sending.refused("tab") == (
        "8 cells are too many: the spreadsheet has 10,025,000 others, and takes 10,000,000\n"
        "  hint: deliver a smaller table, keep fewer tabs with `keep`, or deliver files\n"
        "`first.cities__deliver__tab` has delivered nothing yet"
    )
    assert sheets.hidden == []


def test_a_spreadsheet_that_this_account_may_not_see(sending: Sending, sheets: SheetsDouble) -> None:
    to = "https://docs.google.com/spreadsheets/d/another"
    sending.write(f"tab:\n  to: {to}\n  endpoint: {sheets.url}\n")
    assert sending.refused("tab").splitlines()[0] == ("Google Sheets refuses: 404 Requested entity was not found.")
    assert sending.pauses == []


def test_texts_stay_texts_and_values_what_they_are(sending: Sending, sheets: SheetsDouble) -> None:
    sql = (
        "select '=1+1' as formula, 9007199254740993 as big, 1.5::decimal(5, 2) as price, true as yes, "
        "date '2026-01-02' as day, timestamp '2026-01-02 03:04:05' as at, null as nothing, [1, 2] as list, "
        "'NaN'::double as nan, '001' as code"
    )
    to = f"https://docs.google.com/spreadsheets/d/{sheets.name}"
    files = {"first/cities - 24h.sql": sql}
    sending.write(f"tab:\n  to: {to}\n  endpoint: {sheets.url}\n", more=files)
    sending.deliver("tab")
    assert sheets.values(FIRST)[1] == [
        "=1+1",
        "9007199254740993",
        1.5,
        True,
        "2026-01-02",
        "2026-01-02 03:04:05",
        "",
        "[1, 2]",
        "nan",
        "001",
    ]
