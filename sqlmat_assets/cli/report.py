"""What became of each table of a build, gathered from its events."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlmat_assets.errors import CancelledError, SqlmatError
from sqlmat_assets.execution.events import (
    Checked,
    CheckResult,
    Discarded,
    Event,
    Published,
    Skipped,
    Started,
    Unchanged,
)
from sqlmat_assets.relation import Relation


class Outcome(StrEnum):
    """What happened to a table."""

    PUBLISHED = "published"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    HELD = "held"
    CANCELLED = "cancelled"
    NOT_STARTED = "not started"


@dataclass(frozen=True, slots=True)
class TableReport:
    """One table at the end: `because` is what held it, `error` why it was not replaced."""

    relation: Relation
    outcome: Outcome
    rows: int | None = None
    seconds: float | None = None
    results: tuple[CheckResult, ...] = ()
    error: SqlmatError | None = None
    because: Relation | None = None

    @property
    def broken(self) -> tuple[CheckResult, ...]:
        """The checks that did not hold, the blocking ones first."""
        return tuple(sorted((r for r in self.results if not r.passed), key=lambda r: not r.is_blocking))

    @property
    def is_remarkable(self) -> bool:
        """Whether there is more to say about it than one line."""
        return self.outcome is Outcome.FAILED or bool(self.broken)


class BuildReport:
    """Takes the events of one build and tells, at any time, how far it is."""

    def __init__(self, selected: Collection[Relation]) -> None:
        self._waiting = dict.fromkeys(selected)
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

    def take(self, event: Event) -> TableReport | None:
        """Note an event; the report of its table when the event is the table's last."""
        match event:
            case Started(relation):
                self._waiting.pop(relation, None)
                self._running[relation] = None
                return None
            case Checked(relation, results):
                self._results[relation] = results
                return None
            case Published(relation):
                report = TableReport(
                    relation, Outcome.PUBLISHED, event.rows, event.seconds, self._results.get(relation, ())
                )
            case Unchanged(relation):
                report = TableReport(
                    relation, Outcome.UNCHANGED, event.rows, event.seconds, self._results.get(relation, ())
                )
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
        self._waiting.pop(report.relation, None)
        self._running.pop(report.relation, None)
        self._finished[report.relation] = report
        return report

    def _ending(self, relation: Relation, error: SqlmatError) -> Outcome:
        if self._begun_before_cut is None or not isinstance(error, CancelledError):
            return Outcome.FAILED  # a time limit cancels too, and nobody asked for that
        return Outcome.CANCELLED if relation in self._begun_before_cut else Outcome.NOT_STARTED

    def all(self) -> tuple[TableReport, ...]:
        """Every selected table: first those that ended, in their order, then what an interruption left."""
        cut = (TableReport(relation, Outcome.CANCELLED) for relation in self._running)
        never = (TableReport(relation, Outcome.NOT_STARTED) for relation in self._waiting)
        return (*self.finished, *cut, *never)


def counts(reports: Iterable[TableReport]) -> str:
    """How many tables came to which end: `3 published, 1 failed`."""
    outcomes = [report.outcome for report in reports]
    return ", ".join(f"{outcomes.count(one)} {one}" for one in Outcome if one in outcomes)


def is_good(reports: Iterable[TableReport]) -> bool:
    """Whether every table was published, or holds already what it would."""
    return all(report.outcome in (Outcome.PUBLISHED, Outcome.UNCHANGED) for report in reports)


def _describe_check(result: CheckResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "passed": result.passed,
        "blocking": result.is_blocking,
        "rows": result.rows,
        "failed_rows": result.failed_rows,
        "message": result.message,
    }


def describe_table(report: TableReport) -> dict[str, Any]:
    """One table as `build --json` tells it."""
    return {
        "name": str(report.relation),
        "outcome": report.outcome.value,
        "rows": report.rows,
        "seconds": None if report.seconds is None else round(report.seconds, 3),
        "checks": [_describe_check(result) for result in report.results],
        "error": None if report.error is None else str(report.error),
        "held_by": None if report.because is None else str(report.because),
    }
