"""Whose checks gate inside their own step, so that Dagster need not miss their results."""

from __future__ import annotations

import logging
import re

_MISSED = re.compile(r"Blocking asset check .* emitted no result in step '(?P<step>[^']+)'")
_STEPS: set[str] = set()


def gates_itself(step: str) -> None:
    """Say that a step lets nothing through that its checks refuse.

    Its table may also be left as it is, because nothing that it reads has changed. Then no check runs, those of the
    rows that stay have passed, and a warning for each check and each reader would fill the terminal.
    """
    _STEPS.add(step)


def _is_missed_elsewhere(record: logging.LogRecord) -> bool:
    missed = _MISSED.match(record.getMessage())
    return missed is None or missed["step"] not in _STEPS


logging.getLogger("dagster._core.execution.plan.active").addFilter(_is_missed_elsewhere)
