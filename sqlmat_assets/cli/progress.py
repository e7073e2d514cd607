"""The bar on a terminal while a build goes on."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

from sqlmat_assets.cli.report import BuildReport, TableReport
from sqlmat_assets.errors.usage import waiting


class Bar:
    """Names the tables that are being built beside the bar."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total)

    def update(self, report: BuildReport, _finished: TableReport | None, /) -> None:
        names = ", ".join(report.progress(relation) for relation in report.running)
        self._progress.update(self._task, completed=len(report.finished), description=names)

    def wait(self, warehouse: str, /) -> None:
        self._progress.update(self._task, description=waiting(warehouse))

    def record(self, left: int, /) -> None:
        self._progress.update(self._task, description=f"recording in Dagster, {left} to go" if left else "")


@contextmanager
def open_bar(total: int) -> Generator[Bar]:
    """Show a bar on standard error until the block ends, and leave no trace of it."""
    progress = Progress(
        MofNCompleteColumn(),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
        console=Console(stderr=True),
        transient=True,
        expand=True,
    )
    with progress:
        yield Bar(progress, total)
