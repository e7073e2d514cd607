from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.conditions import Condition
from sqlmat_assets.project.due import Timetable, back_off, new_failures
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.reasons import Reason, Reasons
from sqlmat_assets.project.schedules import Calendar
from sqlmat_assets.project.timings import State, Timing
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.project.deciding import (
    NOW,
    OTHER_CODE,
    built,
    decide,
    groups,
    reasons,
    table,
    timing,
    verdict,
)

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


def test_what_was_never_built_is_built_at_once() -> None:
    decision = decide([timing("a", interval="24h")])
    assert groups(decision) == ["a"]
    assert verdict(decision, "a").reason is Reason.NEW


@pytest.mark.parametrize(
    ("age", "is_due"),
    [(HOUR - 0.6 * SECOND, False), (HOUR - 0.4 * SECOND, True), (HOUR, True), (HOUR + SECOND, True), (WEEK, True)],
)
def test_a_table_is_due_at_its_interval_exactly(age: timedelta, is_due: bool) -> None:
    decision = decide([timing("a", interval="1h")], a=built(age))
    assert verdict(decision, "a").reason is (Reason.DUE if is_due else Reason.FRESH)
    assert verdict(decision, "a").due_at == NOW - age + HOUR
    assert groups(decision) == (["a"] if is_due else [])


def test_changed_code_is_built_at_once_and_another_layout_of_it_is_not() -> None:
    hours = Calendar(conditions=(Condition(hours=frozenset({3})),))
    tables = [timing("a", interval="24h", calendar=hours)]
    changed = decide(tables, a=built(MINUTE, version=OTHER_CODE))
    assert groups(changed) == ["a"]
    assert verdict(changed, "a").reason is Reason.CHANGED
    same = built(MINUTE, version=CodeVersion("s1", "another layout", "30.30.0"))
    assert verdict(decide(tables, a=same), "a").reason is Reason.FRESH


def test_a_built_table_without_a_known_version_counts_as_changed() -> None:
    assert verdict(decide([timing("a", interval="24h")], a=built(MINUTE, version=None)), "a").reason is Reason.CHANGED


def test_without_a_version_of_the_files_nothing_ever_changes() -> None:
    decision = decide([timing("a", interval="24h", version=None)], a=built(MINUTE))
    assert verdict(decision, "a").reason is Reason.FRESH


def people(decided: tuple[timedelta, timedelta, timedelta]) -> list[str]:
    """`people 1h` reads shops, which has no interval, which reads `cities 24h`; each so old."""
    tables = [timing("people", "shops", "1h"), timing("shops", "cities", "1h"), timing("cities", "", "24h")]
    return groups(decide(tables, **dict(zip(("people", "shops", "cities"), map(built, decided), strict=True))))


def test_what_a_due_table_reads_is_brought_up_to_date_in_the_same_run_by_its_own_interval() -> None:
    assert people((HOUR, HOUR, HOUR)) == ["shops people"]
    assert people((HOUR, HOUR, DAY)) == ["cities shops people"]
    assert people((MINUTE, MINUTE, DAY)) == ["cities"]
    assert people((HOUR, MINUTE, MINUTE)) == ["people"]
    assert people((HOUR, MINUTE, DAY)) == ["cities", "people"]


def test_the_intervals_of_a_folder_are_those_of_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "first"
    folder.mkdir()
    (folder / "cities - 24h.sql").write_text("SELECT 1 AS city")
    (folder / "shops.sql").write_text("SELECT city FROM first.cities")
    (folder / "people - 1h.sql").write_text("SELECT city FROM first.shops")
    (folder / "broken - 1h.sql").write_text("SELEC 1")
    (folder / "reader - 1h.sql").write_text("SELECT a FROM first.broken")
    project = load_project(tmp_path)
    timetable = Timetable.of(project)
    heavy = {t.relation.name: (t.weight, t.interval) for t in timetable.timings}
    assert heavy["cities"] == (2, DAY)
    assert heavy["shops"] == (1, HOUR)
    states = {model.relation: State(NOW - 2 * HOUR, model.version) for model in project}
    decision = timetable.decide(states, NOW)
    assert [[r.name for r in group] for group in decision.groups] == [["shops", "people"]]
    assert decision.verdicts[Relation("first", "broken")].reason is Reason.QUARANTINED
    assert decision.verdicts[Relation("first", "reader")].reason is Reason.HELD


def test_a_processed_table_and_its_reader_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "trips - 1d.sql").write_text("CREATE TABLE first.trips (id bigint)")
    (tmp_path / "first" / "trips_select.sql").write_text("SELECT 1 AS id")
    (tmp_path / "first" / "trips.py").write_text("")
    (tmp_path / "first" / "cities - 24h.sql").write_text("SELECT id FROM first.trips")
    decision = Timetable.of(load_project(tmp_path)).decide({}, NOW)
    assert decision.groups == ((Relation("first", "trips"), Relation("first", "cities")),)


# Schedules


def test_a_scheduled_table_is_due_when_its_tick_is_later_than_its_build() -> None:
    tables = [timing("a", cron="0 9 * * *")]
    nine = NOW.replace(hour=9)
    early = decide(tables, a=built(NOW - nine + SECOND))
    assert (groups(early), verdict(early, "a").reason, verdict(early, "a").due_at) == (["a"], Reason.SCHEDULED, nine)
    at_the_tick = decide(tables, a=built(NOW - nine))
    assert (groups(at_the_tick), verdict(at_the_tick, "a").reason) == ([], Reason.FRESH)
    assert verdict(at_the_tick, "a").due_at == nine + DAY
    assert groups(decide(tables, nine - SECOND, a=built(NOW - nine + HOUR))) == []
    assert groups(decide(tables, nine, a=built(NOW - nine + HOUR))) == ["a"]


def test_many_missed_ticks_are_one_build() -> None:
    tables = [timing("a", cron="*/5 * * * *")]
    assert groups(decide(tables, a=built(WEEK))) == ["a"]
    assert groups(decide(tables, NOW + MINUTE, a=built(timedelta(0)))) == []


def test_a_scheduled_table_refreshes_what_nothing_else_asks_for() -> None:
    tables = [
        timing("report", "sums", cron="0 9 * * *"),
        timing("sums", "raw hourly"),
        timing("raw"),
        timing("hourly", "far", "1h"),
        timing("far", "", "1h"),
        timing("stranger"),
    ]
    old = dict.fromkeys(["report", "sums", "raw", "stranger"], built(DAY))
    fresh = dict.fromkeys(["hourly", "far"], built(MINUTE))
    decision = decide(tables, **old, **fresh)
    assert groups(decision) == ["raw sums report"]
    assert verdict(decision, "raw").reason is verdict(decision, "sums").reason is Reason.READ
    assert verdict(decision, "raw").due_at == NOW.replace(hour=9)
    assert verdict(decision, "stranger").reason is Reason.UNASKED
    after_the_tick = decide(tables, **{**old, "raw": built(HOUR)}, **fresh)
    assert groups(after_the_tick) == ["sums report"]
    at_the_tick = decide(tables, **{**old, "raw": built(3 * HOUR)}, **fresh)
    assert groups(at_the_tick) == ["sums report"]
    assert groups(decide(tables, **{**old, "report": built(HOUR)}, **fresh)) == []


def test_of_two_ticks_the_later_counts() -> None:
    tables = [
        timing("daily", "sums", cron="0 9 * * *"),
        timing("often", "sums", cron="0 * * * *"),
        timing("sums"),
    ]
    decision = decide(tables, daily=built(DAY), often=built(HOUR), sums=built(30 * MINUTE))
    assert groups(decision) == ["sums daily often"]


def test_a_table_that_nothing_asks_for_is_built_when_it_is_new_or_changed() -> None:
    tables = [timing("a"), timing("b"), timing("c")]
    decision = decide(tables, a=built(WEEK), b=built(WEEK, version=OTHER_CODE))
    assert reasons(decision) == {"a": "nothing asks for it", "b": "changed", "c": "new"}


# Hours


def test_outside_its_hours_a_due_table_is_left_alone_until_they_begin() -> None:
    hours = Calendar(conditions=(Condition(hours=frozenset(range(8, 12))),))
    tables = [timing("a", interval="1h", calendar=hours)]
    outside = decide(tables, a=built(2 * HOUR))
    assert (groups(outside), verdict(outside, "a").reason) == ([], Reason.OUTSIDE)
    assert verdict(outside, "a").due_at == verdict(outside, "a").next_at == datetime(2026, 3, 3, 8, tzinfo=UTC)
    inside = decide(tables, NOW - SECOND, a=built(2 * HOUR))
    assert groups(inside) == ["a"]
    fresh = decide(tables, NOW - SECOND, a=built(30 * MINUTE))
    assert verdict(fresh, "a").due_at == datetime(2026, 3, 3, 8, tzinfo=UTC)


def test_a_new_table_and_its_retries_do_not_wait_for_hours_and_other_retries_do() -> None:
    tables = [timing("a", interval="1h", calendar=Calendar(conditions=(Condition(hours=frozenset({8})),)))]
    assert groups(decide(tables)) == ["a"]
    failed: dict[str, Any] = {"failures": 1, "failed_at": NOW - MINUTE}
    assert verdict(decide(tables, a=State(**failed)), "a").reason is Reason.RETRY
    assert verdict(decide(tables, a=State(failures=1, failed_at=NOW)), "a").next_at == NOW + MINUTE
    later = verdict(decide(tables, a=built(DAY, **failed)), "a")
    assert (later.reason, later.next_at) == (Reason.OUTSIDE, datetime(2026, 3, 3, 8, tzinfo=UTC))
    soon = verdict(decide(tables, a=built(DAY, failures=1, failed_at=NOW)), "a")
    assert (soon.reason, soon.next_at) == (Reason.BACKING_OFF, datetime(2026, 3, 3, 8, tzinfo=UTC))


# Failures


def test_back_off_doubles_up_to_the_interval() -> None:
    minutes = [back_off(failures, 20 * MINUTE) / MINUTE for failures in range(1, 8)]
    assert minutes == [1, 2, 4, 8, 16, 20, 20]
    assert [back_off(failures, MINUTE) / MINUTE for failures in (1, 2, 5, 1000)] == [1, 2, 15, 15]
    assert back_off(1000, None) == DAY
    assert back_off(1000, WEEK) == WEEK


@pytest.mark.parametrize(("waited", "is_retried"), [(119.4, False), (119.6, True), (120, True)])
def test_a_failed_table_is_tried_again_after_its_back_off(waited: float, is_retried: bool) -> None:
    failed = built(2 * HOUR, failures=2, failed_at=NOW - waited * SECOND)
    decision = decide([timing("a", interval="1h")], a=failed)
    found = verdict(decision, "a")
    assert found.reason is (Reason.RETRY if is_retried else Reason.BACKING_OFF)
    assert found.next_at == (None if is_retried else NOW + (120 - waited) * SECOND)
    assert (found.failures, found.due_at) == (2, NOW - HOUR)


def test_a_failed_table_is_retried_although_it_is_not_old() -> None:
    failed = built(MINUTE, failures=1, failed_at=NOW - MINUTE)
    assert verdict(decide([timing("a", interval="24h")], a=failed), "a").reason is Reason.RETRY
    assert verdict(decide([timing("a")], a=failed), "a").reason is Reason.RETRY


def test_a_table_whose_upstream_failed_is_held_and_strangers_are_not() -> None:
    tables = [
        timing("bad", "", "1h"),
        timing("mid", "bad", "1h"),
        timing("end", "mid", "1h"),
        timing("other", "", "1h"),
    ]
    old = dict.fromkeys(["mid", "end", "other"], built(2 * HOUR))
    failed = built(2 * HOUR, failures=3, failed_at=NOW)
    decision = decide(tables, bad=failed, **old)
    assert groups(decision) == ["other"]
    assert (verdict(decision, "mid").reason, verdict(decision, "mid").waits_for) == (Reason.HELD, (table("bad"),))
    assert (verdict(decision, "end").reason, verdict(decision, "end").waits_for) == (Reason.HELD, (table("mid"),))
    # What is not due is simply fresh.
    fresh = decide(tables, bad=failed, **{**old, "mid": built(MINUTE)})
    assert groups(fresh) == ["end", "other"]
    retried = decide(tables, bad=built(2 * HOUR, failures=3, failed_at=NOW - HOUR), **old)
    assert groups(retried) == ["bad mid end", "other"]
    assert verdict(retried, "bad").reason is Reason.RETRY


def test_a_table_may_go_on_with_the_rows_that_its_upstream_has() -> None:
    tables = [timing("bad", "", "1h"), timing("mid", "bad", "1h", ignores_failed_upstream=True)]
    failure: dict[str, Any] = {"failures": 1, "failed_at": NOW}
    assert groups(decide(tables, bad=built(2 * HOUR, **failure), mid=built(2 * HOUR))) == ["mid"]
    assert groups(decide(tables, bad=State(**failure), mid=built(2 * HOUR))) == []


def test_what_depends_on_a_quarantined_table_is_held_however_far() -> None:
    tables = [
        timing("broken", "", "1h", is_quarantined=True),
        timing("mid", "broken", "24h"),
        timing("end", "mid", "1h"),
        timing("brave", "broken", "1h", ignores_failed_upstream=True),
        timing("report", "sums broken", cron="0 9 * * *"),
        timing("sums"),
    ]
    decision = decide(
        tables,
        broken=built(DAY),
        mid=built(HOUR),
        end=built(DAY),
        brave=built(DAY),
        report=built(DAY),
        sums=built(DAY),
    )
    assert groups(decision) == []
    assert verdict(decision, "broken").reason is Reason.QUARANTINED
    assert verdict(decision, "mid").reason is Reason.FRESH
    for name in ("end", "brave", "report"):
        assert verdict(decision, name).reason is Reason.HELD
        assert verdict(decision, name).waits_for == (table("broken"),)
    assert verdict(decision, "sums").reason is Reason.UNASKED


def test_one_alert_for_each_streak() -> None:
    tables = [timing("a", interval="1h"), timing("b", interval="1h")]
    one, two = (built(HOUR, failures=n, failed_at=NOW) for n in (1, 2))
    first = decide(tables, b=one, a=one)
    assert new_failures(first, ()) == (table("a"), table("b"))
    again = decide(tables, b=two, a=built(HOUR, failures=2, failed_at=NOW, run="r1"))
    assert new_failures(again, {table("a")}) == (table("b"),)
    assert new_failures(decide(tables, a=built(HOUR)), ()) == ()


# A clock that was set back


@pytest.mark.parametrize(
    "tables",
    [
        [timing("a", interval="1h")],
        [timing("a", cron="0 9 1 * *")],
        [timing("a"), timing("b", "a", cron="0 9 * * *")],
        [timing("a", interval="1h", calendar=Calendar(conditions=(Condition(hours=frozenset({12})),)))],
    ],
)
def test_a_table_does_not_wait_for_a_clock_that_was_set_back(tables: list[Timing]) -> None:
    after = decide(tables, a=built(-3 * HOUR), b=built(DAY))
    assert "a" in groups(after)[0].split()
    again = decide(tables, NOW + MINUTE, a=built(timedelta(0)), b=built(timedelta(0)))
    assert groups(again) == []


def test_clocks_that_differ_by_seconds_build_nothing_twice() -> None:
    assert verdict(decide([timing("a", interval="1h")], a=built(-MINUTE)), "a").reason is Reason.FRESH


def test_a_failure_does_not_wait_for_a_clock_that_was_set_back() -> None:
    tables = [timing("a", interval="1h")]
    failed = built(-3 * HOUR, failures=1, failed_at=NOW + 3 * HOUR)
    assert verdict(decide(tables, a=failed), "a").reason is Reason.RETRY
    again = built(-3 * HOUR, failures=2, failed_at=NOW)
    assert verdict(decide(tables, a=again), "a").next_at == NOW + 2 * MINUTE


# Runs


def test_what_a_run_is_building_is_not_built_again_and_what_reads_it_waits() -> None:
    tables = [timing("a", "", "1h"), timing("b", "a", "1h"), timing("c", "b", "1h"), timing("d", "", "1h")]
    decision = decide(tables, a=built(2 * HOUR, run="r7"), b=built(2 * HOUR), c=built(2 * HOUR), d=built(2 * HOUR))
    assert groups(decision) == ["d"]
    assert (verdict(decision, "a").reason, verdict(decision, "a").run) == (Reason.RUNNING, "r7")
    assert (verdict(decision, "b").reason, verdict(decision, "b").waits_for) == (Reason.WAITING, (table("a"),))
    assert (verdict(decision, "c").reason, verdict(decision, "c").waits_for) == (Reason.WAITING, (table("b"),))
    assert groups(decide(tables, a=State(run="r7"), b=State(), c=State(), d=built(MINUTE))) == []


def test_a_build_that_waits_holds_nothing_that_is_fresh() -> None:
    tables = [timing("a", "", "1h"), timing("b", "a", "24h"), timing("c", "b", "1h")]
    decision = decide(tables, a=built(HOUR, run="r7"), b=built(HOUR), c=built(HOUR))
    assert groups(decision) == ["c"]


def test_a_table_waits_for_what_was_due_before_it_alone() -> None:
    tables = [timing("a", "", "30m"), timing("b", "a", "1h")]
    old = built(HOUR + MINUTE)
    assert groups(decide(tables, b=old, a=built(31 * MINUTE, run="r7"))) == []
    assert groups(decide(tables, b=old, a=built(30.5 * MINUTE, run="r7"))) == ["b"]
    # Built for another reason than its age, or failing: as much as what was due before.
    assert groups(decide(tables, b=old, a=built(MINUTE, run="r7"))) == []
    assert groups(decide(tables, b=old, a=built(30.5 * MINUTE, run="r7", version=OTHER_CODE))) == []
    assert groups(decide(tables, b=old, a=built(30.5 * MINUTE, run="r7", failures=1, failed_at=NOW))) == []
    assert groups(decide(tables, b=built(MINUTE, version=OTHER_CODE), a=built(31 * MINUTE, run="r7"))) == []


def test_groups_are_connected_heaviest_first_and_in_order() -> None:
    tables = [
        timing("light", "", "1h", weight=0),
        timing("join", "left right", "1h", weight=0),
        timing("left", "", "1h", weight=1),
        timing("right", "", "1h", weight=5),
        timing("fresh", "right", "1h", weight=3),
        timing("leaf", "fresh", "1h", weight=2),
    ]
    old = dict.fromkeys(["light", "join", "left", "right", "leaf"], built(2 * HOUR))
    assert groups(decide(tables, **old, fresh=built(MINUTE))) == ["right left join", "leaf", "light"]
    chain = [timing("l", weight=4), timing("m", "l", weight=3), timing("heavy", weight=5), timing("n", "m heavy")]
    assert groups(decide(chain)) == ["heavy l m n"]


def test_a_circle_neither_hangs_nor_raises() -> None:
    tables = [timing("a", "c", "1h"), timing("b", "a", "1h"), timing("c", "b"), timing("d", "c d gone", "1h")]
    decision = decide(tables)
    assert sorted(decision.groups[0]) == [table("a"), table("b"), table("c"), table("d")]
    assert decide(tables, a=built(HOUR, failures=1, failed_at=NOW)).groups == ()


# The text


def test_reasons_as_text() -> None:
    a, b, c = map(table, "abc")
    assert str(Reasons.of({a: Reason.DUE, b: Reason.DUE})) == "due"
    mixed = {c: Reason.NEW, a: Reason.NEW, b: Reason.RETRY, table("d"): Reason.DUE, table("e"): Reason.DUE} | {
        table(f"f{n}"): Reason.DUE for n in range(3)
    }
    assert str(Reasons.of(mixed)) == "due; new: s.a, s.c; retry: s.b"


builds = st.sampled_from([reason for reason in Reason if reason.is_build])
# What a file can be called: anything without white space, dots and what separates an interval.
names = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="./-–—"), min_size=1, max_size=5)  # noqa: RUF001
relations = st.builds(Relation, names, names)


@given(st.dictionaries(relations, builds, max_size=6))
def test_reasons_survive_the_way_through_text(given_reasons: dict[Relation, Reason]) -> None:
    found = Reasons.parse(str(Reasons.of(given_reasons)))
    assert {relation: found.reason(relation) for relation in given_reasons} == given_reasons
    assert found == Reasons.of(given_reasons)


@given(st.text() | st.text("due; new: s.a,retry").map("due; ".__add__))
def test_a_text_that_is_none_is_no_harm(text: str) -> None:
    found = Reasons.parse(text)
    assert found == Reasons() or (found.commonest is not None and found.commonest.is_build)


@pytest.mark.parametrize(
    "text", ["", "held", "because", "due; ", "due; new", "due; new: a", "due; fresh: s.a", "; due"]
)
def test_junk_gives_no_reason(text: str) -> None:
    assert Reasons.parse(text) == Reasons()
    assert Reasons.parse(text).reason(table("a")) is None
