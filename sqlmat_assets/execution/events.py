"""What happens to a table while it is materialized, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmat_assets.errors import SqlmatError
from sqlmat_assets.execution.records import Record
from sqlmat_assets.project.reasons import Reasons
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.billing import Usage


@dataclass(frozen=True, slots=True)
class Run:
    """One run: everything that was decided together. `id` is short, lower case, letters and digits.

    `commit` is that of the project folder, and `has_edits` says that some of its files are not as they are there.
    `reasons` says why each of its tables is built; None when a person asked for it. `named` are the tables that this
    person named one by one, where others have come along; None where all of them were asked for.
    `project` says which one it is, of several that may build into one warehouse.
    """

    id: str
    decided_at: datetime
    commit: str | None = None
    reasons: Reasons | None = None
    has_edits: bool = False
    named: frozenset[Relation] | None = None
    project: str | None = None

    def is_asked_for(self, relation: Relation) -> bool:
        """Whether a person wants just this table to be built."""
        return self.reasons is None and (self.named is None or relation in self.named)


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the work on a table, such as `write`, and how long it took."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table as the warehouse has it."""

    name: str
    type: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A few rows to show to a person: values as text, None for NULL."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The outcome of one check.

    `rows` were looked at, `failed_rows` of them did not hold; `message` says what was wrong in words and is
    empty when the check holds; `sample` has up to 20 offending rows. `sent` is the SQL in the engine's own words, where
    the file has it in those of another.
    """

    name: str
    passed: bool
    is_blocking: bool
    rows: int
    failed_rows: int
    message: str
    sql: str
    seconds: float
    sample: Sample | None = None
    sent: str | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """Work on a table begins."""

    relation: Relation


@dataclass(frozen=True, slots=True)
class Printed:
    """The script of a table has ended; `text` is what it has printed, without its beginning where it `is_cut`."""

    relation: Relation
    script: str
    text: str
    is_cut: bool


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Rows of files that could not be read, and so are not in the table: how many, and the first of them in words."""

    count: int
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """The intermediate table holds the query's result.

    `rows` is None of a view, whose rows nobody has counted, and `size` its bytes, where the engine bills for them.
    """

    relation: Relation
    intermediate: Relation
    rows: int | None
    columns: tuple[Column, ...]
    statement: str
    seconds: float
    left_out: LeftOut | None = None
    size: int | None = None

    @property
    def types(self) -> tuple[tuple[str, str], ...]:
        """The columns (name, type)."""
        return tuple((column.name, column.type) for column in self.columns)


@dataclass(frozen=True, slots=True)
class Checked:
    """Every check ran on the intermediate table, or, alone, on the published one."""

    relation: Relation
    results: tuple[CheckResult, ...]
    seconds: float

    @property
    def is_blocked(self) -> bool:
        return any(r.is_blocking and not r.passed for r in self.results)


@dataclass(frozen=True, slots=True)
class PublishedPartition:
    """One partition that was replaced, and the rows that it has now; `key` is as Dagster writes it."""

    key: str
    rows: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What became of the snapshots of a table: the rows that were added to its history, None where none was due."""

    history: Relation
    rows: int | None
    removed_rows: int


@dataclass(frozen=True, slots=True)
class Published:
    """Readers see the new rows. `started_at` is when work on the table began, `seconds` all of it.

    `rows` are those of the whole table, or of the partitions or the batch that were built, where only those were; None
    of a view, whose rows nobody has counted. `partitions` are the partitions, in their order. `data_version` is the
    same for the same rows and columns, whatever the order of the rows, where it is not None. `phases` are what the work
    consisted of, in their order; `usage` is what it took in the engine, where that tells. `published_at` is when the
    rows were put in place, where that is known.
    """

    relation: Relation
    rows: int | None
    columns: tuple[Column, ...]
    statement: str
    started_at: datetime
    seconds: float
    data_version: str | None = None
    partitions: tuple[PublishedPartition, ...] = ()
    phases: tuple[Phase, ...] = ()
    snapshot: Snapshot | None = None
    left_out: LeftOut | None = None
    published_at: datetime | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Readers keep the rows that they have, which are as fresh as new ones would be.

    With `statement`, the table was built and checked, and its rows are those that are published. Without, it was not
    even built, because nothing that it reads has changed; `saved_seconds` is what building it takes on average. A view,
    whose `rows` are None, always has those of what it reads. Where `partitions` were built, `rows` are those of them.
    `published_at` is when the rows were put in place, where that is known.
    """

    relation: Relation
    rows: int | None
    columns: tuple[Column, ...]
    started_at: datetime
    seconds: float
    data_version: str | None = None
    statement: str | None = None
    saved_seconds: float | None = None
    phases: tuple[Phase, ...] = ()
    snapshot: Snapshot | None = None
    partitions: tuple[PublishedPartition, ...] = ()
    left_out: LeftOut | None = None
    published_at: datetime | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """The table was not touched because a person has put an earlier version of it back, and nobody has edited it since.

    `record` and `columns` are those of the rows that are there; `replaced_at` is when the rows in whose place they are
    had been published, where that is still known.
    """

    relation: Relation
    record: Record
    columns: tuple[Column, ...]
    replaced_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """A table has arrived where it is delivered to; unless it `is_new`, the same rows had arrived before.

    `shown` is where, for people, and `delivered_at` when it arrived last. `inputs` says which publish of each table
    that was, and `data_version` tells it from others. `details` are what more there is to know, each under its name;
    `links` are good until `links_until`.
    """

    relation: Relation
    shown: str
    rows: int | None
    started_at: datetime
    seconds: float
    delivered_at: datetime
    inputs: Mapping[str, str]
    data_version: str
    is_new: bool
    columns: tuple[Column, ...] = ()
    details: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    links_until: datetime | None = None
    phases: tuple[Phase, ...] = ()


@dataclass(frozen=True, slots=True)
class Discarded:
    """The table was not replaced: a check failed, the engine refused, the file is quarantined.

    The last of the `phases` is the one in which it failed.
    """

    relation: Relation
    error: SqlmatError
    results: tuple[CheckResult, ...] = ()
    seconds: float = 0.0
    phases: tuple[Phase, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """The table was not touched because `because` was not built in this run."""

    relation: Relation
    because: Relation


Event = Started | Printed | Written | Checked | Published | Unchanged | LeftAlone | Delivered | Discarded | Skipped
