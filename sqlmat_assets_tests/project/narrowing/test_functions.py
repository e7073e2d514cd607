from __future__ import annotations

import duckdb

from sqlmat_assets.project.narrowing.functions import PURE


def test_the_engine_agrees_that_they_are_no_macros_and_not_volatile() -> None:
    """A macro may hide a window; what is volatile may give another row each time."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT function_name FROM duckdb_functions() WHERE function_type IN ('scalar', 'aggregate') "
            "GROUP BY 1 HAVING bool_and(coalesce(stability, 'CONSISTENT') = 'CONSISTENT')"
        ).fetchall()
        macros = connection.execute(
            "SELECT function_name FROM duckdb_functions() WHERE function_type = 'macro'"
        ).fetchall()
    known = {name for (name,) in rows} - {name for (name,) in macros}
    assert known >= PURE
