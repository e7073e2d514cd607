"""How the terminal looks: tables, progress, failures. In a pipe: plain lines without escape codes."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from textwrap import indent
from typing import Protocol

import click

from sqlmat_assets.cli.report import BuildReport, Outcome, TableReport
from sqlmat_assets.errors.outcomes import left_out, snapshot_removed, snapshot_taken
from sqlmat_assets.errors.samples import printable, sample_lines
from sqlmat_assets.errors.usage import waiting
from sqlmat_assets.execution.events import Sample
from sqlmat_assets.relation import Relation

_STYLES = {
    Outcome.PUBLISHED: "green",
    Outcome.UNCHANGED: "dim green",
    Outcome.DELIVERED: "green",
    Outcome.LEFT_ALONE: "yellow",
    Outcome.FAILED: "bold red",
    Outcome.HELD: "yellow",
    Outcome.CANCELLED: "yellow",
    Outcome.NOT_STARTED: "dim",
}
_MOST_LEFT_OUT = 5
_MARGIN = " " * 4


def write_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[str] = ()) -> None:
    """Write a table to standard output: fitted to a terminal, or as aligned plain lines that nothing cuts."""
    if not sys.stdout.isatty():
        _write_lines(columns, rows, right)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    Console().print(table)


def _write_lines(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[str]) -> None:
    lines = [tuple(columns), *(tuple(printable(cell) for cell in row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        cells = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for cell, width, column in zip(line, widths, columns, strict=True)
        )
        click.echo("  ".join(cells).rstrip())


def _rows(report: TableReport) -> str:
    if report.is_view:
        return "view"
    return "" if report.rows is None else f"{report.rows:,}"


def _partitions(report: TableReport) -> str:
    """How many partitions, with the key where it is one."""
    count = len(report.partitions)
    return f"{count:,} partitions" if count > 1 else f"partition {report.partitions[0].key}" if count else ""


def _seconds(report: TableReport) -> str:
    return "" if report.seconds is None else f"{report.seconds:.2f}"


def _checks(report: TableReport) -> str:
    if not report.results:
        return ""
    passed = sum(result.passed for result in report.results)
    warned = sum(not result.passed and not result.is_blocking for result in report.results)
    return f"{passed}/{len(report.results)}" + (f" ({warned} warned)" if warned else "")


def _phases(report: TableReport) -> str:
    """What took the time: `prepare 0.012 s, write 1.204 s`."""
    return ", ".join(f"{phase.name} {phase.seconds:.3f} s" for phase in report.phases)


def _snapshot(report: TableReport) -> str:
    """What became of the snapshots: `snapshot of 30 rows, 12 old ones removed`; empty where nothing did."""
    if report.snapshot is None:
        return ""
    rows, removed = report.snapshot.rows, report.snapshot.removed_rows
    told = ("" if rows is None else snapshot_taken(rows), snapshot_removed(removed) if removed else "")
    return ", ".join(filter(None, told))


def _happened(report: TableReport) -> str:
    if report.outcome is Outcome.DELIVERED:
        return f"delivered to {report.shown}"
    return f"held by {report.because}" if report.because else report.outcome.value


class View(Protocol):
    """What shows a build while it goes on."""

    def update(self, report: BuildReport, finished: TableReport | None, /) -> None:
        """Something happened; `finished` when it was the end of a table."""
        ...

    def wait(self, warehouse: str, /) -> None:
        """Nothing has begun for a while: something else has the warehouse to itself."""
        ...

    def record(self, left: int, /) -> None:
        """The build is over, and so many tables are still to be recorded."""
        ...


class _Silent:
    def update(self, _report: BuildReport, _finished: TableReport | None, /) -> None: ...

    def wait(self, warehouse: str, /) -> None:
        click.echo(waiting(warehouse), err=True)

    def record(self, _left: int, /) -> None: ...


class _Lines:
    """One line per finished table, in columns that fit every name."""

    def __init__(self, selected: Collection[Relation], *, is_verbose: bool) -> None:
        self._is_verbose = is_verbose
        self._width = max((len(str(relation)) for relation in selected), default=0)

    def update(self, _report: BuildReport, finished: TableReport | None, /) -> None:
        if finished is None:
            return
        cells = [str(finished.relation).ljust(self._width), _happened(finished)]
        if finished.partitions:
            cells.append(f"{_partitions(finished)}, {_rows(finished)} row{'' if finished.rows == 1 else 's'}")
        elif finished.rows is not None:
            cells.append(f"{_rows(finished)} row{'' if finished.rows == 1 else 's'}")
        elif finished.is_view:
            cells.append("view")
        if finished.seconds is not None:
            cells.append(f"{_seconds(finished)} s")
        if finished.results:
            cells.append(f"{_checks(finished)} checks")
        if self._is_verbose:
            cells += filter(None, (_phases(finished), _snapshot(finished)))
        click.echo("  ".join(cells))
        sys.stdout.flush()

    def wait(self, warehouse: str, /) -> None:
        click.echo(waiting(warehouse), err=True)

    def record(self, _left: int, /) -> None: ...


@contextmanager
def open_view(selected: Collection[Relation], *, as_json: bool, is_verbose: bool = False) -> Generator[View]:
    """Show a build: a bar on a terminal that goes away at the end, plain lines in a pipe, nothing besides JSON."""
    on_terminal = sys.stderr.isatty() and (as_json or sys.stdout.isatty())
    if not on_terminal:
        yield _Silent() if as_json else _Lines(selected, is_verbose=is_verbose)
        return
    from sqlmat_assets.cli.progress import open_bar

    with open_bar(len(selected)) as bar:
        yield bar


def write_result(reports: Sequence[TableReport], *, is_verbose: bool = False) -> None:
    """Write the table at the end of a build; in a pipe its lines were written one by one."""
    if not sys.stdout.isatty():
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("table", overflow="fold")
    table.add_column("what happened", overflow="fold")
    has_partitions = any(report.partitions for report in reports)
    if has_partitions:
        table.add_column("partitions", overflow="fold")
    for column in ("rows", "seconds", "checks"):
        table.add_column(column, justify="right", no_wrap=True)
    if is_verbose:
        table.add_column("of which", overflow="fold")
    for report in reports:
        table.add_row(
            Text(str(report.relation)),
            Text(_happened(report), style=_STYLES[report.outcome]),
            *(
                [Text(_partitions(report).removesuffix(" partitions").removeprefix("partition "))]
                if has_partitions
                else []
            ),
            _rows(report),
            _seconds(report),
            _checks(report),
            *(["; ".join(filter(None, (_phases(report), _snapshot(report))))] if is_verbose else []),
        )
    Console().print(table)


def write_failure(report: TableReport) -> None:
    """Write why a table was not replaced, or what its checks warn of, with the offending rows."""
    click.echo()
    click.echo(click.style(str(report.relation), bold=True))
    if report.error is not None:
        click.echo(indent(str(report.error), "  "))
    if report.left_out is not None:
        click.echo(f"  warning: {left_out(report.left_out.count)}")
        for row in report.left_out.first[:_MOST_LEFT_OUT]:
            click.echo(f"    {row}")
    for result in report.broken:
        # The error itself tells of the blocking checks; a check that warns is told of nowhere else.
        if not result.is_blocking or report.error is None:
            click.echo(f"  warning: `{result.name}`: {result.message}")
        elif result.sample is not None and result.sample.rows:
            click.echo(f"  rows where `{result.name}` does not hold:")
        if result.sample is not None and result.sample.rows:
            _write_sample(result.sample, result.failed_rows)


def _write_sample(sample: Sample, failed_rows: int) -> None:
    """Write a few rows, as wide as the terminal, or 80 columns in a pipe."""
    terminal = shutil.get_terminal_size() if sys.stdout.isatty() else os.terminal_size((80, 24))
    lines = sample_lines(sample.columns, sample.rows, failed_rows, terminal.columns - len(_MARGIN))
    for number, line in enumerate(lines):
        click.echo(click.style(_MARGIN + line, bold=number == 0))
