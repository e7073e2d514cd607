"""Trying again what failed for a reason that passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlmat_assets.errors import TransientConnectorError, TransientSourceError, TransientWarehouseError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retries:
    """How often something is tried, and how many seconds to wait before the second time; then ever twice as long."""

    attempts: int = 6
    first_pause_seconds: float = 0.05

    def run(self, work: Callable[[], T], sleep: Callable[[float], None]) -> T:
        """Do the work, again while it fails with a lock, a conflict, a lost connection.

        Raises:
            MaterializeError: The last attempt failed too.
        """
        for attempt in range(self.attempts - 1):
            try:
                return work()
            except (TransientWarehouseError, TransientSourceError):
                sleep(self.first_pause_seconds * 2**attempt)
            except TransientConnectorError as error:
                sleep(max(self.first_pause_seconds * 2**attempt, error.after))
        return work()
