"""Which partitions of a table are to be built now: a decision over values, like that on whole tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.partitions.ranges import ListRange, Range, TimeRange, join
from sqlmat_assets.project.partitions.spec import ListPartitioning, Partitioning, TimePartitioning
from sqlmat_assets.project.schedules import Calendar

_MOMENT = timedelta(microseconds=1)
_LONGEST_AHEAD = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class BuiltPartitions:
    """The partitions of a table that were built: times, sorted and joined, or the keys of values.

    `newest_at` is when the last build of the last of them in time was decided.
    """

    ranges: tuple[TimeRange, ...] = ()
    values: frozenset[str] = frozenset()
    newest_at: datetime | None = None

    @classmethod
    def of(cls, partitioning: Partitioning, keys: Iterable[str], newest_at: datetime | None = None) -> BuiltPartitions:
        """Those of some keys; keys of which the setting no longer knows count for nothing."""
        if isinstance(partitioning, ListPartitioning):
            known = {str(value) for value in partitioning.values}
            return cls(values=frozenset(known.intersection(keys)))
        return cls(join(_bounds(partitioning, keys)), newest_at=newest_at)

    def with_range(self, range_: Range, decided_at: datetime) -> BuiltPartitions:
        """The same with some more that were built."""
        if isinstance(range_, ListRange):
            return BuiltPartitions(values=self.values | {str(value) for value in range_.values})
        is_newest = not self.ranges or range_.end >= self.ranges[-1].end
        newest_at = decided_at if is_newest else self.newest_at
        return BuiltPartitions(join((*self.ranges, range_)), newest_at=newest_at)


@dataclass(frozen=True, slots=True)
class DuePartitions:
    """Partitions that are to be built now, or when some will be.

    `is_missing` when they were never built, although others of the table were.
    """

    range_: Range | None = None
    due_at: datetime | None = None
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a table with partitions is built; without an interval and a cron, nothing asks for new ones.

    `interval` is the effective one.
    """

    partitioning: Partitioning
    interval: timedelta | None
    calendar: Calendar

    def all(self, now: datetime) -> DuePartitions:
        """Every partition that there is: what a new table is made of.

        With an interval the one that goes on belongs to them, with a schedule those that had ended at its last tick:
        of what has ended since then, the rows are said to come later.
        """
        partitioning = self.partitioning
        if isinstance(partitioning, ListPartitioning):
            return DuePartitions(partitioning.all, now)
        until, comes_at = now, partitioning.grain.step(max(partitioning.start, partitioning.grain.floor(now)))
        if self.interval is not None:
            until, comes_at = partitioning.grain.step(partitioning.grain.floor(now)), partitioning.start
        elif self.calendar.cron is not None:
            tick = self.calendar.last_tick(now)
            until = partitioning.start if tick is None else tick
            comes_at = self.calendar.next_tick(max(now, partitioning.grain.step(partitioning.start) - _MOMENT))
        ended = partitioning.ended(until)
        return DuePartitions(None, comes_at) if ended is None else DuePartitions(ended, until)

    def due(self, built: BuiltPartitions, decided_at: datetime, now: datetime) -> DuePartitions:
        """What is to be built of a table that has been built before.

        Args:
            built: Its partitions that were.
            decided_at: When its last build was decided, of whichever partitions.
            now: An aware moment.
        """
        if isinstance(self.partitioning, ListPartitioning):
            return self._due_values(self.partitioning, built, decided_at, now)
        if self.interval is not None:
            return self._due_by_age(self.partitioning, self.interval, built, now)
        if self.calendar.cron is not None:
            return self._due_by_tick(self.partitioning, built, now)
        return DuePartitions()

    def read_by(self, built: BuiltPartitions, tick: datetime) -> Range | None:
        """What a reader with a schedule asks for at a tick: what has ended by then and was never built."""
        if isinstance(self.partitioning, ListPartitioning):
            return _missing_values(self.partitioning, built)
        return _last_gap(self.partitioning.ended(tick), built)

    def _due_values(
        self, partitioning: ListPartitioning, built: BuiltPartitions, decided_at: datetime, now: datetime
    ) -> DuePartitions:
        missing = _missing_values(partitioning, built)
        if missing is not None:
            return DuePartitions(missing, now, is_missing=True)
        if self.interval is not None:
            due_at = decided_at + self.interval
            return DuePartitions(partitioning.all if now >= due_at else None, due_at)
        tick = self.calendar.last_tick(now)
        if tick is not None and tick > decided_at:
            return DuePartitions(partitioning.all, tick)
        return DuePartitions(None, self.calendar.next_tick(now))

    def _due_by_age(
        self, partitioning: TimePartitioning, interval: timedelta, built: BuiltPartitions, now: datetime
    ) -> DuePartitions:
        """The newest partition holds the newest rows, and those before it may have gone on after they were built."""
        newest_at = built.newest_at
        if newest_at is None:
            return self.all(now)
        if newest_at > now + _LONGEST_AHEAD:
            newest_at = now - interval  # by a clock that was set back since
        gone_on = partitioning.grain.floor(newest_at)
        missing = _last_gap(partitioning.ended(gone_on), built)
        if missing is not None:
            return DuePartitions(missing, now, is_missing=True)
        there = partitioning.ended(partitioning.grain.step(partitioning.grain.floor(now)))
        if there is None or there.end <= gone_on:
            return DuePartitions()
        due_at = newest_at + interval
        range_ = TimeRange(max(gone_on, there.start), there.end)
        return DuePartitions(range_ if now >= due_at else None, due_at)

    def _due_by_tick(self, partitioning: TimePartitioning, built: BuiltPartitions, now: datetime) -> DuePartitions:
        """What has ended by the last tick; a partition that was built before its own tick is built again."""
        tick = self.calendar.last_tick(now)
        ended = None if tick is None else partitioning.ended(tick)
        if tick is None or ended is None:
            return self.all(now)
        gap = _last_gap(ended, self._without_early(partitioning, built, tick))
        return DuePartitions(None, self._next(partitioning, now)) if gap is None else DuePartitions(gap, tick)

    def _without_early(self, partitioning: TimePartitioning, built: BuiltPartitions, tick: datetime) -> BuiltPartitions:
        if built.newest_at is None or built.newest_at >= tick or not built.ranges:
            return built
        *earlier, last = built.ranges
        came_at = self.calendar.next_tick(last.end - _MOMENT)
        if came_at is None or came_at > tick or built.newest_at >= came_at:
            return built
        kept = TimeRange(last.start, partitioning.grain.step(last.end, -1))
        return BuiltPartitions((*earlier, kept) if kept.start < kept.end else tuple(earlier))

    def _next(self, partitioning: TimePartitioning, now: datetime) -> datetime | None:
        """The first tick by which another partition will have ended; None where no more come."""
        end = partitioning.grain.step(partitioning.grain.floor(now))
        tick = self.calendar.last_tick(now)
        if tick is not None and tick < partitioning.grain.floor(now):
            end = partitioning.grain.floor(now)
        if partitioning.end is not None and end > partitioning.end:
            return None
        return self.calendar.next_tick(max(now, end - _MOMENT))


def _bounds(partitioning: TimePartitioning, keys: Iterable[str]) -> Iterable[TimeRange]:
    for key in keys:
        try:
            yield partitioning.bounds(key)
        except TextError:
            continue


def _last_gap(wanted: TimeRange | None, built: BuiltPartitions) -> TimeRange | None:
    """Of the partitions that were not built, the last that lie next to each other."""
    if wanted is None:
        return None
    end = wanted.end
    for range_ in reversed(built.ranges):
        if range_.end < end:
            break
        end = min(range_.start, end)
    start = max((range_.end for range_ in built.ranges if range_.end < end), default=wanted.start)
    return TimeRange(max(start, wanted.start), end) if wanted.start < end else None


def _missing_values(partitioning: ListPartitioning, built: BuiltPartitions) -> ListRange | None:
    """Of the values that were not built, the first that stand next to each other."""
    found: list[str | int] = []
    for value in partitioning.values:
        if str(value) not in built.values:
            found.append(value)
        elif found:
            break
    return ListRange(tuple(found)) if found else None
