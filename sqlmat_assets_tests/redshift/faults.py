"""What can be made to go wrong on demand."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

_CONTROL = frozenset({"begin", "commit", "rollback"})


@dataclass(slots=True)
class Faults:
    """Faults of one cluster; they count the statements of all its connections from the moment they are asked for."""

    _left: int = 0
    _after: bool = False
    _matching: str = ""
    _seconds: float = 0.0
    _slow_matching: str = ""
    _for_good: bool = False
    is_away: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def drop_at(self, number: int, *, after: bool = False, matching: str = "", for_good: bool = False) -> None:
        """Drop the connection at the n-th statement from now.

        Args:
            number: 1 is the next one.
            after: It has reached the server and is done there, only nobody hears of it.
            matching: Count only statements with this text in them; `commit` and the like are those alone.
            for_good: Nobody is let in afterwards, until another fault is asked for.
        """
        with self._lock:
            self._for_good, self.is_away = for_good, False
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
            if self._left and _matches(self._matching, sql.lower()):
                self._left -= 1
                drop = None if self._left else ("after" if self._after else "before")
                self.is_away = drop is not None and self._for_good
        if wait:
            time.sleep(wait)
        return drop


def _matches(matching: str, sql: str) -> bool:
    return sql.strip() == matching if matching in _CONTROL else matching in sql
