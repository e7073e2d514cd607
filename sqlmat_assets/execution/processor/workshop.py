"""Where the rows of a table go through its script."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.errors import processors as wording
from sqlmat_assets.execution.processor.child import Ended, Stop
from sqlmat_assets.execution.processor.files import passing_folder
from sqlmat_assets.execution.processor.packages import Requirements, open_environment, variables_for
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
        if not _script(task).is_file():
            raise wording.no_script(task.processor.script)
        with _open_interpreter(task, stop) as python:
            (_pass_frame if task.processor.takes_frame else _pass_files)(task, str(python), stop, tell)

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


def _script(task: Task) -> Path:
    return (task.root / task.processor.script).absolute()


def _pass_frame(task: Task, python: str, stop: Stop, tell: Tell) -> None:
    shown, given, result = task.processor.script, task.folder / GIVEN, task.folder / RESULT
    problem = task.folder / "problem.txt"
    ended = _run(task, [python, str(_CALL_PROCESS), *map(str, (_script(task), given, result, problem))], stop)
    _tell(ended, tell)
    if problem.exists():
        raise wording.bad_result(shown, problem.read_text(encoding="utf-8"))
    _refuse_failed(shown, ended)
    if not result.exists():
        raise wording.wrote_nothing(shown)


def _pass_files(task: Task, python: str, stop: Stop, tell: Tell) -> None:
    # pyarrow is not imported where no table is processed.
    from sqlmat_assets.execution.processor.csv_files import read_csv, write_csv

    shown, given, result = task.processor.script, task.folder / GIVEN, task.folder / RESULT
    before, after = task.folder / _IN, task.folder / _OUT
    write_csv(given, before)
    given.unlink()
    ended = _run(task, [python, *map(str, (_script(task), before, after))], stop)
    _tell(ended, tell)
    _refuse_failed(shown, ended)
    if not after.is_file():
        raise wording.wrote_nothing(shown)
    read_csv(after, result, shown)
    stop.check()


@contextmanager
def _open_interpreter(task: Task, stop: Stop) -> Generator[Path]:
    processor = task.processor
    if processor.requirements is None:
        yield Path(sys.executable)
        return
    file = task.root / processor.requirements
    if not file.is_file():
        raise wording.no_script(processor.requirements)
    named = set(processor.packages)
    more = tuple(name for name in _FOR_FRAMES if processor.takes_frame and name not in named)
    requirements = Requirements(file, processor.requirements, more)
    with open_environment(requirements, task.own / "environments", stop) as python:
        yield python


def _run(task: Task, command: list[str], stop: Stop) -> Ended:
    return stop.run(command, _script(task).parent, variables_for(Path(command[0])))


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
