"""DuckDB: tables that are loaded from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets_tests.recording import RecordingWarehouse
from sqlmat_assets_tests.warehouses.loads_contract import LoadsContract
from sqlmat_assets_tests.warehouses.parts import Fails


class TestDuckDB(LoadsContract):
    @pytest.fixture
    def warehouse(self, tmp_path: Path) -> Warehouse:
        return DuckDBWarehouse(tmp_path / "warehouse.duckdb")

    def faulty(self, warehouse: Warehouse, fails: Fails) -> tuple[Warehouse, list[str]]:
        assert isinstance(warehouse, DuckDBWarehouse)
        recorder = RecordingWarehouse(warehouse.path, fails)
        return recorder, recorder.sent
