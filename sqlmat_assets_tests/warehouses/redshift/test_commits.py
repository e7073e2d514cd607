"""Redshift: a connection that ends at a COMMIT, before it or behind it, when nobody hears the answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sqlmat_assets.execution.events import Discarded, Published, Unchanged
from sqlmat_assets.project.model import Model
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.redshift.adapter import RedshiftWarehouse
from sqlmat_assets_tests.redshift.clients import ask
from sqlmat_assets_tests.redshift.cluster import RedshiftDouble
from sqlmat_assets_tests.tables import a_table
from sqlmat_assets_tests.warehouses.parts import DAYS, Parts, build, publish, rows, trips
from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift
from sqlmat_assets_tests.warehouses.undo_contract import cities, find, noted, put_back_again, undo

APPENDED = trips("SELECT 1 AS id WHERE @last_built < '2100-01-01'", mode="append")
# A build commits its lease, and what it publishes.
COMMITS = 2


class TestLostAnswers(OnRedshift, Parts):
    @pytest.mark.parametrize("after", [False, True])
    def test_rows_are_added_once(self, warehouse: Warehouse, cluster: RedshiftDouble, *, after: bool) -> None:
        for number in range(COMMITS + 1):
            cluster.faults.drop_at(number % (COMMITS + 1), after=after, matching="commit")
            assert isinstance(build(warehouse, APPENDED, f"r{number}", sleep=list[float]().append), Published)
            assert rows(warehouse, "SELECT count(*) FROM first.trips") == [(number + 1,)]
            assert rows(warehouse, "SELECT row_count, builds, run FROM _sqlmat.tables") == [
                (number + 1, number + 1, f"r{number}")
            ]

    @pytest.mark.parametrize("after", [False, True])
    @pytest.mark.parametrize(
        "model",
        [
            a_table("SELECT 1 AS id", name="first.trips"),
            trips("SELECT CAST('2019-01-02' AS DATE) AS made, 1 AS id", partition_by=DAYS),
            trips("SELECT 1 AS id", mode="merge", unique_key=("id",), on_match="update", snapshots_interval=None),
            trips("SELECT 1 AS id", mode="view"),
        ],
        ids=["swap", "range", "merge", "view"],
    )
    def test_what_was_published_is_told_as_published(
        self, warehouse: Warehouse, cluster: RedshiftDouble, model: Model, *, after: bool
    ) -> None:
        for number in range(1, 4):
            cluster.faults.drop_at(COMMITS, after=after, matching="commit")
            last = build(warehouse, model, f"r{number}", sleep=list[float]().append)
            assert isinstance(last, Published | Unchanged), last
            assert rows(warehouse, "SELECT id FROM first.trips") == [(1,)]
            assert rows(warehouse, "SELECT run FROM _sqlmat.tables") == [(f"r{number}",)]
        cluster.faults.drop_at(0)
        self.forget_processes(warehouse)
        publish(warehouse, a_table("SELECT 2 AS id"), "last")
        assert self.names(warehouse) == {"cities", "trips"}

    @pytest.mark.parametrize("after", [False, True])
    def test_an_undo(self, warehouse: Warehouse, cluster: RedshiftDouble, *, after: bool) -> None:
        for number in (1, 2):
            publish(warehouse, cities(number), f"r{number}")
        cluster.faults.drop_at(1, after=after, matching="commit")
        put_back_again(warehouse, find(warehouse))
        assert noted(warehouse) == ["r1"]
        with pytest.raises(AssertionError):
            undo(warehouse)

    @pytest.mark.parametrize("is_built", [False, True])
    def test_where_nobody_answers_it_is_not_claimed_what_the_table_holds(
        self, warehouse: Warehouse, cluster: RedshiftDouble, client: Any, *, is_built: bool
    ) -> None:
        if is_built:
            publish(warehouse, a_table("SELECT 1 AS id"), "r1")
        assert isinstance(warehouse, RedshiftWarehouse)
        hasty = RedshiftWarehouse(replace(warehouse.place, wait=timedelta(seconds=0)))
        cluster.faults.drop_at(COMMITS, after=True, matching="commit", for_good=True)
        last = build(hasty, a_table("SELECT 2 AS id"), "r2", sleep=list[float]().append)
        cluster.faults.drop_at(0)
        assert isinstance(last, Discarded)
        head, *rest = str(last.error).splitlines()
        assert head.startswith(f"the connection to `{warehouse.label}` was lost: ")
        before = "holds its previous rows" if is_built else "does not exist"
        assert rest == [
            f"it is not known whether `first.cities` {before} or holds the new rows",
            "  hint: build it again when the warehouse answers",
            "statement: COMMIT",
        ]
        assert ask(client, "select id from first.cities") == [(2,)]
        publish(warehouse, a_table("SELECT 3 AS id"), "r3")
        assert ask(client, "select id from first.cities") == [(3,)]
