"""Redshift: tables that are built in parts."""

from __future__ import annotations

from sqlmat_assets.execution.events import Discarded, Published
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.piece import Piece
from sqlmat_assets.project.model import Model
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.tables import a_context
from sqlmat_assets_tests.warehouses.parts import build, publish, rows, trips
from sqlmat_assets_tests.warehouses.parts_contract import PartsContract
from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift


class TestRedshift(OnRedshift, PartsContract):
    def test_a_column_that_a_view_reads_does_not_grow(self, warehouse: Warehouse) -> None:
        def model(name: str) -> Model:
            return trips(f"SELECT 1 AS id, '{name}' AS name", mode="merge", unique_key=("id",), on_match="update")

        publish(warehouse, model("one"), "r1")
        with warehouse.open_session() as session:
            session.execute(verbatim("CREATE VIEW first.seen AS SELECT name FROM first.trips"))
        last = build(warehouse, model("longer"), "r2")
        assert isinstance(last, Discarded)
        assert "value too long for type character varying(3)" in str(last.error).lower()
        assert "`first.trips` still holds its previous rows" in str(last.error)
        publish(warehouse, model("six"), "r3")
        # All of it anew is another table, on which the view is made anew.
        last = list(materialize(model("longer"), a_context(warehouse, "r4"), Piece(None, is_full_refresh=True)))[-1]
        assert isinstance(last, Published), last
        assert rows(warehouse, "SELECT name FROM first.seen") == [("longer",)]
