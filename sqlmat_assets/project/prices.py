"""What reading costs, and how much of it there may be."""

from __future__ import annotations

from dataclasses import dataclass

_TIB = 1 << 40


@dataclass(frozen=True, slots=True)
class Prices:
    """On an engine that bills for what is read. `daily_budget` is for all tables together, in US dollars.

    The price is the one on demand, in most regions: https://cloud.google.com/bigquery/pricing#on_demand_pricing
    """

    usd_per_tib: float = 6.25
    daily_budget: float | None = None

    def usd(self, count: int) -> float:
        """The price of some bytes.

        Examples:
            >>> Prices().usd(1 << 40)
            6.25
        """
        return count / _TIB * self.usd_per_tib

    def bytes_for(self, usd: float) -> int:
        """The bytes that are read for a sum.

        Examples:
            >>> Prices().bytes_for(6.25) == 1 << 40
            True
        """
        return int(usd / self.usd_per_tib * _TIB)
