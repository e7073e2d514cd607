"""A project in the SQL of BigQuery on DuckDB, as Dagster shows it."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions, load_folder
from sqlmat_assets_tests.components.running import events_of, execute, open_instance
from sqlmat_assets_tests.folders import write_files

QUERY = "SELECT DATE_TRUNC(day, MONTH) AS month, COUNT(*) AS days FROM s.days GROUP BY month"
FILES = {
    "global.conf": "dialect = bigquery\n",
    "s/days.csv": "day\n2024-01-05\n2024-01-06\n",
    "s/months - 1h.sql": f"-- Days of each month.\n{QUERY};\n",
    "s/months_test.sql": "SELECT COUNTIF(days > 1) = 1 AS one_has_many FROM s.months",
    "s/odd - 1h.sql": "SELECT FARM_FINGERPRINT('a') AS a",
    "s/from_odd - 1h.sql": "SELECT a FROM s.odd",
}


@pytest.fixture
def definitions(tmp_path: Path) -> dg.Definitions:
    project = load_folder(write_files(tmp_path / "sql", FILES))
    tables = build_definitions(project, warehouse=WarehouseResource(url=f"duckdb:///{tmp_path}/dev.duckdb"))
    return dg.Definitions.merge(tables, dg.Definitions(executor=thread_executor))


def test_both_texts_are_shown_and_what_is_unsupported_is_refused(tmp_path: Path, definitions: dg.Definitions) -> None:
    with open_instance(tmp_path / "home") as instance:
        result = execute(definitions, instance)
        (record,) = instance.fetch_materializations(dg.AssetKey(["s", "months"]), limit=10).records
        checks = [e.event_specific_data for e in events_of(result, dg.DagsterEventType.ASSET_CHECK_EVALUATION)]
        (failed,) = events_of(result, dg.DagsterEventType.STEP_FAILURE)
    assert record.asset_materialization is not None
    metadata = record.asset_materialization.metadata
    assert str(metadata["sql of the file"].value) == f"```sql\n{QUERY}\n```"
    assert 'CAST_TO_TYPE(DATE_TRUNC(\'month\', "day"), "day") AS "month"' in str(metadata["sql"].value)
    (check,) = checks
    assert isinstance(check, dg.AssetCheckEvaluation)
    assert check.passed
    assert "COUNTIF(days > 1)" in str(check.metadata["sql of the file"].value)
    assert 'COUNT(CASE WHEN "days" > 1 THEN 1 END)' in str(check.metadata["sql"].value)
    assert failed.step_key == "s__odd"
    error = failed.step_failure_data.error
    assert error is not None
    assert "s/odd - 1h.sql:1:8: the function FARM_FINGERPRINT is unsupported on DuckDB" in str(error)
    started = {event.step_key for event in events_of(result, dg.DagsterEventType.STEP_START)}
    assert started == {"s__days", "s__months", "s__odd"}


def test_the_version_is_that_of_the_file(tmp_path: Path, definitions: dg.Definitions) -> None:
    of_bigquery = load_folder(tmp_path / "sql").models
    kept = {str(relation): model.version for relation, model in of_bigquery.items()}
    with open_instance(tmp_path / "home") as instance:
        execute(definitions, instance, assets=["s/days", "s/months"])
        (record,) = instance.fetch_materializations(dg.AssetKey(["s", "months"]), limit=10).records
    assert record.asset_materialization is not None
    assert record.asset_materialization.metadata["code version"].value == str(kept["s.months"])
