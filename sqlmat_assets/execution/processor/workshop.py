"""Where the rows of a table go through its script."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.errors import processors as wording
from sqlmat_assets.execution.processor.child import Ended, Stop
from sqlmat_assets.execution.processor.files import passing_folder
from sqlmat_assets.execution.processor.packages import Requirements, ensure_environment, variables_for
from sqlmat_assets.project.model import Processor

GIVEN = "given.parquet"
RESULT = "result.parquet"
_CALL_PROCESS = Path(__file__).with_name("call_process.py")
_IN, _OUT = "in.csv", "out.csv"
_FOR_FRAMES = ("pandas", "pyarrow")

Tell = Callable[[str, bool], None]
"""Takes what a script has printed, and whether its beginning is missing."""


@dataclass(frozen=True, slots=True)
class Task:
    """One run of a script: `root` is the project's folder, `own` the one that sqlmat has beside it."""

    processor: Processor
    root: Path
    own: Path
    folder: Path


class Workshop(Protocol):
    """Runs the scripts of tables."""

    def open_folder(self, own: Path, name: str, stop: Stop) -> AbstractContextManager[Path]:
        """Give a folder for the files between the warehouse and a script; it is gone afterwards."""
        ...

    def work(self, task: Task, stop: Stop, tell: Tell) -> None:
        """Give the rows of `GIVEN` to the script, and put what it gives back into `RESULT`.

        Raises:
            MaterializeError: The script, its packages or what it gives back cannot be used.
            CancelledError: The end was asked for.
        """
        ...

    def place(self, task: Task, row: int) -> str:
        """Where a row of `RESULT`, counted from 1, is to be found by a person."""
        ...


class LocalWorkshop:
    """Runs scripts on this machine, each in a process of its own."""

    def open_folder(self, own: Path, name: str, stop: Stop) -> AbstractContextManager[Path]:
        return passing_folder(own / "processing", name, stop.pause)

    def work(self, task: Task, stop: Stop, tell: Tell) -> None:
        shown, script = task.processor.script, (task.root / task.processor.script).absolute()
        if not script.is_file():
            raise wording.no_script(shown)
        python = _interpreter(task, stop)
        given, result = task.folder / GIVEN, task.folder / RESULT
        if task.processor.takes_frame:
            problem = task.folder / "problem.txt"
            ended = _run(task, [str(python), str(_CALL_PROCESS), *map(str, (script, given, result, problem))], stop)
            _tell(ended, tell)
            if problem.exists():
                raise wording.bad_result(shown, problem.read_text(encoding="utf-8"))
            _refuse_failed(shown, ended)
            if not result.exists():
                raise wording.wrote_nothing(shown)
            return
        # pyarrow is not imported where no table is processed.
        from sqlmat_assets.execution.processor.csv_files import read_csv, write_csv

        before, after = task.folder / _IN, task.folder / _OUT
        write_csv(given, before)
        given.unlink()
        ended = _run(task, [str(python), *map(str, (script, before, after))], stop)
        _tell(ended, tell)
        _refuse_failed(shown, ended)
        if not after.is_file():
            raise wording.wrote_nothing(shown)
        read_csv(after, result, shown)
        stop.check()

    def place(self, task: Task, row: int) -> str:
        if task.processor.takes_frame:
            return f"row {row:,}"
        from sqlmat_assets.execution.processor.csv_files import line_of_row

        return f"line {line_of_row(task.folder / _OUT, row, task.processor.script):,}"


def command_line(processor: Processor) -> str:
    """What is run, for people."""
    if processor.takes_frame:
        return f"process(df) of {processor.script}"
    return f"python {processor.script} {_IN} {_OUT}"


def _interpreter(task: Task, stop: Stop) -> Path:
    processor = task.processor
    if processor.requirements is None:
        return Path(sys.executable)
    file = task.root / processor.requirements
    if not file.is_file():
        raise wording.no_script(processor.requirements)
    named = set(processor.packages)
    more = tuple(name for name in _FOR_FRAMES if processor.takes_frame and name not in named)
    return ensure_environment(Requirements(file, processor.requirements, more), task.own / "environments", stop)


def _run(task: Task, command: list[str], stop: Stop) -> Ended:
    folder = (task.root / task.processor.script).absolute().parent
    return stop.run(command, folder, variables_for(Path(command[0])))


def _tell(ended: Ended, tell: Tell) -> None:
    if ended.text.strip():
        tell(ended.text, ended.is_cut)


def _refuse_failed(script: str, ended: Ended) -> None:
    if ended.code != 0:
        raise _failure(script, ended)


def _failure(script: str, ended: Ended) -> MaterializeError:
    if ended.code > 0:
        return wording.script_failed(script, ended.code, ended.text)
    return wording.script_killed(script, signal.Signals(-ended.code).name, ended.text)
