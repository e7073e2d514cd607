"""The folder of the Dagster instance."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

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
