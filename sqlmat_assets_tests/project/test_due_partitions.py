"""Which partitions are built when: those just ended, those that were missed, those that go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sqlmat_assets.project.due import Timetable
from sqlmat_assets.project.due_partitions import BuiltPartitions
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.project.partitions.ranges import ListRange, TimeRange
from sqlmat_assets.project.partitions.spec import TimePartitioning
from sqlmat_assets.project.reasons import Reason
from sqlmat_assets.project.timings import Decision, State, Timing, Verdict
from sqlmat_assets_tests.project.deciding import CODE, OTHER_CODE, decide, groups, table, timing, verdict

MONTHS = "month(at) from 2019-01"
DAYS = "day(at) from 2019-01-01"
NINE = "0 9 1 * *"
HOUR = timedelta(hours=1)


def at(month: int, day: int = 1, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2019, month, day, hour, minute, tzinfo=UTC)


def parts(name: str, by: str, reads: str = "", **more: Any) -> Timing:
    return timing(name, reads, partitioning=parse_partition_by(by), **more)


def built(by: str, *keys: str, on: datetime, **more: Any) -> State:
    """Some partitions, of which the last was built last."""
    given: dict[str, Any] = {"decided_at": on, "version": CODE, **more}
    return State(**given, partitions=BuiltPartitions.of(parse_partition_by(by), keys, on))


def shown(found: Verdict, by: str = MONTHS) -> str:
    """A verdict as `scheduled 2019-01 2019-02`."""
    partitioning, range_ = parse_partition_by(by), found.range_
    if isinstance(range_, ListRange):
        return " ".join([found.reason, *map(str, range_.values)])
    if range_ is None or not isinstance(partitioning, TimePartitioning):
        return found.reason.value
    first = partitioning.typed(range_.start)
    last = partitioning.typed(partitioning.grain.step(range_.end, -1))
    return f"{found.reason} {first}..{last}"


def says(by: str, now: datetime, state: State | None = None, **more: Any) -> str:
    states = {} if state is None else {"a": state}
    return shown(verdict(decide([parts("a", by, **more)], now, **states), "a"), by)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (at(2, 1, 8, 59), "fresh"),
        (at(2, 1, 9), "scheduled 2019-01..2019-01"),
        (at(2, 20), "scheduled 2019-01..2019-01"),
        (at(4, 1, 8), "scheduled 2019-01..2019-02"),
        (at(4, 1, 9), "scheduled 2019-01..2019-03"),
    ],
)
def test_the_month_that_has_just_ended_is_due_at_the_tick_with_those_that_were_missed(now: datetime, said: str) -> None:
    months = "month(at) from 2018-12"
    assert says(months, now, built(months, "2018-12-01", on=at(1, 1, 9)), cron=NINE) == said


def test_what_was_built_at_its_tick_stays_until_the_next() -> None:
    state = built(MONTHS, "2019-01-01", on=at(2, 1, 9))
    found = verdict(decide([parts("a", MONTHS, cron=NINE)], at(2, 10), a=state), "a")
    assert (found.reason, found.due_at) == (Reason.FRESH, at(3, 1, 9))
    before = verdict(decide([parts("a", MONTHS, cron=NINE)], at(3, 1, 5), a=state), "a")
    assert (before.reason, before.due_at) == (Reason.FRESH, at(3, 1, 9))


def test_a_schedule_that_comes_more_often_builds_a_partition_once() -> None:
    state = built(MONTHS, "2019-01-01", on=at(2, 1, 9))
    found = verdict(decide([parts("a", MONTHS, cron="0 9 * * *")], at(2, 10, 12), a=state), "a")
    assert (shown(found), found.due_at) == ("fresh", at(3, 1, 9))


def test_a_partition_that_a_person_has_built_before_its_tick_is_built_again_at_the_tick() -> None:
    early = built(MONTHS, "2019-01-01", "2019-02-01", on=at(3, 1, 3))
    assert says(MONTHS, at(3, 1, 8), early, cron=NINE) == "fresh"
    assert says(MONTHS, at(3, 1, 9), early, cron=NINE) == "scheduled 2019-02..2019-02"


def test_an_old_partition_that_a_person_builds_again_moves_no_tick() -> None:
    keys = ("2019-01-01", "2019-02-01")
    state = State(at(3, 1, 9, 5), CODE, partitions=BuiltPartitions.of(parse_partition_by(MONTHS), keys, at(3, 1, 9)))
    assert says(MONTHS, at(3, 2), state, cron=NINE) == "fresh"
    missed = State(
        at(3, 1, 9, 5), CODE, partitions=BuiltPartitions.of(parse_partition_by(MONTHS), keys[:1], at(2, 1, 9))
    )
    assert says(MONTHS, at(3, 1, 9, 6), missed, cron=NINE) == "scheduled 2019-02..2019-02"


def test_gaps_are_closed_the_newest_first() -> None:
    state = built(MONTHS, "2019-02-01", "2019-05-01", on=at(6, 1, 9))
    assert says(MONTHS, at(6, 1, 10), state, cron=NINE) == "scheduled 2019-03..2019-04"
    closed = built(MONTHS, *(f"2019-0{month}-01" for month in range(2, 6)), on=at(6, 1, 9))
    assert says(MONTHS, at(6, 1, 10), closed, cron=NINE) == "scheduled 2019-01..2019-01"


def test_a_new_table_builds_all_that_has_ended_in_one_run() -> None:
    assert says(MONTHS, at(6, 1, 9), cron=NINE) == "new 2019-01..2019-05"
    assert says(MONTHS, at(6, 1, 8), cron=NINE) == "new 2019-01..2019-04"
    assert says(MONTHS, at(6, 1, 8)) == "new 2019-01..2019-05"
    assert says("month(at) from 2019-01 to 2019-03", at(6, 1, 8)) == "new 2019-01..2019-03"


def test_a_table_of_which_nothing_has_ended_waits() -> None:
    for more in ({}, {"cron": NINE}):
        found = verdict(decide([parts("a", "month(at) from 2019-06", **more)], at(6, 10)), "a")
        assert (found.reason, found.due_at) == (Reason.FRESH, at(7, 1, 9 if more else 0))


def test_without_an_interval_or_a_schedule_nothing_asks_for_new_partitions() -> None:
    assert says(MONTHS, at(6, 1), built(MONTHS, "2019-01-01", on=at(2, 1))) == "nothing asks for it"


def test_an_interval_refreshes_the_partition_that_goes_on() -> None:
    state = built(DAYS, *(f"2019-01-0{day}" for day in range(1, 10)), on=at(1, 9, 12))
    assert says(DAYS, at(1, 9, 12, 59), state, interval="1h") == "fresh"
    assert says(DAYS, at(1, 9, 13), state, interval="1h") == "due 2019-01-09..2019-01-09"


def test_after_midnight_the_day_before_is_brought_to_its_end() -> None:
    state = built(DAYS, *(f"2019-01-0{day}" for day in range(1, 10)), on=at(1, 9, 23, 30))
    assert says(DAYS, at(1, 10, 0, 15), state, interval="1h") == "fresh"
    assert says(DAYS, at(1, 10, 0, 30), state, interval="1h") == "due 2019-01-09..2019-01-10"
    assert says(DAYS, at(1, 12, 7), state, interval="1h") == "due 2019-01-09..2019-01-12"


def test_what_was_built_by_a_clock_that_was_ahead_is_due() -> None:
    state = built(DAYS, *(f"2019-01-0{day}" for day in range(1, 10)), on=at(1, 20))
    assert says(DAYS, at(1, 9, 12), state, interval="1h") == "due 2019-01-09..2019-01-09"


def test_a_new_table_with_an_interval_has_the_partition_that_goes_on_too() -> None:
    assert says(DAYS, at(1, 9, 12), interval="1h") == "new 2019-01-01..2019-01-09"


def test_what_is_missing_further_back_is_built_at_once() -> None:
    state = built(DAYS, "2019-01-01", "2019-01-09", on=at(1, 9, 12))
    assert says(DAYS, at(1, 9, 12, 1), state, interval="1h") == "new 2019-01-02..2019-01-08"


def test_when_the_last_partition_is_over_and_built_nothing_comes_any_more() -> None:
    days = "day(at) from 2019-01-01 to 2019-01-03"
    keys = ("2019-01-01", "2019-01-02", "2019-01-03")
    assert (
        says(days, at(1, 4, 1), built(days, *keys, on=at(1, 3, 23, 30)), interval="1h") == "due 2019-01-03..2019-01-03"
    )
    assert says(days, at(1, 9), built(days, *keys, on=at(1, 4, 1)), interval="1h") == "fresh"
    scheduled = verdict(
        decide([parts("a", days, cron="0 9 * * *")], at(1, 9), a=built(days, *keys, on=at(1, 4, 9))), "a"
    )
    assert (scheduled.reason, scheduled.due_at) == (Reason.FRESH, None)


def test_changed_code_waits_for_the_next_partition_or_builds_all() -> None:
    state = built(MONTHS, "2019-01-01", on=at(2, 1, 9), version=OTHER_CODE)
    assert says(MONTHS, at(2, 2), state, cron=NINE, awaits_next_batch=True) == "fresh"
    assert says(MONTHS, at(3, 1, 9), state, cron=NINE, awaits_next_batch=True) == "scheduled 2019-02..2019-02"
    assert says(MONTHS, at(3, 1, 9), state, cron=NINE) == "changed 2019-01..2019-02"


def test_values_are_built_all_or_those_that_were_added() -> None:
    countries = "country in (FR, DE, 7)"
    assert says(countries, at(2)) == "new FR DE 7"
    assert says(countries, at(2, 2), built(countries, "FR", "DE", "7", on=at(2)), interval="1d") == "due FR DE 7"
    assert says(countries, at(2, 1, 9), built(countries, "FR", "DE", "7", on=at(2)), cron=NINE) == "scheduled FR DE 7"
    assert says(countries, at(2, 1, 9), built(countries, "FR", on=at(2)), interval="1d") == "new DE 7"
    assert says(countries, at(9), built(countries, "FR", "DE", "7", on=at(2))) == "nothing asks for it"


def test_values_age_together_from_the_last_build_of_any() -> None:
    countries = "country in (FR, DE, 7)"
    one_again = built(countries, "FR", "DE", "7", on=at(2, 1, 18))  # a person has built FR alone
    assert says(countries, at(2, 2, 17), one_again, interval="1d") == "fresh"
    assert says(countries, at(2, 2, 18), one_again, interval="1d") == "due FR DE 7"
    assert says(countries, at(2, 1, 18, 1), built("country in (FR, DE)", "FR", on=at(2, 1, 18)), interval="1d") == (
        "new DE 7"
    )


def test_failures_back_off_as_those_of_tables_do() -> None:
    failed = State(
        at(2, 1, 9),
        CODE,
        failures=1,
        failed_at=at(3, 1, 9, 1),
        partitions=BuiltPartitions.of(parse_partition_by(MONTHS), ["2019-01-01"], at(2, 1, 9)),
    )
    assert says(MONTHS, at(3, 1, 9, 1), failed, cron=NINE) == "backing off"
    assert says(MONTHS, at(3, 1, 9, 2), failed, cron=NINE) == "retry 2019-02..2019-02"


def test_a_backfill_of_a_person_that_failed_is_theirs_to_repeat_and_holds_nobody() -> None:
    failed = built(MONTHS, "2019-01-01", on=at(2, 1, 9), failures=1, failed_at=at(2, 3))
    tables = [parts("a", MONTHS, cron=NINE), timing("b", "a", "1d")]
    decision = decide(tables, at(2, 4), a=failed, b=State(at(2, 1), CODE))
    assert (verdict(decision, "a").reason, verdict(decision, "b").reason) == (Reason.FRESH, Reason.DUE)


def in_two_looks(*tables: Timing, now: datetime, **states: State) -> tuple[Decision, Decision]:
    """What is decided, and then again once everything in the groups is built."""
    first = decide(list(tables), now, **states)
    for group in first.groups:
        for relation in group:
            partitioning = next(table for table in tables if table.relation == relation).partitioning
            found = states.get(relation.name, State()).partitions
            range_ = first.verdicts[relation].range_
            if range_ is not None and partitioning is not None:
                found = found.with_range(range_, now)
            states[relation.name] = State(now, CODE, partitions=found)
    return first, decide(list(tables), now + timedelta(seconds=30), **states)


def test_tables_of_the_same_partitions_are_one_run_and_others_wait_for_it() -> None:
    first, second = in_two_looks(
        parts("trips", MONTHS, cron=NINE),
        parts("clean", MONTHS, "trips", cron=NINE),
        parts("days", DAYS, "clean", cron=NINE),
        timing("total", "clean", "1d"),
        now=at(3, 1, 9),
    )
    assert groups(first) == ["trips clean"]
    assert {name: verdict(first, name).reason for name in ("days", "total")} == {
        "days": Reason.WAITING,
        "total": Reason.WAITING,
    }
    assert sorted(groups(second)) == ["days", "total"]


def test_different_ranges_are_different_runs() -> None:
    first, second = in_two_looks(
        parts("trips", MONTHS, cron=NINE),
        parts("clean", MONTHS, "trips", cron=NINE),
        now=at(3, 1, 9),
        trips=built(MONTHS, "2019-01-01", on=at(2, 1, 9)),
    )
    assert groups(first) == ["trips"]
    assert groups(second) == ["clean"]


def test_where_one_run_goes_on_at_a_time_it_builds_one_range_and_what_is_due_longest() -> None:
    tables = [
        parts("trips", MONTHS, cron=NINE),
        parts("taxis", MONTHS, cron=NINE),
        parts("days", DAYS, cron="0 8 * * *"),
        timing("total", "", "1h"),
    ]
    timetable = Timetable(tables)

    def first(now: datetime, days: State, total: State) -> list[str]:
        months = built(MONTHS, "2019-01-01", on=at(2, 1, 9))
        named = {"trips": months, "taxis": months, "days": days, "total": total}
        states = {table(name): state for name, state in named.items()}
        return [relation.name for relation in timetable.first_run(timetable.decide(states, now))]

    days = built(DAYS, *(f"2019-01-{day:02}" for day in range(1, 32)), on=at(2, 1, 8))
    assert first(at(3, 1, 9), days, State(at(3, 1, 8, 30), CODE)) == ["days"]
    known = State(at(3, 1, 8), CODE, partitions=days.partitions.with_range(TimeRange(at(2), at(3)), at(3, 1, 8)))
    assert first(at(3, 1, 9, 45), known, State(at(3, 1, 8, 30), CODE)) == ["taxis", "trips"]
    assert first(at(3, 1, 9, 15), known, State(at(3, 1, 7), CODE)) == ["total"]
    assert first(at(2, 1, 8, 30), days, State(at(2, 1, 8), CODE)) == []


def test_a_scheduled_table_asks_for_the_partitions_of_what_it_reads() -> None:
    trips = built(MONTHS, "2019-01-01", on=at(2, 1, 9))
    tables = [parts("trips", MONTHS), timing("total", "trips", cron=NINE)]
    decision = decide(tables, at(3, 1, 9), trips=trips, total=State(at(2, 1, 9), CODE))
    assert shown(verdict(decision, "trips")) == "read by a scheduled table 2019-02..2019-02"
    assert groups(decision) == ["trips"]
    known = built(MONTHS, "2019-01-01", "2019-02-01", on=at(3, 1, 9))
    assert groups(decide(tables, at(3, 1, 9), trips=known, total=State(at(2, 1, 9), CODE))) == ["total"]


def test_ranges_are_kept_joined_with_the_newest_build() -> None:
    months = parse_partition_by(MONTHS)
    found = BuiltPartitions.of(months, ["2019-01-01", "2019-03-01", "2018-01-01", "gone"], at(4))
    assert found.ranges == (TimeRange(at(1), at(2)), TimeRange(at(3), at(4)))
    assert found.with_range(TimeRange(at(2), at(3)), at(5)) == BuiltPartitions(
        (TimeRange(at(1), at(4)),), newest_at=at(4)
    )
    assert found.with_range(TimeRange(at(3), at(4)), at(5)).newest_at == at(5)
