"""What is asked of each that is compared, and one process of it, timed and weighed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from generate import Table

TIMED = Path(__file__).with_name("timed.py")
TOLD = 2000
"""How many characters of what a failed process said are kept."""


class FailedError(Exception):
    """A process that is measured failed, or did something else than it was asked to."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One process.

    `cpu_seconds` are its own and those of the processes that it started; `memory` is the most MB that any of these
    held; `load` is the machine's average of the last minute when it began.
    """

    seconds: float
    cpu_seconds: float
    memory: float
    load: float
    output: str


@dataclass(frozen=True, slots=True)
class Work:
    """What is built.

    Args:
        tables: Those that are read before those that read them.
        orders: The warehouse file that each begins with.
        threads: How many tables at a time.
    """

    tables: Sequence[Table]
    orders: Path
    threads: int


class Peer(Protocol):
    """One way to build the tables; each has a folder of its own."""

    name: str
    """Its key in the results."""
    label: str
    """What people call it."""
    warehouse: Path
    """The DuckDB file that it fills."""

    def prepare(self) -> None:
        """Write the project, and do what is done once for many builds."""
        ...

    def reset(self) -> None:
        """Begin with a new warehouse, in which nothing was built."""
        ...

    def build(self) -> Ran:
        """Build all tables.

        Raises:
            FailedError: It failed.
        """
        ...

    def checks(self) -> int:
        """How many checks held in the last build, by what it wrote about them itself."""
        ...


def run(
    command: Sequence[str | Path],
    folder: Path,
    variables: Mapping[str, str] | None = None,
) -> Ran:
    """Run a process to its end.

    Args:
        command: What to run.
        folder: Where; what it prints is kept there in `output.txt`.
        variables: Of its environment, beside those that are there.

    Raises:
        FailedError: It failed.
    """
    load = os.getloadavg()[0]
    printed, told = folder / "output.txt", folder / "timed.json"
    told.unlink(missing_ok=True)
    with printed.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", TIMED, told, *command],
            cwd=folder,
            env={**os.environ, "PYTHONWARNINGS": "ignore", **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    output = printed.read_text(errors="replace")
    if process.returncode:
        raise FailedError(f"{' '.join(map(str, command))} ended with {process.returncode}\n{output[-TOLD:]}")
    return Ran(**json.loads(told.read_text()), load=load, output=output)


def copy_warehouse(work: Work, target: Path) -> None:
    """Put a new file in place of a warehouse, and of what it left beside it."""
    target.with_name(target.name + ".wal").unlink(missing_ok=True)
    target.unlink(missing_ok=True)
    shutil.copy(work.orders, target)


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files by their path within a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
