"""Datasets, tables and views with what the API tells of them. The rows lie in DuckDB, under names of their own."""

from __future__ import annotations

import copy
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import duckdb

from sqlmat_assets_tests.bigquery.columns import duckdb_type, normalized, quoted
from sqlmat_assets_tests.bigquery.wire import ApiError, Json, invalid, not_found

Kind = Literal["TABLE", "VIEW", "SNAPSHOT"]
# What somebody may set, and what a copy takes along besides the columns.
OPTIONS = (
    "description",
    "friendlyName",
    "labels",
    "timePartitioning",
    "rangePartitioning",
    "clustering",
    "expirationTime",
    "requirePartitionFilter",
    "view",
)
DESIGN = ("timePartitioning", "rangePartitioning", "clustering")
# Rows by ingestion lie in partitions by a column that nobody sees.
INGESTED = "_PARTITIONTIME"
_MOST_PAST = 20


@dataclass(slots=True)
class Dataset:
    project: str
    name: str
    resource: Json
    created: int
    revision: int


@dataclass(frozen=True, slots=True)
class Past:
    """The rows that a table had until a moment, for time travel."""

    until: int
    physical: str
    fields: tuple[Json, ...]


@dataclass(slots=True)
class Table:
    """A table or view. `physical` is where its rows lie; `changes` counts what was done to them there."""

    project: str
    dataset: str
    name: str
    kind: Kind
    fields: list[Json]
    physical: str | None
    created: int
    modified: int
    options: Json = field(default_factory=dict)
    policies: list[Json] = field(default_factory=list)
    bindings: list[Json] = field(default_factory=list)
    revision: int = 0
    changes: int = 0
    past: list[Past] = field(default_factory=list)
    streamed: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        return self.project, self.dataset, self.name

    @property
    def full_name(self) -> str:
        return f"{self.project}:{self.dataset}.{self.name}"

    @property
    def is_ingested(self) -> bool:
        """Whether rows are partitioned by when they came, and by no column."""
        partitioning = self.options.get("timePartitioning")
        return partitioning is not None and "field" not in partitioning

    @property
    def stored(self) -> str:
        if self.physical is None:
            raise invalid(f"{self.full_name} has no rows of its own")
        return self.physical


def _no_jobs(_project: str) -> list[tuple[Any, ...]]:
    return []


class Catalog:
    """All of a project; every method is for any thread."""

    def __init__(self) -> None:
        self.database = duckdb.connect(":memory:")
        self.database.execute("SET TimeZone = 'UTC'")
        self.lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._revisions = itertools.count(1)
        self._last = 0
        self._datasets: dict[tuple[str, str], Dataset] = {}
        self._tables: dict[tuple[str, str, str], Table] = {}
        self._deleted: dict[tuple[str, str, str], Table] = {}
        # What models of datasets predict: the columns that they add, in SQL.
        self.models: dict[tuple[str, str], dict[str, str]] = {}
        # Whether copies have the labels and the description of what is copied.
        self.takes_options = False
        # The jobs of a project, as a system view has them.
        self.list_jobs: Callable[[str], list[tuple[Any, ...]]] = _no_jobs
        # Into how many files rows are exported, where there may be several.
        self.shards = 2
        self.has_short_floats = False

    def now(self) -> int:
        """Milliseconds since 1970, no two moments alike."""
        with self.lock:
            self._last = max(self._last + 1, time.time_ns() // 1_000_000)
            return self._last

    def new_name(self) -> str:
        return f"t{next(self._numbers)}"

    # datasets

    def create_dataset(self, project: str, name: str, resource: Json) -> Dataset:
        with self.lock:
            if (project, name) in self._datasets:
                raise ApiError("duplicate", f"Already Exists: Dataset {project}:{name}")
            made = Dataset(project, name, resource, self.now(), next(self._revisions))
            self._datasets[project, name] = made
            return made

    def dataset(self, project: str, name: str) -> Dataset:
        with self.lock:
            found = self._datasets.get((project, name))
        if found is None:
            raise not_found("Dataset", f"{project}:{name}")
        return found

    def datasets(self, project: str) -> list[Dataset]:
        with self.lock:
            return [each for each in self._datasets.values() if each.project == project]

    def drop_dataset(self, project: str, name: str, *, with_contents: bool) -> None:
        with self.lock:
            self.dataset(project, name)
            held = self.tables(project, name)
            if held and not with_contents:
                raise ApiError("badRequest", f"Dataset {project}:{name} is still in use")
            for each in held:
                self.drop(each)
            del self._datasets[project, name]

    # tables

    def find(self, project: str, dataset: str, name: str) -> Table | None:
        with self.lock:
            found = self._tables.get((project, dataset, name))
            if found is not None and int(found.options.get("expirationTime") or 1 << 62) < self.now():
                self.drop(found)
                return None
            return found

    def table(self, project: str, dataset: str, name: str) -> Table:
        found = self.find(project, dataset, name)
        if found is None:
            self.dataset(project, dataset)
            raise not_found("Table", f"{project}:{dataset}.{name}")
        return found

    def deleted(self, project: str, dataset: str, name: str) -> Table | None:
        """A table that is gone, of which copies can be made as of when it was there."""
        with self.lock:
            return self._deleted.get((project, dataset, name))

    def tables(self, project: str, dataset: str) -> list[Table]:
        with self.lock:
            keys = [key for key in self._tables if key[:2] == (project, dataset)]
            return [found for key in keys if (found := self.find(*key)) is not None]

    def all_tables(self) -> Iterator[Table]:
        with self.lock:
            yield from list(self._tables.values())

    def create(
        self,
        project: str,
        dataset: str,
        name: str,
        fields: Sequence[Json],
        options: Json | None = None,
        *,
        physical: str | None = None,
        kind: Kind = "TABLE",
    ) -> Table:
        """Have a new table; without `physical` an empty one is made."""
        with self.lock:
            self.dataset(project, dataset)
            if self.find(project, dataset, name) is not None:
                raise ApiError("duplicate", f"Already Exists: Table {project}:{dataset}.{name}")
            now = self.now()
            own = {key: value for key, value in (options or {}).items() if value is not None}
            made = Table(project, dataset, name, kind, normalized(fields), physical, now, now, own)
            if kind != "VIEW" and physical is None:
                made.physical = self.make_empty(made.fields, is_ingested=made.is_ingested)
            self._tables[made.key] = made
            self.touch(made)
            return made

    def make_empty(self, fields: Sequence[Json], *, is_ingested: bool = False) -> str:
        columns = [f"{quoted(each['name'])} {duckdb_type(each)}{_required(each)}" for each in fields]
        if is_ingested:
            columns.append(f"{quoted(INGESTED)} TIMESTAMP WITH TIME ZONE DEFAULT date_trunc('day', now())")
        name = self.new_name()
        # A table of DuckDB has at least one column.
        self.cursor().execute(f"CREATE TABLE {name} ({', '.join(columns) or '_none BOOLEAN'})")
        return name

    def drop(self, table: Table) -> None:
        with self.lock:
            self._tables.pop(table.key, None)
            if table.physical is not None:
                self._deleted[table.key] = table

    def rename(self, table: Table, name: str) -> None:
        with self.lock:
            if self.find(table.project, table.dataset, name) is not None:
                raise ApiError("duplicate", f"Already Exists: Table {table.project}:{table.dataset}.{name}")
            del self._tables[table.key]
            table.name = name
            self._tables[table.key] = table
            self.touch(table)

    def put_rows(self, table: Table, physical: str, fields: Sequence[Json]) -> None:
        """Have a table hold other rows, at once."""
        with self.lock:
            if table.physical is not None:
                table.past.append(Past(self.now(), table.physical, tuple(copy.deepcopy(table.fields))))
                del table.past[:-_MOST_PAST]
            table.physical = physical
            table.fields = normalized(fields)
            self.touch(table, rows=True)

    def remember(self, table: Table) -> None:
        """Keep the rows as they are, before some of them are changed where they lie."""
        name = self.new_name()
        with self.lock:
            self.cursor().execute(f"CREATE TABLE {name} AS FROM {table.stored}")
            table.past.append(Past(self.now(), name, tuple(copy.deepcopy(table.fields))))
            del table.past[:-_MOST_PAST]

    def at(self, table: Table, moment: int) -> tuple[str, tuple[Json, ...]]:
        """Where the rows lie that a table had at a moment, and its columns then."""
        with self.lock:
            if moment < table.created:
                raise invalid(f"Invalid snapshot time {moment} for table {table.full_name}: it was not there yet")
            for each in table.past:
                if moment < each.until:
                    return each.physical, each.fields
            return table.stored, tuple(table.fields)

    def touch(self, table: Table, *, rows: bool = False) -> None:
        with self.lock:
            table.revision = next(self._revisions)
            table.modified = self.now()
            table.changes += rows

    def cursor(self) -> duckdb.DuckDBPyConnection:
        return self.database.cursor()

    def count(self, table: Table) -> int:
        if table.physical is None:
            return 0
        return int(self.cursor().execute(f"SELECT count(*) FROM {table.physical}").fetchall()[0][0])


def _required(column: Json) -> str:
    return " NOT NULL" if column.get("mode") == "REQUIRED" else ""
