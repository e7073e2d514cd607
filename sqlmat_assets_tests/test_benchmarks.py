"""The comparison with others: what it holds the builds to, and what it says of a bar."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COMPARE = Path(__file__).parents[1] / "benchmarks" / "compare.py"
pytestmark = pytest.mark.slow


def compare(output: Path, *options: str) -> tuple[int, str, list[dict[str, Any]]]:
    """Its exit code, what it prints, and what it wrote."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SQLMAT_", "DAGSTER_"))}
    command = [sys.executable, str(COMPARE), "--output", str(output), *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, json.loads(output.read_text())["measures"]


def measure(part: str, what: str, seconds: float | None, number: int = 0, **more: Any) -> dict[str, Any]:
    return {"part": part, "what": what, "label": what, "round": number, "seconds": seconds, **more}


def built(what: str, seconds: float, number: int = 0) -> dict[str, Any]:
    return measure("build", what, seconds, number, details={"tables": 1, "rows": 2, "checks": 2})


def bars(told: str) -> dict[str, tuple[str, str]]:
    """What was found and the verdict, by the name of the bar."""
    lines = told[told.index("| bar ") :].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line]
    return {name: (found, verdict) for name, _, found, verdict in cells}


def test_the_same_tables_are_built_and_each_refuses_bad_ones(tmp_path: Path) -> None:
    options = ["--tables", "20", "--rows", "3000", "--rounds", "1", "--folder", str(tmp_path / "work")]
    _, _, measures = compare(
        tmp_path / "results.json", *options, "--only", "bare", "sqlmat", "--parts", "proof", "build"
    )
    assert [each for each in measures if each["error"]] == []
    assert {each["what"] for each in measures if each["part"] == "proof"} == {
        "bare-null",
        "bare-twice",
        "sqlmat-null",
        "sqlmat-twice",
    }
    bare, sqlmat = (each["details"] for each in measures if each["part"] == "build")
    assert (bare["tables"], bare["rows"], bare["checks"]) == (20, 20_000, 40)
    assert sqlmat == bare
    (edited,) = (each["details"]["built"] for each in measures if each["part"] == "edited")
    assert 1 < edited < 20


def test_bars(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    measures = [
        *(built("bare", 10, number) for number in range(3)),
        *(built("sqlmat", seconds, number) for number, seconds in enumerate((12.0, 11.0, 30.0))),
        built("dbt", 22),
        built("dagster-sqlite", 22),
        measure("build", "dagster-dbt", None, error="ended with 1\nno such table"),
        measure("load", "sqlmat-1000-cold", 4.0),
        measure("load", "sqlmat-10000-cold", 48.1),
    ]
    results.write_text(json.dumps({"head": {}, "measures": measures}))
    code, told, kept = compare(results, "--parts", "--add")
    assert code == 1
    assert len(kept) == len(measures)
    assert bars(told) == {
        # The middle of the rounds' ratios.
        "sqlmat build beside the bare statements": ("1.20 x (1.10 to 3.00)", "pass"),
        # Only the first round has both.
        "sqlmat build beside dbt build": ("0.55 x", "FAIL"),
        # As long as dbt is not less.
        "Dagster run, SQLite, beside dbt build": ("1.00 x", "FAIL"),
        "Dagster run, SQLite, beside dagster-dbt": ("", "not measured"),
        "100 tables that wait 0.5 s each, 8 at a time": ("", "not measured"),
        "load of 1,000 files, cold": ("4.00 s", "pass"),
        "load of 1,000 files, warm": ("", "not measured"),
        "load of 10,000 files beside 1,000, cold": ("12.0 x", "FAIL"),
        "load of 10,000 files beside 1,000, warm": ("", "not measured"),
        "memory of 1,000 tables above bare Dagster": ("", "not measured"),
    }
    # One that failed is there, with its error.
    assert re.search(r"^\| dagster-dbt +\| failed: no such table ", told, re.MULTILINE)
