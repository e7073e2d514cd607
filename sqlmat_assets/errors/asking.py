"""What is said about a build of some partitions, or of everything again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmat_assets.errors import UsageError
from sqlmat_assets.errors.usage import with_hint

_MOST_SHOWN = 3


def no_such_partition(what: str, hint: str | None) -> UsageError:
    """`--partition` names what no selected table has."""
    return UsageError(with_hint(what, hint))


def nothing_partitioned() -> UsageError:
    """`--partition` with tables that have none."""
    return UsageError(
        with_hint("no selected table has partitions", "set `partition_by`, or build without `--partition`")
    )


def partition_and_refresh() -> UsageError:
    """Some partitions and everything at once."""
    return UsageError(with_hint("`--full-refresh` builds everything, and `--partition` a part of it", "leave one out"))


def only_with_partition(option: str) -> UsageError:
    """An option that says how partitions are built, without any."""
    return UsageError(
        with_hint(f"`{option}` needs `--partition`", "say which partitions: `--partition 2019-01..2019-12`")
    )


def left_alone(tables: Sequence[object]) -> str:
    """Tables that have none of the asked partitions."""
    shown = ", ".join(f"`{table}`" for table in tables[:_MOST_SHOWN])
    more = f" and {len(tables) - _MOST_SHOWN} more" if len(tables) > _MOST_SHOWN else ""
    return f"{shown}{more} {'has' if len(tables) == 1 else 'have'} none of these partitions"


def going_on(partitions: int, tables: int) -> str:
    """A build that was ended early and is taken up again; what is built already."""
    counted = [
        f"{count:,} {noun}{'' if count == 1 else 's'}"
        for count, noun in ((partitions, "partition"), (tables, "table"))
        if count
    ]
    are = "is" if partitions + tables == 1 else "are"
    return with_hint(
        f"{' and '.join(counted)} {are} built already", "add `--again` to build everything that was asked for"
    )
