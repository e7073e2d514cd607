"""`sqlmat simulate`, as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sqlmat_assets_tests.cli.running import Run

START = ("--start", "2026-03-02")


def test_a_day_in_a_table(run: Run) -> None:
    done = run("simulate", *START)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "table             builds  failed  why            oldest  late\n"
        "first.cities           1       0  new 1              1d  0.0%\n"
        "first.countries       24       0  due 23, new 1      1h  0.0%\n"
        "first.raw_cities       1       0  new 1              1d  0.0%\n"
        "second.report         24       0  due 23, new 1      1h  0.0%\n"
        "50 builds in 24h, 4 tables\n"
    )


def test_failures_and_stops_are_told(run: Run) -> None:
    done = run("simulate", *START, "--fail", "first.countries@2h-5h", "--stop", "10h-12h", "--period", "1d")
    assert done.returncode == 0
    lines = {line.split()[0]: line for line in done.stdout.splitlines()[:5]}
    assert "first.countries begins to fail after 2h" in done.stdout
    assert int(lines["first.countries"].split()[2]) >= 6
    assert lines["second.report"].split()[2] == "0"
    # What reads a failing table is held, and gets old with it.
    assert lines["second.report"].split()[-1] != "0.0%"
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_json(run: Run) -> None:
    done = run(
        "simulate", *START, "--json", "--period", "2h", "--seconds", "60", "--seconds", "second.report=0", "--runs", "3"
    )
    told = json.loads(done.stdout)
    assert {key: told[key] for key in ("start", "end", "builds", "runs", "alerts")} == {
        "start": "2026-03-02T00:00:00+00:00",
        "end": "2026-03-02T02:00:00+00:00",
        "builds": 6,
        "runs": 2,
        "alerts": [],
    }
    assert told["tables"][-1] == {
        "name": "second.report",
        "builds": 2,
        "failed": 0,
        "reasons": {"due": 1, "new": 1},
        "oldest_seconds": 3660.0,
        "mean_age_seconds": told["tables"][-1]["mean_age_seconds"],
        "share_late": 0.0,
    }
    assert 1800 < told["tables"][-1]["mean_age_seconds"] < 1900


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fail", "first.citis@1h-2h"], "there is no table `first.citis`\n  hint: did you mean `first.cities`?\n"),
        (["--fail", "first.cities"], "`first.cities` does not say what fails when"),
        (["--fail", "first.cities@1x-2h"], "`first.cities@1x-2h` does not say what fails when"),
        (["--fail", "first.cities@2h-1h"], "`2h-1h` is no stretch of time"),
        (["--stop", "1h"], "`1h` is no stretch of time"),
        (["--stop", "1h-two"], "`1h-two` is no stretch of time"),
        (["--seconds", "nan"], "`nan` is no number of seconds"),
        (["--seconds", "-1"], "`-1` is no number of seconds"),
        (["--seconds", "first.x=1"], "there is no table `first.x`"),
        (["--period", "1z"], "`1z` is no interval"),
        (["--runs", "0"], "invalid value for '--runs'"),
        (["--start", "yesterday"], "invalid value for '--start'"),
    ],
)
def test_what_cannot_be_read_is_said(run: Run, arguments: list[str], said: str) -> None:
    done = run("simulate", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)
    assert "\n  hint: " in done.stderr


def test_with_errors_the_rest_is_simulated(run: Run, folder: Path) -> None:
    (folder / "first" / "countries.sql").write_text("SELEC 1")
    done = run("simulate", *START)
    assert done.returncode == 1
    assert "first/countries.sql:1:" in done.stderr
    assert "\nfirst.countries        0 " in done.stdout
    assert "\nsecond.report          0 " in done.stdout


def test_an_empty_folder_has_nothing_to_simulate(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run("simulate", "empty")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no table in `empty`" in done.stderr


def test_dagster_is_not_imported(folder: Path, environment: Mapping[str, str]) -> None:
    code = (
        "import sys; from sqlmat_assets.cli import run; code = run(['simulate']); "
        "sys.exit('loaded dagster' if 'dagster' in sys.modules else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
