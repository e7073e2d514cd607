"""DuckDB: views."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets_tests.recording import RecordingWarehouse
from sqlmat_assets_tests.warehouses.parts import Fails, rows
from sqlmat_assets_tests.warehouses.views_contract import ViewsContract


class TestDuckDB(ViewsContract):
    @pytest.fixture
    def warehouse(self, tmp_path: Path) -> Warehouse:
        return DuckDBWarehouse(tmp_path / "warehouse.duckdb")

    def faulty(self, warehouse: Warehouse, fails: Fails) -> tuple[Warehouse, list[str]]:
        assert isinstance(warehouse, DuckDBWarehouse)
        recorder = RecordingWarehouse(warehouse.path, fails)
        return recorder, recorder.sent

    def fetch_comments(self, warehouse: Warehouse) -> tuple[object, object]:
        ((of_view,),) = rows(warehouse, "SELECT comment FROM duckdb_views() WHERE view_name = 'seen'")
        of_column = "SELECT comment FROM duckdb_columns() WHERE table_name = 'seen' AND column_name = 'id'"
        return of_view, rows(warehouse, of_column)[0][0]
