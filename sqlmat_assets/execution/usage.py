"""What a build took in the engine, where that tells."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.project.prices import Prices
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.billing import Usage

_Number = TypeVar("_Number", int, float)
_FREE = Prices(0.0)


def fetch_usage(session: Session, prices: Prices = _FREE) -> Usage | None:
    """What the statements of a session took; None also where one may not know: what is published is published."""
    with suppress(MaterializeError):
        usage = session.fetch_usage()
        if usage is None or usage.billed_bytes is None:
            return usage
        return replace(usage, usd=prices.usd(usage.billed_bytes))
    return None


def joined(before: Usage | None, after: Usage | None) -> Usage | None:
    """That of two pieces of one table."""
    if before is None or after is None:
        return before or after
    return Usage(
        before.queued_seconds + after.queued_seconds,
        before.scanned_bytes + after.scanned_bytes,
        _sum(before.billed_bytes, after.billed_bytes),
        _sum(before.slot_seconds, after.slot_seconds),
        _sum(before.usd, after.usd),
    )


def _sum(one: _Number | None, other: _Number | None) -> _Number | None:
    if one is None or other is None:
        return one if other is None else other
    return one + other
