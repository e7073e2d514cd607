"""DuckDB: tables that are loaded from databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets_tests.recording import RecordingWarehouse
from sqlmat_assets_tests.warehouses.database_loads_contract import DatabaseLoadsContract
from sqlmat_assets_tests.warehouses.parts import Fails


class TestDuckDB(DatabaseLoadsContract):
    @pytest.fixture
    def warehouse(self, tmp_path: Path) -> Warehouse:
        return DuckDBWarehouse(tmp_path / "warehouse.duckdb")

    def faulty(self, warehouse: Warehouse, fails: Fails) -> tuple[Warehouse, list[str]]:
        assert isinstance(warehouse, DuckDBWarehouse)
        recorder = RecordingWarehouse(warehouse.path, fails)
        return recorder, recorder.sent
