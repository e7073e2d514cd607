from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sqlmat_assets_tests.connectors.fixtures import gcs_bucket, gcs_server, s3_bucket, web
from sqlmat_assets_tests.connectors.sources import mariadb, postgres, source
from sqlmat_assets_tests.keeping_open import keep_open
from sqlmat_assets_tests.redshift.fixtures import s3_server

__all__ = ["gcs_bucket", "gcs_server", "keep_open", "mariadb", "postgres", "s3_bucket", "s3_server", "source", "web"]

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
