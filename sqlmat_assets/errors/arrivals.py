"""The wording of what a look at the places of files has found."""

from __future__ import annotations

from datetime import timedelta

from sqlmat_assets.errors.verdicts import span


def nothing_new(tables: int) -> str:
    """No file has come since the last look."""
    return f"nothing new in the places of {tables} {'table' if tables == 1 else 'tables'}"


def arrived(table: str, count: int) -> str:
    """Files have come, or others are there.

    Examples:
        >>> arrived("raw.events", 1)
        '`raw.events`: something has come, 1 file is there'
    """
    return f"`{table}`: something has come, {count:,} {'file is' if count == 1 else 'files are'} there"


def late(table: str, waited: timedelta, limit: timedelta) -> str:
    """Nothing has come for longer than it may be.

    Examples:
        >>> late("raw.events", timedelta(hours=25), timedelta(hours=24))
        'nothing has come for `raw.events` in 1d 1h, and something should every 1d'
    """
    return f"nothing has come for `{table}` in {span(waited)}, and something should every {span(limit)}"


def in_time(waited: timedelta) -> str:
    """Something has come."""
    return f"something has come {span(waited)} ago"


def never_looked() -> str:
    """The sensor has not seen the place yet."""
    return "nobody has looked yet: switch on the sensor of arrivals"


def cannot_look(table: str, said: str) -> str:
    """The place of some files cannot be reached."""
    return f"`{table}`: {said}"


def asked(limit: timedelta) -> str:
    """What the check is about."""
    return f"something has come within {span(limit)}"


def waits_for(run: str) -> str:
    """Another run has the warehouse to itself."""
    return f"something has come, and is loaded when the run {run} has ended"
