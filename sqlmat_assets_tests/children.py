"""Processes that do the work of a function, to be killed in it: forks of one that has imported everything already."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(
    [
        "sqlmat_assets.execution.build",
        "sqlmat_assets.execution.undo",
        "sqlmat_assets.warehouses.config",
        "sqlmat_assets.warehouses.duckdb.adapter",
        "sqlmat_assets.warehouses.postgres.adapter",
        "sqlmat_assets_tests.warehouses.parts",
        "pytest",
        # Dagster imports all packages that have components when it looks for one of them.
        "dagster_aws.components",
        "dagster_gcp.components",
        "sqlmat_assets.components.sql_project",
    ]
)


class Child:
    """A process that calls a function; its standard output is read here. It is killed when the block ends.

    Args:
        work: A function of a module.
        arguments: What it is called with.
    """

    def __init__(self, work: Callable[..., None], *arguments: object) -> None:
        reading, writing = _SERVER.Pipe(duplex=False)
        self._process = _SERVER.Process(target=_do, args=(writing, dict(os.environ), work, arguments), daemon=True)
        self._process.start()
        writing.close()
        self.stdout = os.fdopen(os.dup(reading.fileno()), encoding="utf-8")
        reading.close()

    @property
    def returncode(self) -> int | None:
        """As that of `subprocess.Popen`; None while it runs."""
        return self._process.exitcode

    def kill(self) -> None:
        """End it at once, and wait until it has ended."""
        self._process.kill()
        self._process.join()

    def wait(self, timeout: float = 120) -> int | None:
        """Wait for its end, and tell how it ended."""
        self._process.join(timeout)
        return self.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()
        self.stdout.close()


def _do(
    writing: Connection, environment: dict[str, str], work: Callable[..., None], arguments: tuple[object, ...]
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(writing.fileno(), 1)
    writing.close()
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", buffering=1)
    work(*arguments)
