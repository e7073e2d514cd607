"""What the partitions of a table are, as the setting `partition_by` says it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import datetime

from sqlmat_assets.errors import partitions as wording
from sqlmat_assets.project.partitions.grains import Grain
from sqlmat_assets.project.partitions.moments import parse_moment
from sqlmat_assets.project.partitions.ranges import ListRange, TimeRange


@dataclass(frozen=True, slots=True)
class TimePartitioning:
    """One partition per hour, day, week or month of an output column.

    `start` is the beginning of the first, `end` the end of the last, or None where new ones keep coming.
    """

    column: str
    grain: Grain
    start: datetime
    end: datetime | None = None

    def key(self, start: datetime) -> str:
        """The key of the partition that begins at `start`, as Dagster writes it."""
        return start.strftime(self.grain.key_format)

    def typed(self, start: datetime) -> str:
        """The partition that begins at `start`, as people write it."""
        return start.strftime(self.grain.typed_format)

    def keys(self, range_: TimeRange) -> tuple[str, ...]:
        """The keys of all partitions that are wholly inside a range, in order."""
        found: list[str] = []
        start = max(self.start, self.grain.ceil(range_.start))
        end = range_.end if self.end is None else min(self.end, range_.end)
        while (following := self.grain.step(start)) <= end:
            found.append(self.key(start))
            start = following
        return tuple(found)

    def partition_of(self, moment: datetime) -> TimeRange | None:
        """The partition that a moment is in; None before the first and behind the last."""
        start = self.grain.floor(moment)
        is_there = start >= self.start and (self.end is None or start < self.end)
        return TimeRange(start, self.grain.step(start)) if is_there else None

    def ended(self, until: datetime) -> TimeRange | None:
        """All partitions that have ended by a moment; None when there are none yet."""
        end = self.grain.floor(until)
        if self.end is not None:
            end = min(end, self.end)
        return TimeRange(self.start, end) if end > self.start else None

    def last_ended(self, until: datetime) -> TimeRange | None:
        """The partition that ended last by a moment."""
        ended = self.ended(until)
        return ended and TimeRange(self.grain.step(ended.end, -1), ended.end)

    def bounds(self, key: str) -> TimeRange:
        """Beginning and end of one partition, by its key as Dagster or a person writes it.

        Raises:
            TextError: There is no such partition.
        """
        written = parse_moment(key)
        example = self.typed(self.start)
        if written is None:
            raise wording.bad_key(key, self.grain, example)
        start = self.grain.floor(written.start)
        if written.grain is None or written.grain.is_longer(self.grain):
            raise wording.bad_key(key, self.grain, self.typed(start))
        if start != written.start:
            raise wording.not_the_beginning(key, self.grain, self.typed(start))
        found = self.partition_of(start)
        if found is None:
            raise self._outside(key)
        return found

    def parse_range(self, text: str, until: datetime) -> TimeRange:
        """Read `A..B`, both included, `A..`, `..B` or one `A`.

        A year, a month or a day stands for all the partitions in it; an open end goes to the last partition that has
        ended by `until`. A partition that has not ended can be named.

        Raises:
            TextError: It is no range, or no partition is in it.
        """
        first, dots, last = (part.strip() for part in text.partition(".."))
        if not (first or last):
            raise wording.bad_key(text, self.grain, self.typed(self.start))
        ended = self.ended(until)
        start = self._span(first).start if first else self.start
        if last or not dots:
            end = self._span(last or first).end
        elif ended is not None:
            end = ended.end
        else:
            raise wording.empty_range(text)
        if start >= end and first and last:
            raise wording.reversed_range(first, last)
        if start >= end:
            raise wording.empty_range(text)
        return TimeRange(start, end)

    def _span(self, text: str) -> TimeRange:
        written = parse_moment(text)
        if written is None:
            raise wording.bad_key(text, self.grain, self.typed(self.start))
        if self.grain is Grain.WEEK and written.grain in (None, Grain.MONTH):
            # The weeks that begin in it: each week is in one month.
            span = TimeRange(self.grain.ceil(written.span.start), self.grain.ceil(written.span.end))
        elif written.grain is None or written.grain.holds_whole(self.grain):
            span = written.span
        else:
            span = self.bounds(text)
        if span.end <= self.start or (self.end is not None and span.start >= self.end):
            raise self._outside(text)
        return TimeRange(max(span.start, self.start), span.end if self.end is None else min(span.end, self.end))

    def _outside(self, key: str) -> wording.TextError:
        last = None if self.end is None else self.typed(self.grain.step(self.end, -1))
        return wording.outside(key, self.typed(self.start), last)


@dataclass(frozen=True, slots=True)
class ListPartitioning:
    """One partition per listed value of an output column; numbers are values that are written without quotes."""

    column: str
    values: tuple[str | int, ...]

    @property
    def all(self) -> ListRange:
        """Every partition."""
        return ListRange(self.values)

    def keys(self, range_: ListRange) -> tuple[str, ...]:
        """The keys of the values, as Dagster has them."""
        return tuple(str(value) for value in range_.values)

    def parse_range(self, text: str) -> ListRange:
        """Read `A..B` in the order of the list, both included, `A..`, `..B` or one `A`.

        Raises:
            TextError: It is no range of these values.
        """
        if self._index(text) is not None:
            first = last = text
        else:
            first, dots, last = (part.strip() for part in text.partition(".."))
            if not (first or last):
                raise self._unknown(text)
            last = last if dots else first
        begin = self._place(first) if first else 0
        end = self._place(last) if last else len(self.values) - 1
        if begin > end:
            raise wording.reversed_range(first, last)
        return ListRange(self.values[begin : end + 1])

    def _index(self, key: str) -> int | None:
        return next((index for index, value in enumerate(self.values) if str(value) == key), None)

    def _place(self, key: str) -> int:
        index = self._index(key)
        if index is None:
            raise self._unknown(key)
        return index

    def _unknown(self, key: str) -> wording.TextError:
        near = difflib.get_close_matches(key, [str(value) for value in self.values], n=1)
        return wording.unknown_value(key, self.values, near[0] if near else None)


Partitioning = TimePartitioning | ListPartitioning
