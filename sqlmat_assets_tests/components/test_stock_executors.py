"""A small project built by each of Dagster's own executors: what is built, blocked and skipped is the same."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions, load_folder

Type = dg.DagsterEventType

FILES = {
    "first/cities - 24h.sql": "SELECT 1 AS id UNION ALL SELECT 2",
    "first/cities_test.sql": "SELECT id > 0 AS positive FROM first.cities",
    "first/shops.sql": "SELECT id FROM first.cities",
    "first/wrong.sql": "SELECT -id AS id FROM first.cities",
    "first/wrong_test.sql": "SELECT id > 0 AS positive FROM first.wrong",
    "first/reader - 24h.sql": "SELECT id FROM first.wrong UNION ALL SELECT id FROM first.shops",
}


def a_job(folder: str, executor: str) -> dg.JobDefinition:
    """What each process loads."""
    warehouse = WarehouseResource(url=f"duckdb:///{folder}/warehouse.duckdb")
    executors = {each.name: each for each in (dg.in_process_executor, dg.multiprocess_executor, thread_executor)}
    definitions = dg.Definitions.merge(
        build_definitions(load_folder(Path(folder) / "sql"), warehouse=warehouse),
        dg.Definitions(executor=executors[executor], jobs=[dg.define_asset_job("all_tables")]),
    )
    return definitions.resolve_job_def("all_tables")


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["in_process", "threads", "multiprocess"])
def test_a_project_is_built(executor: str, instance: dg.DagsterInstance, tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / "sql" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "sql" / name).write_text(text + "\n")
    # A DuckDB file admits one process that writes.
    config = {"max_concurrent": 1} if executor == "multiprocess" else {}
    kwargs = {"folder": str(tmp_path), "executor": executor}
    job = dg.build_reconstructable_job(__name__, "a_job", reconstructable_kwargs=kwargs)
    with dg.execute_job(job, instance, run_config={"execution": {"config": config}}) as result:
        assert not result.success
        events = result.all_events
    made = [each.step_materialization_data.materialization for each in events if each.is_step_materialization]
    assert sorted(each.asset_key.to_user_string() for each in made) == ["first/cities", "first/shops"]
    assert all("dagster/row_count" in each.metadata for each in made)
    found = [each.asset_check_evaluation_data for each in events if each.event_type == Type.ASSET_CHECK_EVALUATION]
    told = {each.asset_check_key.to_user_string(): (each.passed, each.target_materialization_data) for each in found}
    assert [(key, passed) for key, (passed, _) in sorted(told.items())] == [
        ("first/cities:positive", True),
        ("first/wrong:positive", False),
    ]
    target = told["first/cities:positive"][1]
    assert target is not None
    assert target.run_id == result.run_id
    (failed,) = [each for each in events if each.event_type == Type.STEP_FAILURE]
    assert failed.step_key == "first__wrong"
    with duckdb.connect(tmp_path / "warehouse.duckdb") as connection:
        names = connection.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'first' ORDER BY 1")
        assert names.fetchall() == [("cities",), ("shops",)]
