"""Whether the rows of a table are as fresh as they are asked to be."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmat_assets.project.schedules import Calendar

_TOLERANCE = timedelta(seconds=0.5)


def is_fresh(decided_at: datetime | None, interval: timedelta | None, calendar: Calendar, now: datetime) -> bool:
    """Whether a table needs no build for its age.

    Args:
        decided_at: When its last successful build was decided; None where there is none.
        interval: How old it may become, if anything says that.
        calendar: When it is built, if anything says that.
        now: The moment.

    Examples:
        >>> noon = datetime.fromisoformat("2026-01-02T12:00:00+00:00")
        >>> is_fresh(noon, timedelta(hours=1), Calendar(), noon + timedelta(minutes=59))
        True
        >>> is_fresh(noon, None, Calendar("0 9 * * *"), noon + timedelta(hours=22))
        False
        >>> is_fresh(noon, None, Calendar(), noon + timedelta(days=999))
        True
    """
    if decided_at is None:
        return False
    if interval is not None:
        return now < decided_at + interval - _TOLERANCE
    tick = None if calendar.cron is None else calendar.last_tick(now)
    return tick is None or tick <= decided_at
