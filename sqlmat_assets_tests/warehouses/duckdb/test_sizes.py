"""What DuckDB tells of the size of a table."""

from __future__ import annotations

from pathlib import Path

import duckdb

SIZES = "SELECT table_name, estimated_size FROM duckdb_tables() ORDER BY ALL"
BLOCKS = "SELECT count(DISTINCT block_id) FROM pragma_storage_info('{}') WHERE persistent AND block_id >= 0"


def test_no_figure_of_duckdb_is_the_size_of_a_table(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("CREATE TABLE narrow AS SELECT range AS id FROM range(1000)")
        connection.execute("CREATE TABLE wide AS SELECT range AS id, repeat('x', 50) || range AS t FROM range(1000)")
        connection.execute("CHECKPOINT")
        assert connection.execute(SIZES).fetchall() == [("narrow", 1000), ("wide", 1000)]
        blocks = [connection.execute(BLOCKS.format(name)).fetchall() for name in ("narrow", "wide")]
        assert blocks == [[(1,)], [(1,)]]
