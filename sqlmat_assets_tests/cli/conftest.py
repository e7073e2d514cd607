"""A small project in a folder of its own, and the real command run on it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from sqlmat_assets_tests.cli.forking import AT_START, Forker
from sqlmat_assets_tests.cli.running import FILES, SQLMAT, Run
from sqlmat_assets_tests.folders import write_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project of four tables and three checks; all hold."""
    return write_files(tmp_path / "sql", FILES)


@pytest.fixture
def environment() -> Mapping[str, str]:
    """The environment without what would change where a build goes or how a terminal looks."""
    changing = ("SQLMAT_", "DAGSTER_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(changing)}
    return {**kept, "TERM": "xterm-256color"}


@pytest.fixture(scope="session")
def forker() -> Generator[Forker]:
    """What starts `sqlmat` without its imports."""
    forker = Forker()
    yield forker
    forker.close()


@pytest.fixture
def run(tmp_path: Path, folder: Path, environment: Mapping[str, str], forker: Forker) -> Run:
    """Run `sqlmat` as a process in the folder that holds the project."""

    def run_sqlmat(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        if not any(name.startswith(AT_START) for name in more):
            return forker.run(arguments, tmp_path, {**environment, **more})
        return subprocess.run(
            [SQLMAT, *arguments],
            cwd=tmp_path,
            env={**environment, **more},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run_sqlmat
