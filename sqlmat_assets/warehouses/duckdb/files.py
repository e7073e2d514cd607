"""One open DuckDB file per process, shared by its sessions and held only while there is one."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path, PurePath

import duckdb

from sqlmat_assets.errors import WarehouseError
from sqlmat_assets.errors.failures import cannot_open, file_is_held
from sqlmat_assets.warehouses.base import Pause

_POLL_SECONDS = 0.1
_HOLDER = re.compile(r"\(PID (\d+)\)")


@dataclass(slots=True)
class _OpenFile:
    """A database of this process: `sessions` use it, and `connection` is there while any does.

    `idle` are cursors whose session has ended well; a new one costs as much as a small query.
    """

    guard: threading.Lock = field(default_factory=threading.Lock)
    connection: duckdb.DuckDBPyConnection | None = None
    sessions: int = 0
    idle: list[duckdb.DuckDBPyConnection] = field(default_factory=list[duckdb.DuckDBPyConnection])


_open_files: dict[Path, _OpenFile] = {}
_open_files_guard = threading.Lock()


@contextmanager
def open_cursor(
    path: Path, wait: timedelta, pause: Pause = time.sleep, memory_limit: str | None = None
) -> Generator[duckdb.DuckDBPyConnection]:
    """Give a cursor on a DuckDB file, opening the file for the first and closing it after the last.

    A process that has a DuckDB file open for writing keeps every other process out of it, readers included
    (https://duckdb.org/docs/stable/connect/concurrency); so opening waits, at most for `wait`,
    and as long as `pause` does not raise. The `memory_limit` of whoever opens the file is that of all.

    Raises:
        TransientWarehouseError: Another process holds the file.
        TerminalWarehouseError: The file cannot be opened at all.
    """
    with _open_files_guard:
        file = _open_files.setdefault(path.resolve(), _OpenFile())
    # From here, so that threads which stand in line for the guard do not wait one after the other.
    deadline = time.monotonic() + wait.total_seconds()
    with file.guard:
        if file.connection is None:
            file.connection = _connect(path, wait, deadline, pause, memory_limit)
        file.sessions += 1
        cursor = file.idle.pop() if file.idle else file.connection.cursor()
    ended_well = False
    try:
        yield cursor
        ended_well = True
    finally:
        with file.guard:
            if ended_well:
                file.idle.append(cursor)
            else:
                cursor.close()
            file.sessions -= 1
            if file.sessions == 0:
                _close(file)


def _close(file: _OpenFile) -> None:
    while file.idle:
        file.idle.pop().close()
    if file.connection is not None:
        file.connection.close()
        file.connection = None


def _connect(
    path: Path, wait: timedelta, deadline: float, pause: Pause, memory_limit: str | None
) -> duckdb.DuckDBPyConnection:
    while True:
        try:
            return _limited(duckdb.connect(path), memory_limit)
        except duckdb.Error as error:
            message = str(error)
            if "Could not set lock" not in message:
                raise _explain(path, message) from error
            if time.monotonic() >= deadline:
                raise file_is_held(str(path), _holder(message), wait) from error
        pause(_POLL_SECONDS)


def _limited(connection: duckdb.DuckDBPyConnection, memory_limit: str | None) -> duckdb.DuckDBPyConnection:
    if memory_limit is not None:
        # As a setting afterwards, so that it does not keep out who has the file open in this process already.
        connection.execute("SET GLOBAL memory_limit = $1", [memory_limit])
    return connection


def _explain(path: Path, message: str) -> WarehouseError:
    folder = path.parent
    if not folder.exists():
        hint = f"create the folder `{folder}`"
    elif path.is_dir():
        hint = "name a file in that folder"
    elif "newer" in message.lower():
        hint = "install the version of duckdb that wrote the file, or a later one"
    elif "not a valid DuckDB database file" in message:
        hint = "name another file, this one is left as it is"
    elif "Permission denied" in message:
        hint = f"allow this user to write to `{path if path.exists() else folder}`"
    elif "Corrupt database file" in message:
        hint = "put back a copy of the file, or move it away together with its `.wal` and build again"
    else:
        hint = None
    return cannot_open(str(path), message, hint)


def _holder(message: str) -> str | None:
    found = _HOLDER.search(message)
    if found is None:
        return None
    process = found.group(1)
    try:
        words = Path("/proc", process, "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return f"process {process}"
    program = program_of(words)
    return f"process {process} (`{program}`)" if program else f"process {process}"


def program_of(words: Sequence[str]) -> str:
    """The program that a command line runs, for Python the script or module; arguments may hold secrets.

    Examples:
        >>> program_of(["/usr/bin/duckdb", "warehouse.duckdb"])
        'duckdb'
        >>> program_of(["/usr/bin/python3", "-X", "dev", "-m", "dagster", "dev"])
        'dagster'
    """
    # A process may put a title of its own, arguments and all, in the place of its first word.
    program = PurePath(words[0]).name.partition(" ")[0] if words else ""
    if not program.startswith("python"):
        return program
    options = iter(words[1:])
    for word in options:
        if word in ("-X", "-W"):
            next(options, None)
        elif word == "-m":
            return next(options, program)
        elif word == "-c" or not word:
            return program
        elif not word.startswith("-"):
            return PurePath(word).name
    return program
