"""How long a table may take."""

from __future__ import annotations

from datetime import timedelta

from sqlmat_assets.execution.plan import is_built_in_parts
from sqlmat_assets.execution.records import Record
from sqlmat_assets.project.model import Model

# Durations vary, so a limit learned from fewer builds would cancel healthy ones.
_BUILDS_BEFORE_LIMIT = 5
_LIMIT_IN_MEANS = 5
_LEAST_LEARNED_LIMIT = timedelta(minutes=1)


def find_limit(model: Model, record: Record | None) -> timedelta | None:
    """The setting, else five times the mean of past durations; never so short that a busy minute cancels it."""
    if model.settings.time_limit is not None:
        return model.settings.time_limit
    if is_built_in_parts(model):
        # How long the last part took says nothing of the next.
        return None
    if record is None or record.builds < _BUILDS_BEFORE_LIMIT:
        return None
    return max(timedelta(seconds=_LIMIT_IN_MEANS * record.mean_seconds), _LEAST_LEARNED_LIMIT)
