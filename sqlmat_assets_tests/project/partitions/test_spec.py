from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
import pytest

from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.partitions.grains import Grain
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.project.partitions.ranges import ListRange, TimeRange, join
from sqlmat_assets.project.partitions.spec import ListPartitioning, TimePartitioning

NOW = datetime(2019, 4, 10, 5, 30, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(start: str, end: str) -> TimeRange:
    return TimeRange(at(start), at(end))


def time(text: str) -> TimePartitioning:
    found = parse_partition_by(text)
    assert isinstance(found, TimePartitioning)
    return found


def listed(text: str) -> ListPartitioning:
    found = parse_partition_by(text)
    assert isinstance(found, ListPartitioning)
    return found


MONTHS = time("month(x) from 2019-01 to 2019-12")
DAYS = time("day(x) from 2019-01-01")
WEEKS = time("week(x) from 2019-01-07")
HOURS = time("hour(x) from 2019-01-01T00")

DEFINITIONS = {
    Grain.MONTH: dg.MonthlyPartitionsDefinition,
    Grain.DAY: dg.DailyPartitionsDefinition,
    Grain.HOUR: dg.HourlyPartitionsDefinition,
}


@pytest.mark.parametrize("table", [MONTHS, DAYS, WEEKS, HOURS], ids=lambda table: table.grain)
def test_keys_and_bounds_are_those_of_dagster(table: TimePartitioning) -> None:
    if table.grain is Grain.WEEK:
        theirs = dg.WeeklyPartitionsDefinition(start_date=table.start, day_offset=1)
    else:
        theirs = DEFINITIONS[table.grain](start_date=table.start)
    ended = table.ended(NOW)
    assert ended is not None
    keys = table.keys(ended)
    assert list(keys) == list(theirs.get_partition_keys(current_time=NOW))
    for key in (keys[0], keys[-1]):
        window = theirs.time_window_for_partition_key(key)
        assert table.bounds(key) == TimeRange(window.start, window.end)
        assert table.partition_of(window.start) == table.bounds(key)
    last = table.last_ended(NOW)
    assert last is not None
    assert table.keys(last) == keys[-1:]


def test_a_partition_begins_with_its_first_moment_and_ends_before_the_next() -> None:
    assert MONTHS.partition_of(at("2019-01-31T23:59:59.999999")) == span("2019-01-01", "2019-02-01")
    assert MONTHS.partition_of(at("2019-02-01")) == span("2019-02-01", "2019-03-01")
    assert MONTHS.partition_of(at("2018-12-31T23:59:59")) is None
    assert MONTHS.partition_of(at("2019-12-31")) == span("2019-12-01", "2020-01-01")
    assert MONTHS.partition_of(at("2020-01-01")) is None


def test_a_partition_has_ended_when_the_next_one_begins() -> None:
    assert MONTHS.ended(at("2019-01-31T23:59:59")) is None
    assert MONTHS.last_ended(at("2019-01-31T23:59:59")) is None
    assert MONTHS.ended(at("2019-02-01")) == span("2019-01-01", "2019-02-01")
    assert MONTHS.ended(at("2025-01-01")) == span("2019-01-01", "2020-01-01")
    assert MONTHS.last_ended(at("2025-01-01")) == span("2019-12-01", "2020-01-01")


@pytest.mark.parametrize(
    ("table", "text", "start", "end"),
    [
        (MONTHS, "2019-02..2019-03", "2019-02-01", "2019-04-01"),
        (MONTHS, "2019-02-01..2019-03-01", "2019-02-01", "2019-04-01"),
        (MONTHS, "2019-02", "2019-02-01", "2019-03-01"),
        (MONTHS, "2019", "2019-01-01", "2020-01-01"),
        (MONTHS, " 2019-02 .. ", "2019-02-01", "2019-04-01"),
        (MONTHS, "..2019-02", "2019-01-01", "2019-03-01"),
        (MONTHS, "2019-11", "2019-11-01", "2019-12-01"),
        (DAYS, "2019-01..2019-02", "2019-01-01", "2019-03-01"),
        (DAYS, "2019-01-05", "2019-01-05", "2019-01-06"),
        (DAYS, "2019-04-09..", "2019-04-09", "2019-04-10"),
        (HOURS, "2019-01-01T05..2019-01-01-06:00", "2019-01-01T05:00", "2019-01-01T07:00"),
        (HOURS, "2019-01-02", "2019-01-02", "2019-01-03"),
        (WEEKS, "2019-01-07..2019-01-14", "2019-01-07", "2019-01-21"),
        (WEEKS, "2019-02", "2019-02-04", "2019-03-04"),
        (WEEKS, "2019-01", "2019-01-07", "2019-02-04"),
    ],
)
def test_reads_ranges(table: TimePartitioning, text: str, start: str, end: str) -> None:
    assert table.parse_range(text, NOW) == span(start, end)


@pytest.mark.parametrize(
    ("table", "text", "what", "hint"),
    [
        (MONTHS, "2019-13", "`2019-13` is no partition", "write a month, like `2019-01`, or two with `..` between"),
        (MONTHS, "..", "`..` is no partition", "write a month, like `2019-01`, or two with `..` between"),
        (MONTHS, "2019-03..2019-02", "`2019-03` is behind `2019-02`", "write `2019-02..2019-03`"),
        (MONTHS, "2019-02-15", "no month begins at `2019-02-15`", "write `2019-02`, where the month around it begins"),
        (WEEKS, "2019-01-08", "no week begins at `2019-01-08`", "write `2019-01-07`, where the week around it begins"),
        (MONTHS, "2018-12", "`2018-12` is outside of the partitions, from `2019-01` to `2019-12`", None),
        (MONTHS, "2020-01..", "`2020-01` is outside of the partitions, from `2019-01` to `2019-12`", None),
        (DAYS, "2018", "`2018` is outside of the partitions, from `2019-01-01` on", None),
        (DAYS, "2019-05-01..", "no partition is in `2019-05-01..`", None),
    ],
)
def test_refuses_other_ranges(table: TimePartitioning, text: str, what: str, hint: str | None) -> None:
    with pytest.raises(TextError) as caught:
        table.parse_range(text, NOW)
    assert (caught.value.what, caught.value.hint) == (what, hint)


def test_an_open_end_needs_a_partition_that_has_ended() -> None:
    with pytest.raises(TextError) as caught:
        MONTHS.parse_range("2019-01..", at("2019-01-15"))
    assert caught.value.what == "no partition is in `2019-01..`"


def test_a_key_names_one_partition() -> None:
    with pytest.raises(TextError) as caught:
        DAYS.bounds("2019-01")
    assert caught.value.what == "`2019-01` is no partition"
    with pytest.raises(TextError):
        WEEKS.bounds("2019-02")


def test_neighbours_are_joined() -> None:
    first, second = MONTHS.bounds("2019-01"), MONTHS.bounds("2019-02")
    fourth = MONTHS.bounds("2019-04")
    assert join([fourth, second, first]) == (span("2019-01-01", "2019-03-01"), fourth)
    assert join([first, first]) == (first,)
    assert join([]) == ()


def test_lists_have_their_own_order() -> None:
    table = listed("country in (FR, DE, 7, 'x, y')")
    assert table.parse_range("FR..7") == ListRange(("FR", "DE", 7))
    assert table.parse_range("x, y") == ListRange(("x, y",))
    assert table.parse_range("DE..") == ListRange(("DE", 7, "x, y"))
    assert table.parse_range("..DE") == ListRange(("FR", "DE"))
    assert table.keys(table.all) == ("FR", "DE", "7", "x, y")


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("DE..FR", "`DE` is behind `FR`", "write `FR..DE`"),
        ("Franc", "`Franc` is no partition", "did you mean `France`?"),
        ("..", "`..` is no partition", "the partitions are `FR`, `DE`, `France`"),
    ],
)
def test_refuses_other_values(text: str, what: str, hint: str) -> None:
    with pytest.raises(TextError) as caught:
        listed("country in (FR, DE, France)").parse_range(text)
    assert (caught.value.what, caught.value.hint) == (what, hint)
