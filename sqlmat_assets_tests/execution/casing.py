"""Projects with unit tests, and what became of their cases."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from sqlmat_assets.execution.unit_tests import CaseResult, run_cases
from sqlmat_assets.project.files import read_folder
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.unit_tests.cases import read_cases
from sqlmat_assets.warehouses.duckdb.memory import open_memory


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write the files of a project; a name that ends in `/` is a folder."""
    for name, text in files.items():
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def run_all(
    root: Path, dialect: str | None = None, patience: timedelta = timedelta(minutes=1)
) -> dict[str, CaseResult]:
    """Run all cases of a project; by the folder of each."""
    project = load_project(root, dialect=dialect)
    cases = read_cases(project, read_folder(root).files)
    return {result.case.path: result for result in run_cases(cases, root, open_memory, time.monotonic, patience)}


def run_one(
    root: Path, query: str, files: Mapping[str, str | bytes], dialect: str | None = None, conf: str = ""
) -> CaseResult:
    """Run the case `s/t_unit` of the query of `s.t`."""
    own = {f"s/t_unit/{name}": text for name, text in files.items()}
    return run_all(write(root, {"s/t - 1h.sql": query, "s/t.conf": conf, **own}), dialect)["s/t_unit"]


def shown(result: CaseResult) -> dict[str, list[tuple[str | None, ...]]]:
    """The rows that make a case fail, as people see them."""
    found = result.differences
    return {
        "missing": [row.shown for row in found.missing],
        "unexpected": [row.shown for row in found.unexpected],
        "different": [pair.found.shown for pair in found.different],
    }
