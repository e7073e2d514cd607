from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sqlmat_assets_tests.keeping_open import keep_open

__all__ = ["keep_open"]

_HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A DuckDB file that is not there yet."""
    return tmp_path / "warehouse.duckdb"


@pytest.fixture
def hold() -> Generator[Callable[[Path], None]]:
    """Have another process hold a DuckDB file until the test ends."""
    with ExitStack() as stack:

        def start(path: Path) -> None:
            command = [sys.executable, "-c", _HOLD, str(path)]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.callback(process.communicate, "")
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"

        yield start
