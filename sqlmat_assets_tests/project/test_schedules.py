"""When calendars tick, above all in the nights in which clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project import schedules
from sqlmat_assets.project.conditions import Condition, parse_conditions
from sqlmat_assets.project.schedules import Calendar, parse_cron, parse_timezone

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def forget() -> None:
    schedules._memory.cache_clear()  # pyright: ignore[reportPrivateUsage] - each answer is to be found anew


def calendar(cron: str | None, timezone: str = "UTC", conditions: str | None = None) -> Calendar:
    return Calendar(cron, timezone, () if conditions is None else parse_conditions(conditions))


def ticks(one: Calendar, start: str, end: str) -> list[str]:
    """The ticks after the start until the end."""
    found: list[str] = []
    tick = one.next_tick(utc(start))
    while tick is not None and tick <= utc(end):
        found.append(tick.isoformat().removesuffix(":00+00:00"))
        tick = one.next_tick(tick)
    return found


def ticks_back(one: Calendar, start: str, end: str) -> list[str]:
    found: list[str] = []
    tick = one.last_tick(utc(end))
    while tick is not None and tick > utc(start):
        found.append(tick.isoformat().removesuffix(":00+00:00"))
        tick = one.last_tick(tick - timedelta(microseconds=1))
    return found[::-1]


HALF_PAST = calendar("30 * * * *", BERLIN)


@pytest.mark.parametrize(
    ("one", "start", "end", "expected"),
    [
        (calendar("0 9 1 * *"), "2026-01-01T09:00", "2026-03-01T09:00", ["2026-02-01T09:00", "2026-03-01T09:00"]),
        (calendar("0 9 1 * *", BERLIN), "2026-03-02", "2026-05-02", ["2026-04-01T07:00", "2026-05-01T07:00"]),
        (calendar("0 0 29 2 *"), "2025-01-01", "2033-01-01", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        (calendar("0 0 L * *"), "2026-01-31", "2026-03-01", ["2026-02-28T00:00"]),
        # Clocks go from 2:00 to 3:00 at 1:00 UTC.
        (
            calendar("30 2 * * *", BERLIN),
            "2026-03-28",
            "2026-03-31",
            ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"],
        ),
        (calendar("15,45 2 * * *", BERLIN), "2026-03-29", "2026-03-29T12:00", ["2026-03-29T01:00"]),
        (calendar("0,30 2,3 * * *", BERLIN), "2026-03-29", "2026-03-29T12", ["2026-03-29T01:00", "2026-03-29T01:30"]),
        # They go from 3:00 back to 2:00 at 1:00 UTC.
        (
            calendar("30 2 * * *", BERLIN),
            "2026-10-24",
            "2026-10-27",
            ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"],
        ),
        (
            calendar("30 2 * * *", NEW_YORK),
            "2026-03-07",
            "2026-03-10",
            ["2026-03-07T07:30", "2026-03-08T07:00", "2026-03-09T06:30"],
        ),
        (
            calendar("30 1 * * *", NEW_YORK),
            "2026-10-31",
            "2026-11-03",
            ["2026-10-31T05:30", "2026-11-01T05:30", "2026-11-02T06:30"],
        ),
        # What comes every hour goes on every hour.
        (HALF_PAST, "2026-03-29T00:00", "2026-03-29T02:00", ["2026-03-29T00:30", "2026-03-29T01:30"]),
        (HALF_PAST, "2026-10-25T00:00", "2026-10-25T02:00", ["2026-10-25T00:30", "2026-10-25T01:30"]),
        # A whole day is left out there.
        (calendar("0 9 30 12 *", "Pacific/Apia"), "2011-12-29", "2012-01-01", ["2011-12-30T10:00"]),
        # The condition is asked about 2:30 on Sunday, although the tick comes at 3:00.
        (calendar("30 2 * * *", BERLIN, "hours 2, sun"), "2026-03-28", "2026-04-01", ["2026-03-29T01:00"]),
        # 20:00 on Friday in New York is Saturday in UTC.
        (calendar("0 20 * * *", NEW_YORK, "weekdays fri"), "2026-11-16", "2026-11-23", ["2026-11-21T01:00"]),
        (
            calendar("0 9 * * *", "UTC", "weekdays mon-fri | days 1"),
            "2026-10-30T09:00",
            "2026-11-02T09:00",
            ["2026-11-01T09:00", "2026-11-02T09:00"],
        ),
        (calendar("0 0 1 * *", "UTC", "weekdays sun"), "2026-04-01", "2026-12-01", ["2026-11-01T00:00"]),
    ],
)  # fmt: skip
def test_ticks_both_ways(one: Calendar, start: str, end: str, expected: list[str]) -> None:
    assert ticks(one, start, end) == expected
    assert ticks_back(one, start, end) == expected


def test_a_tick_is_found_at_its_moment_and_until_the_next() -> None:
    daily = calendar("0 9 * * *")
    tick = utc("2026-11-21T09:00")
    assert daily.last_tick(tick) == tick
    assert daily.last_tick(tick + timedelta(microseconds=1)) == tick
    assert daily.last_tick(tick - timedelta(microseconds=1)) == tick - timedelta(days=1)
    assert daily.next_tick(tick - timedelta(microseconds=1)) == tick
    assert daily.next_tick(tick) == tick + timedelta(days=1)
    assert calendar(None).last_tick(tick) is None
    assert calendar(None).next_tick(tick) is None


def test_moments_of_any_zone_are_understood_and_answers_are_in_utc() -> None:
    found = calendar("0 9 * * *", BERLIN).last_tick(datetime(2026, 11, 21, 23, tzinfo=timezone(timedelta(hours=9))))
    assert found == utc("2026-11-21T08:00")
    assert found is not None
    assert found.tzinfo is UTC


CRONS = st.sampled_from(
    ["30 2 * * *", "0,30 2,3 * * *", "15 1 * * *", "*/20 * * * *", "10 */2 * * *", "5 0 28-31 * *", "0 2 * * sun"]
)
ZONES = st.sampled_from(["UTC", BERLIN, NEW_YORK, "Africa/Cairo", "Asia/Beirut", "America/Sao_Paulo"])
NEAR_A_CHANGE = st.sampled_from(["2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-04-24", "2018-11-04"])
PARTS: dict[str, st.SearchStrategy[Any]] = {
    "weekdays": st.frozensets(st.integers(0, 6)),
    "hours": st.frozensets(st.integers(0, 23)),
}
CONDITIONS = st.lists(st.builds(Condition, **PARTS), max_size=2).map(tuple)


@given(CRONS, ZONES, CONDITIONS, NEAR_A_CHANGE, st.integers(-2880, 2880))
# The last hour of a Saturday comes twice, and the next one that counts is a week later.
@example("*/20 * * * *", "Asia/Beirut", (Condition(weekdays=frozenset({6})),), "2026-10-25", 0)
def test_both_ways_give_the_same_ticks(
    cron: str, zone: str, conditions: tuple[Condition, ...], day: str, minutes: int
) -> None:
    one = Calendar(cron, zone, conditions)
    moment = utc(f"{day}T00:00") + timedelta(minutes=minutes, seconds=7)
    following = one.next_tick(moment)
    if following is None:
        assert one.last_tick(moment) is None
        return
    forget()
    assert one.last_tick(following) == following
    forget()
    previous = one.last_tick(following - timedelta(seconds=1))
    assert previous is None or previous <= moment
    forget()
    assert previous is None or one.next_tick(previous) == following


@given(CRONS, ZONES, st.lists(st.integers(-5000, 5000), min_size=2, max_size=6))
def test_what_was_asked_before_changes_no_answer(cron: str, zone: str, minutes: list[int]) -> None:
    one = Calendar(cron, zone)
    moments = [utc("2026-03-29T00:00") + timedelta(minutes=each) for each in minutes]
    remembered = [(one.last_tick(moment), one.next_tick(moment)) for moment in moments]
    fresh: list[tuple[datetime | None, datetime | None]] = []
    for moment in moments:
        forget()
        last = one.last_tick(moment)
        forget()
        fresh.append((last, one.next_tick(moment)))
    assert remembered == fresh


def test_nothing_is_computed_twice_between_two_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    one = calendar("0 9 * * *", BERLIN, "weekdays mon-fri | days 1")
    tick = one.last_tick(utc("2026-11-21T09:00"))
    monkeypatch.setattr(schedules, "_ticks", None)
    assert one.last_tick(utc("2026-11-21T09:05")) == tick
    assert one.next_tick(utc("2026-11-22T23:00")) == utc("2026-11-23T08:00")


NEVER = (Condition(months=frozenset({2}), days=frozenset({31})),)


def test_what_never_comes_is_none() -> None:
    now = utc("2026-11-21T09:00")
    for cron in ("0 9 * * *", "* * * * *"):
        one = Calendar(cron, BERLIN, NEVER)
        assert (one.last_tick(now), one.next_tick(now), one.comes_ever) == (None, None, False)
    assert Calendar(None, BERLIN, NEVER).next_admitted(now) is None
    assert not Calendar(None, BERLIN, NEVER).comes_ever
    assert not calendar("0 9 * * *", "UTC", "hours 10").comes_ever
    assert calendar("0 9 * * *", "UTC", "days 29, months feb, sun").comes_ever


@pytest.mark.parametrize(
    ("conditions", "start", "expected"),
    [
        ("hours 8-18", "2026-11-21T07:00", "2026-11-21T07:00"),
        ("hours 8-18", "2026-11-21T17:59:59", "2026-11-21T17:59:59"),
        ("hours 8-18", "2026-11-21T18:00", "2026-11-22T07:00"),
        ("weekdays mon-fri, hours 8-18 | days 22, hours 22", "2026-11-21T12:00:30", "2026-11-22T21:00"),
        ("months feb, days 29", "2026-11-21T12:00", "2028-02-28T23:00"),
        ("hours 2", "2026-03-28T12:00", "2026-03-30T00:00"),
        ("hours 2", "2026-10-25T00:30", "2026-10-25T00:30"),
    ],
)
def test_the_first_moment_that_is_admitted(conditions: str, start: str, expected: str) -> None:
    one = calendar(None, BERLIN, conditions)
    found = one.next_admitted(utc(start))
    assert found == utc(expected)
    assert found is not None
    assert one.admits(found)
    assert found == utc(start) or not one.admits(found - timedelta(seconds=1))


def test_without_conditions_every_moment_is_admitted() -> None:
    now = utc("2026-11-21T09:00")
    assert calendar(None).admits(now)
    assert calendar("0 9 1 * *").next_admitted(now) == now


def test_a_day_that_begins_after_its_midnight() -> None:
    # Clocks there go from 0:00 to 1:00.
    one = calendar(None, "Asia/Beirut", "sun")
    assert one.next_admitted(utc("2026-03-28T12:00")) == utc("2026-03-28T22:00")
    assert calendar(None, "Asia/Beirut", "sun, hours 0").next_admitted(utc("2026-03-28T12:00")) == utc(
        "2026-04-04T21:00"
    )


@pytest.mark.parametrize(
    ("cron", "minutes", "expected"),
    [
        ("0 9 1 * *", 60, "0 10 1 * *"),
        ("0 9-11 * * mon-fri", 90, "30 10,11,12 * * mon-fri"),
        ("30 23 * * *", 60, "30 0 * * *"),
        ("30 23 1 * *", 60, None),
        ("0,30 9 * * *", 15, "15,45 9 * * *"),
        ("0,30 9 * * *", 45, None),
        ("0 9 L * *", 60, None),
        ("0 9 * * mon#1", 60, None),
        ("0 9 */2 * *", 60, None),
    ],
)
def test_a_cron_with_a_delay(cron: str, minutes: int, expected: str | None) -> None:
    delay = timedelta(minutes=minutes)
    later = Calendar(cron, BERLIN).later(delay)
    assert later == expected
    if later is not None:
        tick = Calendar(cron, BERLIN).next_tick(utc("2026-05-20"))
        assert tick is not None
        assert Calendar(later, BERLIN).last_tick(tick + delay) == tick + delay


def test_words() -> None:
    assert Calendar("0 9 1 * *").explain() == "at 09:00 on the first day of every month"
    assert (
        Calendar("*/15 8-18 * * 1-5").explain() == "every 15th minute from 08:00 through 18:59 on Monday through Friday"
    )
    assert Calendar().explain() is None


LAST_DAY = "write `1` to `31`, `*`, or `L` for the last day of the month"
FIVE = "write five fields, minute, hour, day, month and weekday: `0 9 1 * *` is 9:00 on the first of each month"


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("@daily", "`@daily` is no schedule of five fields", "write `0 0 * * *`"),
        ("Weekly", "`Weekly` is no schedule of five fields", "write `0 0 * * 0`"),
        ("@reboot", "`@reboot` is no schedule of five fields", FIVE),
        ("every day", "`every day` is no schedule of five fields", FIVE),
        ("0 9 * *", "`0 9 * *` is no schedule of five fields", FIVE),
        ("0 0 9 * * *", "`0 0 9 * * *` has six fields", "leave out the seconds"),
        ("60 9 * * *", "`60` is no minute in `60 9 * * *`", "write `0` to `59`, `*`, or a step like `*/15`"),
        ("0 25 * * *", "`25` is no hour in `0 25 * * *`", "write `0` to `23`, `*`, or a range like `8-18`"),
        ("0 9 32 * *", "`32` is no day in `0 9 32 * *`", LAST_DAY),
        ("0 9 1 13 *", "`13` is no month in `0 9 1 13 *`", "write `1` to `12`, `jan` to `dec`, or `*`"),
        (
            "0 9 * * fri-mon",
            "`fri-mon` is no weekday in `0 9 * * fri-mon`",
            "write `0` (Sunday) to `6`, `sun` to `sat`, `*`, or a range like `mon-fri`",
        ),
        (
            "0 9 31 feb *",
            "`0 9 31 feb *` never comes: no year has such a day",
            "correct the day or the month",
        ),
    ],
)  # fmt: skip
def test_refuses_schedules(text: str, what: str, hint: str) -> None:
    with pytest.raises(TextError) as caught:
        parse_cron(text)
    assert (caught.value.what, caught.value.hint) == (what, hint)


@given(st.text(alphabet="0123456789*/-,L#W sunjan² ", max_size=20))
def test_no_text_makes_it_raise_anything_else(text: str) -> None:
    try:
        cron = parse_cron(text)
    except TextError:
        return
    assert parse_cron(cron) == cron


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("Europe/Berln", BERLIN),
        ("europe/berlin", BERLIN),
        ("Berlin", BERLIN),
        ("New York", NEW_YORK),
        ("US/New_Yorck", NEW_YORK),
        ("Mars/Base", None),
        ("Europe", None),
        ("/etc/passwd", None),
        ("../etc", None),
    ],
)
def test_refuses_time_zones(text: str, near: str | None) -> None:
    with pytest.raises(TextError) as caught:
        parse_timezone(text)
    expected = "write the name of a region and a city, like `Europe/Berlin`, or `UTC`"
    assert caught.value.what == f"there is no time zone `{text}`"
    assert caught.value.hint == (expected if near is None else f"did you mean `{near}`?")


@pytest.mark.parametrize("name", ["UTC", BERLIN, "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_reads_time_zones(name: str) -> None:
    assert parse_timezone(name) == name
    assert parse_timezone(f'"{name}"') == name
    assert Calendar("0 9 * * *", name).comes_ever
