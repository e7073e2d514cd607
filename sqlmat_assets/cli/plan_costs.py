"""What a plan costs: beside each table, by owner, and all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmat_assets.errors import costs as wording
from sqlmat_assets.execution.estimates import Foreseen
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.prices import Prices
from sqlmat_assets.relation import Relation

NOBODY = "(no owner)"


@dataclass(frozen=True, slots=True)
class PlanCosts:
    """The costs of the tables of a plan; none where the engine was not asked, or bills for nothing."""

    found: Mapping[Relation, Foreseen]
    prices: Prices

    def notes(self, model: Model) -> Iterator[str]:
        """What is told of one table."""
        foreseen = self.found.get(model.relation)
        if foreseen is None:
            return
        if foreseen.read_bytes is None or foreseen.billed_bytes is None:
            yield wording.not_known(foreseen.trouble or "")
            return
        if not foreseen.read_bytes:
            return
        usd = self.prices.usd(foreseen.billed_bytes)
        yield wording.reads(foreseen.read_bytes, usd, _daily(usd, foreseen))
        if foreseen.guessed:
            yield wording.guessed([str(each) for each in foreseen.guessed])
        if self._is_above(model, usd):
            yield wording.over_budget(model.settings.budget or 0)

    def document(self, model: Model) -> dict[str, Any]:
        """The same for `--json`."""
        foreseen = self.found.get(model.relation)
        if foreseen is None or foreseen.billed_bytes is None:
            trouble = None if foreseen is None else foreseen.trouble
            keys = ("read_bytes", "usd", "usd_per_day", "is_above_budget")
            return {**dict.fromkeys(keys), "guessed": [], "costs_unknown": trouble}
        usd = self.prices.usd(foreseen.billed_bytes)
        return {
            "read_bytes": foreseen.read_bytes,
            "usd": usd,
            "usd_per_day": _daily(usd, foreseen),
            "is_above_budget": self._is_above(model, usd),
            "guessed": [str(each) for each in foreseen.guessed],
            "costs_unknown": None,
        }

    def rows(self, models: Sequence[Model]) -> list[tuple[str, str, str, str, str]]:
        """The sums by owner, and those of all: tables, bytes, US dollars, and US dollars a day."""
        by_owner: dict[str, list[Foreseen]] = {}
        for model in models:
            foreseen = self.found.get(model.relation)
            if foreseen is not None and foreseen.billed_bytes is not None:
                by_owner.setdefault(model.settings.owner[0] if model.settings.owner else NOBODY, []).append(foreseen)
        sums = [(owner, *self._sums(found)) for owner, found in sorted(by_owner.items())]
        return [*sums, ("all", *self._sums([each for found in by_owner.values() for each in found]))]

    def ends(self) -> Iterator[str]:
        """What is told below the sums."""
        unknown = sum(each.billed_bytes is None for each in self.found.values())
        if unknown:
            yield wording.without(unknown)
        usd = sum(self.prices.usd(each.billed_bytes or 0) for each in self.found.values())
        if self.prices.daily_budget is not None and usd > self.prices.daily_budget:
            yield wording.over_daily_budget(usd, self.prices.daily_budget)

    def _sums(self, found: Sequence[Foreseen]) -> tuple[str, str, str, str]:
        usd = [self.prices.usd(each.billed_bytes or 0) for each in found]
        daily = sum(_daily(one, each) or 0.0 for one, each in zip(usd, found, strict=True))
        read = sum(each.read_bytes or 0 for each in found)
        return f"{len(found):,}", wording.size(read), wording.money(sum(usd)), wording.money(daily)

    def _is_above(self, model: Model, usd: float) -> bool:
        return model.settings.budget is not None and usd > model.settings.budget


def _daily(usd: float, foreseen: Foreseen) -> float | None:
    return None if foreseen.per_day is None else usd * foreseen.per_day
