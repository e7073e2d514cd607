"""What holds on every engine for versions and putting one back; an engine's tests inherit it with their warehouse."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sqlmat_assets.errors import MaterializeError, SqlmatError
from sqlmat_assets.execution.events import Published
from sqlmat_assets.execution.retries import Retries
from sqlmat_assets.execution.undo import Step, choose_version, find_holdings, find_step, put_back
from sqlmat_assets.project.model import Model
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets_tests.children import Child
from sqlmat_assets_tests.recording import Killed, conflict, failing_at, kill, refuse
from sqlmat_assets_tests.tables import a_table, parts_of
from sqlmat_assets_tests.warehouses.literal_rows import table_of, table_of_numbers
from sqlmat_assets_tests.warehouses.parts import Parts, build, publish, rows

ROOT = Path(__file__).parents[2]
CITIES = Relation("first", "cities")
COUNT = 500


def cities(version: int, keep: int = 3, **settings: object) -> Model:
    """Every row says which version it is of."""
    tens, ones = table_of_numbers("a", "n", range(25)), table_of_numbers("b", "n", range(20))
    more = {"keep_versions": keep, **settings}
    sql = f"SELECT {version} AS version, a.n * 20 + b.n AS id FROM {tens} CROSS JOIN {ones}"
    return a_table(sql, description=f"v{version}", settings=more)


def versions(warehouse: Warehouse) -> list[tuple[object, ...]]:
    return rows(warehouse, "SELECT version, count(*) FROM first.cities GROUP BY 1")


def noted(warehouse: Warehouse, what: str = "tables") -> list[object]:
    """The runs in a table of records."""
    return [run for (run,) in rows(warehouse, f"SELECT run FROM _sqlmat.{what} ORDER BY published_at")]


def find(warehouse: Warehouse) -> Step:
    with warehouse.open_session() as session:
        holdings = find_holdings(session, None, warehouse.capabilities)
        record = holdings.records["first", "cities"]
        version = choose_version(record, holdings.versions_of(record.relation))
        assert version is not None
        return find_step(session, record, version, warehouse.capabilities)


def redo(warehouse: Warehouse) -> Step:
    """Back to the version that was undone."""
    with warehouse.open_session() as session:
        holdings = find_holdings(session, None, warehouse.capabilities)
        record = holdings.records["first", "cities"]
        (version,) = [one for one in holdings.versions_of(record.relation) if one.undone_at is not None]
        return find_step(session, record, version, warehouse.capabilities)


def do(warehouse: Warehouse, step: Step) -> None:
    with warehouse.open_session() as session:
        put_back(session, (step,), "undo", datetime.now(UTC), warehouse.capabilities)


def put_back_again(warehouse: Warehouse, step: Step) -> None:
    """As people do it, who have it tried again."""
    Retries().run(lambda: do(warehouse, step), lambda _seconds: None)


def undo(warehouse: Warehouse) -> None:
    do(warehouse, find(warehouse))


def go_to_and_fro(url: str) -> None:
    """What a child process does until it is killed: undo, and undo that."""
    warehouse = open_warehouse(url)
    print("started", flush=True)  # noqa: T201 - the test waits for it
    while True:
        undo(warehouse)
        with warehouse.open_session() as session:
            holdings = find_holdings(session, None, warehouse.capabilities)
            record = holdings.records["first", "cities"]
            (version,) = holdings.versions_of(record.relation)
            put_back(
                session,
                (find_step(session, record, version, warehouse.capabilities),),
                "redo",
                datetime.now(UTC),
                warehouse.capabilities,
            )


class UndoContract(Parts):
    def state(self, warehouse: Warehouse) -> tuple[object, ...]:
        """All that is kept: what is in place and noted of it, the names beside it, and what is noted of those."""
        return (
            versions(warehouse),
            noted(warehouse),
            sorted(self.names(warehouse)),
            noted(warehouse, "versions"),
            rows(warehouse, "SELECT table_name, partition_key, run FROM _sqlmat.partitions ORDER BY 1, 2"),
        )

    def test_the_last_versions_are_kept_and_no_more(self, warehouse: Warehouse) -> None:
        for number in range(1, 6):
            publish(warehouse, cities(number, keep=2), f"r{number}")
        assert versions(warehouse) == [(5, COUNT)]
        assert noted(warehouse, "versions") == ["r3", "r4"]
        assert len(self.names(warehouse)) == 3
        publish(warehouse, cities(6, keep=1), "r6")
        assert noted(warehouse, "versions") == ["r5"]
        assert len(self.names(warehouse)) == 2
        publish(warehouse, cities(7, keep=0), "r7")
        assert (noted(warehouse, "versions"), self.names(warehouse)) == ([], {"cities"})

    def test_nothing_is_kept_where_nobody_asks(self, warehouse: Warehouse) -> None:
        publish(warehouse, cities(1, keep=0), "r1")
        publish(warehouse, cities(2, keep=0), "r2")
        assert (noted(warehouse, "versions"), self.names(warehouse)) == ([], {"cities"})

    def test_an_undo_goes_one_back_and_the_next_one_further(self, warehouse: Warehouse) -> None:
        for number in (1, 2, 3):
            publish(warehouse, cities(number), f"r{number}")
        before = rows(warehouse, "SELECT published_at, inputs, code FROM _sqlmat.versions ORDER BY published_at")
        undo(warehouse)
        assert (versions(warehouse), noted(warehouse)) == ([(2, COUNT)], ["r2"])
        now = rows(warehouse, "SELECT published_at, inputs, code FROM _sqlmat.tables")
        assert now == before[1:]
        undo(warehouse)
        assert (versions(warehouse), noted(warehouse)) == ([(1, COUNT)], ["r1"])
        assert noted(warehouse, "versions") == ["r2", "r3"]
        with pytest.raises(AssertionError):
            undo(warehouse)

    def test_what_was_undone_is_not_put_back_by_the_next_undo(self, warehouse: Warehouse) -> None:
        for number in (1, 2):
            publish(warehouse, cities(number), f"r{number}")
        undo(warehouse)
        publish(warehouse, cities(3), "r3")
        assert noted(warehouse, "versions") == ["r1", "r2"]
        undo(warehouse)
        assert versions(warehouse) == [(1, COUNT)]

    def test_what_was_undone_goes_first_when_there_are_too_many(self, warehouse: Warehouse) -> None:
        for number in (1, 2):
            publish(warehouse, cities(number, keep=1), f"r{number}")
        undo(warehouse)
        publish(warehouse, cities(3, keep=1), "r3")
        assert noted(warehouse, "versions") == ["r1"]

    def test_an_undo_can_be_undone(self, warehouse: Warehouse) -> None:
        for number in (1, 2):
            publish(warehouse, cities(number), f"r{number}")
        undo(warehouse)
        do(warehouse, redo(warehouse))
        assert (versions(warehouse), noted(warehouse)) == ([(2, COUNT)], ["r2"])

    @pytest.mark.parametrize("how", [refuse, kill, conflict])
    def test_a_fault_at_every_statement_of_an_undo(self, warehouse: Warehouse, how: Callable[[str], None]) -> None:
        for number in (1, 2):
            publish(warehouse, cities(number), f"r{number}")
        before, number, is_over = self.state(warehouse), 0, False
        while not is_over:
            number = self.next_fault(number, how)
            faulty, sent = self.faulty(warehouse, failing_at(number, how))
            try:
                undo(faulty)
            except (SqlmatError, Killed):
                is_over = self.is_completed and self.state(warehouse) != before
                assert is_over or self.state(warehouse) == before, sent
                continue
            # Also where the engine's adapter has sent again at once what had failed.
            is_over = len(sent) < number
            if not is_over:
                do(warehouse, redo(warehouse))
        assert number > 10
        assert (versions(warehouse), noted(warehouse)) == ([(1, COUNT)], ["r1"])
        do(warehouse, redo(warehouse))
        after = self.state(warehouse)
        assert (after[0], after[1], after[3]) == (before[0], before[1], before[3])

    @pytest.mark.parametrize("how", [refuse, kill, conflict])
    def test_a_fault_at_every_statement_of_a_publish(self, warehouse: Warehouse, how: Callable[[str], None]) -> None:
        publish(warehouse, cities(1, keep=1), "r1")
        recorder, sent = self.faulty(warehouse, lambda _number, _sql: None)
        assert isinstance(build(recorder, cities(2, keep=1), "all"), Published)
        whole = 2
        for number in self.faults(len(sent), how):
            faulty, _ = self.faulty(warehouse, failing_at(number, how))
            try:
                last = build(faulty, cities(whole + 1, keep=1), f"r{whole + 1}", sleep=list[float]().append)
            except Killed:
                last = None
            whole += self.was_published(warehouse, last, f"r{whole + 1}")
            assert versions(warehouse) == [(whole, COUNT)], (number, last)
            assert len(noted(warehouse, "versions")) == 1
            kept = rows(warehouse, "SELECT kept_as FROM _sqlmat.versions")[0][0]
            assert rows(warehouse, f'SELECT DISTINCT version FROM first."{kept}"') == [(whole - 1,)]
            self.forget_processes(warehouse)
        publish(warehouse, cities(whole + 1, keep=1), "last")
        assert len(self.names(warehouse)) == 2

    def test_tables_that_are_changed_in_place_are_kept_whole(self, warehouse: Warehouse) -> None:
        model = cities(1, mode="merge", unique_key=("version", "id"))
        publish(warehouse, model, "r1")
        more = a_table("SELECT 2 AS version, 7 AS id", description="v2", settings=vars_of(model))
        publish(warehouse, more, "r2")
        assert sorted(map(str, versions(warehouse))) == sorted(map(str, [(1, COUNT), (2, 1)]))
        assert noted(warehouse, "versions") == ["r1"]
        undo(warehouse)
        assert (versions(warehouse), noted(warehouse)) == ([(1, COUNT)], ["r1"])
        publish(warehouse, more, "r3")
        assert sorted(map(str, versions(warehouse))) == sorted(map(str, [(1, COUNT), (2, 1)]))

    def test_partitions_are_those_of_the_version(self, warehouse: Warehouse) -> None:
        settings = {"partition_by": parts_of("day(made) from 2019-01-01 to 2019-01-03"), "keep_versions": 3}

        def made(version: int) -> Model:
            days = table_of("d", ["day"], ("'2019-01-01'",), ("'2019-01-02'",))
            return a_table(f"SELECT {version} AS version, CAST(day AS DATE) AS made FROM {days}", settings=settings)

        partitioning = settings["partition_by"]
        first, second = (partitioning.bounds(f"2019-01-0{day}") for day in (1, 2))  # pyright: ignore[reportAttributeAccessIssue] - it is one of time
        query = "SELECT partition_key, run, row_count FROM _sqlmat.partitions WHERE table_name = 'cities' ORDER BY 1"
        publish(warehouse, made(1), "r1", first, second)
        before = rows(warehouse, query)
        publish(warehouse, made(2), "r2", second)
        assert rows(warehouse, query) == [before[0], ("2019-01-02", "r2", 1)]
        undo(warehouse)
        assert rows(warehouse, query) == before
        assert rows(warehouse, "SELECT DISTINCT version FROM first.cities") == [(1,)]
        do(warehouse, redo(warehouse))
        assert rows(warehouse, query) == [before[0], ("2019-01-02", "r2", 1)]

    def test_a_table_becomes_a_view_and_is_kept(self, warehouse: Warehouse) -> None:
        publish(warehouse, cities(1), "r1")
        publish(warehouse, cities(2, mode="view"), "r2")
        assert (versions(warehouse), noted(warehouse)) == ([(2, COUNT)], ["r2"])
        publish(warehouse, cities(3, mode="view"), "r3")
        undo(warehouse)
        assert versions(warehouse) == [(2, COUNT)]
        undo(warehouse)
        assert (versions(warehouse), noted(warehouse)) == ([(1, COUNT)], ["r1"])
        with warehouse.open_session() as session:
            assert session.fetch_kinds("first")["cities"] == "table"

    def test_readers_see_one_version_or_the_other(self, warehouse: Warehouse) -> None:
        for number in (1, 2):
            publish(warehouse, cities(number), f"r{number}")
        seen = set[object]()
        is_over = threading.Event()

        def read() -> None:
            while not is_over.is_set():
                (found,) = versions(warehouse)
                assert found[1] == COUNT
                seen.add(found[0])

        def turn() -> None:
            try:
                for _ in range(self.changes // 4):
                    undo(warehouse)
                    do(warehouse, redo(warehouse))
            finally:
                is_over.set()

        self.in_threads(read, read, turn)
        assert seen <= {1, 2}
        assert versions(warehouse) == [(2, COUNT)]

    def test_a_run_that_publishes_at_the_same_moment(self, warehouse: Warehouse) -> None:
        publish(warehouse, cities(1), "r1")
        publish(warehouse, cities(2), "r2")
        undone = list[bool]()
        for number in range(3, 11):
            both = threading.Barrier(2)

            def put(both: threading.Barrier = both) -> None:
                step = find(warehouse)
                both.wait(30)
                try:
                    Retries().run(lambda: do(warehouse, step), lambda _seconds: None)
                    undone.append(True)
                except MaterializeError:
                    undone.append(False)

            def run(number: int = number, both: threading.Barrier = both) -> None:
                both.wait(30)
                publish(warehouse, cities(number), f"r{number}")

            self.in_threads(put, run)
            ((version, count),) = versions(warehouse)
            assert (count, noted(warehouse)) == (COUNT, [f"r{version}"])
            kept = rows(warehouse, "SELECT kept_as, run FROM _sqlmat.versions")
            assert len(kept) == len(self.names(warehouse)) - 1
            for name, maker in kept:
                assert rows(warehouse, f'SELECT DISTINCT version FROM first."{name}"') == [(int(str(maker)[1:]),)]
            if version != number:
                publish(warehouse, cities(number), f"r{number}")
        assert undone

    @pytest.mark.slow
    def test_a_process_that_is_killed_leaves_one_version_or_the_other(self, warehouse: Warehouse) -> None:
        for number in (1, 2):
            publish(warehouse, cities(number), f"r{number}")
        for pause in (0.05, 0.2, 0.35)[: self.kills]:
            with Child(go_to_and_fro, warehouse.label) as child:
                assert child.stdout.readline() == "started\n"
                threading.Event().wait(pause)
                child.kill()
            assert child.returncode == -signal.SIGKILL
            ((version, count),) = versions(warehouse)
            assert (count, noted(warehouse)) == (COUNT, [f"r{version}"])
            assert len(noted(warehouse, "versions")) == 1
            assert len(self.names(warehouse)) == 2
            if version == 1:
                do(warehouse, redo(warehouse))


def vars_of(model: Model) -> dict[str, object]:
    return {name: getattr(model.settings, name) for name in ("mode", "unique_key", "keep_versions")}
