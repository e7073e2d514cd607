"""The wording of what became of a build that went well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlmat_assets.errors.failures import span


def new_rows() -> str:
    """The rows that were built took the place of the published ones."""
    return "new rows"


def snapshot_taken(rows: int) -> str:
    """The rows of a table were kept.

    Examples:
        >>> snapshot_taken(1), snapshot_taken(1234)
        ('snapshot of 1 row', 'snapshot of 1,234 rows')
    """
    return f"snapshot of {rows:,} {'row' if rows == 1 else 'rows'}"


def snapshot_removed(rows: int) -> str:
    """Rows that were kept for long enough were removed.

    Examples:
        >>> snapshot_removed(1), snapshot_removed(1234)
        ('1 old row removed', '1,234 old rows removed')
    """
    return f"{rows:,} old {'row' if rows == 1 else 'rows'} removed"


def left_out(count: int) -> str:
    """Rows of files could not be read, and are not in the table.

    Examples:
        >>> left_out(1), left_out(1234)
        ('1 row could not be read and was left out', '1,234 rows could not be read and were left out')
    """
    return (
        f"{count:,} {'row' if count == 1 else 'rows'} could not be read and {'was' if count == 1 else 'were'} left out"
    )


def new_view() -> str:
    """The view was made, or made again."""
    return "view created: always as fresh as what it reads"


def same_view() -> str:
    """The view was left as it is."""
    return "unchanged: the view has the rows of what it reads"


def same_rows(rows: int) -> str:
    """The rows that were built are those that are published.

    Examples:
        >>> same_rows(1234)
        'unchanged: the same 1,234 rows as published, so nothing was swapped'
    """
    return f"unchanged: the same {rows:,} {'row' if rows == 1 else 'rows'} as published, so nothing was swapped"


def saved_swap() -> str:
    """What was saved where the rows that were built are those that are published."""
    return "the swap, and what reads it is not built because of it"


def nothing_new() -> str:
    """The table was left as it is, because what it is made of is as it was."""
    return "unchanged: nothing that it reads has changed, so it was not built"


def still_holds() -> str:
    """What a check says that was not run again."""
    return "held when these rows were published; nothing has changed since, so it was not run again"


def partitions(keys: Sequence[str]) -> str:
    """Which partitions were built, in their order.

    Examples:
        >>> partitions(["2019-01-01"]), partitions(["2019-01-01", "2019-02-01", "2019-03-01"])
        ('2019-01-01', '3, from 2019-01-01 to 2019-03-01')
    """
    return keys[0] if len(keys) == 1 else f"{len(keys):,}, from {keys[0]} to {keys[-1]}"


def uncommitted() -> str:
    """The project folder has edits that are in no commit."""
    return "yes: the project folder is not as it is in the commit"


def looked_at(partitions: int) -> str:
    """What a check looked at that has a result for each of several partitions."""
    return f"{partitions:,} partitions together, and says the same of each"


def asked_for() -> str:
    """Why a table was built that no sensor asked for."""
    return "asked for by a person"


def about(seconds: float) -> str:
    """A mean duration for people, no more exact than it is.

    Examples:
        >>> about(12.345), about(0.004), about(3723.5)
        ('about 12.3s', 'less than 0.1s', 'about 1h 2m 4s')
    """
    return "less than 0.1s" if seconds < 0.1 else f"about {span(timedelta(seconds=round(seconds, 1)))}"


def delivered() -> str:
    """Rows have arrived."""
    return "delivered"


def delivered_before(at: datetime) -> str:
    """Nothing was sent, because it is there.

    Examples:
        >>> delivered_before(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
        'nothing new: the same rows were delivered at 2026-01-02 03:04:05 UTC'
    """
    return f"nothing new: the same rows were delivered at {at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
