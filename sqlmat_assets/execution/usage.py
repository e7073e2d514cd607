"""What a build took in the engine, where that tells."""

from __future__ import annotations

from contextlib import suppress

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.warehouses.base import Session, Usage


def fetch_usage(session: Session) -> Usage | None:
    """What the statements of a session took; None also where one may not know: what is published is published."""
    with suppress(MaterializeError):
        return session.fetch_usage()
    return None


def joined(before: Usage | None, after: Usage | None) -> Usage | None:
    """That of two pieces of one table."""
    if before is None or after is None:
        return before or after
    return Usage(before.queued_seconds + after.queued_seconds, before.scanned_bytes + after.scanned_bytes)
