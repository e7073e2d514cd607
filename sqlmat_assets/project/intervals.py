"""How old a table may become: the notation in file names and settings."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlmat_assets.errors import project as wording

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

_UNITS = {"m": MINUTE, "h": HOUR, "d": DAY, "w": timedelta(weeks=1)}
# Six digits of weeks are still well inside what a timedelta holds.
_INTERVAL = re.compile(r"([0-9]{1,6})([mhdw])", re.IGNORECASE)


def parse_interval(text: str) -> timedelta:
    """Read a whole number and a unit: m, h, d or w.

    Raises:
        TextError: It is no interval, is under a minute, or says `M` (a minute or a month?).

    Examples:
        >>> parse_interval("24h")
        datetime.timedelta(days=1)
    """
    match = _INTERVAL.fullmatch(text)
    if match is None:
        raise wording.no_interval(text)
    count, unit = match.groups()
    if unit == "M":
        raise wording.minute_or_month(text)
    interval = int(count) * _UNITS[unit.lower()]
    if interval < MINUTE:
        raise wording.under_a_minute(text)
    return interval


def is_interval(text: str) -> bool:
    """Whether a text is written like an interval."""
    return _INTERVAL.fullmatch(text) is not None


def format_interval(interval: timedelta) -> str:
    """Write whole minutes in the largest unit that people still read as one number.

    Examples:
        >>> format_interval(timedelta(hours=24)), format_interval(timedelta(minutes=90)), format_interval(timedelta(14))
        ('24h', '90m', '14d')
    """
    if interval % HOUR:
        return f"{interval // MINUTE}m"
    if interval % DAY or interval < 2 * DAY:
        return f"{interval // HOUR}h"
    return f"{interval // DAY}d"
