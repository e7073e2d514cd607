"""Runs whose process was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from dagster._core.definitions.reconstruct import ReconstructableJob
from dagster._core.storage.dagster_run import DagsterRun
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import serialize_value

from sqlmat_assets.components import lost_runs
from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.lost_runs import report_lost_runs
from sqlmat_assets.components.processes import PROCESS_TAG, Process
from sqlmat_assets_tests.components.running import execute, stored_run

Status = dg.DagsterRunStatus
# Another machine has restarted since, whatever the id of the process.
GONE = replace(Process.current(""), boot="earlier", born="1", pid=4_000_000)
DEFINITIONS = """
from pathlib import Path
import dagster as dg
from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions, load_folder

root = Path(__file__).with_name("sql")
url = f"duckdb:///{root.parent / 'warehouse.duckdb'}"
defs = dg.Definitions.merge(
    build_definitions(load_folder(root), warehouse=WarehouseResource(url=url)),
    dg.Definitions(jobs=[dg.define_asset_job("everything", "*")], executor=thread_executor),
)
everything = defs.resolve_job_def("everything")
"""
ENDLESS = "select count(*) as n from range(10000000) a, range(10000000) b where a.range * b.range % 7 = 3\n"


@pytest.fixture(autouse=True)
def no_code_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for a code server; there is none here that would look after its processes."""
    monkeypatch.setattr(lost_runs, "_SECONDS_FOR_THE_CODE_SERVER", 0.0)


def add_run(instance: dg.DagsterInstance, status: Status, process: Process | None = None) -> DagsterRun:
    """A run in a state, with a process that executes it."""

    @dg.job(name="anything")
    def job() -> None: ...

    run = instance.create_run_for_job(job, status=status)
    if process is not None:
        instance.add_run_tags(run.run_id, {PROCESS_TAG: str(replace(process, run=process.run or run.run_id))})
    return run


def status_of(instance: dg.DagsterInstance, run: DagsterRun) -> Status:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def report(instance: dg.DagsterInstance, later: timedelta = timedelta()) -> list[str]:
    return report_lost_runs(instance, datetime.now(UTC) + later)


def test_a_run_in_threads_names_its_process(instance: dg.DagsterInstance) -> None:
    asset = dg.asset(name="a")(lambda: None)
    result = execute(dg.Definitions(assets=[asset], executor=thread_executor), instance)
    assert Process.parse(stored_run(instance, result).tags[PROCESS_TAG]) == Process.current(result.run_id)


def test_a_run_whose_process_is_gone_has_failed(instance: dg.DagsterInstance) -> None:
    run = add_run(instance, Status.STARTED, GONE)
    why = (
        f"the process of this run (pid 4000000 on {GONE.host}) has ended without a word: killed, or the machine "
        "restarted"
    )
    assert report(instance) == [f"run {run.run_id[:8]} was ended: {why}"]
    assert status_of(instance, run) is Status.FAILURE
    (event,) = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    assert event.dagster_event is not None
    assert event.dagster_event.message == why
    assert report(instance) == []


def test_a_run_that_was_being_canceled_is_canceled(instance: dg.DagsterInstance) -> None:
    run = add_run(instance, Status.CANCELING, GONE)
    assert len(report(instance)) == 1
    assert status_of(instance, run) is Status.CANCELED


def test_a_run_whose_process_works_goes_on(instance: dg.DagsterInstance) -> None:
    run = add_run(instance, Status.STARTED, Process.current(""))
    assert report(instance, timedelta(days=3)) == []
    assert status_of(instance, run) is Status.STARTED


def test_of_other_executors_nothing_is_known(instance: dg.DagsterInstance) -> None:
    run = add_run(instance, Status.STARTED)
    assert report(instance, timedelta(days=3)) == []
    assert status_of(instance, run) is Status.STARTED


def test_the_process_of_the_run_that_is_tried_again_is_not_that_of_the_new_one(instance: dg.DagsterInstance) -> None:
    run = add_run(instance, Status.STARTED, replace(GONE, run="the first run"))
    assert report(instance) == []
    assert status_of(instance, run) is Status.STARTED


@pytest.mark.parametrize("status", [Status.STARTING, Status.NOT_STARTED])
def test_a_run_that_nothing_takes_up_has_failed_after_some_minutes(
    instance: dg.DagsterInstance, status: Status
) -> None:
    run = add_run(instance, status, replace(GONE, run="the first run"))
    assert report(instance, timedelta(minutes=4)) == []
    assert report(instance, timedelta(minutes=6)) == [
        f"run {run.run_id[:8]} was ended: no process has taken up this run for 5 minutes"
    ]
    assert status_of(instance, run) is Status.FAILURE


def start_worker(instance: dg.DagsterInstance, file: Path) -> tuple[DagsterRun, subprocess.Popen[bytes]]:
    """A run of all tables in a process of its own, started as a launcher does."""
    job = ReconstructableJob.for_file(str(file), "everything")
    origin = job.get_python_origin()
    run = instance.create_run_for_job(job.get_definition(), status=Status.STARTING, job_code_origin=origin)
    arguments = ExecuteRunArgs(origin, run.run_id, instance.get_ref())
    with file.with_name("printed").open("ab") as printed:
        return run, subprocess.Popen(
            [sys.executable, "-m", "dagster", "api", "execute_run", serialize_value(arguments)],
            stdout=printed,
            stderr=printed,
            env={**os.environ, "DAGSTER_HOME": instance.root_directory},
        )


@pytest.mark.slow
def test_a_killed_worker_frees_its_table_for_the_next_run(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    file, table = tmp_path / "definitions.py", tmp_path / "sql/first/numbers - 1h.sql"
    table.parent.mkdir(parents=True)
    file.write_text(DEFINITIONS)
    table.write_text(ENDLESS)
    run, worker = start_worker(instance, file)
    try:
        until = time.monotonic() + 60
        while not instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_START):
            assert worker.poll() is None, (tmp_path / "printed").read_text()
            assert time.monotonic() < until, "the step was never started"
            time.sleep(0.1)
        time.sleep(1)  # into the query
        assert report(instance) == []
        worker.kill()
        worker.wait(10)
    finally:
        worker.kill()
        worker.wait(10)
    assert status_of(instance, run) is Status.STARTED
    assert len(report(instance)) == 1
    assert status_of(instance, run) is Status.FAILURE

    table.write_text("select 3 as n\n")
    again, second = start_worker(instance, file)
    assert second.wait(60) == 0
    assert status_of(instance, again) is Status.SUCCESS
    with duckdb.connect(tmp_path / "warehouse.duckdb", read_only=True) as connection:
        assert connection.execute("from first.numbers").fetchall() == [(3,)]
