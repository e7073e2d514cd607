"""How long somebody waits."""

from __future__ import annotations

import time
from datetime import timedelta

Timeout = float | timedelta | None
"""Seconds, or a span; None for as long as it takes."""


POLL_SECONDS = 2.0
"""Between two looks."""


class Patience:
    """What is left of a time.

    Examples:
        >>> Patience(0).is_over, Patience(timedelta(hours=1)).is_over, Patience(None).is_over
        (True, False, False)
    """

    def __init__(self, timeout: Timeout) -> None:
        self.timeout = timeout if isinstance(timeout, timedelta) else timedelta(seconds=timeout or 0)
        self._ends = None if timeout is None else time.monotonic() + self.timeout.total_seconds()

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self._ends is not None and time.monotonic() >= self._ends

    def pause(self, seconds: float) -> None:
        """Wait so long, or as long as is left."""
        left = seconds if self._ends is None else self._ends - time.monotonic()
        time.sleep(max(min(seconds, left), 0))
