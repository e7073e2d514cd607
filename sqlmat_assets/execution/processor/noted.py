"""Where nothing goes through a script: what would be run is written down."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlmat_assets.execution.processor.child import Stop
from sqlmat_assets.execution.processor.workshop import Task, Tell, command_line


class NotedWorkshop:
    """Writes down what would be run, as a comment between the statements."""

    def __init__(self, sent: list[str]) -> None:
        self._sent = sent

    @contextmanager
    def open_folder(self, own: Path, name: str, stop: Stop) -> Generator[Path]:
        del own, stop  # no file is made
        yield Path(name)

    def work(self, task: Task, stop: Stop, tell: Tell) -> None:
        del stop, tell
        self._sent.append(f"-- {command_line(task.processor)}")

    def place(self, task: Task, row: int) -> str:
        raise NotImplementedError  # there are no rows
