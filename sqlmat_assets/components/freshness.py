"""How old a table may become, as Dagster watches it."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

import dagster as dg
from dagster._check import CheckError

from sqlmat_assets.project.intervals import default_grace
from sqlmat_assets.project.schedules import Calendar

# Dagster refuses shorter windows, and two equal ones.
_LEAST_WINDOW = timedelta(minutes=1)
_SCHEDULED_GRACE = timedelta(hours=1)
# When clocks are put back, a deadline comes so much later after its tick than it seems, and what was built right at the
# tick would count as stale until the next.
_CLOCK_CHANGE = timedelta(hours=1)


def translate_freshness(
    interval: timedelta | None, grace: timedelta | None = None, calendar: Calendar | None = None
) -> dg.FreshnessPolicy | None:
    """The policy of a table: warn at the interval and half the grace, fail at the interval and the whole grace.

    A scheduled table fails when it has not been built by the grace after its time. Conditions make a table old by
    intention, for hours or months, of which Dagster knows nothing: then there is no policy.

    Args:
        interval: The effective interval; None where nothing asks for fresh rows.
        grace: How late a table may be, by its settings; None for the default.
        calendar: When the table is built; None for at any time.
    """
    if calendar is not None and calendar.conditions:
        return None
    if calendar is not None and calendar.cron is not None:
        return _translate_schedule(calendar, _SCHEDULED_GRACE if grace is None else grace)
    if interval is None:
        return None
    late = default_grace(interval) if grace is None else grace
    warn = max(interval + late / 2, _LEAST_WINDOW)
    fail = interval + late
    return dg.FreshnessPolicy.time_window(fail_window=fail, warn_window=warn if warn < fail else None)


@lru_cache(maxsize=10_000)
def _translate_schedule(calendar: Calendar, grace: timedelta) -> dg.FreshnessPolicy | None:
    """The policy of a schedule; None where no cron says when the grace is over."""
    deadline = calendar.later(grace)
    if deadline is None:
        return None
    for margin in (timedelta(),) if calendar.timezone == "UTC" else (_CLOCK_CHANGE, timedelta()):
        try:
            return dg.FreshnessPolicy.cron(deadline, grace + margin, calendar.timezone)
        except (CheckError, ValueError):
            continue  # longer than from one time of the schedule to the next, or too rare for Dagster to tell
    return None
