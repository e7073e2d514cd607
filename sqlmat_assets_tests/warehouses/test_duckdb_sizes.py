"""What DuckDB tells of the size of a table."""

from __future__ import annotations

from pathlib import Path

import duckdb

BLOCKS = "SELECT DISTINCT block_id FROM pragma_storage_info('{}') WHERE persistent AND block_id >= 0"


def test_no_figure_of_duckdb_is_the_size_of_a_table(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("CREATE TABLE narrow AS SELECT range AS id FROM range(1000)")
        connection.execute(
            "CREATE TABLE wide AS SELECT range AS id, repeat('x', 200) || range AS text FROM range(1000)"
        )
        connection.execute("CHECKPOINT")
        sizes = connection.execute("SELECT table_name, estimated_size FROM duckdb_tables() ORDER BY ALL").fetchall()
        assert sizes == [("narrow", 1000), ("wide", 1000)]
        narrow, wide = (set(connection.execute(BLOCKS.format(name)).fetchall()) for name in ("narrow", "wide"))
        # Counted for each, the block that both lie in would count twice.
        assert narrow
        assert narrow & wide
