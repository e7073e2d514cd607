"""Dropping what no file makes any more: all of it or nothing, whatever happens on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from sqlmat_assets.errors import MaterializeError, SqlmatError
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.orphans import Orphan, drop_orphans, find_orphans
from sqlmat_assets.project.model import Model
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Session, Warehouse
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets.warehouses.duckdb.facts import DUCKDB
from sqlmat_assets_tests.execution.pair import published
from sqlmat_assets_tests.recording import Killed, RecordingWarehouse, conflict, failing_at, kill, refuse
from sqlmat_assets_tests.tables import a_context, a_project, a_table, ask, parts_of, tables_in

KEPT = a_table("SELECT 1 AS id", name="first.kept")
OLD = a_table("SELECT 1 AS id", name="first.old")
DAYS = a_table(
    "SELECT CAST('2019-01-02' AS date) AS day",
    name="first.days",
    settings={"partition_by": parts_of("day(day) from 2019-01-01 to 2019-01-03")},
)


@pytest.fixture
def built(path: Path) -> Path:
    for model in (KEPT, OLD, DAYS):
        published(model, a_context(path))
    return path


def orphans_in(session: Session, *models: Model) -> tuple[Orphan, ...]:
    return find_orphans(session, a_project(*models), DUCKDB).orphans


def drop_all(warehouse: Warehouse) -> None:
    with warehouse.open_session() as session:
        drop_orphans(session, orphans_in(session, KEPT))


def holdings(path: Path) -> tuple[object, ...]:
    """The tables, and what is recorded of them."""
    return (
        tables_in(path),
        sorted(ask(path, "SELECT table_name FROM _sqlmat.tables")),
        ask(path, "SELECT DISTINCT table_name FROM _sqlmat.partitions"),
    )


WHOLE = (["days", "kept", "old"], [("days",), ("kept",), ("old",)], [("days",)])
CLEAN = (["kept"], [("kept",)], [])


def test_several_go_at_once(built: Path) -> None:
    assert holdings(built) == WHOLE
    drop_all(DuckDBWarehouse(built))
    assert holdings(built) == CLEAN


def test_a_view_goes_as_a_view(built: Path) -> None:
    ask(built, "DROP TABLE first.old; CREATE VIEW first.old AS SELECT 1 AS id")
    drop_all(DuckDBWarehouse(built))
    assert holdings(built) == CLEAN


@pytest.mark.parametrize("how", [refuse, conflict, kill])
def test_a_fault_at_every_statement_drops_all_or_nothing(built: Path, how: Callable[[str], None]) -> None:
    number, is_over = 0, False
    while not is_over:
        number += 1
        warehouse = RecordingWarehouse(built, failing_at(number, how))
        try:
            drop_all(warehouse)
            is_over = True
        except (SqlmatError, Killed):
            assert holdings(built) == WHOLE, warehouse.sent
    # One look at the records, the kinds, and at least three statements for each table.
    assert number > 10
    assert holdings(built) == CLEAN


def test_a_table_that_is_published_meanwhile_stays_and_so_do_the_others(built: Path) -> None:
    with DuckDBWarehouse(built).open_session() as session:
        found = orphans_in(session, KEPT)
        published(a_table("SELECT 2 AS id", name="first.old"), a_context(built, "r2"))
        with pytest.raises(MaterializeError) as raised:
            drop_orphans(session, found)
    assert str(raised.value) == (
        "`first.old` was published or dropped by somebody else at this moment; nothing is dropped\n  hint: look again"
    )
    assert holdings(built) == WHOLE
    assert ask(built, "SELECT id FROM first.old") == [(2,)]


def test_snapshots_go_with_their_table(built: Path) -> None:
    """Those that sqlmat has taken; not what is called like them."""
    keeping = a_table("SELECT 1 AS id", name="first.old", settings={"snapshots_interval": timedelta(days=1)})
    published(keeping, a_context(built, "r2"))
    ask(built, "CREATE TABLE first.days_history AS SELECT 1 AS id")
    with DuckDBWarehouse(built).open_session() as session:
        objects = [str(relation) for orphan in orphans_in(session, KEPT) for relation, _ in orphan.belongings.objects]
        assert objects == ["first.days", "first.old", "first.old_history"]
        reader = a_table("SELECT 1", name="first.kept", sources=(Relation("first", "OLD_history"),))
        assert [len(orphan.readers) for orphan in orphans_in(session, reader)] == [0, 1]
    drop_all(DuckDBWarehouse(built))
    assert tables_in(built) == ["days_history", "kept"]
    assert ask(built, "FROM _sqlmat.snapshots") == []


def test_a_table_with_the_name_of_a_history_is_its_own(built: Path) -> None:
    keeping = a_table("SELECT 1 AS id", name="first.old", settings={"snapshots_interval": timedelta(days=1)})
    published(keeping, a_context(built, "r2"))
    own = a_table("SELECT 1 AS id", name="first.old_history", settings={"adopt": True})
    published(own, a_context(built, "r3"))
    with DuckDBWarehouse(built).open_session() as session:
        drop_orphans(session, orphans_in(session, KEPT, own))
    assert tables_in(built) == ["kept", "old_history"]


def test_of_two_at_once_one_drops(built: Path) -> None:
    warehouse, errors = DuckDBWarehouse(built), list[SqlmatError]()
    both_have_looked = threading.Barrier(2)

    def drop() -> None:
        with warehouse.open_session() as session:
            found = orphans_in(session, KEPT)
            both_have_looked.wait(30)
            try:
                drop_orphans(session, found)
            except SqlmatError as error:
                errors.append(error)

    threads = [threading.Thread(target=drop) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 1
    assert holdings(built) == CLEAN


def test_a_run_that_builds_a_table_while_it_is_dropped_brings_it_back_whole(built: Path) -> None:
    model = a_table("SELECT 2 AS id", name="first.old")
    events = materialize(model, a_context(built, "r2"))
    while type(next(events)).__name__ != "Checked":
        pass
    drop_all(DuckDBWarehouse(built))
    assert [type(event).__name__ for event in events] == ["Published"]
    assert ask(built, "SELECT id FROM first.old") == [(2,)]
    assert ask(built, "SELECT row_count, run FROM _sqlmat.tables WHERE table_name = 'old'") == [(1, "r2")]
    published(model, a_context(built, "r3"))


def test_a_table_is_the_same_in_other_letters(built: Path) -> None:
    with DuckDBWarehouse(built).open_session() as session:
        found = orphans_in(session, KEPT, a_table("SELECT 1 AS id", name="FIRST.Old"))
    assert [str(orphan.relation) for orphan in found] == ["first.days"]
