"""When a table is built by the calendar, and at which times it is built at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Condition:
    """Times that all its parts admit; an empty part admits any. Weekdays count from 0, Sunday."""

    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a table may be built.

    `cron` has five fields, and is None where an interval says how often; `timezone` is an IANA name, in which `cron`
    and `conditions` are meant. Of the conditions one must hold; without any, every time will do.
    """

    cron: str | None = None
    timezone: str = "UTC"
    conditions: tuple[Condition, ...] = ()

    def admits(self, moment: datetime) -> bool:
        """Whether a condition holds at an aware moment, or there is none."""
        raise NotImplementedError

    def last_tick(self, until: datetime) -> datetime | None:
        """The latest tick of `cron` until an aware moment, included, that the conditions admit, in UTC."""
        raise NotImplementedError

    def next_tick(self, after: datetime) -> datetime | None:
        """The first tick of `cron` after an aware moment that the conditions admit, in UTC."""
        raise NotImplementedError

    def next_admitted(self, start: datetime) -> datetime | None:
        """The first moment from `start` on that the conditions admit, in UTC; None when there is none for years."""
        raise NotImplementedError


def parse_cron(text: str) -> str:
    """Read five cron fields, and give them back with single spaces."""
    raise NotImplementedError


def parse_conditions(text: str) -> Iterable[Condition]:
    """Read conditions."""
    raise NotImplementedError
