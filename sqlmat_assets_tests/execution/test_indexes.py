"""Tables on which somebody has made an index are built like others."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.execution.events import Discarded, Published
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.project.model import Model
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets_tests.recording import Killed, RecordingWarehouse, failing_at, kill, refuse
from sqlmat_assets_tests.tables import a_context, a_table, ask, tables_in
from sqlmat_assets_tests.warehouses.parts import Parts
from sqlmat_assets_tests.warehouses.undo_contract import do, find

CHILD = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from sqlmat_assets_tests.execution.test_indexes import swap_for_ever
swap_for_ever(*sys.argv[1:])
"""
INDEXES = "SELECT table_name, index_name, sql FROM duckdb_indexes() ORDER BY 1, 2"
MERGED = {"mode": "merge", "unique_key": ("id",), "on_match": "update"}


def cities(version: int, **settings: object) -> Model:
    return a_table(f"SELECT 1 AS id, {version} AS version", settings={"keep_versions": 2, **settings})


def publish(path: Path, model: Model, run: str) -> None:
    last = list(materialize(model, a_context(path, run)))[-1]
    assert isinstance(last, Published), last


def index(path: Path, *names: str) -> list[tuple[str, str, str]]:
    """Two indexes of a person on each table, one with a name that has to be quoted."""
    for name in names:
        ask(path, f'CREATE INDEX "Of {name}" ON first."{name}" (id); CREATE UNIQUE INDEX u_{name} ON first.{name} (id)')
    return ask(path, INDEXES)  # pyright: ignore[reportReturnType] - names


@pytest.mark.parametrize("keep", [2, 0])
def test_a_table_that_is_swapped_has_its_indexes_afterwards_kept_or_not(path: Path, keep: int) -> None:
    publish(path, cities(1, keep_versions=keep), "r1")
    made = index(path, "cities")
    assert len(made) == 2
    for version in (2, 3, 4):
        publish(path, cities(version, keep_versions=keep), f"r{version}")
        assert ask(path, "FROM first.cities") == [(1, version)]
        # None of the versions beside it has any.
        assert ask(path, INDEXES) == made
    with pytest.raises(Exception, match="Duplicate key"):
        ask(path, "INSERT INTO first.cities VALUES (1, 7)")


def test_an_undo_puts_back_a_version_with_the_indexes_of_the_table(path: Path) -> None:
    publish(path, cities(1), "r1")
    publish(path, cities(2), "r2")
    made = index(path, "cities")
    warehouse = DuckDBWarehouse(path)
    do(warehouse, find(warehouse))
    assert (ask(path, "FROM first.cities"), ask(path, INDEXES)) == ([(1, 1)], made)


def test_an_index_that_the_new_rows_cannot_have_keeps_them_out(path: Path) -> None:
    publish(path, cities(1), "r1")
    made = index(path, "cities")
    for keep in (2, 0):
        twice = a_table("SELECT 1 AS id, 2 AS version FROM range(2)", settings={"keep_versions": keep})
        last = list(materialize(twice, a_context(path, f"r{keep}")))[-1]
        assert isinstance(last, Discarded)
        assert str(last.error) == (
            "`first.cities` cannot be replaced: it has the index `u_cities`, and the new table cannot: "
            "Constraint Error: Data contains duplicates on indexed column(s)\n"
            "  hint: drop it, or mend the query\n"
            "`first.cities` still holds its previous rows"
        )
        assert (ask(path, "FROM first.cities"), ask(path, INDEXES)) == ([(1, 1)], made)
    last = list(materialize(a_table("SELECT 2 AS version"), a_context(path, "r3")))[-1]
    assert isinstance(last, Discarded)
    assert "it has the index `Of cities`, and the new table cannot: Binder Error" in str(last.error)


def swap_for_ever(path: str, first: str) -> None:
    """What a child process does until it is killed."""
    print("started", flush=True)  # noqa: T201 - the test waits for it
    for version in count(int(first)):
        publish(Path(path), cities(version, snapshots_interval=timedelta(0)), f"{os.getpid()}x{version}")


@pytest.mark.slow
def test_killed_at_random_moments_the_table_has_its_indexes(path: Path) -> None:
    publish(path, cities(0, snapshots_interval=timedelta(0)), "r0")
    made = index(path, "cities", "cities_history")[:-1]
    ask(path, "DROP INDEX first.u_cities_history")
    chance = random.Random(7)
    for turn in range(4):
        # No version comes twice, so that the greatest of the history is the newest.
        command = [sys.executable, "-c", CHILD, str(path), str(turn * 10_000 + 1)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "started\n"
        time.sleep(chance.uniform(0.1, 0.6))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        assert ask(path, INDEXES) == made
        ((version,),) = ask(path, "SELECT version FROM first.cities WHERE id = 1")
        assert ask(path, "SELECT max(version) FROM first.cities_history WHERE id = 1") == [(version,)]


def test_a_view_takes_the_place_of_a_table_with_indexes(path: Path) -> None:
    publish(path, cities(1, keep_versions=0), "r1")
    index(path, "cities")
    publish(path, cities(2, keep_versions=0, mode="view"), "r2")
    assert (ask(path, "FROM first.cities"), ask(path, INDEXES)) == ([(1, 2)], [])


def test_readers_in_threads_see_whole_tables_with_their_index(path: Path) -> None:
    publish(path, cities(0), "r0")
    index(path, "cities")
    seen: list[list[tuple[object, ...]]] = []
    is_over = threading.Event()

    def read() -> None:
        with DuckDBWarehouse(path).open_session() as session:
            while not is_over.is_set():
                seen.append(
                    list(session.fetch_rows(statements.verbatim("SELECT id FROM first.cities WHERE id = 1")).rows)
                )

    def build() -> None:
        try:
            for number in range(1, 15):
                publish(path, cities(number), f"r{number}")
        finally:
            is_over.set()

    with DuckDBWarehouse(path).open_session():
        Parts().in_threads(read, read, build)
    assert seen
    assert all(rows == [(1,)] for rows in seen)


def test_a_table_that_is_changed_in_place_keeps_its_indexes(path: Path) -> None:
    publish(path, cities(1, **MERGED), "r1")
    made = index(path, "cities")
    for version in (2, 3):
        publish(path, cities(version, **MERGED), f"r{version}")
        assert ask(path, "FROM first.cities") == [(1, version)]
        assert ask(path, INDEXES) == made
    assert len(tables_in(path)) == 3
    with pytest.raises(Exception, match="Duplicate key"):
        ask(path, "INSERT INTO first.cities VALUES (1, 7)")


def test_an_index_on_a_history_is_in_nobodys_way(path: Path) -> None:
    """DuckDB 2.0.0 retypes and renames no column of a table that has, or had in the same transaction, an index."""
    settings = {"keep_versions": 0, "snapshots_interval": timedelta(0)}
    publish(path, cities(1, **settings), "r1")
    ask(path, 'CREATE INDEX "My own" ON first.cities_history (version)')
    made = ask(path, INDEXES)
    for number, sql in enumerate(
        (
            "SELECT 1 AS id, 2 AS version",
            "SELECT 1 AS id, 3 AS version, 4 AS more",
            "SELECT 1 AS id, 5000000000 AS version, 4 AS more",
            "SELECT 1 AS id, 'four' AS version, 4 AS more",
        )
    ):
        publish(path, a_table(sql, settings=settings), f"s{number}")
        assert ask(path, INDEXES) == made
    history = "SELECT version, version__bigint FROM first.cities_history ORDER BY snapshot_timestamp"
    assert ask(path, history) == [(None, 1), (None, 2), (None, 3), (None, 5000000000), ("four", None)]
    assert set(tables_in(path)) == {"cities", "cities_history"}


@pytest.mark.parametrize("how", [refuse, kill])
@pytest.mark.parametrize("settings", [{}, MERGED], ids=["swapped", "in place"])
def test_a_fault_at_every_statement_leaves_them_or_not_as_a_whole(
    path: Path, settings: dict[str, object], how: Callable[[str], None]
) -> None:
    publish(path, cities(0, **settings), "r0")
    made = index(path, "cities")
    recorder = RecordingWarehouse(path)
    list(materialize(cities(1, **settings), a_context(recorder, "all")))
    begin = max(number for number, sql in enumerate(recorder.sent, 1) if sql == "BEGIN")
    assert any(sql.startswith("DROP INDEX") for sql in recorder.sent[begin:])
    assert ask(path, INDEXES) == made
    for number in range(begin, len(recorder.sent) + 1):
        faulty = RecordingWarehouse(path, failing_at(number, how))
        try:
            last = list(materialize(cities(2, **settings), a_context(faulty, f"f{number}")))[-1]
        except Killed:
            last = None
            Parts().forget_processes(DuckDBWarehouse(path))
        assert not isinstance(last, Published), recorder.sent[number - 1]
        assert ask(path, "FROM first.cities") == [(1, 1)]
        assert ask(path, INDEXES) == made


def test_an_index_that_stays_is_named_as_the_reason(path: Path) -> None:
    publish(path, cities(1), "r1")
    index(path, "cities")
    with (
        DuckDBWarehouse(path).open_session() as session,
        pytest.raises(TerminalWarehouseError, match="hint: drop the index that was made on this table"),
    ):
        session.execute(statements.rename_table(Relation("first", "cities"), "other"))
