"""DuckDB: tables that are loaded from rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import LoadsRows
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse

# As many as DuckDB keeps together.
GROUP = 122_880


@pytest.mark.parametrize("batch", [1000, 12_933, GROUP, 300_000])
def test_what_is_kept_together_is_full(tmp_path: Path, batch: int) -> None:
    schema = pa.schema([("id", pa.int64())])
    count = 3 * GROUP + 7

    def batches() -> Iterator[Any]:
        for start in range(0, count, batch):
            yield pa.RecordBatch.from_arrays([pa.array(range(start, min(start + batch, count)))], schema=schema)

    rows = pa.RecordBatchReader.from_batches(schema, batches())
    with DuckDBWarehouse(tmp_path / "w.duckdb").open_session() as session:
        assert isinstance(session, LoadsRows)
        assert session.load_rows(Relation("main", "t"), rows, [("id", "BIGINT")]).rows == count
        query = "SELECT max(count) AS n FROM pragma_storage_info('t') GROUP BY row_group_id ORDER BY row_group_id"
        assert session.fetch_rows(statements.verbatim(query)).rows == [(GROUP,), (GROUP,), (GROUP,), (7,)]
        query = "SELECT count(*) AS n, sum(id) AS total FROM t"
        assert session.fetch_rows(statements.verbatim(query)).rows == [(count, count * (count - 1) // 2)]
