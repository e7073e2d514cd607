"""What a build may cost: it is refused before it reads more than that, and stopped where it would after all."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.errors import costs as wording
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.prices import Prices
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.billing import Costs, Estimate

# What a query reads may have grown since it was asked for.
_SLACK = 1.25
# At least so much is billed for each table: https://cloud.google.com/bigquery/pricing#on_demand_pricing
_LEAST = 10 << 20


class Purse:
    """What all tables of one run may spend in a day, less what was spent in it by whomever; for any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._day: date | None = None
        self._spent = 0.0

    def pay(self, relation: Relation, usd: float, prices: Prices, costs: Costs, now: datetime) -> None:
        """Have a table be built for a sum.

        Raises:
            MaterializeError: There is not so much left today.
            WarehouseError: It cannot be asked what was spent.
        """
        budget = prices.daily_budget
        if budget is None:
            return
        with self._guard:
            today = now.astimezone(UTC).date()
            if self._day != today:
                since = datetime.combine(today, time(), UTC)
                found = costs.fetch_spent(since, ())
                self._spent = prices.usd(sum(each.billed_bytes for each in found if "asset" in each.tags))
                self._day = today
            if self._spent + usd > budget:
                raise MaterializeError(wording.above_daily_budget(str(relation), usd, self._spent, budget))
            self._spent += usd


def allowance(estimate: Estimate) -> int:
    """The bytes that a query may be billed."""
    return int(estimate.read_bytes * _SLACK) + _LEAST * max(estimate.tables, 1)


def billed(estimate: Estimate) -> int:
    """The bytes that a query is expected to be billed."""
    return max(estimate.read_bytes, _LEAST) if estimate.read_bytes else 0


def _most_bytes(estimates: Sequence[Estimate], budget: float | None, prices: Prices) -> int | None:
    """The bytes that one of some queries may be billed; None for any number."""
    if all(each.is_known for each in estimates):
        return max(map(allowance, estimates), default=_LEAST)
    return None if budget is None or not prices.usd_per_tib else prices.bytes_for(budget)


@contextmanager
def within_budget(
    model: Model, estimates: Sequence[Estimate], costs: Costs, purse: Purse, prices: Prices, now: datetime
) -> Generator[None]:
    """Run the queries of a table, of which none reads much more than its dry run tells.

    One of which a dry run tells nothing may read what the table's own budget is for.

    Args:
        model: The table.
        estimates: What each of them would read.
        costs: Those of the session in which they are run.
        purse: That of the run.
        prices: What reading costs.
        now: The time.

    Raises:
        MaterializeError: They would cost more than they may; nothing was run.
        WarehouseError: It cannot be asked what was spent.
    """
    usd = prices.usd(sum(map(billed, estimates)))
    budget = model.settings.budget
    if budget is not None and usd > budget:
        raise MaterializeError(wording.above_budget(str(model.relation), usd, budget))
    purse.pay(model.relation, usd, prices, costs, now)
    costs.limit(_most_bytes(estimates, budget, prices))
    try:
        yield
    finally:
        costs.limit(None)
