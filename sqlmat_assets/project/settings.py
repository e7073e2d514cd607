"""The settings of a table: which keys there are, how they are written, how they are inherited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The settings of one table after inheritance."""

    owner: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    grant_select: tuple[str, ...] = ()
    distkey: str | None = None
    sortkey: tuple[str, ...] = ()
    diststyle: str | None = None
    snapshots_interval: timedelta | None = None
    snapshots_stored_for: timedelta | None = None
    unique: tuple[tuple[str, ...], ...] = ()
    not_null: tuple[str, ...] = ()
    min_rows: int | None = None
    max_row_change: float | None = None
    adopt: bool = False
    time_limit: timedelta | None = None
    grace: timedelta | None = None
    columns: tuple[tuple[str, str], ...] = ()
