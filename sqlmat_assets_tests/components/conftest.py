"""A Dagster instance on disk for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from sqlmat_assets_tests.components.running import open_instance


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with its databases made: that takes longer than most runs of these tests."""
    folder = tmp_path_factory.mktemp("home")
    with open_instance(folder) as instance:
        instance.get_runs()
    return folder


@pytest.fixture
def instance(empty_home: Path, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    shutil.copytree(empty_home, tmp_path / "home")
    with open_instance(tmp_path / "home") as opened:
        yield opened
