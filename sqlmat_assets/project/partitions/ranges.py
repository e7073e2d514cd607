"""Some of a table's partitions that lie next to each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, order=True)
class TimeRange:
    """The time from `start` on, included, until `end`, excluded; both in UTC."""

    start: datetime
    end: datetime

    def contains(self, moment: datetime) -> bool:
        """Whether a moment is inside."""
        return self.start <= moment < self.end

    def hull(self, other: TimeRange) -> TimeRange:
        """The shortest range that holds both."""
        return TimeRange(min(self.start, other.start), max(self.end, other.end))


@dataclass(frozen=True, slots=True)
class ListRange:
    """Some values of a list, in its order."""

    values: tuple[str | int, ...]


Range = TimeRange | ListRange


def join(ranges: Iterable[TimeRange]) -> tuple[TimeRange, ...]:
    """Make one of ranges that touch or overlap; the result is sorted."""
    joined: list[TimeRange] = []
    for each in sorted(ranges):
        if joined and each.start <= joined[-1].end:
            joined[-1] = joined[-1].hull(each)
        else:
            joined.append(each)
    return tuple(joined)
