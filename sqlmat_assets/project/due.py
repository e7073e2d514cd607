"""Which tables are to be built now, and why: a decision over values, without a clock or a warehouse."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.model import Project
from sqlmat_assets.project.schedules import Calendar
from sqlmat_assets.relation import Relation


class Reason(StrEnum):
    """Why a table is built now, or why it is not."""

    NEW = "new"
    CHANGED = "changed"
    DUE = "due"
    SCHEDULED = "scheduled"
    READ = "read by a scheduled table"
    RETRY = "retry"

    FRESH = "fresh"
    UNASKED = "nothing asks for it"
    RUNNING = "running"
    WAITING = "waits for a running table"
    OUTSIDE = "outside its hours"
    BACKING_OFF = "backing off"
    HELD = "held"
    QUARANTINED = "quarantined"

    @property
    def is_build(self) -> bool:
        """Whether the table is built for this reason."""
        return self in _BUILDS

    @property
    def may_be_skipped(self) -> bool:
        """Whether such a build is for age alone, so that it may be left out where nothing that it reads changed."""
        return self in _FOR_AGE


_FOR_AGE = frozenset({Reason.DUE, Reason.SCHEDULED, Reason.READ})
_BUILDS = _FOR_AGE | {Reason.NEW, Reason.CHANGED, Reason.RETRY}


@dataclass(frozen=True, slots=True)
class Timing:
    """What decides when one table is built.

    `interval` is the effective one; `weight` counts the tables that depend on it, near or far.
    """

    relation: Relation
    upstream: tuple[Relation, ...] = ()
    interval: timedelta | None = None
    calendar: Calendar = field(default_factory=Calendar)
    version: CodeVersion | None = None
    ignores_failed_upstream: bool = False
    is_quarantined: bool = False
    weight: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """What has become of one table.

    `decided_at` is when its last successful build was decided, and `version` the code of that build. `failures` counts
    the attempts since then with the code that it has now, the last at `failed_at`. `run` is an unfinished run that has
    yet to build it.
    """

    decided_at: datetime | None = None
    version: CodeVersion | None = None
    failures: int = 0
    failed_at: datetime | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is decided of one table.

    `due_at` is when it became due or will be; `next_at` when it is tried again, where failures put that off.
    `waits_for` are the tables that keep it from being built, `run` the run that does.
    """

    reason: Reason
    due_at: datetime | None = None
    next_at: datetime | None = None
    waits_for: tuple[Relation, ...] = ()
    run: str | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done at one moment.

    `groups` are the tables to build, those that depend on each other together, each group upstream first; the group
    with the table that most depends on comes first.
    """

    now: datetime
    verdicts: Mapping[Relation, Verdict]
    groups: tuple[tuple[Relation, ...], ...] = ()


class Timetable:
    """The tables of a project with all that stays the same from one decision to the next."""

    def __init__(self, timings: Iterable[Timing]) -> None:
        raise NotImplementedError

    @classmethod
    def of(cls, project: Project) -> Timetable:
        """The timetable of a project."""
        raise NotImplementedError

    def decide(self, states: Mapping[Relation, State], now: datetime) -> Decision:
        """Say for every table whether it is to be built now.

        Args:
            states: Of the tables that have one.
            now: An aware moment.
        """
        raise NotImplementedError


def new_failures(decision: Decision, told: Collection[Relation]) -> tuple[Relation, ...]:
    """The tables that have begun to fail, of which nobody has been told yet."""
    raise NotImplementedError


class Reasons:
    """Why each table of one run is built, as one short text that people can read and `parse` understands.

    `due`, or `due; new: first.a, first.b; retry: first.c`: the commonest reason, then the tables with another one.
    """

    @classmethod
    def of(cls, builds: Mapping[Relation, Reason]) -> Reasons:
        """The reasons of a group."""
        raise NotImplementedError

    @classmethod
    def parse(cls, text: str) -> Reasons:
        """Read what `str` has written; a text that is none gives no reason for any table."""
        raise NotImplementedError

    def reason(self, relation: Relation) -> Reason | None:
        """Why this table is built; None when nobody knows."""
        raise NotImplementedError
