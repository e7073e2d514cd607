from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from sqlmat_assets.project.narrowing.mapping import Window, windows
from sqlmat_assets.project.narrowing.sources import Tables
from sqlmat_assets.project.partitions.grains import Grain
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.project.partitions.ranges import TimeRange
from sqlmat_assets.project.partitions.spec import TimePartitioning
from sqlmat_assets.project.references import Names
from sqlmat_assets.relation import Relation

NOW = datetime(2020, 1, 1, tzinfo=UTC)
U = Relation("main", "u")
TABLES = Tables({U: {"day": "DATE", "ts": "TIMESTAMP", "n": "INTEGER"}})


def time(text: str) -> TimePartitioning:
    found = parse_partition_by(text)
    assert isinstance(found, TimePartitioning)
    return found


DAYS = time("day(day) from 2019-01-01")
MONTHS = time("month(m) from 2019-01")
WEEKS = time("week(w) from 2019-01-07")
HOURS = time("hour(ts) from 2019-01-01T00")


def days(count: int) -> timedelta:
    return timedelta(days=count)


@pytest.mark.parametrize(
    ("sql", "own", "upstream", "expected"),
    [
        ("select date_trunc('month', day) as m, sum(n) as n from u group by 1", MONTHS, DAYS, Window()),
        ("select date_trunc('week', ts) as w, sum(n) as n from u group by 1", WEEKS, HOURS, Window()),
        ("select day + interval 7 day as m from u", MONTHS, DAYS, Window(before=days(7))),
        ("select day - interval 2 day as m from u", MONTHS, DAYS, Window(after=days(2))),
        ("select day as m, row_number() over () as n from u", MONTHS, DAYS, None),
        ("select ts as m from u", MONTHS, DAYS, None),
        ("select date_trunc('week', day) as m from u", MONTHS, DAYS, None),
        ("select x.day as m from u x join u y on x.n = y.n", MONTHS, DAYS, None),
        ("select x.day as m from u x join u y on x.day = y.day", MONTHS, DAYS, Window()),
        ("select day as m from u union all select day + interval 1 day from u", MONTHS, DAYS, Window(before=days(1))),
        ("select day as m from u", MONTHS, None, None),
        ("select day as m from u", MONTHS, parse_partition_by("day in (a)"), None),
        (
            "select day, avg(n) over (order by day) as n from u\n"
            "where day >= @partition_start - interval 7 day and day < @partition_end",
            DAYS,
            DAYS,
            Window(before=days(7)),
        ),
        ("select day from u where day between @partition_start - 7 and @partition_end", DAYS, DAYS, "included"),
        ("select day from u where @partition_start <= day and @partition_end > day", DAYS, DAYS, Window()),
        ("select day from u where day = @partition_start", DAYS, DAYS, Window()),
        ("select day from u where day >= @partition_start", DAYS, DAYS, None),
        (
            "select day from u where day >= @partition_start - interval 1 month and day < @partition_end",
            DAYS,
            DAYS,
            None,
        ),
        ("select day from u where day >= @partition_start or day < @partition_end", DAYS, DAYS, None),
        ("select ts as day from u where ts >= @partition_start and ts < @partition_end", DAYS, DAYS, None),
        (
            "select a.day from u a left join u b on b.day >= @partition_start and b.day < @partition_end\n"
            "where a.day >= @partition_start and a.day < @partition_end",
            DAYS,
            DAYS,
            None,
        ),
        (
            "with x as (select * from u where day >= @partition_start - interval '3' days and day < @partition_end)\n"
            "select x.day from x, u where u.day >= @partition_start and u.day < @partition_end + interval 1 day",
            DAYS,
            DAYS,
            Window(days(3), days(1)),
        ),
    ],
)
def test_derives_what_a_partition_reads(
    sql: str, own: TimePartitioning, upstream: TimePartitioning | None, expected: Window | str | None
) -> None:
    if expected == "included":
        expected = Window(days(7), timedelta.resolution)
    assert windows(sql, Names("duckdb"), own, {U: upstream}, TABLES) == {U: expected}


def span(start: str, end: str) -> TimeRange:
    return TimeRange(datetime.fromisoformat(start).replace(tzinfo=UTC), datetime.fromisoformat(end).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("range_", "window", "upstream", "expected"),
    [
        (span("2019-02-01", "2019-03-01"), Window(), DAYS, span("2019-02-01", "2019-03-01")),
        (span("2019-02-05", "2019-02-06"), Window(), MONTHS, span("2019-02-01", "2019-03-01")),
        (span("2019-02-01", "2019-03-01"), Window(), WEEKS, span("2019-01-28", "2019-03-04")),
        (span("2019-02-04", "2019-02-11"), Window(), HOURS, span("2019-02-04", "2019-02-11")),
        (span("2019-02-04", "2019-02-05"), Window(before=days(7)), DAYS, span("2019-01-28", "2019-02-05")),
        (span("2019-01-03", "2019-01-04"), Window(before=days(7)), DAYS, span("2019-01-01", "2019-01-04")),
        (span("2018-01-03", "2018-01-04"), Window(), DAYS, None),
        (
            span("2019-12-31", "2020-01-01"),
            Window(after=days(40)),
            time("month(m) from 2019-01 to 2019-12"),
            span("2019-12-01", "2020-01-01"),
        ),
    ],
)
def test_partitions_of_another_grain(
    range_: TimeRange, window: Window, upstream: TimePartitioning, expected: TimeRange | None
) -> None:
    assert window.reads(range_, upstream) == expected


def test_offsets_never_read_too_little() -> None:
    assert Window(days(7), timedelta.resolution).offsets(Grain.DAY) == (-7, 1)
    assert Window(days(29)).offsets(Grain.MONTH) == (-2, 0)
    assert Window(timedelta(minutes=1)).offsets(Grain.HOUR) == (-1, 0)


def test_offsets_are_what_dagster_takes() -> None:
    window = Window(before=days(7))
    start, end = window.offsets(Grain.DAY)
    definition = dg.DailyPartitionsDefinition(start_date=DAYS.start)
    mapping = dg.TimeWindowPartitionMapping(start_offset=start, end_offset=end)
    mapped = mapping.get_upstream_mapped_partitions_result_for_partitions(
        definition.subset_with_partition_keys(["2019-02-10"]), definition, definition, current_time=NOW
    )
    mine = window.reads(DAYS.bounds("2019-02-10"), DAYS)
    assert mine is not None
    assert tuple(mapped.partitions_subset.get_partition_keys()) == DAYS.keys(mine)
