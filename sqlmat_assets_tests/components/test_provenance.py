"""What Dagster takes for stale after a build, on a real instance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from sqlmat_assets.cli import run
from sqlmat_assets.components.home import open_instance
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions, load_folder
from sqlmat_assets_tests.components.running import execute
from sqlmat_assets_tests.folders import write_files

FILES = {
    "s/raw.csv": "id,day\n1,2019-01-01\n2,2019-02-03\n",
    "s/seen - 24h.sql": "SELECT r.id, o.name FROM s.raw AS r JOIN other.names AS o USING (id)",
    "s/shown.sql": "-- mode: view\nSELECT id FROM s.seen",
    "s/monthly - 24h.sql": (
        "-- partition_by: month(day) from 2019-01 to 2019-02\nSELECT CAST(day AS date) AS day, id FROM s.raw"
    ),
    "s/after - 24h.sql": (
        "-- partition_by: month(day) from 2019-01 to 2019-02\n"
        "SELECT m.day, count(*) AS n FROM s.monthly AS m JOIN s.shown USING (id) GROUP BY ALL"
    ),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DAGSTER_HOME", "SQLMAT_WAREHOUSE", "SQLMAT_ENV"):
        monkeypatch.delenv(name, raising=False)
    with duckdb.connect(str(tmp_path / "sqlmat.duckdb")) as connection:
        connection.execute("CREATE SCHEMA other")
        connection.execute("CREATE TABLE other.names AS SELECT range AS id, 'x' AS name FROM range(5)")
    return write_files(tmp_path / "sql", FILES)


def definitions_of(folder: Path) -> dg.Definitions:
    warehouse = WarehouseResource(url=f"duckdb:///{folder.parent / 'sqlmat.duckdb'}")
    found = build_definitions(load_folder(folder), warehouse=warehouse)
    return dg.Definitions.merge(found, dg.Definitions(executor=dg.in_process_executor))


def build(folder: Path, *arguments: str) -> None:
    assert run(["build", str(folder), *arguments]) == 0


def stale(folder: Path) -> Mapping[str, list[str]]:
    """Every table that is not as its files and what it reads are, with the causes; of a partition, each by its key."""
    instance = open_instance(folder.parent / ".sqlmat")
    try:
        graph = definitions_of(folder).resolve_asset_graph()
        resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
        found: dict[str, list[str]] = {}
        for key in graph.materializable_asset_keys:
            parts = graph.get(key).partitions_def
            for partition in [None] if parts is None else parts.get_partition_keys():
                if resolver.get_status(key, partition).value != "FRESH":
                    name = key.to_user_string() if partition is None else f"{key.to_user_string()} {partition}"
                    found[name] = [cause.reason for cause in resolver.get_stale_causes(key, partition)]
        return found
    finally:
        instance.dispose()


def test_a_whole_build_leaves_nothing_stale(folder: Path) -> None:
    build(folder)
    assert stale(folder) == {}
    build(folder)
    assert stale(folder) == {}
    build(folder, "-s", "s.raw")
    assert stale(folder) == {}


def test_what_reads_new_rows_is_stale_until_it_is_built(folder: Path) -> None:
    build(folder)
    (folder / "s" / "raw.csv").write_text("id,day\n1,2019-01-01\n2,2019-02-03\n3,2019-02-04\n")
    build(folder, "-s", "s.raw")
    new = ["has a new dependency data version"]
    assert stale(folder) == {"s/seen": new, "s/monthly 2019-01-01": new, "s/monthly 2019-02-01": new}
    build(folder)
    assert stale(folder) == {}


def test_partitions_that_a_run_does_not_name_tell_what_they_have_read(folder: Path) -> None:
    instance = open_instance(folder.parent / ".sqlmat")
    try:
        assert execute(definitions_of(folder), instance, assets=["s/raw", "s/monthly"]).success
    finally:
        instance.dispose()
    assert {name: causes for name, causes in stale(folder).items() if name.startswith("s/monthly")} == {}
