"""How old a table may become, as Dagster watches it."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

# Dagster's daemon looks every 30 seconds, and a run takes its time: less grace would warn of healthy tables.
_LEAST_GRACE = timedelta(minutes=10)
# Dagster refuses shorter windows, and two equal ones.
_LEAST_WINDOW = timedelta(minutes=1)


def default_grace(interval: timedelta) -> timedelta:
    """A tenth of the interval, at least 10 minutes."""
    return max(interval / 10, _LEAST_GRACE)


def translate_freshness(interval: timedelta | None, grace: timedelta | None = None) -> dg.FreshnessPolicy | None:
    """The policy of a table: warn at the interval and half the grace, fail at the interval and the whole grace.

    Args:
        interval: The effective interval; None where nothing asks for fresh rows.
        grace: How late a table may be, by its settings; None for the default.
    """
    if interval is None:
        return None
    late = default_grace(interval) if grace is None else grace
    warn = max(interval + late / 2, _LEAST_WINDOW)
    fail = interval + late
    return dg.FreshnessPolicy.time_window(fail_window=fail, warn_window=warn if warn < fail else None)
