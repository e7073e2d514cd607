"""Views have no age: what reads them reads what they read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sqlmat_assets.project.due import Timetable
from sqlmat_assets.project.due_partitions import BuiltPartitions
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Project
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.project.reasons import Reason, Reasons
from sqlmat_assets.project.simulate import Edit, Outage, Scenario, Simulation, simulate
from sqlmat_assets.project.timings import State, Timing
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

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
VIEW = "-- mode: view\n"


def load(root: Path, **files: str) -> Project:
    """`c__1h` is `s/c - 1h.sql`, `c_conf` is `s/c.conf`."""
    for name, text in files.items():
        stem = name.replace("__", " - ")
        path = root / "s" / (f"{stem.removesuffix('_conf')}.conf" if stem.endswith("_conf") else f"{stem}.sql")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return load_project(root)


def problems(root: Path, **files: str) -> list[str]:
    return [str(problem) for problem in load(root, **files).problems]


def view(name: str, reads: str = "") -> Timing:
    return timing(name, reads, is_view=True)


class TestIntervals:
    def test_a_view_passes_the_interval_of_its_readers_on_and_has_none(self, tmp_path: Path) -> None:
        project = load(
            tmp_path, a="select 1 as id", v=VIEW + "select id from s.a", w=VIEW + "from s.v", c__1h="select id from s.w"
        )
        assert project.problems == ()
        found = {model.relation.name: model.effective_interval for model in project}
        assert found == {"a": HOUR, "v": None, "w": None, "c": HOUR}

    def test_a_view_at_the_end_needs_none(self, tmp_path: Path) -> None:
        assert problems(tmp_path, a__1h="select 1 as id", v=VIEW + "select id from s.a") == []

    def test_a_table_that_only_views_read_needs_its_own(self, tmp_path: Path) -> None:
        assert problems(tmp_path, a="select 1 as id", v=VIEW + "select id from s.a", w=VIEW + "from s.v") == [
            "s/a.sql: `s.a` has no interval, and no table that reads it has one\n"
            "  hint: rename the file, say to `a - 24h.sql`, or set a `schedule`"
        ]

    def test_one_that_a_scheduled_table_reads_by_way_of_a_view_does_not(self, tmp_path: Path) -> None:
        scheduled = "-- schedule: 0 9 1 * *\nselect id from s.v"
        assert problems(tmp_path, a="select 1 as id", v=VIEW + "select id from s.a", c=scheduled) == []

    def test_an_interval_in_the_name_of_a_view_is_for_what_it_reads(self, tmp_path: Path) -> None:
        project = load(tmp_path, a="select 1 as id", v__2h=VIEW + "select id from s.a")
        assert list(map(str, project.problems)) == [
            "s/v - 2h.sql: warning: a view is as old as what it reads: `2h` only counts for tables below it that have "
            "no interval\n  hint: leave it out of the file's name, and give those tables an interval of their own"
        ]
        found = {model.relation.name: model.effective_interval for model in project}
        assert found == {"a": 2 * HOUR, "v": None}


class TestProblems:
    @pytest.mark.parametrize(
        ("setting", "key"),
        [
            ("partition_by: day(day) from 2019-01-01", "partition_by"),
            ("partitions_per_run: 2", "partitions_per_run"),
            ("unique_key: id", "unique_key"),
            ("on_match: update", "on_match"),
            ("order_by: id", "order_by"),
            ("on_change: rebuild", "on_change"),
            ("on_schema_change: add", "on_schema_change"),
            ("schedule: 0 9 * * *", "schedule"),
            ("conditions: hours 8-18", "conditions"),
            ("grace: 2h", "grace"),
            ("skip_unchanged: false", "skip_unchanged"),
            ("snapshots_interval: 24h", "snapshots_interval"),
            ("snapshots_stored_for: 90d", "snapshots_stored_for"),
            ("distkey: id", "distkey"),
            ("sortkey: id", "sortkey"),
            ("diststyle: all", "diststyle"),
        ],
    )
    def test_settings_that_a_view_cannot_have(self, tmp_path: Path, setting: str, key: str) -> None:
        found = problems(tmp_path, v=f"{VIEW}-- {setting}\nselect 1 as id, date '2019-01-01' as day")
        column = len(f"-- {key}: ") + 1
        assert found == [
            f"s/v.sql:2:{column}: `{key}` is for tables: a view has no rows of its own\n"
            f"  hint: remove `{key}`, or `mode = view`"
        ]

    def test_what_it_inherits_is_meant_for_others(self, tmp_path: Path) -> None:
        shared = "partition_by = day(day) from 2019-01-01\nschedule = 0 9 * * *\nsortkey = id\nunique_key = id\n"
        project = load(tmp_path, s_conf=shared, v=VIEW + "select id from other.a")
        assert project.problems == ()
        (model,) = project
        assert model.is_view
        assert model.settings.partition_by is None
        assert model.settings.schedule is None

    @pytest.mark.parametrize(
        ("sql", "expected"),
        [
            (
                VIEW + "select id from s.v",
                "s/v.sql: `s.v` is a view and reads itself\n  hint: set another `mode`, or read another table",
            ),
            (
                VIEW + "select id from o.t where at > @last_built",
                "s/v.sql:2:31: `@last_built` would leave out the older rows: each build replaces the whole table\n"
                "  hint: set `mode` to `append` or `merge`, or leave it out",
            ),
        ],
    )
    def test_queries_that_cannot_be_views(self, tmp_path: Path, sql: str, expected: str) -> None:
        assert problems(tmp_path, v=sql) == [expected]

    def test_a_check_on_the_result(self, tmp_path: Path) -> None:
        check = "-- on: result\nselect id > 0 as positive from s.v"
        (found,) = problems(tmp_path, v=VIEW + "select 1 as id", v_test=check)
        assert found == (
            "s/v_test.sql:2:1: `on: result` has no meaning for a view, which is always all of its rows\n"
            "  hint: remove the line"
        )

    def test_a_data_file_cannot_be_one(self, tmp_path: Path) -> None:
        (tmp_path / "s").mkdir()
        (tmp_path / "s" / "d.csv").write_text("id\n1\n", encoding="utf-8")
        assert problems(tmp_path, d_conf="mode = view\n") == [
            "s/d.conf:1:8: `mode` is for tables of a query: a data file is always loaded whole\n  hint: remove `mode`"
        ]


class TestVersions:
    def test_a_view_changes_with_the_code_of_what_it_reads(self, tmp_path: Path) -> None:
        files = {
            "a__1h": "select 1 as id",
            "v": VIEW + "from s.a",
            "w": VIEW + "from s.v",
            "c__1h": "select id from s.w",
        }
        before = {m.relation.name: m.version for m in load(tmp_path, **files)}
        comment = {m.relation.name: m.version for m in load(tmp_path, a__1h="select 1 as id -- a number")}
        changed = {m.relation.name: m.version for m in load(tmp_path, a__1h="select 1 as id, 2 as n")}
        for name in "avwc":
            old, same, new = before[name], comment[name], changed[name]
            assert old is not None
            assert same is not None
            assert new is not None
            assert old.is_same(same)
            assert old.is_same(new) is (name == "c")

    def test_views_in_a_circle_load(self, tmp_path: Path) -> None:
        assert "circle" in problems(tmp_path, v=VIEW + "from s.w", w=VIEW + "from s.v")[0]


class TestDecisions:
    CHAIN = (timing("a", interval="24h"), view("v", "a"), timing("c", "v", "1h"))

    def test_it_is_built_when_it_is_new_or_changed_and_never_for_its_age(self) -> None:
        assert reasons(decide([*self.CHAIN]))["v"] == "new"
        all_built = {"a": built(MINUTE), "c": built(MINUTE)}
        assert reasons(decide([*self.CHAIN], v=built(MINUTE, version=OTHER_CODE), **all_built))["v"] == "changed"
        decision = decide([*self.CHAIN], v=built(1000 * HOUR), **all_built)
        assert reasons(decision)["v"] == "a view"
        assert groups(decision) == []

    def test_it_is_in_a_run_only_between_two_tables_of_it(self) -> None:
        old = {"v": built(1000 * HOUR), "c": built(HOUR)}
        assert groups(decide([*self.CHAIN], a=built(MINUTE), **old)) == ["c"]
        both = decide([*self.CHAIN], a=built(24 * HOUR), **old)
        assert groups(both) == ["a v c"]
        assert not verdict(both, "v").reason.is_build

    def test_views_of_views(self) -> None:
        tables = [timing("a", interval="1h"), view("v", "a"), view("w", "v"), timing("c", "w", "1h"), view("x", "c")]
        states = {"v": built(9 * HOUR), "w": built(9 * HOUR), "x": built(9 * HOUR)}
        assert groups(decide(tables, a=built(HOUR), c=built(HOUR), **states)) == ["a v w c"]

    def test_what_reads_it_waits_for_what_it_reads(self) -> None:
        old = {"v": built(1000 * HOUR), "c": built(HOUR)}
        running = decide([*self.CHAIN], a=State(NOW - 24 * HOUR, built(HOUR).version, run="r"), **old)
        assert (verdict(running, "c").reason, verdict(running, "c").waits_for) == (Reason.WAITING, (table("a"),))
        failed = built(24 * HOUR, failures=1, failed_at=NOW)
        held = decide([*self.CHAIN], a=failed, **old)
        assert (verdict(held, "c").reason, verdict(held, "c").waits_for) == (Reason.HELD, (table("a"),))

    def test_a_view_that_failed_holds_what_reads_it(self) -> None:
        failed = built(HOUR, version=OTHER_CODE, failures=1, failed_at=NOW)
        decision = decide([*self.CHAIN], a=built(MINUTE), v=failed, c=built(HOUR))
        assert reasons(decision) == {"a": "fresh", "v": "backing off", "c": "held"}

    def test_a_scheduled_table_asks_for_what_lies_behind_a_view(self) -> None:
        tables = [timing("a"), view("v", "a"), timing("c", "v", cron="0 11 * * *")]
        decision = decide(tables, a=built(24 * HOUR), v=built(24 * HOUR), c=built(24 * HOUR))
        assert reasons(decision) == {"a": Reason.READ, "v": "a view", "c": "scheduled"}
        assert groups(decision) == ["a v c"]

    def test_partitions_are_built_after_each_other(self) -> None:
        by = parse_partition_by("day(day) from 2026-03-01")
        tables = [
            timing("a", interval="1h", partitioning=by),
            view("v", "a"),
            timing("c", "v", "1h", partitioning=by),
        ]
        decision = decide(tables, v=built(HOUR))
        assert groups(decision) == ["a"]
        assert reasons(decision)["c"] == "waits for a running table"

    @pytest.mark.parametrize(("hours", "first"), [(40, "x"), (2, "a v c")])
    def test_the_first_run_is_the_one_that_is_due_longest(self, hours: int, first: str) -> None:
        by = parse_partition_by("n in (1, 2)")
        timetable = Timetable([*self.CHAIN, timing("x", interval="1h", partitioning=by)])
        states = {table(name): built(30 * HOUR) for name in "avc"}
        states[table("x")] = built(hours * HOUR, partitions=BuiltPartitions.of(by, ("1", "2")))
        found = timetable.first_run(timetable.decide(states, NOW))
        assert " ".join(relation.name for relation in found) == first

    def test_the_reasons_of_a_run_can_be_read_again(self) -> None:
        found = Reasons.of({table("a"): Reason.DUE, table("v"): Reason.VIEW, table("c"): Reason.DUE})
        assert str(found) == "due; a view: s.v"
        assert Reasons.parse(str(found)) == found
        assert Reason.VIEW.may_be_skipped
        assert not Reason.VIEW.is_build


class TestDays:
    CHAIN = TestDecisions.CHAIN

    def run(self, timings: tuple[Timing, ...] = CHAIN, **more: object) -> Simulation:
        scenario = replace(Scenario(NOW, 24 * HOUR), **more)  # type: ignore[arg-type] - of many types
        return simulate(Timetable(timings), scenario)

    @pytest.mark.parametrize("runs", [None, 1])
    def test_a_day(self, runs: int | None) -> None:
        found = self.run(runs=runs)
        assert {r.name: len(h.builds) for r, h in found.tables.items()} == {"a": 1, "v": 1, "c": 24}

    def test_what_lies_behind_it_is_built_before_what_reads_it(self) -> None:
        chain = (timing("a", interval="1h"), view("v", "a"), timing("c", "v", "1h"))
        found = self.run(chain)
        of_a, of_c = found.tables[table("a")].builds, found.tables[table("c")].builds
        assert len(of_a) == len(of_c) == 24
        for one, other in zip(of_a, of_c, strict=True):
            assert one.decided_at == other.decided_at
            assert one.ended_at is not None
            assert other.started_at >= one.ended_at

    def test_an_edit_builds_it_once_more(self) -> None:
        found = self.run(edits=(Edit(table("v"), NOW + 90 * MINUTE),))
        assert [build.reason for build in found.tables[table("v")].builds] == [Reason.NEW, Reason.CHANGED]

    def test_an_outage_of_what_lies_behind_it_holds_its_readers(self) -> None:
        chain = (timing("a", interval="1h"), view("v", "a"), timing("c", "v", "1h"))
        found = self.run(chain, failures=(Outage(NOW + 2 * HOUR, NOW + 5 * HOUR, table("a")),))
        inside = [b for b in found.tables[table("c")].builds if NOW + 2 * HOUR < b.started_at < NOW + 5 * HOUR]
        assert inside == []
        assert len(found.tables[table("v")].builds) == 1
