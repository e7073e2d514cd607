"""How long each part of the work on a table takes."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlmat_assets.execution.events import Phase


class Work(StrEnum):
    """What is measured, in the order in which it is done."""

    PREPARE = "prepare"
    WRITE = "write"
    SCRIPT = "script"
    CHECKS = "checks"
    FINGERPRINT = "fingerprint"
    PUBLISH = "publish"
    SNAPSHOT = "snapshot"
    READ = "read"
    DELIVER = "deliver"


@dataclass(slots=True)
class Stopwatch:
    """Counts for each phase of one table the time that no phase inside of it takes."""

    now: Callable[[], datetime]
    _spent: dict[str, float] = field(default_factory=dict[str, float])
    _running: list[str] = field(default_factory=list[str])
    _since: datetime | None = None

    @contextmanager
    def measure(self, work: str, since: datetime | None = None) -> Generator[None]:
        """Count the block for a phase, also where it fails; `since` is when it began, if that was earlier."""
        self._count(since or self.now())
        self._running.append(work)
        self._spent.setdefault(work, 0.0)
        self._since = since or self._since
        try:
            yield
        finally:
            self._count(self.now())
            self._running.pop()

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases so far, in the order in which they began."""
        return tuple(Phase(name, seconds) for name, seconds in self._spent.items())

    def _count(self, moment: datetime) -> None:
        if self._running and self._since is not None:
            self._spent[self._running[-1]] += (moment - self._since).total_seconds()
        self._since = moment
