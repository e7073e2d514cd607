"""The notation of conditions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.conditions import Condition, format_conditions, parse_conditions


def condition(**parts: set[int]) -> Condition:
    return Condition(**{name: frozenset(numbers) for name, numbers in parts.items()})


WORKING_HOURS = condition(weekdays={1, 2, 3, 4, 5}, hours=set(range(8, 19)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("weekdays mon-fri, hours 8-18", [WORKING_HOURS]),
        ("weekdays mon-fri, hours 8-18 | days 1", [WORKING_HOURS, condition(days={1})]),
        ("hours 8 to 18 and Monday – Friday or day 1", [WORKING_HOURS, condition(days={1})]),  # noqa: RUF001 - what people type
        ("WEEKDAYS 1-5; HOURS 8..18", [WORKING_HOURS]),
        ("weekdays: mon-fri, hours = 8-18", [WORKING_HOURS]),
        ("mon, wed, fri", [condition(weekdays={1, 3, 5})]),
        ("mondays, thurs", [condition(weekdays={1, 4})]),
        ("weekdays mon, wed, hours 6-8, 17", [condition(weekdays={1, 3}, hours={6, 7, 8, 17})]),
        ("hours 6, hours 8", [condition(hours={6, 8})]),
        ("hours 22-1", [condition(hours={22, 23, 0, 1})]),
        ("fri-mon", [condition(weekdays={5, 6, 0, 1})]),
        ("weekdays 5-7", [condition(weekdays={5, 6, 0})]),
        ("weekdays 7-1", [condition(weekdays={0, 1})]),
        ("weekdays 7", [condition(weekdays={0})]),
        ("weekdays 0-7", [condition(weekdays=set(range(7)))]),
        ("months nov-feb", [condition(months={11, 12, 1, 2})]),
        ("sept, may", [condition(months={9, 5})]),
        ("days 30-2", [condition(days={30, 31, 1, 2})]),
        ("days mon-fri", [condition(weekdays={1, 2, 3, 4, 5})]),
        ("days 1, mon", [condition(days={1}, weekdays={1})]),
        ("months 2, days 29", [condition(months={2}, days={29})]),
    ],
)
def test_reads(text: str, expected: list[Condition]) -> None:
    assert list(parse_conditions(text)) == expected


NO_CONDITION = "write `months`, `weekdays`, `days` or `hours` before it: `weekdays mon-fri, hours 8-18 | days 1`"


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("8-18", "`8-18` is no condition", NO_CONDITION),
        ("often", "`often` is no condition", NO_CONDITION),
        ("wekdays mon", "`wekdays mon` is no condition", "did you mean `weekdays`?"),
        ("mondey", "`mondey` is no condition", "did you mean `monday`?"),
        ("hours 24", "`24` is none of the hours", "write `0` to `23`, as a list or a range: `hours 8-18`"),
        ("hours 8:00-18:00", "`8:00-18:00` is none of the hours", None),
        ("hours 8-18 weekdays mon", "`8-18 weekdays mon` is none of the hours", None),
        ("days 0", "`0` is none of the days", "write `1` to `31`, as a list or a range: `days 1, 15-20`"),
        ("days ²", "`²` is none of the days", None),
        ("months 1-13", "`1-13` is none of the months", None),
        ("mon-xyz", "`mon-xyz` is none of the weekdays", None),
        (
            "weekdays",
            "`weekdays` stands alone",
            "write `sun` to `sat`, or `0` to `6`, as a list or a range: `weekdays mon-fri`",
        ),
        ("hours 8,", "`hours` stands alone", None),
        (
            "hours 8 |",
            "`hours 8 |` has an empty condition",
            "remove the `|`, or write a condition on both sides of it",
        ),
        (
            "days 31, months feb, apr | hours 8",
            "`months feb, apr, days 31` never holds: no year has such a day",
            "correct the days or the months",
        ),
    ],
)
def test_refuses(text: str, what: str, hint: str | None) -> None:
    with pytest.raises(TextError) as caught:
        parse_conditions(text)
    assert caught.value.what == what
    assert caught.value.hint is not None
    assert hint is None or caught.value.hint == hint


PARTS: dict[str, st.SearchStrategy[Any]] = {
    "months": st.frozensets(st.integers(1, 12)),
    "weekdays": st.frozensets(st.integers(0, 6)),
    "days": st.frozensets(st.integers(1, 29)),
    "hours": st.frozensets(st.integers(0, 23)),
}
CONDITIONS = st.builds(Condition, **PARTS)


@given(st.lists(CONDITIONS.filter(lambda one: one != Condition()), min_size=1))
def test_reads_what_it_writes(conditions: list[Condition]) -> None:
    assert list(parse_conditions(format_conditions(conditions))) == conditions


@given(st.text(alphabet="hours days weekdays mon fri 0123456789-|,;&=: to or ²ſ"))
def test_no_text_makes_it_raise_anything_else(text: str) -> None:
    try:
        parse_conditions(text)
    except TextError:
        return


def test_a_part_that_is_empty_admits_all() -> None:
    saturday = datetime(2026, 11, 21, 22, 30)  # noqa: DTZ001 - a time of day as people read it
    assert Condition().admits(saturday)
    assert condition(weekdays={6}, hours={22}, days={21}, months={11}).admits(saturday)
    for wrong in ({"weekdays": {0}}, {"hours": {23}}, {"days": {22}}, {"months": {12}}):
        assert not condition(**wrong).admits(saturday)
    assert condition(weekdays={0}).admits(saturday.replace(day=22))
