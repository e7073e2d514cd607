"""When a table is built by the calendar, and at which times it is built at all."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from sqlmat_assets.errors import schedules as wording
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.conditions import Condition

_ANY_TIME = (Condition(),)
_EVERY_MINUTE = "* * * * *"
# A clock that is put back repeats local times; looked back from this much later, none of them is overlooked.
_REPEATED = timedelta(hours=3)
_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)

_NICKNAMES = {
    "hourly": "0 * * * *",
    "daily": "0 0 * * *",
    "midnight": "0 0 * * *",
    "nightly": "0 0 * * *",
    "weekly": "0 0 * * 0",
    "monthly": "0 0 1 * *",
    "quarterly": "0 0 1 1,4,7,10 *",
    "yearly": "0 0 1 1 *",
    "annually": "0 0 1 1 *",
}
# What people call the fields, and what can stand there.
_FIELDS = {
    "minute": "`0` to `59`, `*`, or a step like `*/15`",
    "hour": "`0` to `23`, `*`, or a range like `8-18`",
    "day": "`1` to `31`, `*`, or `L` for the last day of the month",
    "month": "`1` to `12`, `jan` to `dec`, or `*`",
    "weekday": "`0` (Sunday) to `6`, `sun` to `sat`, `*`, or a range like `mon-fri`",
}


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a table may be built.

    `cron` has five fields, and is None where an interval says how often; `timezone` is an IANA name, in which `cron`
    and `conditions` are meant. Of the conditions one must hold; without any, every time will do.

    A tick at a time of day that is left out when clocks are put forward comes right after the gap, and one at a time
    that comes twice comes the first time. The conditions are asked about the time as `cron` names it.
    """

    cron: str | None = None
    timezone: str = "UTC"
    conditions: tuple[Condition, ...] = ()

    def admits(self, moment: datetime) -> bool:
        """Whether a condition holds at an aware moment, or there is none."""
        if not self.conditions:
            return True
        local = moment.astimezone(_zone(self.timezone))
        return any(condition.admits(local) for condition in self.conditions)

    def last_tick(self, until: datetime) -> datetime | None:
        """The latest tick of `cron` until an aware moment, included, that the conditions admit, in UTC."""
        return None if self.cron is None else _around(self, self.cron, until).last

    def next_tick(self, after: datetime) -> datetime | None:
        """The first tick of `cron` after an aware moment that the conditions admit, in UTC."""
        return None if self.cron is None else _around(self, self.cron, after).next

    def next_admitted(self, start: datetime) -> datetime | None:
        """The first moment from `start` on that the conditions admit, in UTC; None when there is none for 50 years."""
        if self.admits(start):
            return start.astimezone(UTC)
        zone = _zone(self.timezone)
        # A day that begins in the gap of a clock put forward begins later than its first minute.
        first = (next(filter(self.admits, _ticks(_EVERY_MINUTE, one, start, zone)), None) for one in self.conditions)
        return min((found for found in first if found is not None), default=None)

    @property
    def comes_ever(self) -> bool:
        """Whether there is a tick that the conditions admit or, without `cron`, any moment."""
        found = self.next_admitted(_SOME_DAY) if self.cron is None else self.next_tick(_SOME_DAY)
        return found is not None

    def later(self, delay: timedelta) -> str | None:
        """Give the cron whose ticks are those of `cron` with a delay; None where no cron says that."""
        if self.cron is None or self.conditions:
            return None
        return _delay(self.cron, delay // timedelta(minutes=1))

    def explain(self) -> str | None:
        """Say in words when `cron` comes; None without one.

        Examples:
            >>> Calendar("0 9 1 * *", "Europe/Berlin").explain()
            'at 09:00 on the first day of every month'
        """
        if self.cron is None:
            return None
        words = CronSim(self.cron, _SOME_DAY).explain()
        return words[:1].lower() + words[1:]


@dataclass(frozen=True, slots=True)
class _Between:
    """Two ticks with none between them, and the earliest moment of which that is known."""

    since: datetime
    last: datetime | None
    next: datetime | None

    def holds(self, moment: datetime) -> bool:
        return self.since <= moment and (self.next is None or moment < self.next)


class _Memory:
    """The answer last given for a calendar: the next question is nearly always about the same two ticks."""

    __slots__ = ("between",)

    def __init__(self) -> None:
        self.between: _Between | None = None


@lru_cache(maxsize=10_000)
def _memory(_: Calendar) -> _Memory:
    return _Memory()


def _around(calendar: Calendar, cron: str, moment: datetime) -> _Between:
    """Find the ticks before and after a moment; one at the moment is before it."""
    memory = _memory(calendar)
    known = memory.between
    if known is None or not known.holds(moment):
        zone = _zone(calendar.timezone)
        found = [_around_of_one(cron, one, moment, zone) for one in calendar.conditions or _ANY_TIME]
        latest = max((last for last, _ in found if last is not None), default=None)
        first = min((following for _, following in found if following is not None), default=None)
        known = _Between(latest or moment.astimezone(UTC), latest, first)
        memory.between = known
    return known


def _around_of_one(
    cron: str, condition: Condition, moment: datetime, zone: tzinfo
) -> tuple[datetime | None, datetime | None]:
    """Find the ticks of one condition before and after a moment.

    Backwards, an hour that comes twice at the end of a day is seen once only; so what follows the tick that is found
    there may come before the moment, too.
    """
    last = next(_ticks(cron, condition, moment, zone, is_reverse=True), None)
    for tick in _ticks(cron, condition, last or moment, zone):
        if tick > moment:
            return last, tick
        last = tick
    return last, None


class _Ticks(CronSim):
    """The ticks of a cron that one condition admits."""

    def __init__(self, cron: str, condition: Condition, start: datetime, *, is_reverse: bool) -> None:
        super().__init__(cron, start, is_reverse)
        self._condition = condition
        if condition.months:
            self.months &= condition.months
        if condition.hours:
            self.hours &= condition.hours

    def match_day(self, d: date) -> bool:
        return super().match_day(d) and self._condition.admits_date(d)


def _ticks(
    cron: str, condition: Condition, moment: datetime, zone: tzinfo, *, is_reverse: bool = False
) -> Iterator[datetime]:
    """Give the ticks after a moment or, in reverse, until it, in UTC."""
    start = moment + _REPEATED if is_reverse else moment
    ticks = _Ticks(cron, condition, start.astimezone(zone), is_reverse=is_reverse)
    if not ticks.months or not ticks.hours:
        return
    if is_reverse and ticks.fixup_tz is None:
        ticks.dt = (moment.replace(microsecond=0) + timedelta(seconds=1)).astimezone(zone)
        ticks.skip_initial_tick = False
    for tick in ticks:
        found = tick.astimezone(UTC)
        if (found <= moment) == is_reverse:
            yield found


def _delay(cron: str, minutes: int) -> str | None:
    ticks = CronSim(cron, _SOME_DAY)
    fields = cron.split()
    # Other readers of cron understand these in another way, or not at all.
    if any(letter in field for field in fields[2:] for letter in "/#lLwW") and fields[2:] != ["*"] * 3:
        return None
    moved = {(hour * 60 + minute + minutes) for hour in ticks.hours for minute in ticks.minutes}
    if max(moved) >= 24 * 60 and fields[2:] != ["*"] * 3:
        return None
    times = {(time // 60 % 24, time % 60) for time in moved}
    hours, minutes_ = sorted({hour for hour, _ in times}), sorted({minute for _, minute in times})
    if len(times) != len(hours) * len(minutes_):
        return None
    written = [",".join(map(str, numbers)) for numbers in (minutes_, hours)]
    return " ".join([*written, *fields[2:]])


@lru_cache(maxsize=1000)
def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def parse_cron(text: str) -> str:
    """Read five cron fields, and give them back with single spaces.

    Raises:
        TextError: They are not five, one of them cannot be, or no year has such a day.

    Examples:
        >>> parse_cron("0  9 1 * *")
        '0 9 1 * *'
    """
    fields = _unquoted(text).split()
    cron = " ".join(fields)
    if len(fields) != 5:
        meant = _NICKNAMES.get(cron.lower().removeprefix("@"))
        raise wording.not_five_fields(text, meant, 6 if len(fields) == 6 and _is_cron(cron) else len(fields))
    try:
        CronSim(cron, _SOME_DAY)
    except (CronSimError, AssertionError) as error:
        raise _bad_cron(cron, fields) from error
    if not Calendar(cron).comes_ever:
        raise wording.schedule_never(cron)
    return cron


def _is_cron(text: str) -> bool:
    try:
        CronSim(text, _SOME_DAY)
    except (CronSimError, AssertionError):
        return False
    return True


def _bad_cron(cron: str, fields: list[str]) -> TextError:
    """Find the first field that is wrong by itself; if each is good, no year has such a day."""
    for number, ((field, expected), written) in enumerate(zip(_FIELDS.items(), fields, strict=True)):
        alone = ["*"] * 5
        alone[number] = written
        if not _is_cron(" ".join(alone)):
            return wording.bad_cron_field(cron, field, written, expected)
    return wording.schedule_never(cron)


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def parse_timezone(text: str) -> str:
    """Read the name of a time zone.

    Raises:
        TextError: There is none of that name.
    """
    name = _unquoted(text)
    known = _known_zones()
    if name in known:
        return name
    raise wording.no_timezone(name, _nearest_zone(name, known))


def _nearest_zone(name: str, known: frozenset[str]) -> str | None:
    """Find the zone in other letters, by its city, or with a slip."""
    written = name.lower().replace(" ", "_")
    folded = {zone.lower(): zone for zone in sorted(known)}
    cities = {zone.rpartition("/")[2]: zone for zone in reversed(folded)}
    if written in folded or written in cities:
        return folded[written] if written in folded else folded[cities[written]]
    near = difflib.get_close_matches(written, folded, n=1, cutoff=0.75)
    if near:
        return folded[near[0]]
    near = difflib.get_close_matches(written.rpartition("/")[2], cities, n=1, cutoff=0.8)
    return folded[cities[near[0]]] if near else None


def _unquoted(text: str) -> str:
    """Take off the quotes that YAML needs and this does not."""
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
