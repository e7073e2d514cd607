"""Warehouse URLs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sqlmat_assets.errors import UsageError
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("duckdb:///data/warehouse.duckdb", "/data/warehouse.duckdb"),
        ("duckdb:////data/warehouse.duckdb", "/data/warehouse.duckdb"),
        ("DuckDB:///data/my%20warehouse.duckdb", "/data/my warehouse.duckdb"),
        ("duckdb:///warehouse.duckdb", "{cwd}/warehouse.duckdb"),
        ("duckdb:data/warehouse.duckdb", "{cwd}/data/warehouse.duckdb"),
    ],
)
def test_a_path_in_a_url(url: str, path: str) -> None:
    assert open_warehouse(url) == DuckDBWarehouse(Path(path.format(cwd=Path.cwd())), timedelta(seconds=60))


def test_nothing_is_opened(tmp_path: Path) -> None:
    warehouse = open_warehouse(f"duckdb://{tmp_path}/warehouse.duckdb?wait=5")
    assert warehouse == DuckDBWarehouse(tmp_path / "warehouse.duckdb", timedelta(seconds=5))
    assert warehouse.label == f"duckdb://{tmp_path}/warehouse.duckdb"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "oracle://scott:tiger@host/db",
            "warehouse URLs starting with `oracle://` are not supported\n  hint: use one of `bigquery://`, "
            "`duckdb://`, `postgresql://`, `redshift://`",
        ),
        (
            "warehouse.duckdb",
            "the warehouse URL has no scheme\n  hint: start it with one of `bigquery://`, `duckdb://`, `postgresql://`, `redshift://`",
        ),
        (
            "",
            "the warehouse URL has no scheme\n  hint: start it with one of `bigquery://`, `duckdb://`, `postgresql://`, `redshift://`",
        ),
        ("duckdb://", "the warehouse URL names no file\n  hint: write `duckdb:///path/to/warehouse.duckdb`"),
        (
            "duckdb://joan:secret@host/w.duckdb",
            "the warehouse URL names a user, and a DuckDB file has none\n  hint: write `duckdb:///path/to/warehouse.duckdb`",
        ),
        (
            "duckdb:///:memory:",
            "a warehouse in memory keeps nothing\n  hint: name a file, as in `duckdb:///warehouse.duckdb`",
        ),
        (
            "duckdb:///a/b?weight=3",
            "the warehouse URL has an unknown parameter `weight`\n  hint: known parameters are `memory_limit`, `wait`",
        ),
        (
            "duckdb:///a/b?wait=long",
            "`wait=long` in the warehouse URL is no number of seconds\n  hint: write `wait=60`",
        ),
        *(
            (
                f"duckdb:///a/b?memory_limit={value}",
                f"`memory_limit={value}` in the warehouse URL is no amount of memory\n  hint: write `memory_limit=4GB`",
            )
            for value in ("much", "4", "GB", "-1GB", "4GB'")
        ),
        (
            "duckdb:///a/b?wait=nan",
            "`wait=nan` in the warehouse URL is no number of seconds\n  hint: write `wait=60`",
        ),
    ],
)
def test_what_cannot_be_opened(url: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_warehouse(url)
    assert str(caught.value) == message
