"""What holds on every engine for snapshots of tables."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from sqlmat_assets.execution.events import Discarded, Published, Snapshot, Unchanged
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.children import Child
from sqlmat_assets_tests.recording import Killed, conflict, failing_at, kill, refuse
from sqlmat_assets_tests.warehouses.literal_rows import table_of
from sqlmat_assets_tests.warehouses.parts import DAYS, FIRST, SECOND, Parts, rows, trips
from sqlmat_assets_tests.warehouses.parts import build as build_parts
from sqlmat_assets_tests.warehouses.snapshots import (
    DAY,
    HOUR,
    at,
    build,
    cities,
    hours,
    kept,
    last_of,
    times,
    version,
)

HISTORY = Relation("first", "cities_history")
ROOT = Path(__file__).parents[2]


def build_versions(url: str, first: int) -> None:
    """What a child process does: publish one version after the other, each with its snapshot."""
    warehouse = open_warehouse(url)
    print("started", flush=True)  # noqa: T201 - the test waits for it
    for number in range(first, first + 1000):
        build(warehouse, version(number), number * DAY, f"p{number}")


def taken(count: int) -> Snapshot:
    return Snapshot(HISTORY, count, 0)


NONE = Snapshot(HISTORY, None, 0)


class SnapshotsContract(Parts):
    def send(self, warehouse: Warehouse, *texts: str) -> None:
        with warehouse.open_session() as session:
            for text in texts:
                session.execute(verbatim(text))

    def test_rows_are_kept_with_the_moment_of_the_publish(self, warehouse: Warehouse) -> None:
        assert build(warehouse, version("a"), 0 * DAY, takes=7 * HOUR) == taken(2)
        assert build(warehouse, version("b"), 1 * DAY) == taken(2)
        found = rows(warehouse, "SELECT id, version FROM first.cities_history ORDER BY snapshot_timestamp, id")
        assert found == [(1, "a"), (2, "a"), (1, "b"), (2, "b")]
        assert times(warehouse) == hours(7, 24)
        with warehouse.open_session() as session:
            names = [name for name, _ in session.fetch_columns(HISTORY)]
        assert names == ["id", "version", "snapshot_timestamp"]

    def test_not_before_the_interval_has_passed(self, warehouse: Warehouse) -> None:
        moments = range(0, 73, 4)
        found = {hour: build(warehouse, version(hour), hour * HOUR).rows for hour in moments}
        assert [hour for hour, count in found.items() if count is not None] == [0, 24, 48, 72]
        assert kept(warehouse) == [(hour * HOUR, str(hour)) for hour in (0, 24, 48, 72)]

    def test_what_changed_early_and_not_since_is_kept_when_it_is_due(self, warehouse: Warehouse) -> None:
        build(warehouse, version("a"), 0 * HOUR)
        assert build(warehouse, version("b"), 1 * HOUR) == NONE
        for hour in (2, 12, 23):
            ended = last_of(version("b"), at(warehouse, hour * HOUR))
            assert isinstance(ended, Unchanged)
            assert (ended.statement is not None, ended.snapshot) == (True, NONE)
        ended = last_of(version("b"), at(warehouse, 24 * HOUR))
        assert isinstance(ended, Unchanged)
        assert ended.snapshot == taken(2)
        assert kept(warehouse) == [(0 * HOUR, "a"), (24 * HOUR, "b")]

    def test_so_it_is_where_the_table_is_not_even_built(self, warehouse: Warehouse) -> None:
        build(warehouse, version("a"), 0 * HOUR)
        build(warehouse, version("b"), 1 * HOUR)
        for hour, expected in ((23, NONE), (24, taken(2)), (48, NONE)):
            ended = last_of(version("b"), at(warehouse, hour * HOUR, is_due=True))
            assert isinstance(ended, Unchanged)
            assert (ended.statement, ended.snapshot) == (None, expected)
        assert kept(warehouse) == [(0 * HOUR, "a"), (24 * HOUR, "b")]

    def test_equal_rows_are_not_kept_again_also_where_others_were_between(self, warehouse: Warehouse) -> None:
        build(warehouse, version("a"), 0 * DAY)
        build(warehouse, version("b"), 1 * HOUR)
        assert [build(warehouse, version("a"), day * DAY) for day in (1, 2, 3)] == [NONE, NONE, NONE]
        assert build(warehouse, version("b"), 3 * DAY + HOUR) == taken(2)
        assert times(warehouse) == hours(0, 73)

    def test_each_day_at_about_the_same_time(self, warehouse: Warehouse) -> None:
        """Some seconds earlier or later leave no day out, and take none twice."""
        moments = random.Random(20240227)
        expected: list[str] = []
        for day in range(15):
            decided = day * DAY + timedelta(seconds=moments.uniform(0, 300))
            build(warehouse, version(day), decided, takes=timedelta(seconds=moments.uniform(1, 900)))
            build(warehouse, version(f"{day} again"), decided + 20 * HOUR)
            expected.append(str(day))
        assert [value for _, value in kept(warehouse)] == expected

    def test_what_is_taken_early_has_none_due_earlier(self, warehouse: Warehouse) -> None:
        """A table that is built every five minutes has one a day, not one every 23 hours and 50 minutes."""
        step = timedelta(minutes=5)
        build(warehouse, version("first"), 0 * DAY)
        for day in range(1, 6):
            for number in range(-4, 2):
                moment = day * DAY + number * step
                build(warehouse, version(moment), moment)
        assert times(warehouse)[1:] == [day * DAY - 2 * step for day in range(1, 6)]

    @pytest.mark.parametrize("changes", [1, 3, 100])
    def test_a_week_of_days(self, warehouse: Warehouse, changes: int) -> None:
        """The newest and those of the seven days before it: 8. Rows that stay the same are there as often as needed."""
        for day in range(18):
            build(warehouse, version(day // changes, DAY, 7 * DAY), day * DAY)
            wanted = [each for each in range(day + 1) if each % changes == 0 and each >= day - 7]
            found = [moment // DAY for moment in times(warehouse)]
            if changes < 7:
                assert found == wanted
            else:
                assert found == [day // 8 * 8]

    def test_old_ones_go_with_every_build(self, warehouse: Warehouse) -> None:
        build(warehouse, version("a", 7 * DAY, 8 * DAY), 0 * DAY)
        build(warehouse, version("b", 7 * DAY, 8 * DAY), 7 * DAY)
        assert build(warehouse, version("b", 7 * DAY, 8 * DAY), 8 * DAY) == NONE
        assert build(warehouse, version("c", 7 * DAY, 8 * DAY), 8 * DAY + HOUR) == Snapshot(HISTORY, None, 2)
        assert kept(warehouse) == [(7 * DAY, "b")]

    def test_where_nothing_is_said_they_stay(self, warehouse: Warehouse) -> None:
        for year in range(5):
            build(warehouse, version(year), 365 * year * DAY)
        assert len(times(warehouse)) == 5

    def test_without_the_setting_the_history_is_left_as_it_is(self, warehouse: Warehouse) -> None:
        build(warehouse, version("a"), 0 * DAY)
        ended = last_of(cities("SELECT 3 AS id", None, DAY), at(warehouse, 9 * DAY))
        assert isinstance(ended, Published)
        assert ended.snapshot is None
        assert kept(warehouse) == [(0 * DAY, "a")]
        assert build(warehouse, version("c"), 10 * DAY) == taken(2)

    def test_a_check_that_fails_takes_none(self, warehouse: Warehouse) -> None:
        build(warehouse, version("a", DAY, DAY), 0 * DAY)
        assert isinstance(last_of(cities("SELECT nothing", DAY, DAY), at(warehouse, 9 * DAY)), Discarded)
        assert kept(warehouse) == [(0 * DAY, "a")]

    def test_a_table_without_rows_counts_as_well(self, warehouse: Warehouse) -> None:
        none = "SELECT 1 AS id, 'x' AS version LIMIT 0"
        build(warehouse, version("a"), 0 * DAY)
        assert build(warehouse, cities(none), 1 * DAY) == taken(0)
        assert build(warehouse, version("b"), 25 * HOUR) == NONE
        assert build(warehouse, version("b"), 48 * HOUR) == taken(2)
        assert kept(warehouse) == [(0 * DAY, "a"), (2 * DAY, "b")]

    def test_a_history_that_somebody_drops_or_empties_begins_again(self, warehouse: Warehouse) -> None:
        build(warehouse, version("a"), 0 * DAY)
        self.send(warehouse, "DELETE FROM first.cities_history")
        assert build(warehouse, version("a"), 1 * HOUR) == taken(2)
        self.send(warehouse, "DROP TABLE first.cities_history")
        assert build(warehouse, version("a"), 2 * HOUR) == taken(2)
        assert kept(warehouse) == [(2 * HOUR, "a")]

    @pytest.mark.parametrize("type_", ["TIMESTAMP", "TIMESTAMP WITH TIME ZONE"])
    def test_a_history_that_is_there_is_continued(self, warehouse: Warehouse, type_: str) -> None:
        self.send(
            warehouse,
            "CREATE SCHEMA first",
            f"CREATE TABLE first.cities_history AS SELECT CAST('2024-02-26 12:00:00' AS {type_}) AS snapshot_timestamp,"
            " CAST('old' AS VARCHAR(20)) AS version",
            "SET TimeZone = 'Asia/Tokyo'",
        )
        with warehouse.open_session() as session:
            session.execute(verbatim("UPDATE first.cities_history SET snapshot_timestamp = '2024-02-26 12:00:00+00'"))
        assert build(warehouse, version("a"), 11 * HOUR) == NONE
        assert build(warehouse, version("b"), 12 * HOUR) == taken(2)
        utc = "EXTRACT(epoch FROM snapshot_timestamp) - 1708948800"
        found = rows(warehouse, f"SELECT DISTINCT {utc}, version FROM first.cities_history ORDER BY 1")
        assert found == [(0, "old"), (86400, "b")]
        # Those of a continued history go like any other.
        assert build(warehouse, version("c", DAY, DAY), 36 * HOUR) == Snapshot(HISTORY, 2, 1)

    @pytest.mark.parametrize(
        ("made", "said"),
        [
            ("TABLE first.cities_history AS SELECT 1 AS id", "has no column `snapshot_timestamp`"),
            (
                "TABLE first.cities_history AS SELECT 1 AS snapshot_timestamp",
                "has a column `snapshot_timestamp` of the type INT",  # or INTEGER, or INT64
            ),
            ("VIEW first.cities_history AS SELECT CURRENT_TIMESTAMP AS snapshot_timestamp", "which is a view"),
        ],
    )
    def test_what_is_no_history_is_refused_before_anything_is_built(
        self, warehouse: Warehouse, made: str, said: str
    ) -> None:
        last_of(cities("SELECT 1 AS id", None), at(warehouse, 0 * DAY))
        self.send(warehouse, f"CREATE {made}")
        recorder, sent = self.faulty(warehouse, lambda _number, _sql: None)
        ended = last_of(version("b"), at(recorder, 1 * DAY))
        assert isinstance(ended, Discarded)
        assert said.lower() in str(ended.error).lower()
        assert str(ended.error).endswith("`first.cities` still holds its previous rows")
        assert not any("cities__sqlmat_" in sql and "CREATE" in sql for sql in sent)
        assert rows(warehouse, "SELECT * FROM first.cities") == [(1,)]

    def test_a_table_of_the_project_is_no_history(self, warehouse: Warehouse) -> None:
        """Also where it has the column, and its file is gone."""
        other = cities("SELECT 1 AS id, TIMESTAMP '2024-01-01' AS snapshot_timestamp", None)
        other = type(other)(HISTORY, "first/cities_history.sql", other.kind, "duckdb", other.sql)
        last_of(other, at(warehouse, 0 * DAY))
        ended = last_of(version("a"), at(warehouse, 0 * DAY, "r2"))
        assert isinstance(ended, Discarded)
        assert "`first.cities_history`, a table that was built from a file" in str(ended.error)
        assert rows(warehouse, "SELECT count(*) FROM first.cities_history") == [(1,)]

    def test_a_column_with_the_name_of_the_moment_is_refused(self, warehouse: Warehouse) -> None:
        build(warehouse, version("a"), 0 * DAY)
        sql = "SELECT 1 AS id, 5 AS Snapshot_Timestamp"
        ended = last_of(cities(sql), at(warehouse, 1 * DAY))
        assert isinstance(ended, Discarded)
        assert "`first.cities` has a column `snapshot_timestamp`" in str(ended.error)
        assert rows(warehouse, "SELECT DISTINCT version FROM first.cities") == [("a",)]
        assert self.left_overs(warehouse) == []

    def test_a_name_that_is_too_long_for_the_history(self, warehouse: Warehouse) -> None:
        longest = warehouse.capabilities.max_identifier_bytes
        if longest > 1000:
            pytest.skip("the engine has names of any length")
        model = version("a")
        model = type(model)(Relation("first", "c" * (longest - 3)), model.path, model.kind, model.dialect, model.sql,
                            settings=model.settings)  # fmt: skip
        ended = last_of(model, at(warehouse, 0 * DAY))
        assert isinstance(ended, Discarded)
        assert f"a name longer than the {longest} bytes" in str(ended.error)

    @pytest.mark.parametrize("how", [refuse, kill, conflict])
    @pytest.mark.parametrize("is_new", [True, False])
    def test_a_fault_at_every_statement(
        self, warehouse: Warehouse, how: Callable[[str], None], *, is_new: bool
    ) -> None:
        """Table and history go together: what is published on a day is what is kept of it, once."""

        def versioned(day: int) -> str:
            extra = "" if is_new else f", {day} AS n" if day % 2 else f", '{day}' AS n"
            return f"SELECT '{day}' AS version{extra}"

        build(warehouse, cities(versioned(0), DAY, 3 * DAY), 0 * DAY)
        recorder, sent = self.faulty(warehouse, lambda _number, _sql: None)
        build(recorder, cities(versioned(1), DAY, 3 * DAY), 1 * DAY)
        assert any("cities_history" in sql and "INSERT" in sql for sql in sent)
        begins = max(number for number, sql in enumerate(sent, 1) if self.begins(sql))
        published = [0, 1]
        for number in self.faults(len(sent) + 2, how):
            if number < begins and not any(part in sent[number - 1] for part in ("_history", '"snapshots"')):
                continue  # as without snapshots
            day = number + 1
            if is_new:
                self.send(warehouse, "DROP TABLE IF EXISTS first.cities_history")
            recorder, _ = self.faulty(warehouse, failing_at(number, how))
            try:
                context = at(recorder, day * DAY, f"r{number}", sleep=list[float]().append)
                ended = last_of(cities(versioned(day), DAY, 3 * DAY), context)
            except Killed:
                # Where something is left to be done behind the commit, it may have been published all the same.
                ended = next(iter(rows(warehouse, f"SELECT run FROM _sqlmat.tables WHERE run = 'r{number}'")), None)
            published += [day] if isinstance(ended, Published | tuple) else []
            assert rows(warehouse, "SELECT version FROM first.cities") == [(str(published[-1]),)]
            there = "cities_history" in self.names(warehouse)
            found = [value for _, value in kept(warehouse)] if there else []
            expected = [str(each) for each in published if each >= published[-1] - 3]
            assert found == (expected if not is_new else expected[-1:] if published[-1] == day else []), number
            counted = rows(warehouse, "SELECT count(*) FROM first.cities_history") if there else [(0,)]
            assert counted == [(len(found),)]
            if how is kill:
                self.forget_processes(warehouse)
        build(warehouse, cities(versioned(999), DAY, 3 * DAY), 999 * DAY)
        assert kept(warehouse)[-1] == (999 * DAY, "999")
        assert self.left_overs(warehouse) == []

    @pytest.mark.slow
    def test_killed_at_random_moments(self, warehouse: Warehouse) -> None:
        moments = random.Random(20260201)
        build(warehouse, version(0), 0 * DAY)
        first = 1
        for _ in range(self.kills):
            with Child(build_versions, warehouse.label, first) as child:
                assert child.stdout.readline() == "started\n"
                time.sleep(moments.uniform(0.1, 0.8))
                child.kill()
            assert child.returncode == -signal.SIGKILL
            ((last,),) = rows(warehouse, "SELECT DISTINCT version FROM first.cities")
            assert kept(warehouse)[-1][1] == last
            first = int(str(last)) + 1
        found = kept(warehouse)
        assert [value for _, value in found] == [str(number) for number in range(first)]
        assert rows(warehouse, "SELECT count(*) FROM first.cities_history") == [(2 * first,)]

    def test_two_runs_at_once_take_one(self, warehouse: Warehouse) -> None:
        """From the first on, which makes the history, to those for which its columns change."""

        def work(name: str, day: int) -> Callable[[], object]:
            model = cities(f"SELECT '{name}' AS version, {day} AS day, {day} AS n{day}")
            return lambda: build(warehouse, model, day * DAY, f"{name}{day}")

        with warehouse.open_session():
            for day in range(6):
                self.in_threads(*(work(name, day) for name in ("a", "b", "c")))
        assert rows(warehouse, "SELECT day FROM first.cities_history ORDER BY 1") == [(day,) for day in range(6)]

    def test_all_of_a_table_in_parts_is_kept(self, warehouse: Warehouse) -> None:
        def table(number: int) -> str:
            days = table_of("d", ["made"], ("DATE '2019-01-01'",), ("DATE '2019-01-02'",))
            return f"SELECT {number} AS version, made FROM {days}"

        def model(number: int) -> object:
            return trips(table(number), partition_by=DAYS, snapshots_interval=DAY, on_schema_change="add")

        history = "SELECT version, count(*) FROM first.trips_history GROUP BY 1 ORDER BY 1"
        for number, part in ((1, FIRST), (2, SECOND)):
            ended = build_parts(warehouse, model(number), f"r{number}", part)  # type: ignore[arg-type] - the helper tells less than it gives
            assert isinstance(ended, Published)
        assert rows(warehouse, history) == [(1, 1)]
        self.send(warehouse, "UPDATE first.trips_history SET snapshot_timestamp = TIMESTAMP '2020-01-01'")
        ended = build_parts(warehouse, model(3), "r3", SECOND)  # type: ignore[arg-type] - the helper tells less than it gives
        assert isinstance(ended, Published)
        assert ended.snapshot == Snapshot(Relation("first", "trips_history"), 2, 0)
        assert rows(warehouse, history) == [(1, 2), (3, 1)]
