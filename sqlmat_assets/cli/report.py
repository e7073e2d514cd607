"""What became of each table of a build, gathered from its events."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmat_assets.errors import CancelledError, SqlmatError
from sqlmat_assets.execution.events import (
    Checked,
    CheckResult,
    Delivered,
    Discarded,
    Event,
    LeftAlone,
    LeftOut,
    Phase,
    Published,
    PublishedPartition,
    Skipped,
    Snapshot,
    Started,
    Unchanged,
)
from sqlmat_assets.execution.usage import joined
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.billing import Usage


class Outcome(StrEnum):
    """What happened to a table."""

    PUBLISHED = "published"
    UNCHANGED = "unchanged"
    DELIVERED = "delivered"
    LEFT_ALONE = "left alone"
    FAILED = "failed"
    HELD = "held"
    CANCELLED = "cancelled"
    NOT_STARTED = "not started"


@dataclass(frozen=True, slots=True)
class TableReport:
    """One table at the end: `because` is what held it, `error` why it was not replaced.

    `partitions` are those that were published or are the same as before, also where one after them failed. `phases` is
    what took the time. `put_back_at` is when a person put the rows back for which it was left alone. `left_out` are
    rows of files that could not be read. `shown` is where a delivery goes.
    """

    relation: Relation
    outcome: Outcome
    rows: int | None = None
    seconds: float | None = None
    results: tuple[CheckResult, ...] = ()
    error: SqlmatError | None = None
    because: Relation | None = None
    partitions: tuple[PublishedPartition, ...] = ()
    phases: tuple[Phase, ...] = ()
    snapshot: Snapshot | None = None
    usage: Usage | None = None
    put_back_at: datetime | None = None
    left_out: LeftOut | None = None
    shown: str | None = None

    @property
    def is_view(self) -> bool:
        """Whether it went well and is a view, whose rows nobody has counted."""
        return self.rows is None and self.outcome in (Outcome.PUBLISHED, Outcome.UNCHANGED, Outcome.LEFT_ALONE)

    @property
    def broken(self) -> tuple[CheckResult, ...]:
        """The checks that did not hold, the blocking ones first."""
        return tuple(sorted((r for r in self.results if not r.passed), key=lambda r: not r.is_blocking))

    @property
    def is_remarkable(self) -> bool:
        """Whether there is more to say about it than one line."""
        return self.outcome is Outcome.FAILED or bool(self.broken) or self.left_out is not None


class BuildReport:
    """Takes the events of one build and tells, at any time, how far it is.

    Args:
        selected: The tables that are built.
        batches: In how many pieces each is built, where it is not one.
    """

    def __init__(self, selected: Collection[Relation], batches: Mapping[Relation, int] | None = None) -> None:
        self._waiting = dict.fromkeys(selected)
        self._batches = dict(batches or {})
        self._done: dict[Relation, int] = {}
        self._so_far: dict[Relation, TableReport] = {}
        self._running: dict[Relation, None] = {}
        self._results: dict[Relation, tuple[CheckResult, ...]] = {}
        self._finished: dict[Relation, TableReport] = {}
        self._begun_before_cut: frozenset[Relation] | None = None

    @property
    def is_cut(self) -> bool:
        """Whether somebody ended the build before its time."""
        return self._begun_before_cut is not None

    def cut(self) -> None:
        """Note that the build is being ended: what is cancelled from here on did not fail."""
        if self._begun_before_cut is None:
            self._begun_before_cut = frozenset(self._running)

    @property
    def has_begun(self) -> bool:
        """Whether work on any table has started."""
        return bool(self._running or self._finished)

    @property
    def running(self) -> tuple[Relation, ...]:
        return tuple(self._running)

    @property
    def finished(self) -> tuple[TableReport, ...]:
        """The tables that are done, in the order in which they ended."""
        return tuple(self._finished.values())

    def progress(self, relation: Relation) -> str:
        """A table that is being built, with the piece of it where there are several."""
        count = self._batches.get(relation, 1)
        return str(relation) if count == 1 else f"{relation} {min(self._done.get(relation, 0) + 1, count)}/{count}"

    def take(self, event: Event) -> TableReport | None:
        """Note an event; the report of what it ended: a table, or one of the pieces that it is built in."""
        match event:
            case Started(relation):
                self._waiting.pop(relation, None)
                self._running[relation] = None
                return None
            case Checked(relation, results):
                self._results[relation] = results
                return None
            case Published(relation):
                results = self._results.get(relation, ())
                report = TableReport(
                    relation, Outcome.PUBLISHED, event.rows, event.seconds, results, partitions=event.partitions
                )
            case Unchanged(relation):
                results = self._results.get(relation, ())
                report = TableReport(
                    relation, Outcome.UNCHANGED, event.rows, event.seconds, results, partitions=event.partitions
                )
            case Delivered(relation):
                outcome = Outcome.DELIVERED if event.is_new else Outcome.UNCHANGED
                report = TableReport(
                    relation, outcome, event.rows, event.seconds, phases=event.phases, shown=event.shown
                )
            case LeftAlone(relation, record):
                report = TableReport(relation, Outcome.LEFT_ALONE, record.rows, put_back_at=record.put_back_at)
            case Discarded(relation, error):
                results = event.results or self._results.get(relation, ())
                report = TableReport(relation, self._ending(relation, error), None, event.seconds, results, error)
            case Skipped(relation, because):
                holder = self._finished.get(because)
                report = (
                    TableReport(relation, Outcome.NOT_STARTED)
                    if holder is not None and holder.outcome in (Outcome.CANCELLED, Outcome.NOT_STARTED)
                    else TableReport(relation, Outcome.HELD, because=because)
                )
            case _:
                return None
        if isinstance(event, Published | Unchanged | Discarded):
            report = replace(report, phases=event.phases)
        if isinstance(event, Published | Unchanged):
            report = replace(report, snapshot=event.snapshot, left_out=event.left_out, usage=event.usage)
        self._note(report)
        return report

    def _note(self, report: TableReport) -> None:
        relation = report.relation
        before = self._so_far.pop(relation, None)
        whole = report if before is None else _joined(before, report)
        self._done[relation] = self._done.get(relation, 0) + 1
        is_good_so_far = report.outcome in (Outcome.PUBLISHED, Outcome.UNCHANGED)
        if is_good_so_far and self._done[relation] < self._batches.get(relation, 1):
            self._so_far[relation] = whole
            return
        self._waiting.pop(relation, None)
        self._running.pop(relation, None)
        self._finished[relation] = whole

    def _ending(self, relation: Relation, error: SqlmatError) -> Outcome:
        if self._begun_before_cut is None or not isinstance(error, CancelledError):
            return Outcome.FAILED  # a time limit cancels too, and nobody asked for that
        return Outcome.CANCELLED if relation in self._begun_before_cut else Outcome.NOT_STARTED

    def all(self) -> tuple[TableReport, ...]:
        """Every selected table: first those that ended, in their order, then what an interruption left."""
        cut = (
            replace(self._so_far.get(relation) or TableReport(relation, Outcome.CANCELLED), outcome=Outcome.CANCELLED)
            for relation in self._running
        )
        never = (TableReport(relation, Outcome.NOT_STARTED) for relation in self._waiting)
        return (*self.finished, *cut, *never)


def _joined(before: TableReport, after: TableReport) -> TableReport:
    """Two pieces of one table as one: what happened in the end, and all that was counted."""
    rows = None if before.rows is None and after.rows is None else (before.rows or 0) + (after.rows or 0)
    is_published = Outcome.PUBLISHED in (before.outcome, after.outcome) and after.outcome is Outcome.UNCHANGED
    return replace(
        after,
        outcome=Outcome.PUBLISHED if is_published else after.outcome,
        rows=rows,
        seconds=(before.seconds or 0) + (after.seconds or 0),
        results=_joined_results(before.results, after.results),
        partitions=(*before.partitions, *after.partitions),
        phases=_joined_phases((*before.phases, *after.phases)),
        snapshot=_joined_snapshots(before.snapshot, after.snapshot),
        left_out=_joined_left_out(before.left_out, after.left_out),
        usage=joined(before.usage, after.usage),
    )


def _joined_phases(phases: Iterable[Phase]) -> tuple[Phase, ...]:
    """Each phase once, with all the time that it took."""
    seconds: dict[str, float] = {}
    for phase in phases:
        seconds[phase.name] = seconds.get(phase.name, 0.0) + phase.seconds
    return tuple(Phase(name, spent) for name, spent in seconds.items())


def _joined_snapshots(before: Snapshot | None, after: Snapshot | None) -> Snapshot | None:
    """What became of the snapshots in both pieces; one that was taken counts, whichever it was."""
    if before is None or after is None:
        return before or after
    rows = None if before.rows is None and after.rows is None else (before.rows or 0) + (after.rows or 0)
    return replace(after, rows=rows, removed_rows=before.removed_rows + after.removed_rows)


def _joined_left_out(before: LeftOut | None, after: LeftOut | None) -> LeftOut | None:
    """All rows that were left out, and the first of them."""
    if before is None or after is None:
        return before or after
    return LeftOut(
        before.count + after.count, (*before.first, *after.first)[: max(len(before.first), len(after.first))]
    )


def _joined_results(before: Iterable[CheckResult], after: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """Each check once: what it found first, and how many rows it saw."""
    found = {result.name: result for result in before}
    for result in after:
        first = found.get(result.name)
        if first is None:
            found[result.name] = result
        else:
            told = first if not first.passed else result
            rows, failed = first.rows + result.rows, first.failed_rows + result.failed_rows
            found[result.name] = replace(told, rows=rows, failed_rows=failed)
    return tuple(found.values())


def counts(reports: Iterable[TableReport]) -> str:
    """How many tables came to which end: `3 published, 1 failed`."""
    outcomes = [report.outcome for report in reports]
    return ", ".join(f"{outcomes.count(one)} {one}" for one in Outcome if one in outcomes) or "nothing to build"


def is_good(reports: Iterable[TableReport]) -> bool:
    """Whether every table was published, or holds already what it would, or what a person has put back."""
    good = (Outcome.PUBLISHED, Outcome.UNCHANGED, Outcome.DELIVERED, Outcome.LEFT_ALONE)
    return all(report.outcome in good for report in reports)


def _describe_check(result: CheckResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "passed": result.passed,
        "blocking": result.is_blocking,
        "rows": result.rows,
        "failed_rows": result.failed_rows,
        "message": result.message,
    }


def _describe_snapshot(snapshot: Snapshot) -> dict[str, Any]:
    return {"history": str(snapshot.history), "rows": snapshot.rows, "removed_rows": snapshot.removed_rows}


def describe_table(report: TableReport) -> dict[str, Any]:
    """One table as `build --json` tells it."""
    return {
        "name": str(report.relation),
        "outcome": report.outcome.value,
        "rows": report.rows,
        "partitions": [{"key": each.key, "rows": each.rows} for each in report.partitions],
        "seconds": None if report.seconds is None else round(report.seconds, 3),
        "phases": {phase.name: round(phase.seconds, 3) for phase in report.phases},
        "queued_seconds": None if report.usage is None else round(report.usage.queued_seconds, 3),
        "scanned_bytes": None if report.usage is None else report.usage.scanned_bytes,
        "billed_bytes": None if report.usage is None else report.usage.billed_bytes,
        "slot_seconds": None if report.usage is None else report.usage.slot_seconds,
        "usd": None if report.usage is None else report.usage.usd,
        "snapshot": None if report.snapshot is None else _describe_snapshot(report.snapshot),
        "checks": [_describe_check(result) for result in report.results],
        "error": None if report.error is None else str(report.error),
        "left_out": None
        if report.left_out is None
        else {"rows": report.left_out.count, "first": list(report.left_out.first)},
        "put_back_at": None if report.put_back_at is None else report.put_back_at.isoformat(),
        "delivered_to": report.shown,
        "held_by": None if report.because is None else str(report.because),
    }
