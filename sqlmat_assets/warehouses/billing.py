"""What statements take in an engine, and what is paid for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from sqlmat_assets.relation import Relation


@dataclass(frozen=True, slots=True)
class Usage:
    """What the statements of a session took in the engine: how long they stood in line, and what they read.

    On an engine that bills for what is read, also what is billed, for how long its processors were busy, and what that
    comes to, once somebody has told the price.
    """

    queued_seconds: float
    scanned_bytes: int
    billed_bytes: int | None = None
    slot_seconds: float | None = None
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a query would read, from how many tables, and the columns (name, type) that it would give.

    Of one of which the engine cannot tell without running it, `is_known` is false and all others are empty.
    """

    read_bytes: int
    tables: int
    columns: tuple[tuple[str, str], ...]
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Spent:
    """What all statements of one day took that carried the same tags."""

    day: date
    tags: Mapping[str, str]
    statements: int
    read_bytes: int
    billed_bytes: int
    slot_seconds: float


class Costs(Protocol):
    """What queries take, on an engine that bills for what they read; all raise `WarehouseError`."""

    def estimate(self, query: str, instead: Mapping[Relation, str] | None = None) -> Estimate:
        """What a query would read, told without running it and for free. May be called from several threads.

        Args:
            query: The query.
            instead: Tables that are not there, each with a query that gives its columns.
        """
        ...

    def limit(self, most_bytes: int | None) -> None:
        """Have each query of the session refused from here on that would be billed more; None for any."""
        ...

    def fetch_size(self, relation: Relation) -> int | None:
        """The bytes that a table has; None where it is not there, or has no rows of its own."""
        ...

    def describe_file(self, path: Path, columns: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """The columns (name, type) that `Session.load_file` would give a table."""
        ...

    def fetch_spent(self, since: datetime, known: Collection[str]) -> tuple[Spent, ...]:
        """What was spent since then in the whole project, by whomever.

        Args:
            since: A moment.
            known: Values of tags, told as they are where the engine keeps only a part of their letters.
        """
        ...
