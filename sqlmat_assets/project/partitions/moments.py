"""Moments as people and Dagster write them: `2019-01`, `2019-01-01T05`, `2019-01-01-05:00`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmat_assets.project.partitions.grains import Grain
from sqlmat_assets.project.partitions.ranges import TimeRange

_MOMENT = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:[T -]([0-9]{2})(?::?00(?::?00)?)?(?:Z|\+00:?00)?)?)?)?")


@dataclass(frozen=True, slots=True)
class Written:
    """A moment with as much of it as was written; a year has no grain."""

    start: datetime
    grain: Grain | None

    @property
    def span(self) -> TimeRange:
        """All the time that it can stand for."""
        if self.grain is None:
            return TimeRange(self.start, Grain.MONTH.step(self.start, 12))
        return TimeRange(self.start, self.grain.step(self.start))


def parse_moment(text: str) -> Written | None:
    """Read a year, a month, a day or a whole hour, in UTC; None for what is none.

    Examples:
        >>> parse_moment("2019-01").grain.value, parse_moment("2019-13")
        ('month', None)
    """
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour = match.groups()
    grain = Grain.HOUR if hour else Grain.DAY if day else Grain.MONTH if month else None
    try:
        start = datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), tzinfo=UTC)
        written = Written(start, grain)
        # The last moments of the calendar have no end.
        _ = written.span
    except (ValueError, OverflowError):
        return None
    return written
