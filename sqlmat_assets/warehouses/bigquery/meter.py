"""What the queries of a session took, and what the next one may take at most."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlmat_assets.warehouses.billing import Usage

# https://cloud.google.com/bigquery/pricing#on_demand_pricing
LEAST_BILLED = 10 << 20
_SLACK = 1.25


class Told(Protocol):
    """What is told of a query that has ended, whichever way it was sent."""

    @property
    def total_bytes_processed(self) -> int | None: ...

    @property
    def slot_millis(self) -> int | None: ...

    @property
    def created(self) -> datetime | None: ...

    @property
    def started(self) -> datetime | None: ...


class Meter:
    """Counts; `most_bytes` is what a query may be billed."""

    def __init__(self) -> None:
        self.most_bytes: int | None = None
        self._guard = threading.Lock()
        self._queued = 0.0
        self._read = self._billed = self._slot_millis = 0

    def note(self, told: Told, billed: int | None = None) -> None:
        """Count a query; where it is not told what is billed, it is what it reads, and no less than the least."""
        read = int(told.total_bytes_processed or 0)
        created, started = told.created, told.started
        waited = 0.0 if created is None or started is None else (started - created).total_seconds()
        with self._guard:
            self._read += read
            self._billed += (max(read, LEAST_BILLED) if read else 0) if billed is None else billed
            self._slot_millis += int(told.slot_millis or 0)
            self._queued += max(waited, 0.0)

    @property
    def usage(self) -> Usage:
        """All of it."""
        with self._guard:
            return Usage(self._queued, self._read, self._billed, self._slot_millis / 1000)


def least(limits: Sequence[int | None]) -> int | None:
    """The smallest of some limits, of those that there are."""
    return min((each for each in limits if each is not None), default=None)
