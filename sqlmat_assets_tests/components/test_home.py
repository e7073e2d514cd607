"""The folder of the Dagster instance."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator

from sqlmat_assets.components.home import open_instance
from sqlmat_assets.errors import UsageError

OPEN = """
import pathlib, sys
import dagster
from sqlmat_assets.components.home import open_instance
sys.stdin.read()
open_instance(pathlib.Path(sys.argv[1])).dispose()
"""


@pytest.mark.slow
def test_processes_that_make_one_instance_at_the_same_moment_all_get_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPEN, str(tmp_path)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    assert [process.communicate(timeout=60)[1] for process in processes] == [b""] * 3
    for name in ("history/runs.db", "history/runs/index.db", "schedules/schedules.db"):
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,), name


def test_an_instance_that_cannot_be_opened_is_told_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "runs.db").write_text("no database" * 100)
    with pytest.raises(UsageError) as error:
        open_instance(tmp_path)
    assert str(error.value) == (
        f"the Dagster instance in `{tmp_path}` cannot be used: file is not a database\n"
        "  hint: set `DAGSTER_HOME` to a folder that can be written, or build with `--no-record`"
    )


def test_a_new_instance_starts_four_runs_at_a_time_without_much_waiting(tmp_path: Path) -> None:
    with open_instance(tmp_path) as instance:
        coordinator = instance.run_coordinator
        assert isinstance(coordinator, QueuedRunCoordinator)
        assert coordinator.get_run_queue_config().max_concurrent_runs == 4
        assert coordinator.dequeue_interval_seconds == 1


def test_the_settings_of_an_instance_belong_to_its_owner(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("run_queue: {max_concurrent_runs: 25}\n")
    with open_instance(tmp_path) as instance:
        queue = instance.get_concurrency_config().run_queue_config
        assert queue is not None
        assert queue.max_concurrent_runs == 25
