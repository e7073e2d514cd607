"""DuckDB: versions of tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets_tests.recording import RecordingWarehouse
from sqlmat_assets_tests.tables import ask
from sqlmat_assets_tests.warehouses.parts import Fails, publish
from sqlmat_assets_tests.warehouses.undo_contract import UndoContract, cities, undo


class TestDuckDB(UndoContract):
    @pytest.fixture
    def warehouse(self, tmp_path: Path) -> Warehouse:
        return DuckDBWarehouse(tmp_path / "warehouse.duckdb")

    def faulty(self, warehouse: Warehouse, fails: Fails) -> tuple[Warehouse, list[str]]:
        assert isinstance(warehouse, DuckDBWarehouse)
        recorder = RecordingWarehouse(warehouse.path, fails)
        return recorder, recorder.sent

    @pytest.mark.parametrize("settings", [{}, {"mode": "merge", "unique_key": ("id",), "on_match": "update"}])
    def test_comments_are_those_of_the_version(self, tmp_path: Path, settings: dict[str, Any]) -> None:
        path = tmp_path / "warehouse.duckdb"
        query = "SELECT comment FROM duckdb_tables() WHERE table_name = 'cities'"
        for number in (1, 2):
            publish(DuckDBWarehouse(path), cities(number, **settings), f"r{number}")
        assert ask(path, query) == [("v2",)]
        undo(DuckDBWarehouse(path))
        assert ask(path, query) == [("v1",)]
