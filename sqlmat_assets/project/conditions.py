"""At which times a table is built at all: the notation of `conditions`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmat_assets.errors import schedules as wording

_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_LAST_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_RANGE = re.compile(r"(\w+)(?:\s*(?:-|–|—|to|\.\.)\s*(\w+))?")  # noqa: RUF001 - dashes as word processors write them


@dataclass(frozen=True, slots=True)
class Condition:
    """Times that all its parts admit; an empty part admits any. Weekdays count from 0, Sunday."""

    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()

    def admits_date(self, day: date) -> bool:
        """Whether the parts that concern the date admit it."""
        return (
            (not self.months or day.month in self.months)
            and (not self.days or day.day in self.days)
            and (not self.weekdays or day.isoweekday() % 7 in self.weekdays)
        )

    def admits(self, moment: datetime) -> bool:
        """Whether all parts admit a moment as it stands, whatever its time zone."""
        return (not self.hours or moment.hour in self.hours) and self.admits_date(moment)

    @property
    def has_a_date(self) -> bool:
        """Whether a year has such a day, leap years included."""
        months = self.months or range(1, 13)
        return not self.days or min(self.days) <= max(_LAST_DAYS[month - 1] for month in months)


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a condition as people write it; `names` are those of the numbers from `first` on."""

    field: str
    first: int
    last: int
    names: Sequence[str] = ()

    def find(self, word: str) -> int | None:
        """Read a number or a name, which may be cut after three letters."""
        if re.fullmatch("[0-9]{1,2}", word):
            # Sunday is 7 too, as in cron.
            last = 7 if self.names is _WEEKDAYS else self.last
            return int(word) if self.first <= int(word) <= last else None
        if len(word) >= 3:
            for number, name in enumerate(self.names, self.first):
                if name.startswith(word) or f"{name}s" == word:
                    return number
        return None

    def span(self, start: int, end: int) -> Iterable[int]:
        """Give all from start to end, over the turn of the year, the week, the month or the day."""
        numbers = range(start, end + 1)
        if start > end:
            numbers = (*range(start, self.last + 1), *range(self.first, end + 1))
        return (number % 7 for number in numbers) if self.names is _WEEKDAYS else numbers


_PARTS = {
    part.field: part
    for part in (
        _Part("months", 1, 12, _MONTHS),
        _Part("weekdays", 0, 6, _WEEKDAYS),
        _Part("days", 1, 31),
        _Part("hours", 0, 23),
    )
}
_WORDS = {**_PARTS, **{field.removesuffix("s"): part for field, part in _PARTS.items()}}


def parse_conditions(text: str) -> tuple[Condition, ...]:
    """Read conditions with `|` between them, each of months, weekdays, days and hours with commas between them.

    Raises:
        TextError: Something cannot be read, or there is no such day.

    Examples:
        >>> parse_conditions("hours 22-1, sat, sun")[0].weekdays == {0, 6}
        True
        >>> [sorted(condition.days) for condition in parse_conditions("hours 8-18 | days 30-2")]
        [[], [1, 2, 30, 31]]
    """
    return tuple(
        _parse_condition(one.strip().lower(), text) for one in re.split(r"\||\bor\b", text, flags=re.IGNORECASE)
    )


def _parse_condition(text: str, whole: str) -> Condition:
    if not text:
        raise wording.empty_condition(whole)
    found: dict[str, set[int]] = {}
    part: _Part | None = None
    for item in re.split(r",|;|&|\band\b", text):
        word, _, rest = item.strip().partition(" ")
        named = _WORDS.get(word.rstrip(":="))
        if named is not None:
            part, item = named, rest.lstrip(" =:")  # noqa: PLW2901 - what is left of it
        part = _named_by(item.strip(), part)
        if part is None:
            near = difflib.get_close_matches(word, [*_PARTS, *_WEEKDAYS, *_MONTHS], n=1)
            raise wording.no_condition(item.strip(), next(iter(near), None))
        found.setdefault(part.field, set()).update(_parse_range(item.strip(), part))
    condition = Condition(**{field: frozenset(numbers) for field, numbers in found.items()})
    if not condition.has_a_date:
        raise wording.no_such_day(format_conditions([condition]))
    return condition


def _named_by(item: str, part: _Part | None) -> _Part | None:
    """Give the part that names of months or weekdays belong to; numbers belong to the part before them."""
    start = _RANGE.match(item)
    if start is not None and (part is None or part.find(start[1]) is None) and not start[1].isdecimal():
        return next((named for named in _PARTS.values() if named.find(start[1]) is not None), part)
    return part


def _parse_range(item: str, part: _Part) -> Iterable[int]:
    match = _RANGE.fullmatch(item)
    if match is not None:
        start, end = part.find(match[1]), part.find(match[2] or match[1])
        if start is not None and end is not None:
            return part.span(start, end)
    raise wording.not_in_condition(item, part.field, part.first, part.last, [name[:3] for name in part.names])


def format_conditions(conditions: Iterable[Condition]) -> str:
    """Write conditions as they are read.

    Examples:
        >>> format_conditions(parse_conditions("Monday - Friday; hours 8 to 18 or day 1"))
        'weekdays mon-fri, hours 8-18 | days 1'
    """
    return " | ".join(
        ", ".join(
            f"{part.field} {_format_numbers(numbers, part)}"
            for part in _PARTS.values()
            if (numbers := getattr(condition, part.field))
        )
        for condition in conditions
    )


def _format_numbers(numbers: frozenset[int], part: _Part) -> str:
    """Write numbers as ranges; one that goes over the turn is one."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    if len(runs) > 1 and runs[0][0] == part.first and runs[-1][1] == part.last:
        runs[-1][1] = runs.pop(0)[1]
    return ", ".join(_name(start, part) + (f"-{_name(end, part)}" if end != start else "") for start, end in runs)


def _name(number: int, part: _Part) -> str:
    return part.names[number - part.first][:3] if part.names else str(number)
