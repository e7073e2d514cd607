"""The history of a table survives whatever becomes of the table's columns."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sqlmat_assets.execution.events import Discarded
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets_tests.execution.pair import published
from sqlmat_assets_tests.recording import RecordingWarehouse
from sqlmat_assets_tests.tables import ask
from sqlmat_assets_tests.warehouses.snapshots import DAY, at, build, cities, last_of

Columns = dict[str, str]


def history(path: Path) -> tuple[Columns, list[tuple[Any, ...]]]:
    """Its columns but for the moment, and its rows in their order."""
    columns = {name: kind for name, kind, *_ in ask(path, "DESCRIBE first.cities_history")}
    assert columns.pop("snapshot_timestamp") == "TIMESTAMP"
    return columns, ask(
        path, "SELECT * EXCLUDE snapshot_timestamp FROM first.cities_history ORDER BY snapshot_timestamp"
    )


@pytest.mark.parametrize(
    ("selects", "columns", "rows"),
    [
        (["1 AS id", "1 AS id, 'x' AS name"], {"id": "INTEGER", "name": "VARCHAR"}, [(1, None), (1, "x")]),
        (["1 AS id, 'x' AS name", "2 AS id"], {"id": "INTEGER", "name": "VARCHAR"}, [(1, "x"), (2, None)]),
        (["1 AS a, 'x' AS b", "'y' AS b, 2 AS a"], {"a": "INTEGER", "b": "VARCHAR"}, [(1, "x"), (2, "y")]),
        (["1 AS city_id", "2 AS City_ID"], {"city_id": "INTEGER"}, [(1,), (2,)]),
        (["1 AS id", "5000000000 AS id", "3 AS id"], {"id": "BIGINT"}, [(1,), (5_000_000_000,), (3,)]),
        (["'1' AS id", "2 AS id"], {"id__varchar": "VARCHAR", "id": "INTEGER"}, [("1", None), (None, 2)]),
        (
            ["'1' AS id", "2 AS id", "'3' AS id", "4 AS id", "'5' AS id"],
            {"id__integer": "INTEGER", "id": "VARCHAR"},
            [(None, "1"), (2, None), (None, "3"), (4, None), (None, "5")],
        ),
        (
            ["'1' AS id, 0 AS id__varchar", "2 AS id, 0 AS id__varchar"],
            {"id__varchar_2": "VARCHAR", "id__varchar": "INTEGER", "id": "INTEGER"},
            [("1", 0, None), (None, 0, 2)],
        ),
        (
            ["'1' AS id, 0 AS ID__Varchar", "2 AS id"],
            {"id__varchar_2": "VARCHAR", "ID__Varchar": "INTEGER", "id": "INTEGER"},
            [("1", 0, None), (None, None, 2)],
        ),
        (
            ["{'a': 1} AS it", "{'b': 1} AS it", "[1] AS it"],
            {"it__struct_a_integer": "", "it__struct_b_integer": "", "it": "INTEGER[]"},
            [({"a": 1}, None, None), (None, {"b": 1}, None), (None, None, [1])],
        ),
        (["[1] AS it", "1 AS it"], {"it__integer_list": "INTEGER[]", "it": "INTEGER"}, [([1], None), (None, 1)]),
        (
            ["CAST(1 AS DECIMAL(18, 3)) AS p", "CAST('x' AS VARCHAR) AS p"],
            {"p__decimal_18_3": "DECIMAL(18,3)", "p": "VARCHAR"},
            [(1, None), (None, "x")],
        ),
        (
            ["1 AS a, 'x' AS b", "'y' AS a, 2 AS b"],
            {"a__integer": "INTEGER", "b__varchar": "VARCHAR", "a": "VARCHAR", "b": "INTEGER"},
            [(1, "x", None, None), (None, None, "y", 2)],
        ),
    ],
)
def test_columns_come_and_go(path: Path, selects: list[str], columns: Columns, rows: list[tuple[Any, ...]]) -> None:
    for day, select in enumerate(selects):
        taken = build(DuckDBWarehouse(path), cities(f"SELECT {select}"), day * DAY, f"r{day}")
        assert taken.rows == 1
    found, kept = history(path)
    # The types of nested columns are written with quotes here and without them there.
    assert found.keys() == columns.keys()
    assert all(found[name] == kind for name, kind in columns.items() if kind)
    order = [list(found).index(name) for name in columns]
    assert [tuple(row[place] for place in order) for row in kept] == rows


@pytest.mark.parametrize("length", [200, 30])
def test_a_name_that_says_its_type_fits_the_engine(path: Path, length: int) -> None:
    name = "é" * length
    for day, value in enumerate(("1", "'x'", "1.5", "DATE '2024-01-01'")):
        build(DuckDBWarehouse(path), cities(f'SELECT {value} AS "{name}"'), day * DAY, f"r{day}")
    columns, rows = history(path)
    assert len(columns) == len(rows) == 4
    assert all(len(column.encode()) <= 255 or column == name for column in columns)


def test_the_order_of_the_columns_costs_no_statement(path: Path) -> None:
    build(DuckDBWarehouse(path), cities("SELECT 1 AS a, 2 AS b"), 0 * DAY)
    warehouse = RecordingWarehouse(path)
    build(warehouse, cities("SELECT 2 AS B, 1 AS a"), 1 * DAY, "r2")
    assert not [sql for sql in warehouse.sent if "ALTER" in sql and "cities_history" in sql]


def test_a_column_of_the_history_that_must_have_values_is_the_users_to_change(path: Path) -> None:
    ask(
        path,
        "CREATE SCHEMA first; CREATE TABLE first.cities_history AS SELECT 1 AS id, TIMESTAMP '2020-01-01' AS"
        " snapshot_timestamp; ALTER TABLE first.cities_history ADD COLUMN code INTEGER DEFAULT 0;"
        " ALTER TABLE first.cities_history ALTER COLUMN code SET NOT NULL;"
        " ALTER TABLE first.cities_history ALTER COLUMN code DROP DEFAULT",
    )
    ended = last_of(cities("SELECT 1 AS id"), at(DuckDBWarehouse(path), 0 * DAY))
    assert isinstance(ended, Discarded)
    assert "NOT NULL constraint failed: cities_history.code" in str(ended.error)
    assert str(ended.error).split("\n")[1] == "`first.cities` was never built"


def test_the_table_of_a_setting_that_comes_later_is_kept_from_then_on(path: Path) -> None:
    model = cities("SELECT 1 AS id", None)
    published(model, at(DuckDBWarehouse(path), 0 * DAY))
    assert build(DuckDBWarehouse(path), cities("SELECT 1 AS id"), timedelta(hours=1), "r2").rows == 1
