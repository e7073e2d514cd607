"""Tables on which somebody has made an index are built like others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.execution.events import Discarded, Published
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.project.model import Model
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.duckdb import DuckDBWarehouse
from sqlmat_assets_tests.recording import Killed, RecordingWarehouse, failing_at, kill, refuse
from sqlmat_assets_tests.tables import a_context, a_table, ask, tables_in
from sqlmat_assets_tests.warehouses.parts import Parts

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


def test_a_table_that_is_swapped_has_no_index_afterwards_kept_or_not(path: Path) -> None:
    for keep in (2, 0):
        publish(path, cities(1, keep_versions=keep), f"a{keep}")
        assert len(index(path, "cities")) == 2
        publish(path, cities(2, keep_versions=keep), f"b{keep}")
        assert ask(path, "FROM first.cities") == [(1, 2)]
        assert ask(path, INDEXES) == []


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


def test_an_index_on_a_history_is_in_the_way_only_where_a_column_gets_another_type(path: Path) -> None:
    """DuckDB 2.0.0 retypes no column that had an index in the same transaction, and breaks where one is made anew."""
    settings = {"keep_versions": 0, "snapshots_interval": timedelta(0)}
    publish(path, cities(1, **settings), "r1")
    ask(path, "CREATE INDEX mine ON first.cities_history (version)")
    publish(path, cities(2, **settings), "r2")
    publish(path, a_table("SELECT 1 AS id, 3 AS version, 4 AS more", settings=settings), "r3")
    retyped = a_table("SELECT 1 AS id, 'four' AS version", settings=settings)
    last = list(materialize(retyped, a_context(path, "r4")))[-1]
    assert isinstance(last, Discarded)
    assert "hint: drop the index that was made on this table" in str(last.error)
    assert ask(path, "FROM first.cities") == [(1, 3, 4)]
    ask(path, "DROP INDEX first.mine")
    publish(path, retyped, "r5")
    assert ask(path, "SELECT count(*) FROM first.cities_history") == [(4,)]


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
    ask(path, 'DROP INDEX IF EXISTS first."Of cities"; DROP INDEX IF EXISTS first.u_cities')
    assert index(path, "cities") == made
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
