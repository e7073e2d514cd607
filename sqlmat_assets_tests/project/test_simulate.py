"""Days of a service, proved by counting."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sqlmat_assets.project.conditions import Condition
from sqlmat_assets.project.due import Timetable
from sqlmat_assets.project.graph import effective_intervals
from sqlmat_assets.project.model import Kind, Model, Project
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.project.reasons import Reason
from sqlmat_assets.project.schedules import Calendar
from sqlmat_assets.project.simulate import Edit, History, Outage, Scenario, Simulation, simulate
from sqlmat_assets.project.timings import State, Timing
from sqlmat_assets_tests.project.deciding import CODE, NOW, OTHER_CODE, built, table, timing

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TICK = 30 * SECOND


def at(hours: float) -> datetime:
    return NOW + hours * HOUR


def run(timings: list[Timing], hours: float = 24, **more: Any) -> Simulation:
    return simulate(Timetable(timings), replace(Scenario(NOW, hours * HOUR), **more))


def history(found: Simulation, name: str) -> History:
    return found.tables[table(name)]


def decided(found: Simulation, name: str) -> list[float]:
    """The minutes at which its builds were decided."""
    return [(build.decided_at - found.start) / MINUTE for build in history(found, name).builds]


# How many of the 170 tables ask for which interval, in minutes. 40 more have none of their own.
SPREAD = {1440: 45, 120: 18, 60: 17, 24: 5, 360: 37, 720: 4, 30: 4}
TABLES = 170


def a_project() -> Project:
    """170 tables in five layers; those without an interval are read by one with an interval of an hour."""
    intervals = [minutes for minutes, count in SPREAD.items() for _ in range(count)]
    models: list[Model] = []
    for i in range(TABLES):
        minutes = intervals[i - 40] if i >= 40 else None
        reads = tuple(table(f"t{(i * 7 + n) % (i // 34 * 34)}") for n in range(2)) if i >= 68 else ()
        models.append(
            Model(
                table(f"t{i}"), f"s/t{i}.sql", Kind.QUERY, "duckdb", "",
                interval=None if minutes is None else minutes * MINUTE,
                upstream=tuple(dict.fromkeys(reads)) + ((table(f"t{i - 40}"),) if 40 <= i < 80 else ()),
                version=CODE,
            )
        )  # fmt: skip
    effective = effective_intervals(models)
    whole = [replace(model, effective_interval=effective.get(model.relation)) for model in models]
    return Project(Path(), "duckdb", {model.relation: model for model in whole})


@pytest.mark.parametrize("runs", [None, 1])
def test_a_day_of_170_tables_is_what_their_intervals_come_to(runs: int | None) -> None:
    project = a_project()
    found = simulate(Timetable.of(project), Scenario(NOW, DAY, runs=runs))
    asked = {m.relation: m.effective_interval for m in project if m.effective_interval is not None}
    assert len(asked) == TABLES
    # All are new at the start; from then on each is built once per interval.
    expected = {relation: math.ceil(DAY / interval) for relation, interval in asked.items()}
    assert {relation: len(h.builds) for relation, h in found.tables.items()} == expected
    assert found.builds == sum(expected.values()) == 2_200
    assert found.alerts == ()
    for relation, interval in asked.items():
        assert found.tables[relation].oldest <= interval + TICK + timedelta(minutes=5)


def test_a_day_that_begins_in_the_middle_of_the_intervals() -> None:
    project = a_project()
    states = {m.relation: State(NOW - i * 83 * SECOND, CODE) for i, m in enumerate(project)}
    found = simulate(Timetable.of(project), Scenario(NOW, DAY, states=states))
    for model in project:
        assert model.effective_interval is not None
        fewest = DAY / (model.effective_interval + 2 * TICK + MINUTE)
        assert fewest - 1 <= len(found.tables[model.relation].builds) <= math.ceil(DAY / model.effective_interval) + 1
        assert Reason.NEW not in found.tables[model.relation].reasons


def test_counts_are_exact_where_the_tick_divides_the_interval() -> None:
    found = run([timing("a", "", "24m"), timing("b", "a", "1h")])
    assert decided(found, "a") == [24 * n for n in range(60)]
    assert decided(found, "b") == [60 * n for n in range(24)]
    assert history(found, "b").reasons == {Reason.DUE: 23, Reason.NEW: 1}


def test_a_tick_between_is_too_early_and_the_next_one_is_it() -> None:
    found = run([timing("a", "", "1m")], hours=0.1, look_every=35 * SECOND)
    assert decided(found, "a") == [pytest.approx(n * 70 / 60) for n in range(6)]


def test_people_shops_cities() -> None:
    found = run([timing("people", "shops", "1h"), timing("shops", "cities", "1h"), timing("cities", "", "24h")], 48)
    assert {r.name: len(h.builds) for r, h in found.tables.items()} == {"cities": 2, "people": 48, "shops": 48}
    at_a_day = {r.name: h.builds[-24] for r, h in found.tables.items() if r.name != "cities"}
    cities = history(found, "cities").builds[-1]
    assert cities.decided_at == at_a_day["shops"].decided_at == at_a_day["people"].decided_at == at(24)
    assert cities.ended_at == at_a_day["shops"].started_at
    assert at_a_day["shops"].ended_at == at_a_day["people"].started_at
    assert found.runs == 48


def test_age_counts_from_the_decision() -> None:
    found = run([timing("a", "", "1h")], 2, seconds=600)
    assert decided(found, "a") == [0, 60]
    # Old rows are seen until the new ones are there.
    assert history(found, "a").oldest == 70 * MINUTE
    assert history(found, "a").share_older_than(HOUR) == pytest.approx(10 / 120)
    # 0 to 70 minutes, then 10 to 60.
    assert history(found, "a").mean_age / MINUTE == pytest.approx((70 * 35 + 50 * 35) / 120)


def test_after_a_stop_of_a_week_there_is_one_build_of_each() -> None:
    tables = [timing("a", "", "1h"), timing("b", "a", "24h"), timing("c", cron="0 * * * *")]
    found = run(tables, 24 * 8 + 1, stops=(Outage(at(1.5), at(1.5) + 7 * DAY),), seconds=1)
    back = 1.5 * 60 + 7 * 24 * 60
    for name in "abc":
        assert [moment for moment in decided(found, name) if 90 < moment <= back + 1] == [back]
    assert found.alerts == ()


def test_a_failing_table_is_tried_less_and_less_often_and_told_once() -> None:
    tables = [timing("bad", "", "30m"), timing("reader", "bad", "30m"), timing("stranger", "", "30m")]
    found = run(tables, 4, seconds=0, look_every=SECOND, failures=(Outage(at(0.9), at(3), table("bad")),))
    # Due at 60; then after 1, 2, 4, 8 and 16 minutes, and after that every 30.
    assert decided(found, "bad") == [0, 30, 60, 61, 63, 67, 75, 91, 121, 151, 181, 211]
    assert history(found, "bad").reasons == {Reason.RETRY: 8, Reason.DUE: 3, Reason.NEW: 1}
    assert history(found, "bad").failed == 8
    assert [(alert.relation, alert.at) for alert in found.alerts] == [(table("bad"), at(1))]
    assert decided(found, "reader") == [0, 30, 181, 211]
    assert decided(found, "stranger") == [30 * n for n in range(8)]


def test_each_streak_of_failures_is_told() -> None:
    failures = (Outage(at(1), at(1.2), table("a")), Outage(at(3), at(3.6), table("a")))
    found = run([timing("a", "", "30m")], 5, failures=failures)
    first, second = (alert.at for alert in found.alerts)
    assert at(1) <= first < at(1.1)
    assert at(3) <= second < at(3.6)


def test_an_edit_ends_the_back_off_and_is_built_at_once() -> None:
    found = run(
        [timing("a", "", "24h")],
        failures=(Outage(at(0), at(5), table("a")),),
        edits=(Edit(table("a"), at(5.01)), Edit(table("a"), at(7))),
    )
    moments = decided(found, "a")
    assert moments[-2:] == [pytest.approx(300.5, abs=0.5), 420]
    # After 1, 2, 4 … 128 minutes; ten seconds of work and the tick add half a minute to each.
    assert moments[-3] == 255 + 8 / 2
    assert history(found, "a").builds[-1].reason is Reason.CHANGED


def test_an_edit_while_it_is_built_is_built_again() -> None:
    found = run([timing("a", "", "24h")], seconds=600, edits=(Edit(table("a"), at(0.1)),))
    assert decided(found, "a") == [0, 10]
    assert history(found, "a").reasons == {Reason.NEW: 1, Reason.CHANGED: 1}


def test_a_failure_with_old_code_is_none_of_the_new() -> None:
    found = run(
        [timing("a", "", "24h")],
        seconds=600,
        failures=(Outage(at(0), at(0.05), table("a")),),
        edits=(Edit(table("a"), at(0.1)),),
    )
    assert decided(found, "a") == [0, 10]
    assert found.alerts == ()


def test_a_killed_run_holds_nothing() -> None:
    tables = [timing("a", "", "1h"), timing("b", "a", "1h"), timing("c", "", "1h")]
    found = run(tables, 3, seconds=300, stops=(Outage(at(1.05), at(1.1)),))
    killed = history(found, "a").builds[1]
    assert (killed.started_at, killed.ended_at, killed.is_good) == (at(1), at(1.05), False)
    # Found when the service is back, and tried a minute later; what had not begun has not failed.
    assert decided(found, "a") == [0, 60, 67, 127]
    assert history(found, "a").builds[2].reason is Reason.RETRY
    assert decided(found, "b") == [0, 67, 127]
    assert [alert.relation.name for alert in found.alerts] == ["a", "c"]


def test_a_failure_skips_what_depends_on_it_in_the_run_and_nothing_else() -> None:
    tables = [timing("a", "", "1h"), timing("b", "a", "1h"), timing("c", "b", "1h"), timing("d", "", "1h")]
    tables.append(timing("e", "d a", "24h"))
    found = run(tables, 1, runs=1, failures=(Outage(at(0), at(0.001), table("a")),))
    assert decided(found, "d") == [0]
    assert decided(found, "b") == decided(found, "c") == decided(found, "e") == [1.5]
    assert found.runs == 2


def test_with_one_run_at_a_time_nothing_is_asked_for_while_one_goes_on() -> None:
    tables = [timing("slow", "", "24h"), timing("quick", "", "2m")]
    alone = run(tables, 1, runs=1, seconds_of={table("slow"): 1200})
    assert decided(alone, "quick") == [0, *range(20, 60, 2)]
    beside = run(tables, 1, seconds_of={table("slow"): 1200})
    assert decided(beside, "quick") == list(range(0, 60, 2))


def test_further_runs_wait_in_a_queue() -> None:
    tables = [timing(name, "", "24h") for name in "abcde"]
    found = run(tables, 1, runs=2, seconds=60)
    started = sorted(round((h.builds[0].started_at - NOW) / MINUTE) for h in found.tables.values())
    assert started == [0, 0, 1, 1, 2]
    assert found.builds == 5


def test_a_run_builds_a_few_tables_at_a_time_the_heaviest_first() -> None:
    tables = [timing(f"t{n}", "", "24h", weight=n) for n in range(4)]
    found = run(tables, 1, runs=1, steps=1, seconds=60)
    assert [round((history(found, f"t{n}").builds[0].started_at - NOW) / MINUTE) for n in range(4)] == [3, 2, 1, 0]


def test_of_many_upstream_tables_one_is_always_running_and_the_reader_is_built_all_the_same() -> None:
    tables = [timing(f"up{n}", "", "4m") for n in range(4)]
    tables.append(timing("reader", "up0 up1 up2 up3", "10m"))
    states = {table(f"up{n}"): built(n * MINUTE) for n in range(4)} | {table("reader"): built(timedelta(0))}
    found = run(tables, 6, states=states, seconds=100, seconds_of={table("reader"): 1})
    assert history(found, "reader").oldest < 14 * MINUTE


def test_a_month_of_a_schedule() -> None:
    tables = [timing("report", "sums", cron="0 9 1 * *"), timing("sums")]
    found = run(tables, 24 * 95)
    months = [
        (build.decided_at.month, build.decided_at.day, build.decided_at.hour)
        for build in history(found, "report").builds
    ]
    assert months == [(3, 2, 12), (4, 1, 9), (5, 1, 9), (6, 1, 9)]
    assert history(found, "report").reasons == {Reason.SCHEDULED: 3, Reason.NEW: 1}
    assert history(found, "sums").reasons == {Reason.READ: 3, Reason.NEW: 1}


def test_within_their_hours_alone() -> None:
    hours = Calendar(conditions=(Condition(hours=frozenset(range(8, 18))),))
    found = run([timing("a", "", "1h", calendar=hours)], 48, states={table("a"): built(timedelta(0))})
    # From noon to five; then from eight to five; then from eight to eleven.
    assert [build.decided_at.hour for build in history(found, "a").builds] == [
        *range(13, 18),
        *range(8, 18),
        *range(8, 12),
    ]
    assert history(found, "a").oldest == 15 * HOUR + 10 * SECOND


def test_what_was_never_built_is_as_old_as_the_period() -> None:
    found = run([timing("a", "", "1h")], 2, failures=(Outage(NOW, at(9), table("a")),))
    assert history(found, "a").oldest == 2 * HOUR
    assert history(found, "a").share_older_than(HOUR) == 0.5


def test_states_at_the_start_count() -> None:
    found = run(
        [timing("a", "", "1h"), timing("b", "", "1h")],
        1,
        states={table("a"): built(30 * MINUTE), table("b"): built(MINUTE, version=OTHER_CODE)},
    )
    assert (decided(found, "a"), decided(found, "b")) == ([30], [0])
    assert history(found, "b").reasons == {Reason.CHANGED: 1}


def test_a_build_that_goes_on_at_the_end_is_counted() -> None:
    (build,) = history(run([timing("a", "", "24h")], 1, seconds=9999), "a").builds
    assert (build.ended_at, build.is_good) == (None, False)


@pytest.mark.parametrize("runs", [None, 1])
def test_half_a_year_of_months_that_a_schedule_builds(runs: int | None) -> None:
    months = parse_partition_by("month(at) from 2026-01")
    nine = Calendar("0 9 1 * *")
    timings = [
        Timing(table("trips"), calendar=nine, version=CODE, partitioning=months),
        Timing(table("clean"), (table("trips"),), calendar=nine, version=CODE, partitioning=months),
        Timing(table("total"), (table("clean"),), calendar=Calendar("0 10 1 * *"), version=CODE),
        timing("other", "", "7d"),
    ]
    found = run(timings, 24 * 182, runs=runs)
    # From the second of March to the end of August: those that have ended at once, then one at each tick.
    assert history(found, "trips").reasons == {Reason.SCHEDULED: 5, Reason.NEW: 1}
    assert history(found, "clean").reasons == {Reason.SCHEDULED: 5, Reason.NEW: 1}
    assert history(found, "total").reasons == {Reason.SCHEDULED: 5, Reason.NEW: 1}
    assert len(history(found, "other").builds) == 26


def test_days_that_an_interval_keeps_fresh_and_a_stop_of_three_of_them() -> None:
    days = parse_partition_by("day(at) from 2026-01-01")
    stop = Outage(at(30), at(102))
    found = run([timing("trips", "", "6h", partitioning=days)], 120, stops=(stop,))
    assert decided(found, "trips") == [hours * 60 for hours in (0, 6, 12, 18, 24, 102, 108, 114)]


def test_a_partition_that_fails_is_tried_less_and_less_often() -> None:
    months = parse_partition_by("month(at) from 2026-01")
    timings = [Timing(table("trips"), calendar=Calendar("0 9 1 * *"), version=CODE, partitioning=months)]
    found = run(timings, 24 * 40, failures=(Outage(at(24 * 29), at(24 * 40), table("trips")),))
    assert 10 < history(found, "trips").failed < 24
    assert len(found.alerts) == 1
