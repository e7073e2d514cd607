"""What `sqlmat plan` says of a table."""

from __future__ import annotations


def builds_all() -> str:
    """All rows are built."""
    return "builds all rows"


def builds_batch(mode: str) -> str:
    """What is new is built."""
    return f"builds the next batch, which is {'appended' if mode == 'append' else 'merged'}"


def builds_partitions(keys: tuple[str, ...]) -> str:
    """Some partitions are built."""
    if not keys:
        return "builds nothing: no partition has ended"
    if len(keys) == 1:
        return f"builds the partition {keys[0]}"
    return f"builds {len(keys):,} partitions, {keys[0]} to {keys[-1]}"


def new() -> str:
    """The warehouse does not have it."""
    return "new: it was never built here"


def changed() -> str:
    """Its code is not that of its rows."""
    return "changed: its SQL, checks or settings are not those of its last build"


def keeps_rows() -> str:
    """What a change comes to with `on_change = next`."""
    return "`on_change = next`: rows that are there stay, what is built from now on is by the new SQL"


def rebuilds() -> str:
    """What a change comes to with `on_change = rebuild`."""
    return "`on_change = rebuild`: everything is built anew, and aside"


def due(reason: str) -> str:
    """What asks for a build, or does not."""
    return "due" if reason in ("due", "scheduled") else reason


def missing(count: int) -> str:
    """Partitions that are not there."""
    if not count:
        return "every partition that has ended is there"
    return f"{count:,} {'partition that has' if count == 1 else 'partitions that have'} ended {_is(count)} not there"


def narrows(table: str, column: str) -> str:
    """A table of which a part is read."""
    return f"reads of `{table}` only the range, by `{column}`"


def marked() -> str:
    """A query that names the bounds."""
    return "names the bounds itself, and is read as it is written"


def quarantined() -> str:
    """A table with problems."""
    return "builds nothing: its files have problems, which `sqlmat check` tells"


def not_asked(label: str, reason: str) -> str:
    """The warehouse could not be read."""
    return f"without what is in {label}: {reason}"


def not_there() -> str:
    """There is no warehouse yet."""
    return "it is not there yet"


def is_held() -> str:
    """Something else has it open."""
    return "something else has it open"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
