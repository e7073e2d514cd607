"""What holds on every engine for tables that are built in parts; an engine's tests inherit it with their warehouse."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from sqlmat_assets.execution.events import Discarded, Published
from sqlmat_assets.project.partitions.ranges import TimeRange
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets_tests.children import Child
from sqlmat_assets_tests.recording import Killed, conflict, failing_at, kill, refuse
from sqlmat_assets_tests.tables import a_check, a_table
from sqlmat_assets_tests.warehouses.merges_contract import MergesContract
from sqlmat_assets_tests.warehouses.parts import (
    ALL,
    DAYS,
    FIRST,
    ROWS,
    SECOND,
    THIRD,
    build,
    days,
    publish,
    rows,
    trips,
)

ROOT = Path(__file__).parents[2]


def versions(warehouse: Warehouse) -> list[tuple[object, ...]]:
    """The days, each with its rows and the versions that are in it."""
    query = "SELECT CAST(made AS DATE), count(*), min(version), max(version) FROM first.trips GROUP BY 1 ORDER BY 1"
    return [(day.day, *rest) for day, *rest in rows(warehouse, query) if isinstance(day, date)]


def noted(warehouse: Warehouse) -> list[tuple[object, ...]]:
    return rows(warehouse, "SELECT partition_key, run, row_count FROM _sqlmat.partitions ORDER BY 1")


def build_versions(url: str, first: int, count: int) -> None:
    """What a child process does: publish the second and the third day again and again."""
    warehouse = open_warehouse(url)
    print("started", flush=True)  # noqa: T201 - the test waits for it
    for number in range(first, first + count):
        publish(warehouse, days(number), f"p{number}", SECOND, THIRD)


class PartsContract(MergesContract):
    def test_a_range_is_replaced_and_nothing_else(self, warehouse: Warehouse) -> None:
        publish(warehouse, days(1), "r1", ALL)
        published = publish(warehouse, days(2), "r2", SECOND)
        assert versions(warehouse) == [(1, ROWS, 1, 1), (2, ROWS, 2, 2), (3, ROWS, 1, 1)]
        assert [(each.key, each.rows) for each in published.partitions] == [("2019-01-02", ROWS)]
        assert (published.rows, published.data_version) == (ROWS, None)
        assert noted(warehouse) == [("2019-01-01", "r1", ROWS), ("2019-01-02", "r2", ROWS), ("2019-01-03", "r1", ROWS)]
        assert rows(warehouse, "SELECT row_count, builds FROM _sqlmat.tables") == [(3 * ROWS, 2)]
        assert self.left_overs(warehouse) == []

    def test_the_same_range_again_gives_the_same_table(self, warehouse: Warehouse) -> None:
        publish(warehouse, days(1), "r1", ALL)
        before = rows(warehouse, "SELECT * FROM first.trips ORDER BY 2, 3")
        for run in ("r2", "r3"):
            publish(warehouse, days(1), run, FIRST, THIRD)
            assert rows(warehouse, "SELECT * FROM first.trips ORDER BY 2, 3") == before

    def test_ranges_may_come_in_any_order(self, warehouse: Warehouse) -> None:
        for number, each in enumerate((THIRD, FIRST, SECOND), 1):
            publish(warehouse, days(number), f"r{number}", each)
        assert versions(warehouse) == [(1, ROWS, 2, 2), (2, ROWS, 3, 3), (3, ROWS, 1, 1)]
        assert len(noted(warehouse)) == 3

    def test_a_check_that_fails_leaves_every_range(self, warehouse: Warehouse) -> None:
        publish(warehouse, days(1), "r1", ALL)
        bad = a_table(
            days(2).sql,
            a_check("SELECT min(made) > '2019-01-01' AS late FROM first.trips", "late"),
            name="first.trips",
            settings={"partition_by": DAYS},
        )
        last = build(warehouse, bad, "r2", FIRST, THIRD)
        assert isinstance(last, Discarded)
        assert str(last.error).endswith("`first.trips` still holds its previous rows")
        assert versions(warehouse) == [(day, ROWS, 1, 1) for day in (1, 2, 3)]
        assert {run for _, run, _ in noted(warehouse)} == {"r1"}
        assert self.left_overs(warehouse) == []
        # The check sees only the range that is built.
        assert isinstance(build(warehouse, bad, "r3", THIRD), Published)

    @pytest.mark.parametrize("how", [refuse, kill, conflict])
    def test_a_fault_at_every_statement(self, warehouse: Warehouse, how: Callable[[str], None]) -> None:
        publish(warehouse, days(1), "r1", ALL)
        recorder, sent = self.faulty(warehouse, lambda _number, _sql: None)
        assert isinstance(build(recorder, days(1), "all", FIRST, THIRD), Published)
        whole = 1
        for number in self.faults(len(sent), how):
            sql = sent[number - 1]
            if how is refuse and "sqlmat_rows" in sql:
                continue  # asked for again, one check after the other
            recorder, _ = self.faulty(warehouse, failing_at(number, how))
            try:
                last = build(recorder, days(whole + 1), f"r{whole + 1}", FIRST, THIRD, sleep=list[float]().append)
            except Killed:
                last = None
            whole += self.was_published(warehouse, last, f"r{whole + 1}")
            # What is refused when all is done already keeps nobody from it, where that comes to pass.
            if how is conflict or not self.is_completed:
                assert isinstance(last, Published) == (how is conflict), (sql, last)
            expected = [(1, ROWS, whole, whole), (2, ROWS, 1, 1), (3, ROWS, whole, whole)]
            assert versions(warehouse) == expected, sql
            if how is not conflict:
                # What could not be dropped is swept once the run has ended.
                self.forget_processes(warehouse)
        whole += 1
        publish(warehouse, days(whole), f"r{whole}", FIRST, THIRD)
        assert versions(warehouse) == [(1, ROWS, whole, whole), (2, ROWS, 1, 1), (3, ROWS, whole, whole)]
        assert self.left_overs(warehouse) == []

    @pytest.mark.slow
    def test_killed_at_random_moments_no_range_is_half_replaced(self, warehouse: Warehouse) -> None:
        moments = random.Random(20260101)
        publish(warehouse, days(0), "r0", ALL)
        for attempt in range(1, self.kills + 1):
            with Child(build_versions, warehouse.label, 1000 * attempt, 1000) as child:
                assert child.stdout.readline() == "started\n"
                time.sleep(moments.uniform(0.1, 0.6))
                child.kill()
            assert child.returncode == -signal.SIGKILL
            first, (_, *second), (_, *third) = versions(warehouse)
            assert first == (1, ROWS, 0, 0)
            assert second == third
            assert (second[0], second[1]) == (ROWS, second[2])
            publish(warehouse, days(1000 * attempt + 999), f"h{attempt}", SECOND, THIRD)
            assert self.left_overs(warehouse) == []

    def test_readers_never_see_a_range_half_replaced(self, warehouse: Warehouse) -> None:
        publish(warehouse, days(0), "r0", ALL)
        ended = threading.Event()
        seen: set[tuple[object, ...]] = set()

        def read() -> None:
            while not ended.is_set():
                first, second, third = versions(warehouse)
                assert first == (1, ROWS, 0, 0)
                assert second[1:] == third[1:]
                assert (second[1], second[2]) == (ROWS, second[3])
                seen.add(second)

        def write() -> None:
            try:
                for number in range(1, 16):
                    publish(warehouse, days(number), f"r{number}", SECOND, THIRD)
            finally:
                ended.set()

        with warehouse.open_session():
            self.in_threads(read, write)
        assert len(seen) > 3

    def test_runs_of_different_ranges_at_once(self, warehouse: Warehouse) -> None:
        """From the first build on, which only one of them can make."""

        def work(number: int, each: TimeRange) -> Callable[[], object]:
            return lambda: [publish(warehouse, days(number + n), f"r{number + n}", each) for n in range(4)]

        with warehouse.open_session():
            self.in_threads(work(10, FIRST), work(20, SECOND), work(30, THIRD))
        assert versions(warehouse) == [(1, ROWS, 13, 13), (2, ROWS, 23, 23), (3, ROWS, 33, 33)]
        assert [(key, run) for key, run, _ in noted(warehouse)] == [
            ("2019-01-01", "r13"),
            ("2019-01-02", "r23"),
            ("2019-01-03", "r33"),
        ]
        assert rows(warehouse, "SELECT row_count FROM _sqlmat.tables") == [(3 * ROWS,)]

    def test_runs_of_the_same_range_at_once(self, warehouse: Warehouse) -> None:
        """The range has no rows at first, so that nothing but the record of the table is there to collide on."""
        publish(warehouse, days(0), "r0", FIRST)

        def work(number: int) -> Callable[[], object]:
            return lambda: [publish(warehouse, days(number + n), f"r{number + n}", SECOND) for n in range(4)]

        with warehouse.open_session():
            self.in_threads(work(10), work(20), work(30))
        first, second = versions(warehouse)
        assert first == (1, ROWS, 0, 0)
        assert (second[1], second[2]) == (ROWS, second[3])
        assert noted(warehouse)[1] == ("2019-01-02", f"r{second[2]}", ROWS)

    def test_columns_are_added_with_the_rows(self, warehouse: Warehouse) -> None:
        more = {"partition_by": DAYS, "on_schema_change": "add"}
        publish(warehouse, days(1), "r1", FIRST, SECOND)
        wide = trips(f"SELECT 'x' AS word, t.* FROM ({days(2).sql}) AS t", **more)
        publish(warehouse, wide, "r2", SECOND)
        found = rows(warehouse, "SELECT version, min(word), count(*) FROM first.trips GROUP BY 1 ORDER BY 1")
        assert found == [(1, None, ROWS), (2, "x", ROWS)]
