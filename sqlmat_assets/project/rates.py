"""How often a table is built, by its interval, its schedule or its partitions."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmat_assets.project.model import Model
from sqlmat_assets.project.partitions.grains import Grain
from sqlmat_assets.project.partitions.spec import TimePartitioning

_DAY = timedelta(days=1)
# Four weeks hold every weekday as often as any other.
_LOOKED_AT = timedelta(days=28)
_PER_DAY = {Grain.HOUR: 24.0, Grain.DAY: 1.0, Grain.WEEK: 1 / 7, Grain.MONTH: 12 / 365.25}


def builds_per_day(model: Model, now: datetime) -> float | None:
    """How often all of a table, or one of its partitions of time, is built in a day; None where nothing tells."""
    partitioning = model.settings.partition_by
    if isinstance(partitioning, TimePartitioning):
        return _PER_DAY[partitioning.grain] if partitioning.end is None else 0.0
    calendar = model.settings.calendar
    if model.interval is None and calendar.cron is not None:
        count, tick = 0, calendar.next_tick(now)
        while tick is not None and tick <= now + _LOOKED_AT:
            count, tick = count + 1, calendar.next_tick(tick)
        return count / (_LOOKED_AT / _DAY)
    return None if model.effective_interval is None else _DAY / model.effective_interval
