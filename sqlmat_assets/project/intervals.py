"""How old a table may become: the notation in file names and settings."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlmat_assets.errors import project as wording

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

# Dagster's daemon looks every 30 seconds, and a run takes its time: less grace would warn of healthy tables.
_LEAST_GRACE = timedelta(minutes=10)

_UNITS = {"m": MINUTE, "h": HOUR, "d": DAY, "w": timedelta(weeks=1)}
# Six digits of weeks are still well inside what a timedelta holds.
_IN_WORDS = re.compile(
    "([0-9]{1,6}) *(s|secs?|seconds?|mins?|minutes?|m|hrs?|hours?|h|days?|d|wks?|weeks?|w)", re.IGNORECASE
)
_NAMES = {"hourly": "1h", "daily": "24h", "nightly": "24h", "weekly": "7d"}
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
        worded = _IN_WORDS.fullmatch(text)
        if worded is not None and worded[2][0].lower() == "s" and int(worded[1]) < 60:
            raise wording.under_a_minute(text)
        raise wording.no_interval(text, reword_interval(text))
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


def reword_interval(text: str) -> str | None:
    """Write as an interval what people write in words; None for what is none.

    Examples:
        >>> reword_interval("24 hours"), reword_interval("daily"), reword_interval("often")
        ('24h', '24h', None)
    """
    match = _IN_WORDS.fullmatch(text)
    if match is None:
        return _NAMES.get(text.lower())
    count, unit = int(match[1]), match[2][0].lower()
    if unit == "s":
        return f"{count // 60}m" if count >= 60 else None
    return f"{count}{unit}" if count else None


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


def default_grace(interval: timedelta) -> timedelta:
    """How late a table may be unless its settings say it: a tenth of its interval, at least 10 minutes."""
    return max(interval / 10, _LEAST_GRACE)
