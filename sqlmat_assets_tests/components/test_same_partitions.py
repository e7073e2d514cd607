"""Partitions that come out as they are published, as Dagster hears of them."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions, load_folder
from sqlmat_assets_tests.components.running import execute
from sqlmat_assets_tests.folders import write_files
from sqlmat_assets_tests.tables import ask

FILES = {
    "first/trips - 24h.sql": "-- partition_by: month(day) from 2019-01 to 2019-03\n-- keep_versions: 1\n"
    "SELECT CAST(day AS date) AS day FROM src.days\n",
    "first/trips_test.sql": "SELECT day IS NOT NULL AS known FROM first.trips\n",
}
TRIPS = dg.AssetKey(["first", "trips"])
MONTHS = ["2019-01-01", "2019-02-01", "2019-03-01"]
RANGE = dict(zip(("dagster/asset_partition_range_start", "dagster/asset_partition_range_end"), MONTHS[1:], strict=True))


@pytest.mark.parametrize("tags", [RANGE, {}], ids=["named by the run", "of the table"])
def test_each_of_them_is_materialized_again(instance: dg.DagsterInstance, tmp_path: Path, tags: dict[str, str]) -> None:
    warehouse = tmp_path / "w.duckdb"
    ask(warehouse, "CREATE SCHEMA src; CREATE TABLE src.days AS SELECT unnest(['2019-02-03', '2019-03-04']) AS day")
    project = load_folder(write_files(tmp_path / "sql", FILES))
    built_by = build_definitions(project, warehouse=WarehouseResource(url=f"duckdb:///{warehouse}"))
    definitions = dg.Definitions.merge(built_by, dg.Definitions(executor=dg.in_process_executor))
    for _ in range(2):
        assert execute(definitions, instance, assets=["first/trips"], tags=tags).success
    built = MONTHS[1:] if tags else MONTHS
    records = instance.fetch_materializations(TRIPS, limit=100).records
    found = [one.asset_materialization for one in records if one.asset_materialization is not None]
    partitions = [one for one in found if one.partition is not None]
    assert sorted(str(one.partition) for one in partitions) == sorted(built * 2)
    newest = {one.partition: one.metadata["dagster/partition_row_count"].value for one in partitions[: len(built)]}
    assert newest == {month: int(month != MONTHS[0]) for month in built}
    told = [str(one.metadata["outcome"].value) for one in found if "outcome" in one.metadata]
    assert told[0] == "unchanged: the same 2 rows as published, so nothing was swapped"
    assert told[-1] == "new rows"
    assert ask(warehouse, "SELECT count(*) FROM _sqlmat.versions") == [(0,)]
