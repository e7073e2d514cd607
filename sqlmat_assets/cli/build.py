"""`sqlmat build`: write, audit and publish the tables that are selected."""

from __future__ import annotations

import json
import queue
import signal
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import click

from sqlmat_assets.cli import GOOD, INTERRUPTED, PROBLEMS
from sqlmat_assets.cli.check import echo_problems
from sqlmat_assets.cli.display import View, open_view, write_failure, write_result
from sqlmat_assets.cli.patience import SECONDS_UNTIL_TOLD
from sqlmat_assets.cli.pieces import choose_pieces, divide
from sqlmat_assets.cli.place import (
    connectors,
    dagster_home,
    dialect_option,
    env_option,
    find_root,
    find_variable,
    folder_argument,
    open_for,
    read_project,
    requests_file,
    warehouse_option,
)
from sqlmat_assets.cli.report import BuildReport, TableReport, counts, describe_table, is_good
from sqlmat_assets.cli.resume import Request, Requests, take_up
from sqlmat_assets.cli.selecting import find_named, leave_deliveries, select_options, select_tables
from sqlmat_assets.components.origin import find_identity, find_origin
from sqlmat_assets.components.record import Recorder
from sqlmat_assets.errors import CancelledError, Problem, SqlmatError, asking
from sqlmat_assets.errors.environments import built_in
from sqlmat_assets.errors.transpiling import built_transpiled
from sqlmat_assets.errors.undo import left_alone
from sqlmat_assets.errors.usage import interrupted
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.environment import find_environment
from sqlmat_assets.execution.events import Event, Run
from sqlmat_assets.execution.piece import Piece
from sqlmat_assets.execution.rounds import build_in_rounds
from sqlmat_assets.execution.secrets import Secrets
from sqlmat_assets.project.model import Project
from sqlmat_assets.relation import Relation


def _now() -> datetime:
    """The clock of this process, which nothing below the command line reads."""
    return datetime.now(UTC)


def _untold_problems(project: Project, selected: Sequence[Relation]) -> list[Problem]:
    """The problems that belong here and that no failing table will tell: warnings, and those of no table."""
    chosen = frozenset(selected)
    told = {p for relation in chosen for p in project.models[relation].problems if not p.is_warning}
    strange = {p for model in project if model.relation not in chosen for p in model.problems}
    return [p for p in project.problems if p not in told and p not in strange]


@contextmanager
def _on_interrupt(cancel: Callable[[], bool]) -> Generator[None]:
    """Let Ctrl-C and SIGTERM cancel the queries, and go on noting what that comes to.

    Raises:
        KeyboardInterrupt: At the second signal, or when `cancel` says that no query was left.
    """
    asked: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        if not cancel() or len(asked) > 1:
            raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # A shell starts its background jobs with SIGINT ignored, so that Ctrl-C leaves them alone.
    watched = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in watched:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in watched:
            signal.signal(number, before[number])


@dataclass(frozen=True, slots=True)
class _Build:
    """One build at its end; `is_cut` when a person ended it, `error` when it could not begin."""

    context: Context
    reports: tuple[TableReport, ...]
    seconds: float
    is_cut: bool
    error: SqlmatError | None


class _Pump(threading.Thread):
    """Drives a build on a thread of its own, so that neither display nor recording ever holds it up."""

    def __init__(self, events: Iterable[Event]) -> None:
        super().__init__(name="sqlmat-events", daemon=True)
        self.happened: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()
        self._events = events
        self._began = time.monotonic()
        self.seconds = 0.0

    def run(self) -> None:
        try:
            for event in self._events:
                self.happened.put(event)
            end = None
        except BaseException as error:  # noqa: BLE001 - raised again on the main thread
            end = error
        self.seconds = time.monotonic() - self._began
        self.happened.put(end)

    def next(self, *, patience: float | None) -> Event | None:
        """The next event, or None at the end.

        Args:
            patience: How many seconds to wait for one; None for as long as it takes.

        Raises:
            queue.Empty: There is none yet.
        """
        event = self.happened.get(timeout=patience) if patience != 0 else self.happened.get_nowait()
        if isinstance(event, BaseException):
            raise event
        return event


def _join_threads() -> None:
    """Wait for the threads of a build: a driver that one of them still holds at exit complains to the terminal."""
    for thread in threading.enumerate():
        if thread.name.startswith("sqlmat-"):
            thread.join()


def _follow(pump: _Pump, report: BuildReport, view: View, recorder: Recorder | None, warehouse: str) -> None:
    """Show what happens, and record while nothing does."""
    is_told = False
    while True:
        is_idle = pump.happened.empty() and (recorder is None or not recorder.work())
        may_tell = not (is_told or report.has_begun)
        try:
            event = pump.next(patience=(SECONDS_UNTIL_TOLD if may_tell else None) if is_idle else 0)
        except queue.Empty:
            if is_idle:
                view.wait(warehouse)
                is_told = True
            continue
        if event is None:
            return
        view.update(report, report.take(event))
        if recorder is not None:
            recorder.take(event)


def _build(
    project: Project,
    pieces: Mapping[Relation, Sequence[Piece]],
    context: Context,
    threads: int,
    *,
    is_recorded: bool,
    as_json: bool,
    is_verbose: bool,
) -> _Build:
    selected = tuple(pieces)
    report = BuildReport(selected, {relation: len(batches) for relation, batches in pieces.items()})
    is_recorded = is_recorded and bool(selected)
    recorder = Recorder(dagster_home(project.root, context.environment), project, context) if is_recorded else None
    # With nothing to build, no warehouse is opened.
    events = build_in_rounds(project, selected, context, pieces=pieces, threads=threads) if selected else ()
    pump = _Pump(events)

    def cancel() -> bool:
        is_building = pump.is_alive()  # asked first: what waits for the warehouse ends at once
        report.cut()
        context.cancellation.cancel()
        return is_building

    trouble, error = None, None
    with _on_interrupt(cancel):
        pump.start()
        try:
            with open_view(selected, as_json=as_json, is_verbose=is_verbose) as view:
                _follow(pump, report, view, recorder, context.warehouse.label)
                if recorder is not None:
                    trouble = recorder.finish(view.record)
        except SqlmatError as stopped:
            # Ctrl-C while the warehouse is waited for is told as any other; what else stops a build is its error.
            error = None if isinstance(stopped, CancelledError) else stopped
        except KeyboardInterrupt:
            context.cancellation.cancel()
            raise
        except BaseException:
            context.cancellation.cancel()
            _join_threads()
            raise
        _join_threads()
    if trouble is not None:
        click.echo(trouble, err=True)
    return _Build(context, report.all(), pump.seconds, report.is_cut, error)


def _document(done: _Build) -> dict[str, Any]:
    run, environment = done.context.run, done.context.environment
    return {
        "run": run.id,
        "decided_at": run.decided_at.isoformat(),
        "commit": run.commit,
        "uncommitted_edits": run.has_edits if run.commit else None,
        "warehouse": done.context.warehouse.label,
        "transpiled_from": done.context.names.dialect if done.context.is_transpiled else None,
        "environment": None if environment is None else environment.name,
        "seconds": round(done.seconds, 3),
        "interrupted": done.is_cut,
        "error": None if done.error is None else str(done.error),
        "tables": [describe_table(report) for report in done.reports],
    }


def _write_end(done: _Build, *, is_verbose: bool) -> None:
    write_result(done.reports, is_verbose=is_verbose)
    for report in done.reports:
        if report.is_remarkable:
            write_failure(report)
    for report in done.reports:
        if report.put_back_at is not None:
            click.echo()
            click.echo(left_alone(str(report.relation), report.put_back_at))
    click.echo()
    click.echo(f"{counts(done.reports)} in {done.seconds:.1f} s, {done.context.warehouse.label}")
    if done.context.is_transpiled:
        click.echo(built_transpiled(done.context.names.dialect, done.context.spoken))
    if done.context.environment is not None:
        click.echo(built_in(done.context.environment.name))


def _refuse_idle(partitions: Sequence[str], batch: int | None, *, again: bool, full_refresh: bool) -> None:
    """Refuse options that would do nothing.

    Raises:
        UsageError: There is one.
    """
    if partitions and full_refresh:
        raise asking.partition_and_refresh()
    if not partitions and batch is not None:
        raise asking.only_with_partition("--batch")
    if not partitions and again:
        raise asking.only_with_partition("--again")


@click.command("build", short_help="Write, check and publish tables.")
@folder_argument
@select_options
@warehouse_option
@dialect_option
@env_option
@click.option(
    "--threads", metavar="N", type=click.IntRange(min=1), default=4, show_default=True, help="Tables built at a time."
)
@click.option(
    "--partition",
    "partitions",
    metavar="A..B",
    multiple=True,
    help="Which partitions, of all selected tables that have some: 2019-01, 2019-01..2019-12, 2019-01.. or FR,DE. "
    "Tables of another grain get those that cover the time; tables without partitions are built once.",
)
@click.option(
    "--batch",
    metavar="N",
    type=click.IntRange(min=1),
    help="With --partition: publish after every N partitions. [default: all at once]",
)
@click.option("--again", is_flag=True, help="With --partition: also build what a build that ended early has finished.")
@click.option(
    "--full-refresh",
    is_flag=True,
    help="Build everything anew and aside, whatever the mode of the table, and swap it in.",
)
@click.option("--no-deliver", is_flag=True, help="Build tables only, and deliver none of them.")
@click.option("--no-record", is_flag=True, help="Leave the Dagster instance alone.")
@click.option("-v", "--verbose", is_flag=True, help="Say what the seconds of each table went into.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document at the end; all else to standard error.")
def command(  # noqa: PLR0913 - one for each option
    folder: Path | None,
    expressions: tuple[str, ...],
    since: str | None,
    warehouse: str | None,
    env: str | None,
    threads: int,
    partitions: tuple[str, ...],
    batch: int | None,
    *,
    dialect: str | None,
    again: bool,
    full_refresh: bool,
    no_deliver: bool,
    no_record: bool,
    verbose: bool,
    as_json: bool,
) -> int:
    """Build the tables of DIR (default: sql), upstream first and in parallel.

    Each table is written beside the published one, checked, and put in its place only when its blocking checks
    hold; rows that are the same as before stay where they are. What was published is recorded in the Dagster
    instance ($DAGSTER_HOME, else .sqlmat beside DIR).

    A build with --partition that ends early goes on where it stopped when it is started again.

    With --json, standard output is one object: run, decided_at, commit, uncommitted_edits, warehouse, transpiled_from
    (the dialect of the files, where it is not that of the warehouse), environment, seconds, interrupted, error (why it
    could not begin), and tables, a list in the order in which they ended. Each has name, outcome (published, unchanged,
    delivered, left alone, failed, held, cancelled, not started), rows, partitions (key, rows), seconds, phases (what
    they went into), queued_seconds and scanned_bytes (what the engine says; null where it does not), billed_bytes,
    slot_seconds and usd (what BigQuery bills), snapshot (history, rows, removed_rows; null where the table has none),
    checks (name, passed, blocking, rows, failed_rows, message), left_out (of a load, the rows that could not be read:
    rows, and the first of them), error, put_back_at (since when it is left alone), delivered_to and held_by. A table
    that `sqlmat undo` has put back is left alone until its file is edited, or -s names it.
    """
    _refuse_idle(partitions, batch, again=again, full_refresh=full_refresh)
    project = read_project(find_root(folder), dialect)
    opened = open_for(project, warehouse, dialect)
    environment = find_environment(env, project, opened.capabilities)
    selected = select_tables(project, expressions, since)
    if no_deliver or environment is not None:
        selected = leave_deliveries(project, selected, environment)
    partitions = partitions if selected else ()
    now = _now()
    pieces = choose_pieces(project, selected, partitions, now, is_full_refresh=full_refresh)
    echo_problems(_untold_problems(project, selected))
    origin = find_origin(project.root)
    run = Run(
        uuid.uuid4().hex[:8],
        now,
        origin and origin.commit,
        has_edits=origin is not None and origin.has_edits,
        named=find_named(project, expressions),
        project=find_identity(project.root),
    )
    context = Context(
        warehouse=opened,
        names=project.names,
        run=run,
        now=_now,
        root=project.root,
        environment=environment,
        views=project.views,
        connectors=connectors(),
        prices=project.prices,
        secrets=Secrets(find_variable),
        deliveries=project.deliveries,
    )
    request, requests = Request(opened.label, selected, partitions), Requests(requests_file(project.root, environment))
    if partitions:
        pieces = take_up(project, pieces, context, request, requests, is_again=again)
    divided = divide(project, pieces, batch)
    done = _build(project, divided, context, threads, is_recorded=not no_record, as_json=as_json, is_verbose=verbose)
    if partitions and done.error is None and not done.is_cut and is_good(done.reports):
        requests.forget(request)
    if as_json:
        click.echo(json.dumps(_document(done), indent=2, ensure_ascii=False))
    elif done.error is None:
        _write_end(done, is_verbose=verbose)
    if done.error is not None:
        raise done.error
    if done.is_cut:
        click.echo(interrupted(sum(len(each.partitions) for each in done.reports) if partitions else None), err=True)
        return INTERRUPTED
    return GOOD if is_good(done.reports) and (expressions or not project.errors) else PROBLEMS
