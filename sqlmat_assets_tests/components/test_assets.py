"""Tables built, refused and checked in Dagster runs, on a real DuckDB file and a real event log."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from os import getpid, kill
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from dagster._core.definitions.data_version import extract_data_version_from_entry
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.definitions.metadata import TableMetadataValue
from dagster._core.execution.api import execute_run
from dagster._core.execution.execution_result import ExecutionResult

from sqlmat_assets.components.assets import DECIDED_AT_TAG, WHY_TAG
from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions
from sqlmat_assets.errors import Problem
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.model import ColumnDoc, Model, RuleKind
from sqlmat_assets.project.reasons import Reason, Reasons
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.components.running import events_of, execute, steps_with
from sqlmat_assets_tests.tables import a_check, a_project, a_rule, a_spec, a_table

Type = dg.DagsterEventType
CITIES = dg.AssetKey(["first", "cities"])
CAPITALS = Relation.of("first.cities")


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse.duckdb"


def define(warehouse: Path, *models: Model, executor: dg.ExecutorDefinition = dg.in_process_executor) -> dg.Definitions:
    resource = WarehouseResource(url=f"duckdb:///{warehouse}")
    return dg.Definitions.merge(
        build_definitions(a_project(*models), warehouse=resource), dg.Definitions(executor=executor)
    )


def query(warehouse: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(warehouse) as connection:
        return connection.execute(sql).fetchall()


def cities(*, rows: int = 2, **more: Any) -> Model:
    """Cities with ids from 1, of which all must be under 3."""
    sql = f"SELECT id::INTEGER AS id FROM range(1, {rows + 1}) AS t(id)"
    checks = (
        a_check("SELECT id < 3 AS small FROM first.cities", "small"),
        a_check("SELECT id < 2 AS tiny FROM first.cities", "tiny", is_blocking=False),
    )
    return a_table(sql, *checks, **more)


def capitals() -> Model:
    return a_table("SELECT id FROM first.cities", name="first.capitals", upstream=(CAPITALS,))


def evaluations(result: ExecutionResult) -> dict[str, dg.AssetCheckEvaluation]:
    found = (event.asset_check_evaluation_data for event in events_of(result, Type.ASSET_CHECK_EVALUATION))
    return {evaluation.check_name: evaluation for evaluation in found}


def failure(result: ExecutionResult, step: str) -> str:
    (event,) = events_of(result, Type.STEP_FAILURE, step)
    described = event.step_failure_data.user_failure_data
    assert described is not None
    return str(described.description)


def materialized(instance: dg.DagsterInstance, key: dg.AssetKey = CITIES) -> list[dg.EventLogRecord]:
    return list(instance.fetch_materializations(key, limit=10).records)


def test_tables_are_built_in_order(instance: dg.DagsterInstance, warehouse: Path) -> None:
    result = execute(define(warehouse, capitals(), cities()), instance)
    assert result.success
    assert steps_with(result, Type.ASSET_MATERIALIZATION) == ["first__cities", "first__capitals"]
    assert query(warehouse, "SELECT * FROM first.capitals ORDER BY id") == [(1,), (2,)]


def test_of_the_tables_that_are_ready_the_one_that_most_wait_for_goes_first(
    instance: dg.DagsterInstance, warehouse: Path
) -> None:
    alone = a_table("SELECT 1 AS id", name="first.alone")
    definitions = define(warehouse, alone, cities(), capitals(), executor=thread_executor)
    result = execute(definitions, instance, run_config={"execution": {"config": {"max_concurrent": 1}}})
    started = steps_with(result, Type.STEP_START)
    assert started.index("first__cities") == 0
    assert sorted(started[1:]) == ["first__alone", "first__capitals"]


def test_what_a_materialization_tells(instance: dg.DagsterInstance, warehouse: Path) -> None:
    result = execute(define(warehouse, cities()), instance)
    (record,) = materialized(instance)
    assert record.asset_materialization is not None
    metadata = record.asset_materialization.metadata
    assert metadata["dagster/row_count"].value == 2
    assert metadata["dagster/table_name"].value == "first.cities"
    assert [(c.name, c.type) for c in metadata["dagster/column_schema"].value.columns] == [("id", "INTEGER")]  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess] - a table schema
    assert "range(1, 3)" in str(metadata["sql"].value)
    phases = [key for key in metadata if key.startswith("seconds (")]
    assert phases == [f"seconds ({name})" for name in ("prepare", "write", "checks", "fingerprint", "publish")]
    assert all(isinstance(metadata[key], dg.FloatMetadataValue) for key in phases)
    assert metadata["run"].value == result.run_id[:8]
    checks = metadata["checks"]
    assert isinstance(checks, TableMetadataValue)
    assert [dict(row.data) for row in checks.records] == [
        {"check": "small", "passed": True, "rows": 2, "failed rows": 0},
        {"check": "tiny", "passed": False, "rows": 2, "failed rows": 1},
    ]


def test_the_same_rows_are_a_materialization_with_the_same_data_version(
    instance: dg.DagsterInstance, warehouse: Path
) -> None:
    code = CodeVersion("meaning", "text", "30.0.0")
    for rows in (2, 2, 1):
        assert execute(define(warehouse, cities(rows=rows, version=code)), instance).success
    other, same, first = materialized(instance)
    versions = [extract_data_version_from_entry(record.event_log_entry) for record in (first, same, other)]
    assert versions[0] is not None
    assert versions[0] == versions[1] != versions[2]
    told = [m for m in (record.asset_materialization for record in (first, same, other)) if m is not None]
    assert [one.metadata["outcome"].value for one in told] == [
        "new rows",
        "unchanged: the same 2 rows as published, so nothing was swapped",
        "new rows",
    ]
    assert [one.metadata["saved"].value for one in told if "saved" in one.metadata] == [
        "the swap, and what reads it is not built because of it"
    ]
    assert [one.metadata["code version"].value for one in told] == [str(code)] * 3
    assert [(one.tags or {})["dagster/code_version"] for one in told] == ["meaning"] * 3


def test_what_reads_nothing_new_is_not_built_and_its_checks_stay(instance: dg.DagsterInstance, warehouse: Path) -> None:
    tables = [replace(one, version=CodeVersion(one.sql, one.sql, "30.0.0")) for one in (cities(), capitals())]
    why = str(Reasons.of({model.relation: Reason.DUE for model in tables}))
    for tags in ({}, {WHY_TAG: why}):
        result = execute(define(warehouse, *tables), instance, tags=tags)
        assert result.success
    newest, oldest = materialized(instance)
    assert newest.asset_materialization is not None
    metadata = newest.asset_materialization.metadata
    assert metadata["outcome"].value == "unchanged: nothing that it reads has changed, so it was not built"
    assert metadata["why"].value == "due"
    assert str(metadata["saved"].value)
    told = {e.asset_check_evaluation_data.check_name: e for e in events_of(result, Type.ASSET_CHECK_EVALUATION)}
    kept, looked_at = told["small"].asset_check_evaluation_data, told["tiny"].asset_check_evaluation_data
    assert (kept.passed, kept.description) == (
        True,
        "held when these rows were published; nothing has changed since, so it was not run again",
    )
    # One that only warns may not have held, so it is run on the rows that stay.
    assert (looked_at.passed, looked_at.metadata["failed rows"].value) == (False, 1)
    for evaluation in (kept, looked_at):
        assert evaluation.target_materialization_data is not None
        assert evaluation.target_materialization_data.storage_id == newest.storage_id
    assert extract_data_version_from_entry(newest.event_log_entry) == extract_data_version_from_entry(
        oldest.event_log_entry
    )


def test_a_failed_build_tells_its_code_version(instance: dg.DagsterInstance, warehouse: Path) -> None:
    code = CodeVersion("meaning", "text", "30.0.0")
    result = execute(define(warehouse, cities(rows=5, version=code)), instance)
    (event,) = events_of(result, Type.STEP_FAILURE, "first__cities")
    described = event.step_failure_data.user_failure_data
    assert described is not None
    assert described.metadata["code version"].value == str(code)
    # It failed in the last of them.
    phases = [key for key in described.metadata if key.startswith("seconds (")]
    assert phases == ["seconds (prepare)", "seconds (write)", "seconds (checks)"]


def test_where_the_columns_come_from(instance: dg.DagsterInstance, warehouse: Path) -> None:
    known = cities(columns=(ColumnDoc("id"),))
    reader = a_table("SELECT id + 1 AS n FROM first.cities", name="first.next", upstream=(CAPITALS,))
    for source in (known, cities()):
        assert execute(define(warehouse, source, reader), instance).success
        record = materialized(instance, dg.AssetKey(["first", "next"]))[0]
        assert record.asset_materialization is not None
        assert record.asset_materialization.metadata["dagster/column_lineage"].value == dg.TableColumnLineage(
            {"n": [dg.TableColumnDep(CITIES, "id")]}
        )


def test_results_of_checks_belong_to_the_new_materialization(instance: dg.DagsterInstance, warehouse: Path) -> None:
    definitions = define(warehouse, cities())
    execute(definitions, instance)
    execute(definitions, instance)
    newest, oldest = materialized(instance)
    key = dg.AssetCheckKey(CITIES, "small")
    history = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
    targets: list[int] = []
    for record in history:
        assert record.event is not None
        assert record.event.dagster_event is not None
        target = record.event.dagster_event.asset_check_evaluation_data.target_materialization_data
        assert target is not None
        targets.append(target.storage_id)
    assert targets == [newest.storage_id, oldest.storage_id]


def test_a_failing_check_keeps_the_old_rows(instance: dg.DagsterInstance, warehouse: Path) -> None:
    assert execute(define(warehouse, cities(), capitals()), instance).success
    result = execute(define(warehouse, cities(rows=5), capitals()), instance)
    assert not result.success
    assert steps_with(result, Type.ASSET_MATERIALIZATION) == []
    assert steps_with(result, Type.STEP_FAILURE) == ["first__cities"]
    assert steps_with(result, Type.STEP_START) == ["first__cities"]
    assert query(warehouse, "SELECT count(*) FROM first.cities") == [(2,)]
    assert len(materialized(instance)) == 1


def test_a_failing_check_is_recorded_and_belongs_to_no_materialization(
    instance: dg.DagsterInstance, warehouse: Path
) -> None:
    execute(define(warehouse, cities()), instance)
    results = evaluations(execute(define(warehouse, cities(rows=5)), instance))
    assert {name: result.passed for name, result in results.items()} == {"small": False, "tiny": False}
    assert [result.target_materialization_data for result in results.values()] == [None, None]
    small = results["small"]
    assert small.blocking
    assert small.severity == dg.AssetCheckSeverity.ERROR
    assert small.description == "false in 3 of 5 rows"
    assert small.metadata["failed rows"].value == 3
    sample = small.metadata["offending rows"]
    assert isinstance(sample, TableMetadataValue)
    assert [row.data["id"] for row in sample.records] == ["3", "4", "5"]


def test_a_failure_says_what_is_wrong_and_what_the_table_holds(instance: dg.DagsterInstance, warehouse: Path) -> None:
    execute(define(warehouse, cities()), instance)
    result = execute(define(warehouse, cities(rows=3)), instance)
    assert failure(result, "first__cities") == (
        "1 check of `first.cities` failed\n"
        "  `small`: false in 1 of 3 rows\n"
        "`first.cities` still holds its previous rows\n"
        "\n"
        "rows where `small` does not hold:\n"
        "  id  small\n"
        "  3   false"
    )


def test_a_failing_check_is_not_tried_again(instance: dg.DagsterInstance, warehouse: Path) -> None:
    result = execute(define(warehouse, cities(rows=5)), instance, tags={"dagster/max_retries": "3"})
    assert steps_with(result, Type.STEP_UP_FOR_RETRY) == []


def test_a_warning_does_not_block(instance: dg.DagsterInstance, warehouse: Path) -> None:
    result = execute(define(warehouse, cities()), instance)
    tiny = evaluations(result)["tiny"]
    assert result.success
    assert not tiny.passed
    assert tiny.severity == dg.AssetCheckSeverity.WARN
    assert not tiny.blocking


def test_checks_alone_look_at_the_published_table(instance: dg.DagsterInstance, warehouse: Path) -> None:
    execute(define(warehouse, cities()), instance)
    (record,) = materialized(instance)
    query(warehouse, "INSERT INTO first.cities VALUES (9)")
    result = execute(define(warehouse, cities()), instance, checks=["first/cities:small"])
    assert not result.success
    assert list(evaluations(result)) == ["small"]
    small = evaluations(result)["small"]
    assert not small.passed
    assert small.target_materialization_data is not None
    assert small.target_materialization_data.storage_id == record.storage_id
    assert query(warehouse, "SELECT count(*) FROM first.cities") == [(3,)]


def test_checks_alone_of_a_table_that_was_never_built(instance: dg.DagsterInstance, warehouse: Path) -> None:
    result = execute(define(warehouse, cities()), instance, checks=["first/cities:small", "first/cities:tiny"])
    assert {name: found.passed for name, found in evaluations(result).items()} == {"small": False, "tiny": False}
    assert materialized(instance) == []


def test_deselected_checks_still_gate(instance: dg.DagsterInstance, warehouse: Path) -> None:
    execute(define(warehouse, cities()), instance)
    for checks in ([], ["first/cities:tiny"]):
        result = execute(define(warehouse, cities(rows=5)), instance, assets=["first/cities"], checks=checks)
        assert not result.success
        assert sorted(evaluations(result)) == ["small", "tiny"]
    assert query(warehouse, "SELECT count(*) FROM first.cities") == [(2,)]


def test_deselected_checks_are_recorded_behind_a_good_build(instance: dg.DagsterInstance, warehouse: Path) -> None:
    result = execute(define(warehouse, cities()), instance, assets=["first/cities"], checks=[])
    (record,) = materialized(instance)
    targets = [found.target_materialization_data for found in evaluations(result).values()]
    assert [target.storage_id for target in targets if target] == [record.storage_id] * 2


def test_one_table_of_two(instance: dg.DagsterInstance, warehouse: Path) -> None:
    definitions = define(warehouse, cities(), capitals())
    assert execute(definitions, instance, assets=["first/cities"]).success
    assert query(warehouse, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'first'") == [("cities",)]


def test_a_rule_is_a_check(instance: dg.DagsterInstance, warehouse: Path) -> None:
    rule = replace(a_rule(RuleKind.MIN_ROWS, limit=2), spec=a_spec("min_rows"))
    model = a_table("SELECT 1 AS id", rules=(rule,))
    result = execute(define(warehouse, model), instance)
    assert evaluations(result)["min_rows"].description == "1 row, at least 2 expected"


def test_what_the_engine_refuses(instance: dg.DagsterInstance, warehouse: Path) -> None:
    result = execute(define(warehouse, a_table("SELECT nothing FROM nowhere")), instance)
    said = failure(result, "first__cities")
    assert "nowhere does not exist" in said
    assert "`first.cities` was never built" in said


def test_a_file_with_problems_refuses_to_run_and_holds_what_reads_it(
    instance: dg.DagsterInstance, warehouse: Path
) -> None:
    execute(define(warehouse, cities(), capitals()), instance)
    problem = Problem("first/cities.sql", 3, 7, "there is no table `citis`", "did you mean `cities`?")
    stranger = a_table("SELECT 1 AS id", name="second.stranger")
    result = execute(define(warehouse, cities(rows=1, problems=(problem,)), capitals(), stranger), instance)
    assert failure(result, "first__cities") == (
        "`first.cities` is not built while its files have problems\n"
        "first/cities.sql:3:7: there is no table `citis`\n"
        "  hint: did you mean `cities`?\n"
        "`first.cities` was not touched"
    )
    assert steps_with(result, Type.ASSET_MATERIALIZATION) == ["second__stranger"]
    assert query(warehouse, "SELECT count(*) FROM first.cities") == [(2,)]


def test_what_reads_a_file_with_problems_is_held_also_alone(instance: dg.DagsterInstance, warehouse: Path) -> None:
    problem = Problem("first/cities.sql", 3, 7, "broken")
    definitions = define(warehouse, cities(problems=(problem,)), capitals())
    result = execute(definitions, instance, assets=["first/capitals"])
    assert failure(result, "first__capitals") == (
        "`first.capitals` waits: it depends on `first.cities`, whose files have problems\n"
        "  hint: mend those first\n"
        "`first.capitals` was not touched"
    )


def test_a_file_with_problems_needs_no_warehouse(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    problem = Problem("first/cities.sql", 0, 0, "broken")
    execute(define(tmp_path / "nowhere" / "w.duckdb", cities(problems=(problem,))), instance)
    assert not (tmp_path / "nowhere").exists()


def test_a_file_with_a_warning_is_built(instance: dg.DagsterInstance, warehouse: Path) -> None:
    problem = Problem("first/cities.sql", 0, 0, "odd", is_warning=True)
    assert execute(define(warehouse, cities(problems=(problem,))), instance).success


def test_a_warehouse_that_is_none(instance: dg.DagsterInstance) -> None:
    resource = WarehouseResource(url="oracle://somewhere")
    definitions = build_definitions(a_project(cities()), warehouse=resource)
    merged = dg.Definitions.merge(definitions, dg.Definitions(executor=dg.in_process_executor))
    assert failure(execute(merged, instance), "first__cities").startswith(
        "warehouse URLs starting with `oracle://` are not supported\n  hint: "
    )


def test_loading_and_planning_open_no_warehouse(instance: dg.DagsterInstance, warehouse: Path) -> None:
    definitions = define(warehouse, cities(), capitals())
    dg.Definitions.validate_loadable(definitions)
    instance.create_run_for_job(definitions.resolve_implicit_global_asset_job_def())
    assert not warehouse.exists()


def test_a_run_executed_again_is_decided_anew(instance: dg.DagsterInstance, warehouse: Path) -> None:
    decided = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
    definitions = define(warehouse, cities(version=CodeVersion("meaning", "text", "30.0.0")))
    tags = {DECIDED_AT_TAG: decided.isoformat(), WHY_TAG: "due"}
    first = execute(definitions, instance, tags=tags)
    job = definitions.resolve_implicit_global_asset_job_def()
    again = instance.create_run_for_job(job, tags=tags, parent_run_id=first.run_id, root_run_id=first.run_id)
    assert execute_run(InMemoryJob(job), again, instance).success
    record = materialized(instance)[0]
    assert record.asset_materialization is not None
    metadata = record.asset_materialization.metadata
    assert isinstance(metadata["decided at"].value, float)
    assert metadata["decided at"].value > decided.timestamp() + 3600
    assert metadata["why"].value == "asked for by a person"


def test_the_moment_of_decision_comes_from_the_run(instance: dg.DagsterInstance, warehouse: Path) -> None:
    decided = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
    execute(define(warehouse, cities()), instance, tags={DECIDED_AT_TAG: decided.isoformat()})
    (record,) = materialized(instance)
    assert record.asset_materialization is not None
    assert record.asset_materialization.metadata["decided at"].value == decided.timestamp()


def test_without_a_decision_the_age_counts_from_the_start_of_the_run(
    instance: dg.DagsterInstance, warehouse: Path
) -> None:
    result = execute(define(warehouse, cities()), instance)
    run = instance.get_run_record_by_id(result.run_id)
    (record,) = materialized(instance)
    assert run is not None
    assert record.asset_materialization is not None
    assert record.asset_materialization.metadata["decided at"].value == pytest.approx(run.start_time, abs=1e-3)


@pytest.mark.parametrize("executor", [dg.in_process_executor, thread_executor], ids=["in_process", "threads"])
def test_termination_cancels_the_running_query(
    instance: dg.DagsterInstance, warehouse: Path, executor: dg.ExecutorDefinition
) -> None:
    execute(define(warehouse, cities()), instance)
    endless = a_table("SELECT count(*) AS id FROM range(100000000) a, range(100000) b WHERE a.range + b.range = 7")

    before = {run.run_id for run in instance.get_runs()}
    killed: list[float] = []

    def is_in_step() -> bool:
        runs = [run.run_id for run in instance.get_runs(limit=1) if run.run_id not in before]
        return any(instance.all_logs(run, of_type=Type.STEP_START) for run in runs)

    def wait_and_kill() -> None:
        while not is_in_step():
            time.sleep(0.05)
        # Nothing but the query has so much to do.
        until = time.process_time() + 2
        while time.process_time() < until:
            time.sleep(0.05)
        killed.append(time.monotonic())
        kill(getpid(), signal.SIGTERM)

    threading.Thread(target=wait_and_kill, daemon=True).start()
    result = execute(define(warehouse, endless, executor=executor), instance)
    assert time.monotonic() - killed[0] < 15  # by itself it would take years
    assert steps_with(result, Type.STEP_FAILURE) == ["first__cities"]
    assert query(warehouse, "SELECT count(*) FROM first.cities") == [(2,)]
    left = query(warehouse, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'first'")
    assert left == [("cities",)]


@pytest.mark.parametrize("order", [1, -1])
def test_tables_whose_names_run_together(instance: dg.DagsterInstance, warehouse: Path, order: int) -> None:
    left = a_table("SELECT 1 AS id", name="a__b.c")
    right = a_table("SELECT 2 AS id", name="a.b__c")
    inner = a_table("SELECT 3 AS id", name="x_y.z")
    outer = a_table("SELECT 4 AS id", name="x.y_z")
    reads = tuple(model.relation for model in (left, right, inner, outer))
    reader = a_table(
        " UNION ALL ".join(f"SELECT id FROM {read}" for read in reads),
        name="r.all",
        upstream=reads,
    )
    models = (left, right, inner, outer, reader)[::order]
    definitions = define(warehouse, *models)
    node = definitions.resolve_asset_graph().get(dg.AssetKey(["r", "all"]))
    assert node.parent_keys == {dg.AssetKey(list(read.key)) for read in reads}
    result = execute(definitions, instance)
    assert result.success
    assert len(set(steps_with(result, Type.STEP_START))) == 5
    assert query(warehouse, "SELECT id FROM r.all ORDER BY id") == [(1,), (2,), (3,), (4,)]


def test_tables_with_names_that_dagster_admits_nowhere_else(instance: dg.DagsterInstance, warehouse: Path) -> None:
    model = a_table("SELECT 1 AS id", name="große-städte.naïve table")
    result = execute(define(warehouse, model), instance)
    assert result.success
    assert len(materialized(instance, dg.AssetKey(["große-städte", "naïve table"]))) == 1


def test_a_commit_is_recorded(instance: dg.DagsterInstance, warehouse: Path, tmp_path: Path) -> None:
    root = tmp_path / "clone"
    root.mkdir()
    for command in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", "-C", str(root), *command], check=True)
    commit = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    project = a_project(cities())
    resource = WarehouseResource(url=f"duckdb:///{warehouse}")
    definitions = build_definitions(replace(project, root=root), warehouse=resource)
    execute(dg.Definitions.merge(definitions, dg.Definitions(executor=dg.in_process_executor)), instance)
    (record,) = materialized(instance)
    assert record.asset_materialization is not None
    assert record.asset_materialization.metadata["commit"].value == commit
    assert "uncommitted edits" not in record.asset_materialization.metadata
    (root / "new.sql").write_text("SELECT 1")
    definitions = build_definitions(replace(project, root=root), warehouse=resource)
    execute(dg.Definitions.merge(definitions, dg.Definitions(executor=dg.in_process_executor)), instance)
    newest, _ = materialized(instance)
    assert newest.asset_materialization is not None
    assert str(newest.asset_materialization.metadata["uncommitted edits"].value).startswith("yes: ")
