"""DuckDB files that stay open while a test runs: to open and close one takes longer than most of the tests."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from sqlmat_assets.warehouses.duckdb import files as duckdb_files


@pytest.fixture(autouse=True)
def keep_open(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Keep what a session opens open until the test ends, but not where another process opens it: `slow`, `reopens`."""
    node: Any = request.node
    if node.get_closest_marker("slow") or node.get_closest_marker("reopens") or "hold" in request.fixturenames:
        yield
        return
    close = duckdb_files._close  # pyright: ignore[reportPrivateUsage] - what closes the file after the last session
    opened: list[duckdb_files._OpenFile] = []  # pyright: ignore[reportPrivateUsage] - its class
    monkeypatch.setattr(duckdb_files, "_close", opened.append)
    yield
    for file in opened:
        close(file)
