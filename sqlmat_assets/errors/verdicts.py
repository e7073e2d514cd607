"""The wording of why a table is built, or is not, and when it will be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlmat_assets.errors.usage import with_hint

_UNITS = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "m"), (timedelta(seconds=1), "s"))


def span(duration: timedelta) -> str:
    """A duration by its two largest units.

    Examples:
        >>> span(timedelta(hours=25, minutes=7, seconds=3)), span(timedelta(seconds=59.9)), span(timedelta(0))
        ('1d 1h', '59s', '0s')
    """
    left = max(duration, timedelta(0))
    for place, (unit, name) in enumerate(_UNITS):
        if left >= unit or unit == _UNITS[-1][0]:
            count, rest = divmod(left, unit)
            if place + 1 == len(_UNITS) or rest < _UNITS[place + 1][0]:
                return f"{count}{name}"
            smaller, its_name = _UNITS[place + 1]
            return f"{count}{name} {rest // smaller}{its_name}"
    raise AssertionError("the last unit takes every rest")


def moment(at: datetime) -> str:
    """A moment in UTC, to the second.

    Examples:
        >>> moment(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
        '2026-01-02 03:04:05 UTC'
    """
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def ahead(at: datetime, now: datetime) -> str:
    """A moment with how far it is from now.

    Examples:
        >>> noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
        >>> ahead(noon + timedelta(minutes=5), noon), ahead(noon - timedelta(minutes=5), noon)
        ('in 5m, at 2026-01-02 12:05:00 UTC', '5m ago, at 2026-01-02 11:55:00 UTC')
    """
    far = f"in {span(at - now)}" if at > now else f"{span(now - at)} ago"
    return f"{far}, at {moment(at)}"


def new() -> str:
    """It is built because it never was."""
    return "is built at the next tick: it never was"


def changed() -> str:
    """It is built because its code is not that of its rows."""
    return "is built at the next tick: its SQL, checks or settings have changed since its last build"


def due(since: datetime, now: datetime, age: str) -> str:
    """It is built because it is too old."""
    return f"is built at the next tick: due {ahead(since, now)}, {age}"


def retried(failures: int) -> str:
    """It is tried again."""
    return f"is built at the next tick: it has failed {_times(failures)}, and is tried again"


def partitions(said: str, first: str, last: str) -> str:
    """Which partitions are built, behind the reason.

    Examples:
        >>> partitions("is built at the next tick: it never was", "2019-01", "2019-12")
        'is built at the next tick: it never was; partitions 2019-01 to 2019-12'
        >>> partitions("is built at the next tick: it never was", "2019-01", "2019-01")
        'is built at the next tick: it never was; partition 2019-01'
    """
    return f"{said}; partition {first}" if first == last else f"{said}; partitions {first} to {last}"


def read_by_scheduled() -> str:
    """It is built because a scheduled table reads it."""
    return "is built at the next tick: a scheduled table reads it, and its time has come"


def published() -> str:
    """It is delivered because there is something new."""
    return "is built at the next tick: its table was published, or is built then"


def of_delivery(said: str) -> str:
    """The same of a delivery.

    Examples:
        >>> of_delivery(new())
        'is delivered at the next tick: it never was'
    """
    return said.replace("is built at", "is delivered at", 1).replace("its SQL, checks or settings have", "it has", 1)


def nothing_to_deliver() -> str:
    """All that is published has arrived."""
    return "delivered, and its table has not been published since"


def fresh(until: datetime | None, now: datetime, age: str) -> str:
    """It is fresh, and when it no longer is."""
    return "fresh" if until is None else f"fresh; due {ahead(until, now)}, {age}"


def view() -> str:
    """It has no rows that could grow old."""
    return "a view: always as fresh as what it reads"


def view_age() -> str:
    """How old a view gets, where there is little room."""
    return "view"


def unasked() -> str:
    """It is built once and then left."""
    return "built, and nothing asks for newer rows: no interval, no schedule, no reader that has one"


def running(run: str | None) -> str:
    """A run is building it."""
    return "being built" if run is None else f"being built by run {run}"


def waiting(waits_for: Sequence[str]) -> str:
    """It is due, and what it reads is being built."""
    return f"due, and waits for {_names(waits_for)}, which it reads, to be built first"


def outside(again: datetime | None, now: datetime) -> str:
    """It is due at a time at which it is not built."""
    return "due, but outside its hours" + ("" if again is None else f"; next {ahead(again, now)}")


def backing_off(failures: int, again: datetime | None, now: datetime) -> str:
    """It has failed, and is left alone for a while."""
    # What it holds stands below: the last build, or that there is none.
    return f"failed {_times(failures)}" + ("" if again is None else f"; tried again {ahead(again, now)}")


def held(by: Sequence[str]) -> str:
    """It is due, and what it reads has failed."""
    return f"held: {_names(by)}, which it reads, has failed, is held, or has problems in its files"


def put_back(at: datetime, now: datetime) -> str:
    """A person has put an earlier version back."""
    return f"left alone: put back by hand {ahead(at, now)}; edit it or build it"


def quarantined() -> str:
    """Its files have problems."""
    return "not built while its files have problems"


def interval(age: str, *, is_own: bool) -> str:
    """What asks for fresh rows: an interval."""
    return f"at most {age} old" if is_own else f"at most {age} old because of a table that reads it"


def scheduled_at(cron: str, timezone: str) -> str:
    """What asks for fresh rows: a schedule."""
    return f"schedule `{cron}`, {timezone}"


def no_interval() -> str:
    """Nothing asks for fresh rows."""
    return "without an interval"


def last_build(decided_at: datetime, now: datetime, run: str) -> str:
    """When the table was built last."""
    return f"last build decided {ahead(decided_at, now)}, run {run}"


def last_failure(at: datetime, now: datetime, run: str) -> str:
    """When a build of the table failed, since the last that did not."""
    return f"last attempt failed {ahead(at, now)}, run {run}"


def never_built() -> str:
    """The table was never built."""
    return "never built"


def switched_off() -> str:
    """Nothing is built by itself, because somebody wants it so."""
    return with_hint(
        "nothing is built by itself: the sensor `sqlmat_freshness` is switched off",
        "switch it on under Automation in the UI",
    )


def no_daemon(seen_at: datetime | None, now: datetime) -> str:
    """Nothing is built by itself, because nothing runs."""
    seen = "has never run here" if seen_at is None else f"was last seen {ahead(seen_at, now)}"
    return with_hint(
        f"nothing is built by itself: Dagster's daemon {seen}", "start `sqlmat dev`, or the daemon of your deployment"
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _names(relations: Sequence[str]) -> str:
    return ", ".join(f"`{relation}`" for relation in relations)
