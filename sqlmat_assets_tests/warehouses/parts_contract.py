"""What holds on every engine for tables that are built in parts; an engine's tests inherit it with their warehouse."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sqlmat_assets.execution.events import Discarded, Event, Published
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.piece import Piece
from sqlmat_assets.project.model import ColumnDoc, Model, RuleKind
from sqlmat_assets.project.partitions.ranges import Range, TimeRange
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets.warehouses.statements import create_schema, verbatim
from sqlmat_assets_tests.recording import Killed, conflict, failing_at, kill, refuse
from sqlmat_assets_tests.tables import a_check, a_context, a_rule, a_table, parts_of

ROOT = Path(__file__).parents[2]
TARGET = Relation("first", "trips")
# Three days of 400 rows each; the rows of a day have one version.
ROWS = 400
TWENTY = f"(VALUES {', '.join(f'({n})' for n in range(20))})"
DAYS = parts_of("day(made) from 2019-01-01 to 2019-01-03")
FIRST, SECOND, THIRD = (
    TimeRange(datetime(2019, 1, day, tzinfo=UTC), datetime(2019, 1, day + 1, tzinfo=UTC)) for day in (1, 2, 3)
)
ALL = TimeRange(FIRST.start, THIRD.end)
Fails = Callable[[int, str], None]
CHILD = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from sqlmat_assets_tests.warehouses.parts_contract import build_versions
build_versions(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
"""


def days(version: int) -> Model:
    """Every row says which version of the code made it."""
    ids = f"SELECT a.n * 20 + b.n AS id FROM {TWENTY} AS a(n) CROSS JOIN {TWENTY} AS b(n)"
    all_days = "(VALUES ('2019-01-01'), ('2019-01-02'), ('2019-01-03')) AS d(day)"
    sql = f"SELECT {version} AS version, CAST(d.day AS DATE) AS made, r.id FROM {all_days} CROSS JOIN ({ids}) AS r"
    return a_table(
        sql,
        a_check(
            f"SELECT count(*) % {ROWS} = 0 AS whole, min(version) = {version} AS new FROM first.trips", "whole", "new"
        ),
        name="first.trips",
        rules=(a_rule(RuleKind.UNIQUE, "made", "id"),),
        settings={"partition_by": DAYS},
    )


def trips(sql: str, **settings: object) -> Model:
    return a_table(sql, name="first.trips", settings=settings)


def build(warehouse: Warehouse, model: Model, run: str, *ranges: Range, **more: object) -> Event:
    return list(materialize(model, a_context(warehouse, run, **more), Piece(ranges or None)))[-1]


def publish(warehouse: Warehouse, model: Model, run: str, *ranges: Range) -> Published:
    last = build(warehouse, model, run, *ranges)
    assert isinstance(last, Published), last
    return last


def rows(warehouse: Warehouse, query: str) -> list[tuple[object, ...]]:
    with warehouse.open_session() as session:
        return list(session.fetch_rows(verbatim(query)).rows)


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


class PartsContract:
    def faulty(self, warehouse: Warehouse, fails: Fails) -> tuple[Warehouse, list[str]]:
        """The same warehouse, which fails when it is told to, and what it is sent."""
        raise NotImplementedError

    def forget_processes(self, warehouse: Warehouse) -> None:
        """Have the leases of all runs be those of processes that are gone; a run may have ended before it had one."""
        with warehouse.open_session() as session:
            if "leases" in session.fetch_kinds("_sqlmat"):
                session.execute(verbatim("UPDATE _sqlmat.leases SET pid = 4194304"))

    def names(self, warehouse: Warehouse) -> set[str]:
        with warehouse.open_session() as session:
            return set(session.fetch_kinds("first"))

    def left_overs(self, warehouse: Warehouse) -> list[str]:
        with warehouse.open_session() as session:
            return sorted(name for name in session.fetch_kinds("first") if "__sqlmat_" in name)

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
        for number, sql in enumerate(list(sent), 1):
            if how is refuse and 'AS "known_0"' in sql:
                continue  # asked for again, one check after the other
            recorder, _ = self.faulty(warehouse, failing_at(number, how))
            try:
                last = build(recorder, days(whole + 1), f"r{whole + 1}", FIRST, THIRD, sleep=list[float]().append)
            except Killed:
                last = None
            whole += isinstance(last, Published)
            assert isinstance(last, Published) == (how is conflict), (sql, last)
            expected = [(1, ROWS, whole, whole), (2, ROWS, 1, 1), (3, ROWS, whole, whole)]
            assert versions(warehouse) == expected, sql
            if how is kill:
                self.forget_processes(warehouse)
        whole += 1
        publish(warehouse, days(whole), f"r{whole}", FIRST, THIRD)
        assert versions(warehouse) == [(1, ROWS, whole, whole), (2, ROWS, 1, 1), (3, ROWS, whole, whole)]
        assert self.left_overs(warehouse) == []

    @pytest.mark.parametrize("how", [refuse, kill, conflict])
    def test_a_fault_at_every_statement_of_a_batch(self, warehouse: Warehouse, how: Callable[[str], None]) -> None:
        """Of a table that reads itself, that gets a column, and whose batch has a key twice."""

        def batch(number: int) -> Model:
            new = f"SELECT {number} AS id, 'new' AS name UNION ALL SELECT {number}, 'new' UNION ALL SELECT 0, 'zero'"
            sql = f"SELECT n.id, n.name, (SELECT max(id) FROM first.trips) AS last FROM ({new}) AS n"
            model = trips(sql, mode="merge", unique_key=("id",), on_match="update")
            return replace(model, columns=(ColumnDoc("id"), ColumnDoc("name"), ColumnDoc("last")))

        def ids() -> list[object]:
            if "trips" not in self.names(warehouse):
                return []
            return [each for (each,) in rows(warehouse, "SELECT id FROM first.trips ORDER BY 1")]

        with warehouse.open_session() as session:
            session.execute(create_schema("first"))
        expected: list[object] = []
        number = 0
        # Those of a first build, and then of one into the table that is there.
        for build_number in (1, 2):
            at = 0
            while True:
                at, number = at + 1, number + 1
                recorder, sent = self.faulty(warehouse, failing_at(at, how))
                try:
                    last = build(recorder, batch(number), f"r{number}", sleep=list[float]().append)
                except Killed:
                    last = None
                if isinstance(last, Published):
                    expected = sorted({0, *expected, number})  # type: ignore[type-var]
                assert ids() == expected, sent[at - 1 :]
                if how is kill:
                    self.forget_processes(warehouse)
                if len(sent) < at:
                    break
                if build_number == 1 and expected:
                    expected = []
                    with warehouse.open_session() as session:
                        session.execute(verbatim("DROP TABLE first.trips"))
                        session.execute(verbatim("DELETE FROM _sqlmat.tables"))
            assert expected
        publish(warehouse, batch(number + 1), "last")
        assert self.left_overs(warehouse) == []

    @pytest.mark.slow
    def test_killed_at_random_moments_no_range_is_half_replaced(self, warehouse: Warehouse) -> None:
        moments = random.Random(20260101)
        publish(warehouse, days(0), "r0", ALL)
        for attempt in range(1, 9):
            command = [sys.executable, "-c", CHILD, warehouse.label, str(1000 * attempt), "1000"]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
                assert child.stdout is not None
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

    def in_threads(self, *works: Callable[[], object]) -> None:
        failures: list[BaseException] = []

        def guarded(work: Callable[[], object]) -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - shown by the test
                failures.append(error)

        threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for failure in failures:
            raise failure

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

    def test_new_rows_are_merged_and_present_ones_kept(self, warehouse: Warehouse) -> None:
        keep = {"mode": "merge", "unique_key": ("id",)}
        publish(warehouse, trips("SELECT 1 AS id, 'a' AS name UNION ALL SELECT 2, 'b'", **keep), "r1")
        publish(warehouse, trips("SELECT 'x' AS name, 2 AS id UNION ALL SELECT 'c', 3", **keep), "r2")
        assert rows(warehouse, "SELECT id, name FROM first.trips ORDER BY 1") == [(1, "a"), (2, "b"), (3, "c")]

    def test_present_rows_are_updated(self, warehouse: Warehouse) -> None:
        update = {"mode": "merge", "unique_key": ("id",), "on_match": "update"}
        publish(warehouse, trips("SELECT 1 AS id, 'a' AS name UNION ALL SELECT 2, 'b'", **update), "r1")
        for run in ("r2", "r3"):
            publish(warehouse, trips("SELECT 'x' AS name, 2 AS id UNION ALL SELECT 'c', 3", **update), run)
            assert rows(warehouse, "SELECT id, name FROM first.trips ORDER BY 1") == [(1, "a"), (2, "x"), (3, "c")]

    def test_a_batch_with_a_key_comes_in_once(self, warehouse: Warehouse) -> None:
        model = trips("SELECT 1 AS id UNION ALL SELECT 2", mode="append", unique_key=("id",))
        for run in ("r1", "r2"):
            publish(warehouse, model, run)
            assert rows(warehouse, "SELECT id FROM first.trips ORDER BY 1") == [(1,), (2,)]

    def test_merges_at_once_keep_each_key_once(self, warehouse: Warehouse) -> None:
        publish(warehouse, trips("SELECT 0 AS id", mode="merge", unique_key=("id",)), "r0")

        def work(number: int) -> Callable[[], object]:
            sql = f"SELECT 1 AS id UNION ALL SELECT {number}"
            model = trips(sql, mode="merge", unique_key=("id",))
            return lambda: [publish(warehouse, model, f"r{number}{n}") for n in range(4)]

        with warehouse.open_session():
            self.in_threads(work(10), work(20), work(30))
        assert rows(warehouse, "SELECT id FROM first.trips ORDER BY 1") == [(0,), (1,), (10,), (20,), (30,)]

    def test_columns_are_added_with_the_rows(self, warehouse: Warehouse) -> None:
        more = {"partition_by": DAYS, "on_schema_change": "add"}
        publish(warehouse, days(1), "r1", FIRST, SECOND)
        wide = trips(f"SELECT 'x' AS word, t.* FROM ({days(2).sql}) AS t", **more)
        publish(warehouse, wide, "r2", SECOND)
        found = rows(warehouse, "SELECT version, min(word), count(*) FROM first.trips GROUP BY 1 ORDER BY 1")
        assert found == [(1, None, ROWS), (2, "x", ROWS)]
