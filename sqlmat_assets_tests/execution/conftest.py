from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A DuckDB file that is not there yet."""
    return tmp_path / "warehouse.duckdb"
