"""Commands that wait for a DuckDB file that another process holds say so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from sqlmat_assets_tests.cli.running import SQLMAT, Run

HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
COMMANDS = {
    "undo": ("undo", "first.cities"),
    "undo --list": ("undo", "first.cities", "--list"),
    "orphans": ("orphans",),
    "env list": ("env", "list"),
    "env drop": ("env", "drop", "joan"),
    "diff": ("diff", "first.cities", "first.countries"),
}


@pytest.fixture
def warehouse(run: Run, folder: Path) -> Path:
    assert run("build", "--no-record").returncode == 0
    return folder.parent / "sqlmat.duckdb"


@contextmanager
def held(file: Path) -> Generator[subprocess.Popen[str]]:
    """Another process that has the file open for writing, until its standard input ends."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder
    finally:
        holder.communicate("")


@pytest.mark.parametrize("command", COMMANDS)
def test_it_is_said_once_what_is_waited_for(run: Run, warehouse: Path, command: str) -> None:
    with held(warehouse) as holder:
        done = run(*COMMANDS[command], "--warehouse", f"duckdb://{warehouse}?wait=1.5")
    assert done.returncode in (1, 2)
    said = f"waiting for duckdb://{warehouse}, which another process may hold\n"
    assert done.stderr.startswith(said)
    assert done.stderr.count("waiting for") == 1
    assert str(holder.pid) in done.stderr
    assert done.stdout == ""


def test_a_build_that_is_taken_up_again_says_it_too(run: Run, folder: Path) -> None:
    (folder / "second" / "days - 24h.sql").write_text(
        "-- partition_by: day(day) from 2019-01-01 to 2019-01-03\nSELECT DATE '2019-01-01' AS day FROM first.nothing\n"
    )
    command = ("build", "--no-record", "-s", "second.days", "--partition", "2019-01-01")
    warehouse = folder.parent / "sqlmat.duckdb"
    assert run(*command).returncode == 1
    with held(warehouse) as holder:
        done = run(*command, "--warehouse", f"duckdb://{warehouse}?wait=1.5")
    assert done.returncode == 1
    assert done.stderr.startswith(f"waiting for duckdb://{warehouse}, which another process may hold\n")
    assert str(holder.pid) in done.stderr


def test_nothing_is_said_of_a_moment(run: Run, warehouse: Path) -> None:
    with held(warehouse):
        done = run("orphans", "--warehouse", f"duckdb://{warehouse}?wait=0.2")
    assert (done.returncode, "waiting for" in done.stderr) == (1, False)


@pytest.mark.parametrize("command", ["undo --list", "orphans", "env list"])
def test_it_goes_on_when_the_other_process_has_ended(
    warehouse: Path, environment: Mapping[str, str], command: str
) -> None:
    with held(warehouse):
        waits = subprocess.Popen(
            [SQLMAT, *COMMANDS[command]],
            cwd=warehouse.parent,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert waits.stderr is not None
        assert waits.stderr.readline() == f"waiting for duckdb://{warehouse}, which another process may hold\n"
    told, _ = waits.communicate(timeout=120)
    assert waits.returncode == 0
    assert told


@pytest.mark.parametrize("command", ["undo --list", "orphans", "env list"])
def test_nothing_is_said_where_nobody_holds_it(run: Run, warehouse: Path, command: str) -> None:
    done = run(*COMMANDS[command], "--warehouse", f"duckdb://{warehouse}")
    assert (done.returncode, "waiting" in done.stderr) == (0, False)
