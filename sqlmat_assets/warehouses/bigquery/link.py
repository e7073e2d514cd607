"""What is asked of a project of BigQuery, whoever sends it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from google.cloud.bigquery.job import CopyJob, ExtractJob, LoadJob, QueryJob

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.bigquery.errors import Refused
from sqlmat_assets.warehouses.bigquery.meter import Meter
from sqlmat_assets.warehouses.bigquery.url import BigQueryPlace

Resource = dict[str, Any]
AnyJob = QueryJob | CopyJob | LoadJob | ExtractJob

STATE = "_sqlmat"
_OUTSIDE = re.compile(r"[^a-z0-9_-]")
_OUTSIDE_ID = re.compile(r"[^A-Za-z0-9_-]")
_MOST_OF_LABEL = 63


@dataclass(frozen=True, slots=True)
class Result:
    """What a query returned: its columns (name, type), and its rows."""

    columns: tuple[tuple[str, str], ...]
    rows: list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy job: of all of a table, or of one partition, or as it was at a moment (milliseconds since 1970)."""

    source: Relation
    target: Relation
    disposition: str = "WRITE_EMPTY"
    at: int | None = None
    partition: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What a load job has come to: the rows of the table, and those that were left out.

    `said` is what BigQuery says of the first of these.
    """

    rows: int
    bad_rows: int = 0
    said: tuple[Refused, ...] = ()


@dataclass(slots=True)
class Tags:
    """What jobs are labelled with, and named after."""

    labels: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def prefix(self) -> str:
        """What the ids of jobs begin with: the run and the table, as far as they are known."""
        parts = ["sqlmat", *(self.labels[name] for name in ("run", "asset") if name in self.labels)]
        return _OUTSIDE_ID.sub("-", "_".join(parts))[:400]


class AllTables(Protocol):
    """What the adapter asks of tables and datasets; everything raises `MaterializeError`."""

    def find_table(self, relation: Relation) -> Resource | None: ...

    def create_table(self, resource: Resource) -> Resource | None:
        """Make a table; None where there is one."""
        ...

    def patch_table(self, relation: Relation, changes: Resource, etag: str | None = None) -> Resource | None:
        """Change what is told of a table; None where it is gone, or is not as it was when it had the etag."""
        ...

    def delete_table(self, relation: Relation) -> bool:
        """Whether it was there."""
        ...

    def list_tables(self, schema: str) -> list[Resource]: ...

    def create_schema(self, name: str) -> None: ...

    def delete_schema(self, name: str) -> bool: ...

    def list_schemas(self) -> list[str]: ...

    def list_policies(self, relation: Relation) -> list[Resource]:
        """The row access policies of a table, each with its `grantees`."""
        ...

    def fetch_bindings(self, relation: Relation) -> list[Resource]:
        """Who may do what with just this table, by IAM."""
        ...

    def set_bindings(self, relation: Relation, bindings: Sequence[Resource]) -> None: ...


class Link(Protocol):
    """What the adapter asks of a project; everything raises `MaterializeError`."""

    @property
    def place(self) -> BigQueryPlace: ...

    @property
    def tags(self) -> Tags: ...

    @property
    def meter(self) -> Meter: ...

    @property
    def tables(self) -> AllTables: ...

    def new_id(self) -> str:
        """An id that no job has had."""
        ...

    def run(self, text: str, job_id: str | None = None) -> QueryJob:
        """Run a query, and wait for its end."""
        ...

    def fetch(self, text: str) -> Result: ...

    def ask_again(self, text: str, job: QueryJob) -> None:
        """Have the same query be this job when it is run again: it was, and what it gave was not heard."""
        ...

    def fetch_quickly(self, text: str) -> Result:
        """The same of what takes no time, and cannot be cancelled."""
        ...

    def dry_run(self, text: str) -> QueryJob:
        """Ask what a query gives and costs."""
        ...

    def copy(self, copy: Copy, job_id: str) -> None: ...

    def find_job(self, job_id: str) -> AnyJob | None: ...

    def load(self, path: Path, target: Relation, configuration: Resource) -> int: ...

    def load_objects(self, urls: Sequence[str], target: Relation, configuration: Resource) -> Taken:
        """Load objects of Cloud Storage.

        Raises:
            RefusedRowsError: A row cannot be read, or more than may be left out.
        """
        ...

    def extract(self, source: Relation, urls: Sequence[str], configuration: Resource) -> int:
        """Write a table into Cloud Storage, and tell into how many objects."""
        ...

    def pause(self, seconds: float) -> None: ...

    def cancel(self) -> None: ...


def as_label(text: str) -> str:
    """The value of a label for a text: what may stand in one, and no more of it than fits.

    Examples:
        >>> as_label("first.Cities"), as_label("data-eng@example.com")
        ('first_cities', 'data-eng_example_com')
    """
    return _OUTSIDE.sub("_", text.lower())[:_MOST_OF_LABEL]
