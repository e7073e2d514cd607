"""The lengths of time that a table can be partitioned by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

_LAST_MONTH = 12


class Grain(StrEnum):
    """How much time one partition holds; weeks begin on Monday. All moments are aware and in UTC."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def key_format(self) -> str:
        """How Dagster writes the key of such a partition by itself."""
        return "%Y-%m-%d-%H:%M" if self is Grain.HOUR else "%Y-%m-%d"

    @property
    def typed_format(self) -> str:
        """How people write one."""
        return _TYPED[self]

    def floor(self, moment: datetime) -> datetime:
        """The beginning of the partition that a moment is in.

        Examples:
            >>> Grain.WEEK.floor(datetime(2019, 1, 9, 5, tzinfo=UTC)).isoformat()
            '2019-01-07T00:00:00+00:00'
        """
        moment = moment.astimezone(UTC)
        if self is Grain.HOUR:
            return moment.replace(minute=0, second=0, microsecond=0)
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        if self is Grain.WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self is Grain.MONTH else day

    def step(self, start: datetime, count: int = 1) -> datetime:
        """The beginning of the partition that is `count` behind the one beginning at `start`."""
        if self is not Grain.MONTH:
            return start + count * _LENGTHS[self]
        months = start.year * _LAST_MONTH + start.month - 1 + count
        return start.replace(year=months // _LAST_MONTH, month=months % _LAST_MONTH + 1)

    def ceil(self, moment: datetime) -> datetime:
        """The first beginning of a partition from a moment on."""
        floor = self.floor(moment)
        return floor if floor == moment else self.step(floor)

    def is_longer(self, other: Grain) -> bool:
        """Whether a partition of this grain takes more time than one of the other."""
        order = tuple(Grain)
        return order.index(self) > order.index(other)

    def holds_whole(self, other: Grain) -> bool:
        """Whether each partition of this grain is made of whole ones of the other."""
        return other in _PARTS[self]


_LENGTHS = {Grain.HOUR: timedelta(hours=1), Grain.DAY: timedelta(days=1), Grain.WEEK: timedelta(weeks=1)}
_TYPED = {Grain.HOUR: "%Y-%m-%dT%H", Grain.DAY: "%Y-%m-%d", Grain.WEEK: "%Y-%m-%d", Grain.MONTH: "%Y-%m"}
_PARTS = {
    Grain.HOUR: {Grain.HOUR},
    Grain.DAY: {Grain.HOUR, Grain.DAY},
    Grain.WEEK: {Grain.HOUR, Grain.DAY, Grain.WEEK},
    Grain.MONTH: {Grain.HOUR, Grain.DAY, Grain.MONTH},
}
