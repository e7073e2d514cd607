"""What holds on every engine for views; an engine's tests inherit it with their warehouse."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlglot import exp

from sqlmat_assets.errors import TerminalWarehouseError, WarehouseError
from sqlmat_assets.execution.events import Discarded, Published, Unchanged
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.project.model import ColumnDoc, Model
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements, statements
from sqlmat_assets.warehouses.base import ObjectKind, Session, Warehouse
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets_tests.children import Child
from sqlmat_assets_tests.recording import Killed, conflict, failing_at, kill, refuse
from sqlmat_assets_tests.tables import a_check, a_context, a_table
from sqlmat_assets_tests.warehouses.literal_rows import table_of_numbers
from sqlmat_assets_tests.warehouses.parts import Parts, rows

ROOT = Path(__file__).parents[2]
SEEN = Relation("first", "seen")
INTERMEDIATE = Relation("first", "seen__sqlmat_k3_new")
BACKUP = Relation("first", "seen__sqlmat_k3_old")
TEN = table_of_numbers("r", "id", range(10))


def a_view(version: int, **settings: object) -> Model:
    """Ten rows of one version, which is odd."""
    check = a_check("SELECT count(*) = 10 AS ten, min(version) = max(version) AS one FROM first.seen", "ten", "one")
    return a_table(
        f"SELECT {version} AS version, id FROM {TEN}",
        check,
        name="first.seen",
        settings={"mode": "view", **settings},
        description="what is seen",
        columns=(ColumnDoc("id", "the number"),),
    )


def as_a_table(version: int) -> Model:
    return a_view(version, mode="replace")


def of(number: int) -> Model:
    """Views have odd versions, tables even ones."""
    return a_view(number) if number % 2 else as_a_table(number)


def change_kinds(url: str, first: int, count: int) -> None:
    """What a child process does: have a table, a view, a table, a view …"""
    warehouse = open_warehouse(url)
    print("started", flush=True)  # noqa: T201 - the test waits for it
    for number in range(first, first + count):
        last = list(materialize(of(number), a_context(warehouse, f"p{number}")))[-1]
        assert isinstance(last, Published), last


def put(session: Session, target: Relation, kind: ObjectKind | None, query: str) -> None:
    if kind == "view":
        session.execute(row_statements.create_view(target, statements.verbatim(query)))
    elif kind == "table":
        session.write_rows(statements.create_table_as(target, query))


class ViewsContract(Parts):
    """Needs `faulty`, and `fetch_comments` where the engine has comments."""

    def fetch_comments(self, warehouse: Warehouse) -> tuple[object, object]:
        """Those of `first.seen` and of its column `id`."""
        raise NotImplementedError

    @pytest.mark.parametrize("in_place", ["table", "view", None])
    @pytest.mark.parametrize("becomes", ["table", "view"])
    def test_swap_puts_each_kind_in_the_place_of_each(
        self, warehouse: Warehouse, in_place: ObjectKind | None, becomes: ObjectKind
    ) -> None:
        with warehouse.open_session() as session:
            session.execute(statements.create_schema("first"))
            put(session, SEEN, in_place, "SELECT 1 AS a")
            put(session, INTERMEDIATE, becomes, "SELECT 2 AS a, 'x' AS b -- the end")
            with session.transaction():
                session.swap(SEEN, INTERMEDIATE, BACKUP, in_place, becomes)
            assert session.fetch_rows(exp.select("*").from_(statements.table(SEEN))).rows == [(2, "x")]
            assert session.fetch_kinds("first") == {"seen": becomes}

    @pytest.mark.parametrize("in_place", ["table", "view"])
    def test_swap_of_a_view_on_a_wrong_belief_changes_nothing(self, warehouse: Warehouse, in_place: ObjectKind) -> None:
        with warehouse.open_session() as session:
            session.execute(statements.create_schema("first"))
            put(session, SEEN, in_place, "SELECT 1 AS a")
            put(session, INTERMEDIATE, "view", "SELECT 2 AS a")
            beliefs: list[ObjectKind | None] = ["table" if in_place == "view" else "view", None]
            for belief in beliefs:
                with pytest.raises(TerminalWarehouseError), session.transaction():
                    session.swap(SEEN, INTERMEDIATE, BACKUP, belief, "view")
            assert session.fetch_rows(exp.select("a").from_(statements.table(SEEN))).rows == [(1,)]

    def test_the_views_of_the_database_are_told_with_their_sql(self, warehouse: Warehouse) -> None:
        with warehouse.open_session() as session:
            assert session.fetch_views() == ()
            for schema in ("first", "second"):
                session.execute(statements.create_schema(schema))
            put(session, Relation("first", "t"), "table", "SELECT 1 AS a")
            put(session, SEEN, "view", "SELECT a AS number FROM first.t")
            put(session, Relation("second", "v"), "view", "SELECT number FROM first.seen")
            found = dict(session.fetch_views())
        assert sorted(found) == [SEEN, Relation("second", "v")]
        assert "number" in found[SEEN]
        assert "seen" in found[Relation("second", "v")]

    def test_it_is_published_with_its_comments(self, warehouse: Warehouse) -> None:
        last = list(materialize(a_view(1), a_context(warehouse)))[-1]
        assert isinstance(last, Published)
        assert (last.rows, last.data_version) == (None, None)
        assert rows(warehouse, "SELECT count(*), max(version) FROM first.seen") == [(10, 1)]
        assert rows(warehouse, "SELECT row_count FROM _sqlmat.tables") == [(None,)]
        with warehouse.open_session() as session:
            assert session.fetch_kinds("first") == {"seen": "view"}
        if warehouse.capabilities.has_comments:
            assert self.fetch_comments(warehouse) == ("what is seen", "the number")

    def test_a_view_of_people_reads_what_is_swapped_below_it(self, warehouse: Warehouse) -> None:
        list(materialize(as_a_table(0), a_context(warehouse, "r0")))
        with warehouse.open_session() as session:
            put(session, Relation("first", "mine"), "view", "SELECT max(version) AS newest FROM first.seen")
            put(session, Relation("first", "far"), "view", "SELECT newest + 1 AS next FROM first.mine")
        for number in range(1, 5):
            assert isinstance(list(materialize(of(number), a_context(warehouse, f"r{number}")))[-1], Published)
            assert rows(warehouse, "SELECT next FROM first.far") == [(number + 1,)]

    def test_a_publish_that_would_break_a_view_of_people_is_refused(self, warehouse: Warehouse) -> None:
        list(materialize(as_a_table(0), a_context(warehouse, "r0")))
        with warehouse.open_session() as session:
            put(session, Relation("first", "mine"), "view", "SELECT max(version) AS newest FROM first.seen")
            put(session, Relation("first", "far"), "view", "SELECT newest + 1 AS next FROM first.mine")
        for mode in ("replace", "view"):
            model = a_table("SELECT 1 AS id", name="first.seen", settings={"mode": mode})
            last = list(materialize(model, a_context(warehouse, mode)))[-1]
            assert isinstance(last, Discarded)
            assert "`first.far`" in str(last.error)
            assert "`first.mine`" in str(last.error)
            assert str(last.error).endswith("`first.seen` still holds its previous rows")
            assert rows(warehouse, "SELECT next FROM first.far") == [(1,)]

    def test_readers_see_one_or_the_other_over_many_changes(self, warehouse: Warehouse) -> None:
        assert isinstance(list(materialize(of(0), a_context(warehouse, "r0")))[-1], Published)
        stop, wrong, counted = threading.Event(), list[object](), list[int]()

        def read() -> None:
            count = 0
            with warehouse.open_session() as session:
                query = statements.verbatim("SELECT count(*), max(version) - min(version) FROM first.seen")
                while not stop.is_set():
                    try:
                        found = session.fetch_rows(query).rows
                    except WarehouseError as error:
                        wrong.append(error)
                        continue
                    count += 1
                    if found != [(10, 0)]:
                        wrong.append(found)
            counted.append(count)

        readers = [threading.Thread(target=read) for _ in range(3)]
        for one in readers:
            one.start()
        try:
            for number in range(1, self.changes + 1):
                assert isinstance(list(materialize(of(number), a_context(warehouse, f"r{number}")))[-1], Published)
        finally:
            stop.set()
            for one in readers:
                one.join()
        assert wrong == []
        assert min(counted) > self.changes

    @pytest.mark.parametrize("how", [refuse, kill, conflict])
    @pytest.mark.parametrize("before", [0, 1])
    def test_a_fault_at_every_statement(self, warehouse: Warehouse, before: int, how: Callable[[str], None]) -> None:
        old, new = of(before), a_view(3)
        assert isinstance(list(materialize(old, a_context(warehouse, "o")))[-1], Published)
        counting, sent = self.faulty(warehouse, lambda _number, _sql: None)
        assert isinstance(list(materialize(new, a_context(counting, "n")))[-1], Published)
        assert len(sent) > 10
        for number in self.faults(len(sent), how):
            assert isinstance(list(materialize(old, a_context(warehouse, f"o{number}")))[-1], Published | Unchanged)
            faulty, _ = self.faulty(warehouse, failing_at(number, how))
            try:
                last = list(materialize(new, a_context(faulty, f"n{number}", sleep=list[float]().append)))[-1]
            except Killed:
                last = None
            found = 3 if self.was_published(warehouse, last, f"n{number}") else before
            assert rows(warehouse, "SELECT count(*), min(version), max(version) FROM first.seen") == [
                (10, found, found)
            ], sent[number - 1]
            count = None if found % 2 else 10
            assert rows(warehouse, "SELECT row_count FROM _sqlmat.tables") == [(count,)], sent[number - 1]
        self.forget_processes(warehouse)
        list(materialize(of(5), a_context(warehouse, "z")))
        with warehouse.open_session() as session:
            assert session.fetch_kinds("first") == {"seen": "view"}

    @pytest.mark.slow
    def test_killed_at_random_moments_there_is_a_table_or_a_view(self, warehouse: Warehouse) -> None:
        moments = random.Random(20260301)
        url = warehouse.label
        change_kinds(url, 0, 1)
        for attempt in range(1, self.kills + 1):
            with Child(change_kinds, url, 1000 * attempt, 1000) as child:
                assert child.stdout.readline() == "started\n"
                time.sleep(moments.uniform(0.02, 0.5))
                child.kill()
            assert child.returncode == -signal.SIGKILL
            ((count, oldest, newest),) = rows(warehouse, "SELECT count(*), min(version), max(version) FROM first.seen")
            assert (count, oldest) == (10, newest)
            assert isinstance(newest, int)
            noted = rows(warehouse, "SELECT run, row_count FROM _sqlmat.tables")
            assert noted == [(f"p{newest}", None if newest % 2 else 10)]
            change_kinds(url, 1000 * attempt + 998, 2)
            with warehouse.open_session() as session:
                assert session.fetch_kinds("first") == {"seen": "view"}
