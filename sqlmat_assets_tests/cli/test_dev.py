"""`sqlmat dev`: a real Dagster is started, asked, and ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sqlmat_assets_tests.cli.running import SQLMAT, Run

ON = "tables are built as their intervals ask; switch off `sqlmat_freshness` under Automation to stop that\n"
OFF = "nothing is built by itself until `sqlmat_freshness` is switched on under Automation\n"
KNOWN = """
{ assetNodes { assetKey { path } assetMaterializations(limit: 1) { runId } } }
"""

SENSORS = """
{ sensorsOrError(repositorySelector: {repositoryLocationName: "sqlmat", repositoryName: "__repository__"}) {
    ... on Sensors { results { name sensorState { status ticks { id } } } } } }
"""


# As docs/loads.md shows it.
LAUNCH = """
mutation { launchRun(executionParams: {selector: {repositoryLocationName: "sqlmat", repositoryName: "__repository__",
  jobName: "__ASSET_JOB", assetSelection: [{path: ["raw", "events"]}]}, runConfigData: {}})
  { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port: int, query: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"]


def processes_of(home: Path) -> list[int]:
    """The processes whose environment names this instance."""
    marked = f"DAGSTER_HOME={home}".encode()
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if marked in variables:
            found.append(int(process.name))
    return found


def start(folder: Path, environment: Mapping[str, str], port: int, *more: str) -> subprocess.Popen[str]:
    # As a shell starts a background job: with SIGINT ignored, which `dagster dev` would inherit.
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", ignoring, SQLMAT, "dev", "--port", str(port), *more],
        cwd=folder.parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == f"starting Dagster on {folder}, which takes some seconds\n"
    return process


@pytest.mark.slow
def test_the_ui_knows_what_was_built_and_nothing_is_left_at_the_end(
    folder: Path, environment: Mapping[str, str], run: Run
) -> None:
    assert run("build").returncode == 0
    for module in ("gql", "queue", "sqlmat_assets"):
        (folder.parent / f"{module}.py").write_text("raise SystemExit('a file of the current folder was imported')")
    port = free_port()
    home = folder.parent / ".sqlmat"
    process = start(folder, environment, port)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"ready: http://127.0.0.1:{port}\n"
        assert process.stdout.readline() == ON
        nodes = ask(port, KNOWN)["assetNodes"]
        built = {"/".join(node["assetKey"]["path"]): node["assetMaterializations"] for node in nodes}
        assert set(built) == {"first/cities", "first/countries", "first/raw_cities", "second/report"}
        assert all(built.values())
        second = run("dev", "--port", str(free_port()))
        assert second.returncode == 2
        assert second.stderr == (
            f"`sqlmat dev` already runs on this project: http://127.0.0.1:{port}\n"
            "  hint: open that page, or end it first\n"
        )
        assert len(processes_of(home)) >= 3
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=40)
    finally:
        process.terminate()
    assert (process.returncode, out, err) == (0, "", "stopping\n")
    time.sleep(0.5)
    assert processes_of(home) == []


@pytest.mark.slow
def test_an_environment_has_an_instance_where_nothing_is_built_by_itself(
    folder: Path, environment: Mapping[str, str], run: Run
) -> None:
    assert run("build", "--env", "joan", "-s", "first.raw_cities").returncode == 0
    port = free_port()
    home = folder.parent / ".sqlmat"
    process = start(folder, environment, port, "--env", "Joan")
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"ready: http://127.0.0.1:{port}\n"
        assert process.stdout.readline() == OFF
        (sensor,) = ask(port, SENSORS.replace('"sqlmat"', '"sqlmat__joan"'))["sensorsOrError"]["results"]
        assert sensor["sensorState"]["status"] == "STOPPED"
        built = [each["assetKey"]["path"] for each in ask(port, KNOWN)["assetNodes"] if each["assetMaterializations"]]
        assert built == [["first", "raw_cities"]]
        drop = run("env", "drop", "joan")
        assert (drop.returncode, drop.stderr) == (
            2,
            f"`sqlmat dev --env joan` runs: http://127.0.0.1:{port}\n  hint: end it first\n",
        )
        assert processes_of(home) == []
        assert len(processes_of(home / "env" / "joan")) >= 3
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=40)
    finally:
        process.terminate()
    assert (process.returncode, out, err) == (0, "", "stopping\n")
    time.sleep(0.5)
    assert processes_of(home / "env" / "joan") == []
    assert not (home / "history").exists()
    assert run("env", "drop", "joan").returncode == 0


def wait_for(condition: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.5)


def rows(folder: Path, query: str) -> list[tuple[object, ...]] | None:
    """What a query finds; None when there is no such table yet, or a run has the file."""
    try:
        with duckdb.connect(folder.parent / "sqlmat.duckdb", read_only=True) as connection:
            return connection.execute(query).fetchall()
    except (duckdb.IOException, duckdb.CatalogException):
        return None


@pytest.mark.slow
def test_tables_are_built_by_themselves_and_edited_files_are_taken_up(
    folder: Path, environment: Mapping[str, str]
) -> None:
    (folder / "raw").mkdir()
    (folder / "raw/events.load.yaml").write_text("files: in/*.csv\nstrategy: manifest\ncolumns: {id: bigint}\n")
    (folder / "raw/in").mkdir()
    (folder / "raw/in/a.csv").write_text("id\n1\n")
    port = free_port()
    process = start(folder, environment, port)
    try:
        wait_for(lambda: rows(folder, "from second.report") == [(1,)], "the tables were not built")
        wait_for(lambda: rows(folder, "from raw.events") == [(1,)], "the file was not loaded")
        (folder / "raw/in/b.csv").write_text("id\n2\n")
        assert ask(port, LAUNCH)["launchRun"]["__typename"] == "LaunchRunSuccess"
        wait_for(lambda: rows(folder, "select count(*) from raw.events") == [(2,)], "the call loaded nothing")
        (folder / "second/report_test.sql").unlink()
        (folder / "second/report - 1h.sql").write_text("SELECT sum(cities) AS most FROM first.countries;\n")
        wait_for(lambda: rows(folder, "from second.report") == [(2,)], "the edited file was not taken up")
        (folder / "second/base.sql").write_text("SELECT 7 AS most;\n")
        (folder / "second/report - 1h.sql").rename(folder / "second/figures - 1h.sql")
        (folder / "second/figures - 1h.sql").write_text("SELECT most FROM second.base;\n")
        wait_for(lambda: rows(folder, "from second.figures") == [(7,)], "the new files were not taken up")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[1].endswith("stopping\n")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_a_killed_dev_takes_dagster_with_it(folder: Path, environment: Mapping[str, str]) -> None:
    home = folder.parent / ".sqlmat"
    process = start(folder, environment, free_port())
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready: ")
        assert len(processes_of(home)) >= 3
    finally:
        process.kill()
    # A run that has begun is not cut short, and holds the streams of this process as long as it lasts.
    until = time.monotonic() + 120
    while processes_of(home) and time.monotonic() < until:
        time.sleep(0.2)
    assert processes_of(home) == []
    process.communicate(timeout=10)


def test_a_warehouse_that_cannot_be_is_told_before_dagster_starts(run: Run) -> None:
    done = run("dev", "--port", str(free_port()), "--warehouse", "mysql://joan:secret@db/sales")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "warehouse URLs starting with `mysql://` are not supported\n"
        "  hint: use one of `bigquery://`, `duckdb://`, `postgresql://`, `redshift://`\n"
    )


def test_a_port_in_use_is_wrong_usage(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("dev", "--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    said, hint = done.stderr.splitlines()
    assert said == f"port {port} of 127.0.0.1 is in use"
    assert hint.startswith("  hint: stop what listens there, or take another port: `sqlmat dev --port ")


def test_an_address_of_another_machine_is_wrong_usage(run: Run) -> None:
    done = run("dev", "--host", "192.0.2.1", "--port", str(free_port()))
    assert done.returncode == 2
    assert done.stderr == (
        f"cannot listen at `192.0.2.1`: {os.strerror(99)}\n  hint: leave `--host` out for this machine alone\n"
    )


def test_a_home_that_cannot_be_written_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("dev", DAGSTER_HOME=str(tmp_path / "file" / "home"))
    assert done.returncode == 2
    assert done.stderr == (
        f"the Dagster instance in `{tmp_path / 'file' / 'home'}` cannot be used: Not a directory\n"
        "  hint: set `DAGSTER_HOME` to a folder that can be written, or build with `--no-record`\n"
    )
