"""What `sqlmat plan` says of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

_MOST_SHOWN = 3
_HEADINGS = {
    "new": "new, never built here",
    "changed": "changed, the SQL, checks or settings are not those of the last build",
    "due": "due",
    "asked": "asked for, though not due",
    "grants": "not due, but others may read them now",
    "unknown": "to be built",
    "put back": "left alone, put back by hand",
    "held": "not built, as long as files of what they read have problems",
    "problems": "not built, the files have problems, which `sqlmat check` tells",
    "a view": "views, always as fresh as what they read",
}
_RESTS = {
    "nothing asks for it": "that nothing asks for",
    "outside its hours": "outside their hours",
}


def builds_all() -> str:
    """All rows are built."""
    return "builds all rows"


def put_back(relation: str, at: datetime) -> str:
    """A table that a build leaves alone.

    Examples:
        >>> put_back("a.b", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
        'put back 2026-01-02 03:04:05 UTC; edit its file, or build it by name: `sqlmat build -s a.b`'
    """
    when = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"put back {when}; edit its file, or build it by name: `sqlmat build -s {relation}`"


def builds_view() -> str:
    """The view is made."""
    return "creates the view"


def delivers(table: str, shown: str) -> str:
    """A table is delivered."""
    return f"delivers {table} to {shown}"


def builds_batch(mode: str) -> str:
    """What is new is built."""
    return f"builds the next batch, which is {'appended' if mode == 'append' else 'merged'}"


def builds_partitions(count: int, stretches: Sequence[str]) -> str:
    """Some partitions are built.

    Examples:
        >>> builds_partitions(1, ["2019-01"])
        'builds the partition 2019-01'
        >>> builds_partitions(4, ["2019-01..2019-03", "2019-05"])
        'builds 4 partitions: 2019-01..2019-03, 2019-05'
    """
    if not count:
        return "builds nothing: no partition has ended"
    if count == 1:
        return f"builds the partition {stretches[0]}"
    return f"builds {count:,} partitions: {_some(stretches)}"


def heading(group: str, count: int) -> str:
    """What is told of the tables below.

    Examples:
        >>> heading("new", 1)
        'new, never built here: 1 table'
    """
    return f"{_HEADINGS.get(group) or _RESTS.get(group, group)}: {count:,} table{'' if count == 1 else 's'}"


def nothing_due() -> str:
    """No table asks for a build."""
    return "nothing is new, changed or due"


def resting(counts: Mapping[str, int]) -> str:
    """The tables that a build writes although nothing asks for it.

    Examples:
        >>> resting({"fresh": 296, "a view": 1, "nothing asks for it": 2})
        'not due, and built all the same: 296 fresh, 1 view, 2 that nothing asks for (--verbose shows them)'
    """
    told = ", ".join(f"{count:,} {_counted(group, count)}" for group, count in counts.items())
    return f"not due, and built all the same: {told} (--verbose shows them)"


def _counted(group: str, count: int) -> str:
    if group == "a view":
        return "view" if count == 1 else "views"
    return _RESTS.get(group, group)


def keeps_rows() -> str:
    """What a change comes to with `on_change = next`."""
    return "`on_change = next`: rows that are there stay, the new SQL counts from now on"


def rebuilds() -> str:
    """What a change comes to with `on_change = rebuild`."""
    return "`on_change = rebuild`: everything is built anew, and aside"


def due(reason: str) -> str:
    """What asks for a build, or does not."""
    if reason == "a view":
        return "as it is: always as fresh as what it reads"
    return "due" if reason in ("due", "scheduled") else reason


def missing(count: int, gaps: Sequence[str]) -> str:
    """Partitions that are not there.

    Examples:
        >>> missing(5, ["2019-01", "2019-03", "2019-05", "2019-07", "2019-09"])
        '5 partitions that have ended are not there: 2019-01, 2019-03, 2019-05 and others, up to 2019-09'
    """
    if not count:
        return "every partition that has ended is there"
    noun, are = ("partition that has", "is") if count == 1 else ("partitions that have", "are")
    return f"{count:,} {noun} ended {are} not there: {_some(gaps)}"


def narrows(table: str, column: str) -> str:
    """A table of which a part is read."""
    return f"reads of `{table}` only the range, by `{column}`"


def marked() -> str:
    """A query that names the bounds."""
    return "names the bounds itself, and is read as it is written"


def grants(added: Sequence[str], removed: Sequence[str]) -> str:
    """Who may read a table only now, and who may no more.

    Examples:
        >>> grants(["joan", "group analysts"], ["metabase"])
        'grants SELECT to joan, group analysts, and revokes it from metabase'
        >>> grants([], ["metabase"])
        'revokes SELECT from metabase'
    """
    granted, revoked = f"grants SELECT to {', '.join(added)}", ", ".join(removed)
    if not removed:
        return granted
    return f"{granted}, and revokes it from {revoked}" if added else f"revokes SELECT from {revoked}"


def no_grants(count: int, why: str) -> str:
    """A setting that has no effect on this engine."""
    return f"`grant_select` of {count:,} table{'' if count == 1 else 's'} has no effect: {why}"


def not_asked(label: str, reason: str) -> str:
    """The warehouse could not be read."""
    return f"without what is in {label}: {reason}"


def not_there() -> str:
    """There is no warehouse yet."""
    return "it is not there yet"


def is_held() -> str:
    """Something else has it open."""
    return "something else has it open"


def _some(stretches: Sequence[str]) -> str:
    shown = ", ".join(stretches[:_MOST_SHOWN])
    last = stretches[-1].rpartition("..")[2]
    return shown if len(stretches) <= _MOST_SHOWN else f"{shown} and others, up to {last}"
