"""What is on its way: the rows of a table with what there is to know of them, and what has arrived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlmat_assets.execution.deliveries.notes import Note, SentFile
from sqlmat_assets.execution.events import Column
from sqlmat_assets.execution.secrets import Secrets
from sqlmat_assets.project.deliveries import Delivery
from sqlmat_assets.relation import Relation


@dataclass(frozen=True, slots=True)
class Parcel:
    """The rows of one publish of a table.

    `rows` is the Parquet file that they are in, None where only the news is delivered, or where the engine has written
    the files that are `sent`; it lies in `folder`, where more may be written. `count` is how many rows there are; None
    of a view that nobody has counted. `published_at` is when they were put in place, None of a view. `identity` is the
    same for the same rows delivered by the same code, and for no others. `stamp` sorts after that of every earlier
    delivery. `other` is a delivery whose files are to be named, as it has arrived.
    """

    table: Relation
    delivery: str
    rows: Path | None
    folder: Path
    count: int | None
    columns: tuple[Column, ...]
    published_at: datetime | None
    identity: str
    stamp: str
    run: str
    beside: Path
    secrets: Secrets
    check: Callable[[], None]
    attempt: Callable[[Callable[[], None]], None]
    pause: Callable[[float], None]
    other: tuple[Delivery, Note] | None = None
    sent: tuple[SentFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrived:
    """What is there now: the files, what else there is to know, and links to files by their names."""

    rows: int | None
    files: tuple[SentFile, ...] = ()
    details: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
