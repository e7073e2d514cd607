"""What is decided from, and what is decided, of one table and of all, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.due_partitions import BuiltPartitions, Pace
from sqlmat_assets.project.partitions.ranges import Range
from sqlmat_assets.project.partitions.spec import Partitioning
from sqlmat_assets.project.reasons import Reason
from sqlmat_assets.project.schedules import Calendar
from sqlmat_assets.relation import Relation


@dataclass(frozen=True, slots=True)
class Timing:
    """What decides when one table is built.

    `interval` is the effective one; `weight` counts the tables that depend on it, near or far. With
    `awaits_next_batch`, another code is no reason to build: it is used from the next batch or partition on. A view
    (`is_view`) has no age, and whoever reads it reads what it reads. A delivery (`is_delivery`) without an interval
    follows each publish of what it reads; `retried_within` is how long it is left alone at most when it fails.
    """

    relation: Relation
    upstream: tuple[Relation, ...] = ()
    interval: timedelta | None = None
    calendar: Calendar = field(default_factory=Calendar)
    version: CodeVersion | None = None
    ignores_failed_upstream: bool = False
    is_quarantined: bool = False
    weight: int = 0
    partitioning: Partitioning | None = None
    awaits_next_batch: bool = False
    is_view: bool = False
    is_delivery: bool = False
    retried_within: timedelta | None = None

    @property
    def longest_back_off(self) -> timedelta | None:
        """How long it is left alone at most when it fails; None where nothing says that."""
        return self.retried_within if self.interval is None else self.interval

    @property
    def pace(self) -> Pace | None:
        """How often its partitions are built, if it has some."""
        return None if self.partitioning is None else Pace(self.partitioning, self.interval, self.calendar)


@dataclass(frozen=True, slots=True)
class State:
    """What has become of one table.

    `decided_at` is when its last successful build was decided, and `version` the code of that build. `failures` counts
    the attempts since then with the code that it has now, the last at `failed_at`. `run` is an unfinished run that has
    yet to build it. `partitions` are those that were built, of a table that has some. `put_back_at` is when a person
    has put an earlier version of it back, and `unwanted` the code that it had then; None once it is built again.
    `published_at` is when the rows that it has were put in place, where that is known; of a delivery, when something
    arrived last. `delivered` says which publish of each table that was.
    """

    decided_at: datetime | None = None
    version: CodeVersion | None = None
    failures: int = 0
    failed_at: datetime | None = None
    run: str | None = None
    partitions: BuiltPartitions = field(default_factory=BuiltPartitions)
    put_back_at: datetime | None = None
    unwanted: CodeVersion | None = None
    published_at: datetime | None = None
    delivered: Mapping[Relation, datetime] = field(default_factory=dict[Relation, datetime])

    def is_put_back(self, version: CodeVersion | None) -> bool:
        """Whether a person has put an earlier version back, and the table has the code still that it had then."""
        return is_put_back(self.put_back_at, self.unwanted, version)


def is_put_back(at: datetime | None, unwanted: CodeVersion | None, version: CodeVersion | None) -> bool:
    """Whether a table is to be left as a person has put it back.

    Args:
        at: When that was; None where nobody has.
        unwanted: The code that the table had then; None where it had none that could be read.
        version: The code that it has now.
    """
    return at is not None and (version is None or (unwanted is not None and version.is_same(unwanted)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is decided of one table.

    `due_at` is when it became due or will be; `next_at` when it is tried again, where failures or its hours put that
    off. `waits_for` are the tables that keep it from being built, of those that it reads where there are any; `run` is
    the run that builds it. `range_` are the partitions to build, of a table that has some. `put_back_at` is when a
    person has put an earlier version of it back.
    """

    reason: Reason
    due_at: datetime | None = None
    next_at: datetime | None = None
    waits_for: tuple[Relation, ...] = ()
    run: str | None = None
    failures: int = 0
    range_: Range | None = None
    put_back_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done at one moment.

    `groups` are the tables to build, those that depend on each other together, each group upstream first; the group
    with the table that most depends on comes first. Views by way of which one table of a group reads another are in it
    too, so that the second is built after the first. The tables of a group have no partitions, or build the same ones.
    """

    now: datetime
    verdicts: Mapping[Relation, Verdict]
    groups: tuple[tuple[Relation, ...], ...] = ()
