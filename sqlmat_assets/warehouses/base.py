"""What every warehouse adapter offers."""

from __future__ import annotations

import string
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.billing import Costs, Usage
from sqlmat_assets.warehouses.design import NO_DESIGN, Design
from sqlmat_assets.warehouses.source_files import Contents, Loaded, SourceFile

ObjectKind = Literal["table", "view"]
Statement = exp.Expr
Pause = Callable[[float], None]

# Engines fold the letters A to Z only: to DuckDB `É` and `é` are two tables.
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


@dataclass(frozen=True, slots=True)
class Fact:
    """What holds on an engine, for people; each source is a page of the vendor or the name of a test.

    `verified` is where that was seen to hold, where it is not where the engine's tests are run.
    """

    about: str
    says: str
    sources: tuple[str, ...]
    verified: str | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Facts about an engine; each is stated, with its source, in `docs/warehouses.md`.

    One that `has_varying_lengths` gives a column of text as many bytes as the query that fills it needs, tells the
    sizes of results in part, and lets columns of text grow, but in no transaction. `estimates_at_once` is for how many
    queries it is asked at a time what they would read, where it tells that and bills for it; 0 where it does not.
    `reads_from` and `writes_to` have the schemes of URLs (`s3`) that its sessions read and write by themselves, as
    `ReadsObjects` and `WritesObjects` say. A decimal type that does not say how many digits it has behind the point has
    `decimal_scale`, and the wider one of an engine that has two has `wide_decimal_scale`; None is as many as a value
    needs. `loads_arrays` says whether arrays of a database become arrays there.
    """

    name: str
    dialect: str
    max_identifier_bytes: int
    has_transactional_ddl: bool
    has_grants: bool
    has_comments: bool
    is_case_sensitive: bool = False
    has_case_sensitive_columns: bool | None = None
    admits_many_writers: bool = True
    has_fingerprints: bool = True
    finds_views_by_name: bool = True
    can_widen_columns: bool = True
    has_varying_lengths: bool = False
    has_distribution: bool = False
    has_storage_partitions: bool = False
    sees_own_changes: bool = True
    estimates_at_once: int = 0
    why_no_grants: str = "this engine knows no users"
    reads_from: frozenset[str] = frozenset()
    writes_to: frozenset[str] = frozenset()
    decimal_scale: int | None = 3
    wide_decimal_scale: int | None = 3
    loads_arrays: bool = False
    tested_on: str = "the engine itself"
    facts: tuple[Fact, ...] = ()

    def fold(self, name: str) -> str:
        """The spelling under which the engine takes two names for one."""
        return name if self.is_case_sensitive else name.translate(_LOWER)

    def fold_column(self, name: str) -> str:
        """The same of columns, which some engines tell apart otherwise than tables."""
        own = self.has_case_sensitive_columns
        return name if (self.is_case_sensitive if own is None else own) else name.translate(_LOWER)


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of a result: its name, and its type in the engine's own words."""

    name: str
    type: str
    is_boolean: bool


@dataclass(frozen=True, slots=True)
class Rows:
    """What a query returned."""

    columns: tuple[ResultColumn, ...]
    rows: Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Index:
    """An index on a table: its name, in the schema of the table, and the statement that makes it."""

    relation: Relation
    statement: str


class Session(Protocol):
    """One connection, for one materialization. Statements are syntax trees; all raise `WarehouseError`."""

    def tag(self, tags: Mapping[str, str]) -> None:
        """Have what is sent from here on carry labels, such as the table and the run, where the engine has any."""
        ...

    def execute(self, statement: Statement) -> None: ...

    def write_rows(self, statement: Statement) -> int:
        """Execute a statement that writes a table, and tell how many rows it wrote; 0 where the engine does not say."""
        ...

    def fetch_rows(self, query: Statement) -> Rows: ...

    def fetch_columns(self, relation: Relation) -> tuple[tuple[str, str], ...]:
        """The columns (name, type) of a table or view in order; empty when there is none."""
        ...

    def fetch_kinds(self, schema: str) -> dict[str, ObjectKind]:
        """The names in a schema, each with `table` or `view`; empty when there is no such schema."""
        ...

    def fetch_fingerprint(
        self, relation: Relation, columns: Sequence[tuple[str, str]], where: exp.Expr | None = None
    ) -> str:
        """A short text, from one pass over a table: the same for the same rows, in whatever order they lie.

        Args:
            relation: The table.
            columns: All its columns, as `fetch_columns` tells them.
            where: Which of its rows; None for all.
        """
        ...

    def fetch_with_fingerprint(self, query: exp.Select, columns: Sequence[tuple[str, str]]) -> tuple[Rows, str]:
        """What a query returns that aggregates all of a table, and the table's fingerprint, from one pass.

        Args:
            query: One row of aggregates; it is changed.
            columns: All columns of the table, as `fetch_columns` tells them.
        """
        ...

    def transaction(self, *published: Relation) -> AbstractContextManager[None]:
        """Everything inside becomes visible at once, or not at all.

        Args:
            published: Tables that no other session may publish meanwhile, where the engine does not see to that itself.
        """
        ...

    def load_file(
        self, target: Relation, path: Path, columns: Sequence[tuple[str, str]], *, design: Design = NO_DESIGN
    ) -> int:
        """Create a table from a local CSV, Parquet or NDJSON file; `columns` (name, type) override inference.

        Args:
            target: The table.
            path: The file.
            columns: Those whose types are declared.
            design: How its rows are to lie, on an engine that has any of it.

        Returns:
            How many rows it has.
        """
        ...

    def load_files(
        self, target: Relation, files: Sequence[SourceFile], contents: Contents, *, design: Design = NO_DESIGN
    ) -> Loaded:
        """Create a table from local files, all of them or none.

        Args:
            target: The table.
            files: Where the rows are.
            contents: What stands in them; where more rows cannot be read than it says, there is no table.
            design: How its rows are to lie, on an engine that has any of it.
        """
        ...

    def unload(self, query: str, path: Path) -> int:
        """Write the rows of a query into a local Parquet file, from which pyarrow reads them with their types.

        Returns:
            How many there are.
        """
        ...

    def fetch_views(self) -> tuple[tuple[Relation, str], ...]:
        """All views that people or sqlmat have made in the database, each with its SQL as the engine tells it."""
        ...

    def fetch_indexes(self, relation: Relation) -> tuple[Index, ...]:
        """The indexes on a table that have to go before it, or one of its columns, can be renamed."""
        ...

    def find_unknown_grantees(self, grantees: Sequence[str]) -> tuple[str, ...]:
        """Those of some grantees, as `grant_select` spells them, whom the database does not know."""
        ...

    def grant_usage(self, schema: str, grantees: Sequence[str]) -> None:
        """Let some find what is in a schema, where this user may say so; whoever is not known is left out.

        Never called inside `transaction()`: many tables of a schema are published at the same moment.
        """
        ...

    def grant_select(self, relation: Relation, grantees: Sequence[str]) -> None:
        """Let some read a table or view; whoever is not known is left out."""
        ...

    def revoke_select(self, relation: Relation, grantees: Sequence[str]) -> None:
        """Have some not read a table or view any more; its owner, and whoever is not known, are left out."""
        ...

    def swap(
        self,
        target: Relation,
        intermediate: Relation,
        backup: Relation,
        in_place: ObjectKind | None,
        becomes: ObjectKind = "table",
    ) -> None:
        """Put the intermediate table, or view, in the target's place, where there is `in_place` now.

        Called inside `transaction()` where there is one. Refused by the engine when `in_place` is not so.
        """
        ...

    def replacing(self, target: Relation, successor: Relation | None = None) -> AbstractContextManager[None]:
        """Have what hangs on a table, and not on its name, hang on the table that has the name when the block ends.

        Called inside `transaction()`, around renaming; `swap` does it by itself. Does nothing where all goes by names.

        Args:
            target: The table in place.
            successor: What will have its name, where that is there already.
        """
        ...

    def replace_rows(self, target: Relation, intermediate: Relation, columns: Sequence[str], where: exp.Expr) -> None:
        """Put the rows of the intermediate table in the place of those of the target of which a condition is true.

        Called inside `transaction()` where there is one. Columns are matched by their names.
        """
        ...

    def merge_rows(
        self,
        target: Relation,
        intermediate: Relation,
        columns: Sequence[str],
        key: Sequence[str] = (),
        *,
        updates: bool = False,
        where: exp.Expr | None = None,
    ) -> None:
        """Add the rows of the intermediate table to the target.

        Called inside `transaction()` where there is one. With a key, a row whose key is in the target takes the place
        of that row where it `updates`, and is left out where it does not. Of the rows of the target of which the
        condition is true only those stay whose key is in the intermediate table. Columns are matched by their names.
        """
        ...

    @property
    def costs(self) -> Costs | None:
        """What queries take; None where the engine bills for none."""
        ...

    def fetch_usage(self) -> Usage | None:
        """What the statements of the session have taken so far; None where the engine does not tell."""
        ...

    def cancel(self) -> None:
        """End the statement that is running, from another thread; does nothing between statements."""
        ...


@runtime_checkable
class LoadsRows(Protocol):
    """A session of an engine that takes rows as they come; for others they are written into a file first."""

    def load_rows(
        self,
        target: Relation,
        rows: Any,
        columns: Sequence[tuple[str, str]],
        *,
        design: Design = NO_DESIGN,
    ) -> Loaded:
        """Create a table from rows, all of them or none; what is nested comes as JSON.

        Args:
            target: The table.
            rows: A `pyarrow.RecordBatchReader`, which has no types; its columns have the names of those of the table.
            columns: Name and type.
            design: How its rows are to lie, on an engine that has any of it.
        """
        ...


class Warehouse(Protocol):
    """A database that tables are built in. Opening nothing until a session is asked for."""

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def label(self) -> str:
        """The URL without secrets, for people."""
        ...

    def open_session(self, pause: Pause = time.sleep) -> AbstractContextManager[Session]:
        """Connect; `pause` waits while somebody else has the database to himself, and may raise to give up."""
        ...

    def render(self, statement: Statement) -> str:
        """What a session sends for a statement."""
        ...

    def render_swap(
        self,
        target: Relation,
        intermediate: Relation,
        backup: Relation,
        in_place: ObjectKind | None,
        becomes: ObjectKind = "table",
    ) -> list[str]:
        """What `Session.swap` sends, in order."""
        ...

    def render_replace_rows(
        self, target: Relation, intermediate: Relation, columns: Sequence[str], where: exp.Expr
    ) -> list[str]:
        """What `Session.replace_rows` sends, in order."""
        ...

    def render_merge_rows(
        self,
        target: Relation,
        intermediate: Relation,
        columns: Sequence[str],
        key: Sequence[str] = (),
        *,
        updates: bool = False,
        where: exp.Expr | None = None,
    ) -> list[str]:
        """What `Session.merge_rows` sends, in order."""
        ...

    def render_load(
        self, target: Relation, path: Path, columns: Sequence[tuple[str, str]], *, design: Design = NO_DESIGN
    ) -> list[str]:
        """What `Session.load_file` sends, in order."""
        ...

    def render_load_files(
        self, target: Relation, files: Sequence[SourceFile], contents: Contents, *, design: Design = NO_DESIGN
    ) -> list[str]:
        """What `Session.load_files` sends to create the table."""
        ...

    def render_grants(self, relation: Relation, grantees: Sequence[str]) -> list[str]:
        """What `Session.grant_select` sends; nothing where there are no grants."""
        ...

    def render_unload(self, query: str, path: Path) -> list[str]:
        """What `Session.unload` sends where no column needs another type in the file."""
        ...
