"""Processed tables in Dagster: what their scripts print is in the logs, and Terminate ends them."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions
from sqlmat_assets.project.load import load_project
from sqlmat_assets_tests.components.running import execute

PRINTS = "def process(df):\n    print('a word')\n    return df\n"
FAILS = "print('a word')\nraise SystemExit(3)\n"
HANGS = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\nos.rename('pid', 'hanging')\ntime.sleep(600)\n"
EXECUTORS = pytest.mark.parametrize(
    "executor", [dg.in_process_executor, thread_executor], ids=["in_process", "threads"]
)


def a_folder(root: Path, script: str) -> Path:
    folder = root / "sql" / "first"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "t.py").write_text(script)
    (folder / "t_select.sql").write_text("select 1 as id")
    (folder / "t - 1h.sql").write_text("create table first.t (id bigint)")
    return folder


def define(root: Path, executor: dg.ExecutorDefinition) -> dg.Definitions:
    warehouse = WarehouseResource(url=f"duckdb:///{root}/w")
    definitions = build_definitions(load_project(root / "sql"), warehouse=warehouse)
    return dg.Definitions.merge(definitions, dg.Definitions(executor=executor))


def logged(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    return [entry.user_message for entry in instance.all_logs(run_id) if entry.dagster_event is None]


@EXECUTORS
def test_what_a_script_prints_is_in_the_logs(
    instance: dg.DagsterInstance, tmp_path: Path, executor: dg.ExecutorDefinition
) -> None:
    a_folder(tmp_path, PRINTS)
    result = execute(define(tmp_path, executor), instance)
    assert result.success
    assert logged(instance, result.run_id) == ["`first/t.py` printed:\na word"]
    a_folder(tmp_path, FAILS)
    result = execute(define(tmp_path, executor), instance)
    assert not result.success
    assert logged(instance, result.run_id) == ["`first/t.py` printed:\na word"]
    (failure,) = result.get_step_failure_events()
    assert failure.step_failure_data.user_failure_data is not None
    assert failure.step_failure_data.user_failure_data.description == (
        "`first/t.py` ended with exit code 3:\n  a word\n`first.t` still holds its previous rows"
    )


@EXECUTORS
def test_terminate_ends_the_script(
    instance: dg.DagsterInstance, tmp_path: Path, executor: dg.ExecutorDefinition
) -> None:
    folder = a_folder(tmp_path, PRINTS)
    assert execute(define(tmp_path, executor), instance).success
    a_folder(tmp_path, HANGS)

    def wait_and_kill() -> None:
        while not (folder / "hanging").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait_and_kill, daemon=True).start()
    assert not execute(define(tmp_path, executor), instance).success
    pid = (folder / "hanging").read_text()
    while Path("/proc", pid).exists() and Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.02)
    with duckdb.connect(tmp_path / "w") as connection:
        assert connection.execute("select table_name from duckdb_tables() where schema_name = 'first'").fetchall() == [
            ("t",)
        ]
    assert [path for path in (tmp_path / ".sqlmat" / "processing").iterdir() if path.is_dir()] == []
