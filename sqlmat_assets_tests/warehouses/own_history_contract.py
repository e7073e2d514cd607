"""What holds on every engine for tables that read their own history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sqlmat_assets.execution.events import Discarded, Published, Unchanged
from sqlmat_assets.project.model import ColumnDoc, Model
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.recording import Killed, conflict, failing_at, kill, refuse
from sqlmat_assets_tests.tables import a_check
from sqlmat_assets_tests.warehouses.parts import Parts, rows
from sqlmat_assets_tests.warehouses.snapshots import DAY, HOUR, at, cities, last_of, times

HISTORY = "first.cities_history"


def named(model: Model, *names: str) -> Model:
    return replace(model, columns=tuple(map(ColumnDoc, names)))


def grown(number: int) -> Model:
    """What is new, and the greatest of each column that there was before."""
    sql = (
        f"SELECT CAST({number} AS BIGINT) AS number, 'v{number}' AS word, max(h.number) AS before, "
        f"max(h.word) AS word_before, max(h.word_before) AS far_before FROM {HISTORY} AS h"
    )
    return named(cities(sql, HOUR), "number", "word", "before", "word_before", "far_before")


def columns(warehouse: Warehouse, name: str) -> dict[str, str]:
    relation = cities("").relation
    with warehouse.open_session() as session:
        return dict(session.fetch_columns(replace(relation, name=name)))


class OwnHistoryContract(Parts):
    def forget(self, warehouse: Warehouse) -> None:
        """Have nothing in the warehouse."""
        with warehouse.open_session() as session:
            for schema in ("first", "_sqlmat"):
                session.execute(verbatim(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))

    def test_it_is_read_from_the_first_build_on(self, warehouse: Warehouse) -> None:
        for day in (1, 2, 3):
            assert isinstance(last_of(grown(day), at(warehouse, day * DAY, f"r{day}")), Published)
            before = None if day == 1 else day - 1
            words = None if day == 1 else f"v{day - 1}", f"v{day - 2}" if day == 3 else None
            assert rows(warehouse, "SELECT * FROM first.cities") == [(day, f"v{day}", before, *words)]
            # From the first build on the columns are those that they will be.
            # Texts may be of different lengths.
            own = {name: kind.partition("(")[0] for name, kind in columns(warehouse, "cities").items()}
            assert own["before"] == own["number"]
            assert own["far_before"] == own["word_before"] == own["word"]
            assert list(columns(warehouse, "cities_history")) == [*own, "snapshot_timestamp"]
        assert times(warehouse) == [DAY, 2 * DAY, 3 * DAY]
        assert self.names(warehouse) == {"cities", "cities_history"}

    def test_a_check_reads_it(self, warehouse: Warehouse) -> None:
        check = a_check(f"SELECT count(*) < 2 AS few FROM {HISTORY} WHERE id < 0", "few")
        model = named(replace(cities("SELECT 1 AS id"), checks=(check,)), "id")
        assert isinstance(last_of(model, at(warehouse, DAY)), Published)
        assert rows(warehouse, f"SELECT id FROM {HISTORY}") == [(1,)]

    def test_a_table_that_reads_itself_as_well(self, warehouse: Warehouse) -> None:
        sql = (
            f"SELECT (SELECT count(*) FROM {HISTORY}) AS kept, (SELECT count(*) FROM first.cities) AS there "
            "FROM (SELECT 1 AS one) AS o WHERE @last_built < '2100-01-01'"
        )
        model = named(cities(sql, HOUR, mode="append"), "kept", "there")
        for day in (1, 2, 3):
            assert isinstance(last_of(model, at(warehouse, day * DAY, f"r{day}")), Published)
        assert rows(warehouse, "SELECT * FROM first.cities ORDER BY 1") == [(0, 0), (1, 1), (3, 2)]

    def test_a_first_build_that_fails_begins_nothing(self, warehouse: Warehouse) -> None:
        bad = replace(grown(1), checks=(a_check("SELECT number > 1 AS big FROM first.cities", "big"),))
        for run in ("r1", "r2"):
            assert isinstance(last_of(bad, at(warehouse, DAY, run)), Discarded)
        assert rows(warehouse, f"SELECT count(*) FROM {HISTORY}") == [(0,)]
        assert self.names(warehouse) == {"cities_history"}
        assert isinstance(last_of(grown(2), at(warehouse, DAY, "r3")), Published)
        assert rows(warehouse, f"SELECT number, before FROM {HISTORY}") == [(2, None)]

    def test_columns_that_nobody_knows(self, warehouse: Warehouse) -> None:
        model = replace(
            cities(f"SELECT 1 AS id, * FROM {HISTORY}"), sources=(replace(cities("").relation, name="cities_history"),)
        )
        last = last_of(model, at(warehouse, DAY))
        assert isinstance(last, Discarded)
        assert (
            "\n  hint: there is no `first.cities_history` yet; build the table of the snapshots with "
            "`snapshots_interval` first, or make an empty history with its columns and `snapshot_timestamp`\n"
        ) in str(last.error)

    def test_a_query_that_cannot_be_read_is_told_as_always(self, warehouse: Warehouse) -> None:
        model = named(cities(f"SELECT nope FROM {HISTORY}"), "nope")
        model = replace(model, sql=f"SELECT nope(1) AS nope FROM {HISTORY}")
        last = last_of(model, at(warehouse, DAY))
        assert isinstance(last, Discarded)
        assert "cities_history" in str(last.error)
        assert self.names(warehouse) == set()

    @pytest.mark.parametrize("how", [refuse, kill, conflict])
    def test_a_fault_at_every_statement_about_the_history(
        self, warehouse: Warehouse, how: Callable[[str], None]
    ) -> None:
        recorder, sent = self.faulty(warehouse, lambda _number, _sql: None)
        assert isinstance(last_of(grown(1), at(recorder, DAY, "all")), Published)
        about = [(number, sql) for number, sql in enumerate(sent, 1) if "cities_history" in sql]
        assert len(about) > 8
        for number, sql in (about[each - 1] for each in self.faults(len(about), how)):
            self.forget(warehouse)
            recorder, _ = self.faulty(warehouse, failing_at(number, how))
            try:
                last_of(grown(1), at(recorder, DAY, f"f{number}", sleep=list[float]().append))
            except Killed:
                self.forget_processes(warehouse)
            ended = last_of(grown(1), at(warehouse, DAY, "again"))
            assert isinstance(ended, Published | Unchanged), (sql, ended)
            assert rows(warehouse, f"SELECT number, before FROM {HISTORY}")[0] == (1, None), sql
            assert not [name for name in columns(warehouse, "cities_history") if "__" in name], sql
            assert self.names(warehouse) == {"cities", "cities_history"}, sql

    def test_two_first_builds_at_once(self, warehouse: Warehouse) -> None:
        ended: list[object] = []

        def work(run: str) -> Callable[[], object]:
            return lambda: ended.append(last_of(grown(1), at(warehouse, DAY, run)))

        with warehouse.open_session():
            self.in_threads(work("r1"), work("r2"), work("r3"))
        assert [type(one).__name__ for one in ended if isinstance(one, Discarded)] == []
        assert self.names(warehouse) == {"cities", "cities_history"}
