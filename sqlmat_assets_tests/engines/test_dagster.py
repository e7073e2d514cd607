"""What Dagster is told of a run, whatever engine the tables are in."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions
from sqlmat_assets.project.load import load_project
from sqlmat_assets_tests.components.running import execute, open_instance
from sqlmat_assets_tests.engines.engine import PASSWORD, Engine
from sqlmat_assets_tests.engines.projects import GEOGRAPHY, write_project

CITIES = dg.AssetKey(["first", "cities"])


def define(sql: Path) -> dg.Definitions:
    url = dg.EnvVar("SQLMAT_WAREHOUSE")
    made = build_definitions(load_project(sql), warehouse=WarehouseResource(url=url))
    return dg.Definitions.merge(made, dg.Definitions(executor=thread_executor))


def written_in(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


@pytest.mark.slow
def test_a_run_tells_rows_checks_columns_and_phases(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SQLMAT_WAREHOUSE", engine.url)
    sql, home = write_project(tmp_path, engine, GEOGRAPHY), tmp_path / "home"
    with open_instance(home) as instance:
        assert execute(define(sql), instance).success
        told = instance.get_latest_materialization_event(CITIES)
        assert told is not None
        assert told.asset_materialization is not None
        metadata = {name: value.value for name, value in told.asset_materialization.metadata.items()}
        assert metadata["dagster/row_count"] == 3
        schema = metadata["dagster/column_schema"]
        assert isinstance(schema, dg.TableSchema)
        assert [(column.name, column.description) for column in schema.columns] == [
            ("city", "its name in English"),
            ("country", "the country's short name in English"),
        ]
        assert metadata["dagster/table_name"] == "first.cities"
        seconds = {f"seconds ({phase})" for phase in ("prepare", "write", "checks", "fingerprint", "publish")}
        assert seconds <= set(metadata)
        is_told = engine.dialect in ("redshift", "bigquery")
        assert ("scanned bytes" in metadata, "seconds (queued)" in metadata) == (is_told, is_told)
        is_billed = engine.dialect == "bigquery"
        assert [name in metadata for name in ("billed bytes", "slot seconds", "USD")] == 3 * [is_billed]
        (sql / "first/cities_raw.csv").write_text("city,country\nLyon,France\n")
        failed = execute(define(sql), instance)
        assert not failed.success
        assert sorted(event.step_key or "" for event in failed.get_step_failure_events()) == ["first__cities"]
        made = {event.step_key for event in failed.all_events if event.is_step_materialization}
        assert made == {"first__cities_raw", "first__shops_raw"}
        checks = {
            each.asset_check_evaluation_data.check_name: each.asset_check_evaluation_data.passed
            for each in failed.all_events
            if each.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
        }
    assert checks == {
        "correct_capital_of_france": False,
        "not_null_city": True,
        "not_null_country": True,
        "unique_country": True,
    }
    assert engine.ask("select city from first.cities order by 1") == [("Oslo",), ("Paris",), ("Rome",)]
    printed = "".join(capfd.readouterr())
    assert PASSWORD not in printed
    assert PASSWORD.encode() not in written_in(home)
