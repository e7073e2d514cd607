"""An environment in Dagster: the same assets, elsewhere, and nothing by itself."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions
from sqlmat_assets.execution.environment import Environment
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Project
from sqlmat_assets_tests.components.running import execute, stored_run
from sqlmat_assets_tests.tables import ask, tables_in

CITIES = dg.AssetKey(["first", "cities"])


def a_folder(tmp_path: Path) -> Project:
    folder = tmp_path / "sql" / "first"
    folder.mkdir(parents=True)
    (folder / "cities - 1h.sql").write_text("SELECT 1 AS id")
    (folder / "cities_test.sql").write_text("SELECT id = 1 AS right FROM first.cities")
    (folder / "people - 1h.sql").write_text("SELECT id FROM first.cities")
    return load_project(tmp_path / "sql")


def definitions_of(tmp_path: Path, environment: Environment | None) -> dg.Definitions:
    url = f"duckdb:///{tmp_path / 'w.duckdb'}"
    project = load_project(tmp_path / "sql")
    return dg.Definitions.merge(
        build_definitions(project, warehouse=WarehouseResource(url=url), environment=environment),
        dg.Definitions(executor=dg.in_process_executor),
    )


def test_the_keys_are_the_same_and_the_names_are_those_of_the_warehouse(tmp_path: Path) -> None:
    a_folder(tmp_path)
    production, here = (
        {spec.key: spec for spec in definitions_of(tmp_path, each).resolve_all_asset_specs()}
        for each in (None, Environment("dev"))
    )
    assert production.keys() == here.keys()
    assert here[CITIES].metadata["dagster/table_name"] == "first__dev.cities"
    assert here[CITIES].metadata["environment"] == "dev"
    assert here[CITIES].tags == {**production[CITIES].tags, "sqlmat/env": "dev"}
    assert production[CITIES].metadata["dagster/table_name"] == "first.cities"
    assert "environment" not in production[CITIES].metadata
    assert "sqlmat/env" not in production[CITIES].tags


def test_nothing_runs_by_itself_until_it_is_switched_on(tmp_path: Path) -> None:
    a_folder(tmp_path)
    found = [definitions_of(tmp_path, each) for each in (None, Environment("dev"))]
    statuses = [definitions.resolve_sensor_def("sqlmat_freshness").default_status for definitions in found]
    assert statuses == [dg.DefaultSensorStatus.RUNNING, dg.DefaultSensorStatus.STOPPED]


def test_a_run_builds_there_and_says_so(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    a_folder(tmp_path)
    path = tmp_path / "w.duckdb"
    ask(path, "CREATE SCHEMA first; CREATE TABLE first.cities AS SELECT 7 AS id")
    definitions = definitions_of(tmp_path, Environment("dev"))
    result = execute(definitions, instance, assets=["first/people"])
    assert result.success
    assert ask(path, "FROM first__dev.people") == [(7,)]
    assert stored_run(instance, result).tags["sqlmat/env"] == "dev"
    assert execute(definitions, instance).success
    assert ask(path, "FROM first__dev.people") == [(1,)]
    assert tables_in(path) == ["cities"]
    assert ask(path, "FROM first.cities") == [(7,)]
    event = instance.get_latest_materialization_event(dg.AssetKey(["first", "people"]))
    assert event is not None
    assert event.asset_materialization is not None
    metadata = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    assert metadata["dagster/table_name"] == "first__dev.people"
    assert metadata["environment"] == "dev"
    assert execute(definitions, instance, assets=[], checks=["first/cities:right"]).success


def test_a_run_of_production_names_no_environment(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    a_folder(tmp_path)
    result = execute(definitions_of(tmp_path, None), instance)
    assert result.success
    assert "sqlmat/env" not in stored_run(instance, result).tags
