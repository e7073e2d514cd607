"""Snapshots in Dagster: what is told of them, and who reads them, on a real DuckDB file and a real event log."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import duckdb

from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions
from sqlmat_assets.project.load import load_project
from sqlmat_assets_tests.components.running import events_of, execute, open_instance, steps_with

Type = dg.DagsterEventType
KEPT = "-- snapshots_interval: 24h\n"
FILES = {
    "cities - 24h": KEPT + "select 1 as id, coalesce((select max(id) from first.cities_history), 0) as before",
    "a_reader - 24h": "select count(*) as kept from first.cities_history",
    "days - 24h": KEPT + "-- partition_by: day(made) from 2019-01-01 to 2019-01-03\nselect date '2019-01-02' as made",
    "by_day - 24h": "-- partition_by: day(made) from 2019-01-01 to 2019-01-03\nselect made from first.days_history",
}


def define(folder: Path, files: dict[str, str]) -> dg.Definitions:
    for name, text in files.items():
        path = folder / "sql" / "first" / f"{name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    project = load_project(folder / "sql")
    assert project.problems == ()
    resource = WarehouseResource(url=f"duckdb:///{folder / 'warehouse.duckdb'}")
    definitions = build_definitions(project, warehouse=resource)
    return dg.Definitions.merge(definitions, dg.Definitions(executor=dg.in_process_executor))


def test_they_are_told_and_read_in_the_same_run(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "warehouse.duckdb") as connection:
        connection.execute(
            "CREATE SCHEMA first; CREATE TABLE first.cities_history (snapshot_timestamp TIMESTAMP, id INT)"
        )
    definitions = define(tmp_path, {name: FILES[name] for name in ("cities - 24h", "a_reader - 24h")})
    with open_instance(tmp_path / "home") as instance:
        result = execute(definitions, instance)
        assert result.success
    assert steps_with(result, Type.ASSET_MATERIALIZATION) == ["first__cities", "first__a_reader"]
    told = [event.materialization.metadata for event in events_of(result, Type.ASSET_MATERIALIZATION)]
    assert (told[0]["snapshot rows"].value, told[0]["removed snapshot rows"].value) == (1, 0)
    assert "seconds (snapshot)" in told[0]
    assert "removed snapshot rows" not in told[1]
    with duckdb.connect(tmp_path / "warehouse.duckdb") as connection:
        assert connection.execute("FROM first.a_reader").fetchall() == [(1,)]


def test_who_reads_a_history_depends_on_its_table_and_on_all_of_it(tmp_path: Path) -> None:
    """Also where both have partitions, of which those of the snapshots are none."""
    definitions = define(tmp_path, FILES)
    graph = definitions.resolve_asset_graph()
    for reader, table in (("a_reader", "cities"), ("by_day", "days")):
        parents = {key.path[-1] for key in graph.get(dg.AssetKey(["first", reader])).parent_keys}
        assert parents == {table, f"{table}_history"}
    assert {key.path[-1] for key in graph.get(dg.AssetKey(["first", "cities"])).parent_keys} == {"cities_history"}
    mapping = graph.get_partition_mapping(dg.AssetKey(["first", "by_day"]), dg.AssetKey(["first", "days"]))
    assert isinstance(mapping, dg.AllPartitionMapping)
