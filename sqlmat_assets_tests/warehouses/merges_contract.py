"""What holds on every engine for rows that are merged by a key, in a range of partitions or without partitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from sqlmat_assets.project.model import ColumnDoc, Model, RuleKind
from sqlmat_assets.project.partitions.ranges import TimeRange
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.statements import create_schema, verbatim
from sqlmat_assets_tests.recording import Killed, conflict, failing_at, kill, refuse
from sqlmat_assets_tests.tables import a_check, a_rule
from sqlmat_assets_tests.warehouses.literal_rows import table_of
from sqlmat_assets_tests.warehouses.parts import ALL, DAYS, FIRST, SECOND, THIRD, Parts, build, publish, rows, trips


def merged(name: str, ids: Sequence[tuple[int, int]], on_match: str = "update") -> Model:
    """Rows that are merged, each with its key and its day."""
    values = table_of("v", ["id", "day"], *((id_, f"'2019-01-0{day}'") for id_, day in ids))
    sql = f"SELECT v.id, CAST(v.day AS DATE) AS made, '{name}' AS name FROM {values}"
    return trips(sql, partition_by=DAYS, mode="merge", unique_key=("id",), on_match=on_match)


def placed(warehouse: Warehouse) -> list[tuple[object, ...]]:
    """The rows that were merged: the key, the day, the name."""
    found = rows(warehouse, "SELECT id, made, name FROM first.trips ORDER BY 1, 2, 3")
    return [(id_, made.day, name) for id_, made, name in found if isinstance(made, date)]


class MergesContract(Parts):
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
                at, number = self.next_fault(at, how), number + 1
                recorder, sent = self.faulty(warehouse, failing_at(at, how))
                try:
                    last = build(recorder, batch(number), f"r{number}", sleep=list[float]().append)
                except Killed:
                    last = None
                if self.was_published(warehouse, last, f"r{number}"):
                    expected = sorted({0, *expected, number})  # type: ignore[type-var] - numbers, all of them
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

    def test_a_range_that_is_merged_is_replaced_and_its_keys_are_nowhere_else(self, warehouse: Warehouse) -> None:
        for on_match, expected in (
            # What the batch has is in one place; what it has no more is gone, and the other days stay.
            ("update", [(1, 2, "new"), (2, 2, "new"), (3, 2, "new"), (6, 3, "old"), (8, 2, "new")]),
            ("keep", [(1, 1, "old"), (2, 2, "new"), (3, 2, "old"), (6, 3, "old"), (8, 3, "old")]),
        ):
            model = merged("old", [(1, 1), (3, 2), (4, 2), (6, 3), (8, 3)], on_match)
            publish(warehouse, model, f"{on_match}1", ALL)
            new = merged("new", [(1, 2), (2, 2), (3, 2), (3, 2), (8, 2)], on_match)
            for run in ("2", "3"):
                published = publish(warehouse, new, f"{on_match}{run}", SECOND)
                assert published.rows == 4
                assert placed(warehouse) == expected
                second = sum(day == 2 for _, day, _ in expected)
                assert [(each.key, each.rows) for each in published.partitions] == [("2019-01-02", second)]
                assert rows(warehouse, "SELECT row_count FROM _sqlmat.tables") == [(len(expected),)]
            assert self.left_overs(warehouse) == []
            self.drop_all(warehouse)

    @pytest.mark.parametrize("on_match", ["update", "keep"])
    def test_checks_of_a_merged_range_see_what_is_published(self, warehouse: Warehouse, on_match: str) -> None:
        publish(warehouse, merged("old", [(1, 1), (3, 2), (4, 2), (6, 3), (8, 3)], on_match), "r1", ALL)
        new = merged("new", [(1, 2), (2, 2), (3, 2), (8, 2)], on_match)
        names = {"update": 4, "keep": 1}[on_match]
        count = f"SELECT count(*) = 5 AND sum(CASE WHEN name = 'new' THEN 1 ELSE 0 END) = {names} AS n FROM first.trips"
        of_all = replace(a_check(count, "n"), on_result=True)
        checks = (of_all, a_check("SELECT count(*) = 4 AS b FROM first.trips", "b"))
        checked = replace(new, checks=checks, rules=(a_rule(RuleKind.UNIQUE, "id"),))
        publish(warehouse, checked, "r2", SECOND)
        assert [name for _, _, name in placed(warehouse)].count("new") == names

    @pytest.mark.parametrize("on_match", ["update", "keep"])
    def test_all_partitions_merged_are_all_rows(self, warehouse: Warehouse, on_match: str) -> None:
        publish(warehouse, merged("old", [(1, 1), (2, 2)], on_match), "r1", ALL)
        publish(warehouse, merged("new", [(2, 3), (3, 2)], on_match), "r2", ALL)
        kept = {"update": [(2, 3, "new"), (3, 2, "new")], "keep": [(2, 2, "old"), (3, 2, "new")]}
        assert placed(warehouse) == kept[on_match]

    def test_a_row_without_a_key_goes_with_its_range(self, warehouse: Warehouse) -> None:
        publish(warehouse, merged("old", [(1, 1), (2, 2)]), "r1", ALL)
        with warehouse.open_session() as session:
            session.execute(verbatim("UPDATE first.trips SET id = NULL"))
        publish(warehouse, merged("new", [(2, 2)]), "r2", SECOND)
        assert rows(warehouse, "SELECT id, name FROM first.trips ORDER BY name") == [(2, "new"), (None, "old")]

    @pytest.mark.parametrize(
        ("how", "on_match"), [(refuse, "update"), (kill, "update"), (kill, "keep"), (conflict, "keep")]
    )
    def test_a_fault_at_every_statement_of_a_merged_range(
        self, warehouse: Warehouse, how: Callable[[str], None], on_match: str
    ) -> None:
        at, number, sent = 0, 1, list[str]()
        publish(warehouse, merged("v1", [(1, 1), (2, 2), (101, 2), (6, 3)], on_match), "r1", ALL)
        before = placed(warehouse)
        while at <= len(sent):
            at, number = self.next_fault(at, how), number + 1
            # Each time a row is gone, one comes, and one stands in another day already.
            batch = merged(f"v{number}", [(2, 2), (6, 2), (100 + number, 2)], on_match)
            recorder, sent = self.faulty(warehouse, failing_at(at, how))
            try:
                last = build(recorder, batch, f"r{number}", SECOND, sleep=list[float]().append)
            except Killed:
                last = None
            if self.was_published(warehouse, last, f"r{number}"):
                is_updated = on_match == "update"
                name = f"v{number}" if is_updated else "v1"
                moved = (6, 2 if is_updated else 3, name)
                before = [(1, 1, "v1"), (2, 2, name), moved, (100 + number, 2, f"v{number}")]
            assert placed(warehouse) == before, sent[at - 1 :]
            if how is kill:
                self.forget_processes(warehouse)
        assert len(before) == 4
        assert before[-1][0] == 100 + number
        publish(warehouse, merged("last", [(2, 2)], on_match), "last", SECOND)
        assert self.left_overs(warehouse) == []

    def test_merges_of_different_ranges_at_once_keep_each_key_once(self, warehouse: Warehouse) -> None:
        publish(warehouse, merged("v0", [(1, 1)]), "r0", FIRST)

        def work(day: int, each: TimeRange) -> Callable[[], object]:
            model = merged(f"d{day}", [(1, day), (10 + day, day)])
            return lambda: [publish(warehouse, model, f"r{day}{n}", each) for n in range(4)]

        with warehouse.open_session():
            self.in_threads(work(1, FIRST), work(2, SECOND), work(3, THIRD))
        assert [id_ for id_, _, _ in placed(warehouse)] == [1, 11, 12, 13]

    def test_columns_with_sizes_are_the_same_with_every_batch(self, warehouse: Warehouse) -> None:
        sized = "CAST('a' AS VARCHAR(5)) AS v, CAST('b' AS CHAR(3)) AS c, CAST(1.5 AS DECIMAL(5, 2)) AS n"
        with warehouse.open_session() as session:
            session.execute(create_schema("first"))
            session.execute(verbatim(f"CREATE TABLE first.raw AS SELECT 1 AS id, {sized}"))
        for run in ("r1", "r2"):
            publish(warehouse, trips("SELECT * FROM first.raw", mode="merge", unique_key=("id",)), run)
        assert rows(warehouse, "SELECT id, v, n FROM first.trips") == [(1, "a", Decimal("1.50"))]

    @pytest.mark.parametrize("is_viewed", [False, True])
    def test_texts_may_grow_from_batch_to_batch(self, warehouse: Warehouse, *, is_viewed: bool) -> None:
        """Also where the columns of literals have no more room than these need."""
        names = ("one", "longer", "two", "the longest of all")
        for number, name in enumerate(names):
            settings = {"mode": "merge", "unique_key": ("id",), "snapshots_interval": timedelta(seconds=0)}
            publish(warehouse, trips(f"SELECT {number} AS id, '{name}' AS name", **settings), f"r{number}")
            if is_viewed and not number:
                with warehouse.open_session() as session:
                    session.execute(verbatim("CREATE VIEW first.seen AS SELECT id FROM first.trips"))
        assert rows(warehouse, "SELECT name FROM first.trips ORDER BY id") == [(name,) for name in names]
        with warehouse.open_session() as session:
            kept = [name for name, _ in session.fetch_columns(Relation("first", "trips_history"))]
        assert kept == ["id", "name", "snapshot_timestamp"]
        assert rows(warehouse, "SELECT count(*), max(length(name)) FROM first.trips_history") == [(10, 18)]

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
