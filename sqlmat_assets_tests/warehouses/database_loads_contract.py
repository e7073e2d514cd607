"""What holds on every engine for tables that are loaded from a database, row by row as they come there."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sqlmat_assets.execution.events import Event, Published, Unchanged
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.piece import WHOLE, Piece
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.children import Child
from sqlmat_assets_tests.connectors.sources import Source, source_in_postgres
from sqlmat_assets_tests.execution.loading import LoadProject
from sqlmat_assets_tests.recording import Killed, conflict, failing_at, kill, refuse
from sqlmat_assets_tests.warehouses.parts import Parts

COLUMNS = "columns:\n  id: bigint\n  name: varchar(9)\n"
INCREMENTAL = f"table: orders\nstrategy: incremental\nkey: id\n{COLUMNS}"
FULL = Piece(is_full_refresh=True)
# An engine that refuses is met everywhere by other contracts; the end of a process is met at every statement.
SELDOM = 3
Rows = list[tuple[Any, ...]]


@dataclass
class Orders:
    """A table of a source that grows."""

    source: Source
    count: int = 0

    def __post_init__(self) -> None:
        self.source.send("CREATE TABLE orders (id bigint PRIMARY KEY, name varchar(9))")
        self.grow()

    def grow(self, by: int = 2) -> None:
        rows = ", ".join(f"({number}, 'n{number}')" for number in range(self.count, self.count + by))
        self.source.send(f"INSERT INTO orders VALUES {rows}")
        self.count += by

    def rows(self) -> Rows:
        return sorted(self.source.send("SELECT id, name FROM orders"), key=repr)


class DatabaseLoadsContract(Parts):
    @pytest.fixture
    def orders(self, postgres: Source) -> Orders:
        return Orders(postgres)

    @pytest.fixture
    def project(self, tmp_path: Path, orders: Orders, warehouse: Warehouse) -> LoadProject:
        return orders.source.project(tmp_path, INCREMENTAL, warehouse=warehouse)

    def left_overs_in(self, project: LoadProject) -> list[str]:
        with project.place.open_session() as session:
            return sorted(name for name in session.fetch_kinds("raw") if "__sqlmat_" in name)

    def build_or_be_killed(self, project: LoadProject, run: str, piece: Piece) -> Event | None:
        try:
            return list(materialize(project.model(), project.context(run), piece))[-1]
        except Killed:
            return None

    def test_rows_that_are_new(self, tmp_path: Path, source: Source, warehouse: Warehouse) -> None:
        orders = Orders(source)
        project = source.project(tmp_path, INCREMENTAL, warehouse=warehouse)
        assert project.published().rows == 2
        assert project.unchanged().statement is None
        orders.grow()
        assert project.published().rows == 2
        assert project.rows() == orders.rows()
        source.send("UPDATE orders SET name = 'other'")
        project.unchanged()
        assert project.published(FULL).rows == 4
        assert project.rows() == orders.rows()
        assert self.left_overs_in(project) == []

    @pytest.mark.parametrize("how", [refuse, kill, conflict])
    def test_a_fault_at_every_statement_loads_each_row_once(
        self, project: LoadProject, orders: Orders, how: Callable[[str], None]
    ) -> None:
        """Rows come, and the build ends at its n-th statement; the next one goes well."""
        project.published()
        assert self.fail_at_every_statement(project, orders, how, WHOLE) > 12

    @pytest.mark.parametrize("how", [refuse, kill])
    def test_a_fault_at_every_statement_of_a_reload(
        self, project: LoadProject, orders: Orders, how: Callable[[str], None]
    ) -> None:
        """All is read anew, from a source whose rows are others by now; what comes after it reads only what is new."""
        project.published()
        assert self.fail_at_every_statement(project, orders, how, FULL) > 12

    def fail_at_every_statement(
        self, project: LoadProject, orders: Orders, how: Callable[[str], None], piece: Piece
    ) -> int:
        warehouse, number = project.place, 0
        while True:
            number = self.next_fault(number, how) + (SELDOM - 1 if number and how is not kill else 0)
            before = project.rows()
            if piece is FULL:
                orders.source.send(f"UPDATE orders SET name = 'm{number}'")
            orders.grow()
            recorder, sent = self.faulty(warehouse, failing_at(number, how))
            project.warehouse = recorder
            last = self.build_or_be_killed(project, f"f{number}", piece)
            project.warehouse = warehouse
            after = project.rows()
            assert after in (before, orders.rows()), sent[number - 1 : number]
            assert isinstance(last, Published) or self.is_completed or after == before
            # Where the engine refuses to drop what was written, whoever comes once the run is over does.
            self.forget_processes(warehouse)
            # It reads only what is new, so that the rows and the note of them came together, or neither.
            end = project.build()
            assert isinstance(end, Unchanged) or (isinstance(end, Published) and end.rows == 2), end
            assert [row[0] for row in project.rows("id")] == [row[0] for row in orders.rows()]
            end = project.build(piece)
            assert isinstance(end, Published | Unchanged), end
            assert project.rows() == orders.rows(), sent[number - 1 : number]
            if len(sent) < number:
                break
        assert self.left_overs_in(project) == []
        return number

    def test_a_fault_at_every_statement_of_the_first_load(
        self, tmp_path: Path, orders: Orders, warehouse: Warehouse
    ) -> None:
        number = 0
        while True:
            number = self.next_fault(number, kill)
            project = orders.source.project(tmp_path, INCREMENTAL)
            project.warehouse, sent = self.faulty(warehouse, failing_at(number, kill))
            self.build_or_be_killed(project, f"f{number}", WHOLE)
            project.warehouse = warehouse
            self.forget_processes(warehouse)
            orders.grow()
            assert isinstance(project.build(), Published)
            assert project.rows() == orders.rows(), sent[number - 1 : number]
            assert self.left_overs_in(project) == []
            if len(sent) < number:
                break
            self.forget_table(warehouse)

    def forget_table(self, warehouse: Warehouse) -> None:
        with warehouse.open_session() as session:
            for statement in ("DROP TABLE raw.events", "DELETE FROM _sqlmat.tables", "DELETE FROM _sqlmat.loaded"):
                session.execute(verbatim(statement))

    def test_readers_see_all_of_a_load_or_nothing(self, project: LoadProject, orders: Orders) -> None:
        project.published()
        seen: list[int] = []
        is_over = threading.Event()

        def read() -> None:
            while not is_over.is_set():
                seen.append(len(project.rows("id")))

        def load() -> None:
            try:
                for number in range(max(4, self.changes // 8)):
                    orders.grow(by=10)
                    project.build(FULL if number % 4 == 3 else WHOLE)
            finally:
                is_over.set()

        self.in_threads(read, load)
        assert seen
        assert {count % 10 for count in seen} == {2}
        assert seen == sorted(seen)

    def test_two_runs_at_once_load_each_row_once(self, project: LoadProject, orders: Orders) -> None:
        project.published()
        for number in range(5):
            orders.grow()
            self.in_threads(*(partial(project.build, run=f"t{number}{run}") for run in "abc"))
            project.build()
            assert project.rows() == orders.rows()

    @pytest.mark.slow
    def test_killed_at_random_moments_each_row_is_loaded_once(self, project: LoadProject, orders: Orders) -> None:
        moments = random.Random(20260101)
        project.published()
        for _ in range(self.kills):
            given = (str(project.root), project.place.label, orders.source.url, orders.count)
            with Child(grow_and_load_again_and_again, *given) as child:
                assert child.stdout.readline() == "started\n"
                time.sleep(moments.uniform(0.1, 0.6))
                child.kill()
            assert child.returncode == -signal.SIGKILL
            orders.count = len(orders.rows())
            found = project.rows()
            assert len(found) == len(set(found))
            assert set(found) <= set(orders.rows())
            project.build()
            assert project.rows() == orders.rows()
            assert self.left_overs_in(project) == []


def grow_and_load_again_and_again(root: str, warehouse: str, url: str, count: int) -> None:
    """What a child process does: have rows come, load them, and so on."""
    source = source_in_postgres(url)
    project = source.project(Path(root), INCREMENTAL, warehouse=open_warehouse(warehouse))
    print("started", flush=True)  # noqa: T201 - the test waits for it
    while True:
        source.send(f"INSERT INTO orders VALUES ({count}, 'n{count}')")
        project.build(run=f"k{os.getpid()}n{count}")
        count += 1
