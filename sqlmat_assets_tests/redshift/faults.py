"""What can be made to go wrong on demand."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Faults:
    """Faults of one cluster; they count the statements of all its connections from the moment they are asked for."""

    _left: int = 0
    _after: bool = False
    _matching: str = ""
    _seconds: float = 0.0
    _slow_matching: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def drop_at(self, number: int, *, after: bool = False, matching: str = "") -> None:
        """Drop the connection at the n-th statement from now.

        Args:
            number: 1 is the next one.
            after: It has reached the server and is done there, only nobody hears of it.
            matching: Count only statements with this text in them.
        """
        with self._lock:
            self._left, self._after, self._matching = number, after, matching.lower()

    def slow(self, seconds: float, *, matching: str = "") -> None:
        """Answer statements with this text in them so much later; 0 ends it."""
        with self._lock:
            self._seconds, self._slow_matching = seconds, matching.lower()

    def arrive(self, sql: str) -> str | None:
        """Count a statement; return `before` or `after` where its connection is to be dropped."""
        with self._lock:
            wait = self._seconds if self._slow_matching in sql.lower() else 0.0
            drop = None
            if self._left and self._matching in sql.lower():
                self._left -= 1
                drop = None if self._left else ("after" if self._after else "before")
        if wait:
            time.sleep(wait)
        return drop
