"""The wording of what a look at all tables has found: in the list of ticks, in their log, on runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlmat_assets.errors import UsageError
from sqlmat_assets.errors.usage import with_hint
from sqlmat_assets.errors.verdicts import span

_NAMED = 5


def nothing_due(coming: tuple[str, timedelta] | None, counts: Mapping[str, int], tried_at: datetime | None) -> str:
    """Nothing is to be built now.

    Args:
        coming: The table that is due next, and how long that is.
        counts: How many tables wait, in words and in order; `backing off` among them.
        tried_at: When the first of those that back off is tried again.

    Examples:
        >>> at = datetime(2026, 1, 2, 12, 31, tzinfo=UTC)
        >>> nothing_due(("first.people", timedelta(seconds=250)), {"held": 2, "backing off": 1}, at)
        'next: first.people in 4m 10s; 2 held; 1 backing off until 12:31 UTC'
        >>> nothing_due(None, {"running": 0}, None)
        'no table has an interval or a schedule'
    """
    parts = [] if coming is None else [f"next: {coming[0]} in {span(coming[1])}"]
    for what, count in counts.items():
        if count:
            until = f" until {tried_at.astimezone(UTC):%H:%M} UTC" if what == "backing off" and tried_at else ""
            parts.append(f"{count} {what}{until}")
    return "; ".join(parts) or "no table has an interval or a schedule"


def one_at_a_time(tables: int, runs: Sequence[str]) -> str:
    """Tables are due, and a run has the warehouse to itself.

    Examples:
        >>> one_at_a_time(2, ["1b4e28ba"])
        '2 tables are due, and wait for run 1b4e28ba: this warehouse admits one writing process at a time'
    """
    due = "1 table is due, and waits" if tables == 1 else f"{tables} tables are due, and wait"
    named = ", ".join(runs[:_NAMED]) + (" and others" if len(runs) > _NAMED else "")
    run = "run" if len(runs) == 1 else "runs"
    return f"{due} for {run} {named}: this warehouse admits one writing process at a time"


def begins_to_fail(relation: str, again: datetime | None, *, is_built: bool) -> str:
    """A table has begun to fail; told once until it no longer fails.

    Examples:
        >>> begins_to_fail("first.cities", datetime(2026, 1, 2, 12, 31, tzinfo=UTC), is_built=True)
        '`first.cities` has failed, and still holds its previous rows; it is tried again at 12:31 UTC'
    """
    holds = "and still holds its previous rows" if is_built else "and was never built"
    later = "" if again is None else f"; it is tried again at {again.astimezone(UTC):%H:%M} UTC"
    return f"`{relation}` has failed, {holds}{later}"


def recovered(relation: str) -> str:
    """A table that failed is built, or its files are again those that were."""
    return f"`{relation}` no longer fails"


def reasons_in_short(counts: Mapping[str, int]) -> str:
    """Why the tables of a large run are built, where naming them all would be too long for a tag.

    Examples:
        >>> reasons_in_short({"due": 900, "changed": 800})
        '900 due, 800 changed'
    """
    return ", ".join(f"{count} {reason}" for reason, count in counts.items())


def sensor_taken(name: str, folders: Sequence[str]) -> UsageError:
    """Several folders of SQL in one project want a sensor of the same name."""
    return UsageError(
        with_hint(
            f"{' and '.join(f'`{folder}`' for folder in folders)} want one sensor, `{name}`",
            "name another one with `freshness_sensor:` in the `defs.yaml` of each further folder",
        )
    )
