"""What of a table is built."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmat_assets.project.partitions.ranges import Range


@dataclass(frozen=True, slots=True)
class Piece:
    """What of a table is built.

    `ranges` are those of its partitions, each built by one statement and published in one transaction; None for what
    the mode of the table builds by itself: all rows, all partitions that have ended, or the next batch. A full refresh
    builds everything aside and swaps it in, whatever the mode.
    """

    ranges: tuple[Range, ...] | None = None
    is_full_refresh: bool = False


WHOLE = Piece()
