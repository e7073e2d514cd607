"""What holds on every engine where a part of a table comes out as it is published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sqlmat_assets.execution.events import Event, Published, PublishedPartition, Unchanged
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.partitions.ranges import Range
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.recording import Killed, conflict, failing_at, kill, refuse
from sqlmat_assets_tests.warehouses.literal_rows import table_of
from sqlmat_assets_tests.warehouses.parts import DAYS, FIRST, SECOND, THIRD, Parts, build, publish, rows, trips

READ = Relation("first", "raw")
CODE = CodeVersion("1", "1", "30.0.0")
MADE = f"""
    CREATE TABLE first.raw AS
    SELECT CAST(day AS DATE) AS made, id, word
    FROM {table_of("d", ["day"], *((f"'2019-01-0{day}'",) for day in (1, 2, 3)))}
    CROSS JOIN {table_of("v", ["id", "word"], (1, "'a'"), (2, "NULL"), (2, "NULL"), (3, "'c'"))}
"""


def table(sql: str = "SELECT made, id, word FROM first.raw", **settings: object) -> Model:
    model = trips(sql, **{"partition_by": DAYS, "keep_versions": 2} | settings)
    return replace(model, version=CODE, sources=(READ,))


def batch(**settings: object) -> Model:
    return table("SELECT made, id, word FROM first.raw WHERE made > @last_built", partition_by=None, **settings)


def change(warehouse: Warehouse, sql: str) -> None:
    with warehouse.open_session() as session:
        session.execute(verbatim(sql))


def kept(warehouse: Warehouse) -> list[tuple[object, ...]]:
    return rows(warehouse, "SELECT run FROM _sqlmat.versions ORDER BY 1")


def all_of(warehouse: Warehouse) -> list[tuple[object, ...]]:
    return sorted(rows(warehouse, "SELECT * FROM first.trips"), key=repr)


class SamePartsContract(Parts):
    # What a statement has in it that takes a fingerprint.
    fingerprinting = "BIT_XOR"

    @pytest.fixture
    def filled(self, warehouse: Warehouse) -> Warehouse:
        """Three days of four rows each are to be read."""
        change(warehouse, "CREATE SCHEMA first")
        change(warehouse, MADE)
        return warehouse

    def sent_by(self, warehouse: Warehouse, model: Model, run: str, *ranges: Range) -> tuple[Event, list[str]]:
        recorder, sent = self.faulty(warehouse, lambda _number, _sql: None)
        return build(recorder, model, run, *ranges), sent

    def test_the_same_rows_replace_nothing_and_keep_nothing(self, filled: Warehouse) -> None:
        publish(filled, table(), "r1")
        published_at = rows(filled, "SELECT published_at FROM _sqlmat.tables")
        for run in ("r2", "r3", "r4"):
            last, sent = self.sent_by(filled, table(), run, FIRST, THIRD)
            assert isinstance(last, Unchanged), last
            assert last.rows == 8
            assert last.partitions == (PublishedPartition("2019-01-01", 4), PublishedPartition("2019-01-03", 4))
            assert last.statement is not None
            touched = ("DELETE FROM", "INSERT INTO", "ALTER TABLE")
            assert not [sql for sql in sent if sql.startswith(tuple(f'{how} "first"."trips" ' for how in touched))]
        assert (kept(filled), self.left_overs(filled)) == ([], [])
        # The build is noted all the same.
        assert rows(filled, "SELECT run, row_count, builds FROM _sqlmat.tables") == [("r4", 12, 4)]
        assert rows(filled, "SELECT published_at FROM _sqlmat.tables") == published_at
        found = rows(filled, "SELECT partition_key, run, row_count FROM _sqlmat.partitions ORDER BY 1")
        assert found == [("2019-01-01", "r4", 4), ("2019-01-02", "r1", 4), ("2019-01-03", "r4", 4)]

    @pytest.mark.parametrize(
        "edit",
        [
            "INSERT INTO first.raw VALUES ('2019-01-03', 4, 'd')",
            "DELETE FROM first.raw WHERE made = '2019-01-03'",
            "UPDATE first.raw SET word = 'b' WHERE made = '2019-01-03' AND id = 2",
            "UPDATE first.raw SET word = NULL WHERE made = '2019-01-03' AND id = 3",
            "UPDATE first.raw SET id = 3 WHERE made = '2019-01-03' AND id = 1",
        ],
    )
    def test_rows_that_differ_anywhere_are_published_together(self, filled: Warehouse, edit: str) -> None:
        publish(filled, table(), "r1")
        change(filled, edit)
        assert isinstance(build(filled, table(), "r2", FIRST, SECOND), Unchanged)
        publish(filled, table(), "r3", FIRST, THIRD)
        assert kept(filled) == [("r2",)]
        assert all_of(filled) == sorted(rows(filled, "SELECT * FROM first.raw"), key=repr)
        assert isinstance(build(filled, table(), "r4", FIRST, THIRD), Unchanged)

    def test_rows_that_somebody_has_edited_are_put_right(self, filled: Warehouse) -> None:
        publish(filled, table(), "r1")
        change(filled, "UPDATE first.trips SET word = 'x' WHERE made = '2019-01-02' AND id = 1")
        assert isinstance(build(filled, table(), "r2", FIRST, THIRD), Unchanged)
        publish(filled, table(), "r3", SECOND)
        assert all_of(filled) == sorted(rows(filled, "SELECT * FROM first.raw"), key=repr)

    def test_a_range_without_rows_stays_without(self, filled: Warehouse) -> None:
        change(filled, "DELETE FROM first.raw WHERE made = '2019-01-02'")
        publish(filled, table(), "r1")
        last = build(filled, table(), "r2", SECOND)
        assert isinstance(last, Unchanged)
        assert (last.rows, last.partitions) == (0, (PublishedPartition("2019-01-02", 0),))

    def test_a_range_without_rows_that_was_never_built_is_noted(self, filled: Warehouse) -> None:
        change(filled, "DELETE FROM first.raw WHERE made = '2019-01-02'")
        publish(filled, table(), "r1", FIRST)
        assert isinstance(build(filled, table(), "r2", SECOND), Unchanged)
        assert rows(filled, "SELECT partition_key, row_count FROM _sqlmat.partitions ORDER BY 1") == [
            ("2019-01-01", 4),
            ("2019-01-02", 0),
        ]

    @pytest.mark.parametrize(
        "model",
        [
            table(skip_unchanged=False),
            replace(table(), version=replace(CODE, semantic="2", text="2")),
            table("-- With a description.\nSELECT made, id, word FROM first.raw"),
        ],
        ids=["not asked for", "another code", "another comment"],
    )
    def test_who_has_to_be_published_is(self, filled: Warehouse, model: Model) -> None:
        publish(filled, table(), "r1")
        publish(filled, model, "r2", FIRST)
        assert kept(filled) == [("r1",)]

    @pytest.mark.parametrize("on_match", ["keep", "update"])
    def test_a_merged_range(self, filled: Warehouse, on_match: str) -> None:
        change(filled, "DELETE FROM first.raw WHERE word IS NULL")
        change(filled, "UPDATE first.raw SET id = id + 10 * EXTRACT(day FROM made)")
        model = table(mode="merge", unique_key=("id",), on_match=on_match)
        publish(filled, model, "r1")
        assert isinstance(build(filled, model, "r2", FIRST, SECOND), Unchanged)
        # The row with this key is in another partition.
        change(filled, "INSERT INTO first.raw VALUES ('2019-01-02', 11, 'z')")
        publish(filled, model, "r3", SECOND)
        expected = [(1, "a")] if on_match == "keep" else [(2, "z")]
        assert rows(filled, "SELECT EXTRACT(day FROM made), word FROM first.trips WHERE id = 11") == expected
        assert kept(filled) == [("r2",)]

    @pytest.mark.parametrize("settings", [{"mode": "append"}, {"mode": "merge", "unique_key": ("made", "id")}])
    def test_nothing_to_add(self, filled: Warehouse, settings: dict[str, object]) -> None:
        model = batch(**settings)
        publish(filled, model, "r1")
        decided = rows(filled, "SELECT decided_at FROM _sqlmat.tables")
        last = build(filled, model, "r2")
        assert isinstance(last, Unchanged)
        assert last.rows == rows(filled, "SELECT count(*) FROM first.trips")[0][0]
        # What comes next is asked for from then on.
        assert rows(filled, "SELECT decided_at FROM _sqlmat.tables") > decided
        assert (kept(filled), self.left_overs(filled)) == ([], [])
        change(filled, "INSERT INTO first.raw VALUES ('2100-01-01', 9, 'z')")
        publish(filled, model, "r3")
        assert kept(filled) == [("r2",)]

    @pytest.mark.parametrize("how", [refuse, kill, conflict])
    def test_a_fault_at_every_statement(self, filled: Warehouse, how: Callable[[str], None]) -> None:
        publish(filled, table(), "r0")
        before = all_of(filled)
        last, sent = self.sent_by(filled, table(), "r1", FIRST, THIRD)
        assert isinstance(last, Unchanged)
        published = 0
        for number in self.faults(len(sent), how):
            sql = sent[number - 1]
            recorder, _ = self.faulty(filled, failing_at(number, how))
            try:
                last = build(recorder, table(), f"f{number}", FIRST, THIRD, sleep=list[float]().append)
            except Killed:
                last = None
            if how is conflict:
                assert isinstance(last, Unchanged), sql
            elif how is refuse and self.fingerprinting in sql:
                # That they cannot be compared keeps nobody from the rows.
                assert isinstance(last, Published), sql
                published += 1
            elif not self.is_completed:
                assert not isinstance(last, Published | Unchanged), sql
            assert all_of(filled) == before, sql
            if how is kill:
                self.forget_processes(filled)
        assert isinstance(build(filled, table(), "last", FIRST, THIRD), Unchanged)
        assert len(kept(filled)) == min(published, 2)
        assert [name for name in self.left_overs(filled) if not name.endswith("_was")] == []

    def test_a_run_that_publishes_meanwhile(self, filled: Warehouse) -> None:
        """The rows that were compared are not those that are published any more."""
        publish(filled, table(), "r1")
        sent: list[str] = []

        def interfere(_number: int, sql: str) -> None:
            sent.append(sql)
            if self.begins(sql) and self.fingerprinting in sent[-2]:
                change(filled, "UPDATE first.raw SET word = 'new' WHERE made = '2019-01-01'")
                publish(filled, table(), "quick", FIRST)

        recorder, _ = self.faulty(filled, interfere)
        assert isinstance(build(recorder, table(), "slow", FIRST), Published)
        assert kept(filled) == [("quick",), ("r1",)]
        assert rows(filled, "SELECT count(*) FROM first.trips WHERE word = 'new'") == [(0,)]
        assert rows(filled, "SELECT DISTINCT run FROM _sqlmat.partitions WHERE table_name = 'trips' ORDER BY 1") == [
            ("r1",),
            ("slow",),
        ]
