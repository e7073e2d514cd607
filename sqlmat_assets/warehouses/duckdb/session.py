"""What is asked of an open DuckDB file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import duckdb
from sqlglot import exp

from sqlmat_assets.errors import (
    CancelledError,
    TerminalWarehouseError,
    TransientWarehouseError,
    WarehouseError,
    failures,
)
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements, statements
from sqlmat_assets.warehouses.base import Index, ObjectKind, ResultColumn, Rows
from sqlmat_assets.warehouses.billing import Costs, Usage
from sqlmat_assets.warehouses.design import NO_DESIGN, Design
from sqlmat_assets.warehouses.duckdb.cursor import Cursor
from sqlmat_assets.warehouses.duckdb.facts import DUCKDB
from sqlmat_assets.warehouses.duckdb.fingerprint import fingerprint_of, fingerprint_query, fingerprint_sums
from sqlmat_assets.warehouses.duckdb.indexes import fetch_indexes, keeping_indexes
from sqlmat_assets.warehouses.duckdb.loading import DeclaredFiles
from sqlmat_assets.warehouses.duckdb.reading import DataFile
from sqlmat_assets.warehouses.duckdb.rendering import sql, swap
from sqlmat_assets.warehouses.duckdb.rows import ROWS, by_row_groups, create_table_of_rows
from sqlmat_assets.warehouses.duckdb.unloading import unload_statement
from sqlmat_assets.warehouses.source_files import Contents, Loaded, SourceFile

T = TypeVar("T")


class DuckDBSession:
    """One cursor on a DuckDB file; no other session uses it meanwhile."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._is_in_transaction = False
        self._refused: WarehouseError | None = None

    def tag(self, tags: Mapping[str, str]) -> None:
        """Statements of DuckDB have no labels."""

    def execute(self, statement: exp.Expr) -> None:
        self._run(sql(statement))

    def write_rows(self, statement: exp.Expr) -> int:
        # A PIVOT that has to find its columns first returns nothing.
        told = self._run(sql(statement))
        return int(told[0][0]) if told else 0

    def fetch_rows(self, query: exp.Expr) -> Rows:
        rows = self._run(sql(query))
        return Rows(tuple(ResultColumn(name, kind, kind == "BOOLEAN") for name, kind in self._columns()), rows)

    def fetch_columns(self, relation: Relation) -> tuple[tuple[str, str], ...]:
        # Much cheaper than a query, and a table that is not there ends no transaction.
        name = sql(statements.table(relation))
        try:
            found = self._cursor.table(name)
            return tuple(zip(found.columns, map(str, found.types), strict=True))
        except duckdb.CatalogException:
            # DuckDB 1.5 finds no views like this.
            found = map(DUCKDB.fold, self.fetch_kinds(relation.schema))
            return self._fetch_columns_of_view(relation) if DUCKDB.fold(relation.name) in found else ()
        except duckdb.Error as error:
            raise _translate(error, name) from error

    def _fetch_columns_of_view(self, relation: Relation) -> tuple[tuple[str, str], ...]:
        try:
            self._run(sql(exp.select("*").from_(statements.table(relation)).limit(0)))
        except TerminalWarehouseError as error:
            if isinstance(error.__cause__, duckdb.CatalogException):
                return ()
            raise
        return tuple(self._columns())

    def fetch_kinds(self, schema: str) -> dict[str, ObjectKind]:
        query = exp.select("table_schema", "table_name", "table_type").from_("information_schema.tables")
        same_catalog = exp.EQ(this=exp.column("table_catalog"), expression=exp.func("current_database"))
        rows = self._run(sql(query.where(same_catalog)))
        # Compared here, because lower() folds more letters than the names of tables do.
        return {
            str(name): "view" if kind == "VIEW" else "table"
            for place, name, kind in rows
            if DUCKDB.fold(str(place)) == DUCKDB.fold(schema)
        }

    def fetch_fingerprint(
        self, relation: Relation, columns: Sequence[tuple[str, str]], where: exp.Expr | None = None
    ) -> str:
        return fingerprint_of(self._run(sql(fingerprint_query(relation, columns, where)))[0])

    def fetch_with_fingerprint(self, query: exp.Select, columns: Sequence[tuple[str, str]]) -> tuple[Rows, str]:
        sums = fingerprint_sums(columns)
        found = self.fetch_rows(query.select(*sums, copy=False))
        row, own = found.rows[0], len(found.columns) - len(sums)
        return Rows(found.columns[:own], [row[:own]]), fingerprint_of(row[own:])

    @contextmanager
    def transaction(self, *published: Relation) -> Generator[None]:
        del published  # who writes the same rows is refused
        self._run("BEGIN")
        self._is_in_transaction, self._refused = True, None
        try:
            yield
            self._commit()
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._is_in_transaction = False

    def _commit(self) -> None:
        if self._refused is not None:
            # DuckDB would take a COMMIT without a word, and keep nothing.
            raise self._refused
        self._run("COMMIT")

    def _roll_back(self) -> None:
        try:
            self._run("ROLLBACK")
        except WarehouseError as error:
            # A commit that failed has ended its transaction already.
            if "no transaction is active" not in error.message:
                raise

    def load_file(
        self, target: Relation, path: Path, columns: Sequence[tuple[str, str]], *, design: Design = NO_DESIGN
    ) -> int:
        del design  # there is nothing to choose
        file = DataFile(path, columns, DUCKDB)
        try:
            rows = self.write_rows(file.create_table(target))
        except TerminalWarehouseError as error:
            raise file.explain(error) from error
        file.refuse_other_columns([name for name, _ in self.fetch_columns(target)])
        return rows

    def load_files(
        self, target: Relation, files: Sequence[SourceFile], contents: Contents, *, design: Design = NO_DESIGN
    ) -> Loaded:
        del design  # there is nothing to choose
        declared = DeclaredFiles(files, contents, DUCKDB, self.fetch_rows)
        try:
            return self._fill(declared, target, contents)
        except TerminalWarehouseError as error:
            if not contents.most_bad_rows:
                raise declared.explain(error, self.fetch_rows) from error
        found = declared.find_unreadable(self.fetch_rows)
        try:
            loaded = self._fill(declared, target, contents, skips_bad=True)
        except TerminalWarehouseError as error:
            raise declared.explain(error, self.fetch_rows) from error
        return replace(loaded, bad_rows=found.count, first_bad=tuple(row for _, row in found.first))

    def _fill(
        self, declared: DeclaredFiles, target: Relation, contents: Contents, *, skips_bad: bool = False
    ) -> Loaded:
        if not contents.required:
            statement = sql(declared.create_table(target, skips_bad=skips_bad))
            return Loaded(int(self._run(statement)[0][0]), statement)
        create, fill = map(sql, declared.create_and_fill(target, skips_bad=skips_bad))
        with self.transaction():
            self._run(create)
            return Loaded(int(self._run(fill)[0][0]), f"{create};\n{fill}")

    def load_rows(
        self, target: Relation, rows: Any, columns: Sequence[tuple[str, str]], *, design: Design = NO_DESIGN
    ) -> Loaded:
        del design  # there is nothing to choose
        statement = sql(create_table_of_rows(target, columns))
        self._cursor.register(ROWS, by_row_groups(rows))
        try:
            return Loaded(int(self._run(statement)[0][0]), statement)
        finally:
            self._cursor.unregister(ROWS)

    def unload(self, query: str, path: Path) -> int:
        described = self.fetch_rows(exp.select("*").from_(statements.derived_table(query, "rows")).limit(0))
        return self.write_rows(unload_statement(query, path, [(each.name, each.type) for each in described.columns]))

    def fetch_views(self) -> tuple[tuple[Relation, str], ...]:
        query = exp.select("schema_name", "view_name", "sql").from_(exp.func("duckdb_views"))
        same_catalog = exp.EQ(this=exp.column("database_name"), expression=exp.func("current_database"))
        rows = self._run(sql(query.where(exp.Not(this=exp.column("internal")), same_catalog)))
        return tuple((Relation(str(schema), str(name)), str(sql)) for schema, name, sql in rows)

    def fetch_indexes(self, relation: Relation) -> tuple[Index, ...]:
        return fetch_indexes(self, relation)

    def find_unknown_grantees(self, grantees: Sequence[str]) -> tuple[str, ...]:
        return tuple(grantees)

    def grant_usage(self, schema: str, grantees: Sequence[str]) -> None:
        """There is nobody to let in."""

    def grant_select(self, relation: Relation, grantees: Sequence[str]) -> None:
        """There is nobody to let in."""

    def revoke_select(self, relation: Relation, grantees: Sequence[str]) -> None:
        """There is nobody to keep out."""

    def swap(
        self,
        target: Relation,
        intermediate: Relation,
        backup: Relation,
        in_place: ObjectKind | None,
        becomes: ObjectKind = "table",
    ) -> None:
        del backup  # one transaction needs none
        with self.replacing(target) if in_place == "table" else nullcontext():
            for statement in swap(target, intermediate, in_place, becomes):
                self.execute(statement)

    def replacing(self, target: Relation, successor: Relation | None = None) -> AbstractContextManager[None]:
        del successor  # views go by names, and indexes are made when the renaming is done
        return keeping_indexes(self, target)

    def replace_rows(self, target: Relation, intermediate: Relation, columns: Sequence[str], where: exp.Expr) -> None:
        for statement in row_statements.replace_rows(target, intermediate, columns, where):
            self.execute(statement)

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
        for statement in row_statements.merge_rows(target, intermediate, columns, key, updates=updates, where=where):
            self.execute(statement)

    @property
    def costs(self) -> Costs | None:
        return None

    def fetch_usage(self) -> Usage | None:
        return None

    def cancel(self) -> None:
        self._cursor.interrupt()

    def _columns(self) -> list[tuple[str, str]]:
        """The columns (name, type) of the last result."""
        return [(str(column[0]), str(column[1])) for column in self._cursor.description or ()]

    def _run(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            if threading.current_thread() is threading.main_thread():
                return _in_the_background(lambda: self._send(sql), self._cursor.interrupt)
            return self._send(sql)
        except duckdb.InterruptException as error:
            raise CancelledError(str(error)) from error
        except duckdb.Error as error:
            self._refused = _translate(error, sql)
            raise self._refused from error

    def _send(self, sql: str) -> list[tuple[Any, ...]]:
        return self._cursor.execute(sql).fetchall()


def _in_the_background(work: Callable[[], T], interrupt: Callable[[], None]) -> T:
    """Wait for a thread, so that a signal finds Python waiting and not DuckDB working.

    Signal handlers run in the main thread between two steps of Python. While DuckDB 2.0.0 works there, an
    exception of a handler ends the query and is lost: all that comes out is `RuntimeError: Query interrupted`.
    """
    future: Future[T] = Future()

    def run() -> None:
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - raised again where the future is asked
                future.set_exception(error)

    try:
        threading.Thread(target=run, name="duckdb-statement", daemon=True).start()
        return future.result()
    finally:
        # After an exception here the work must not go on: it uses the cursor that cleaning up needs.
        while not future.done() and not future.cancel():
            interrupt()
            try:
                future.exception(timeout=0.05)
            except TimeoutError:
                continue


def _translate(error: duckdb.Error, sql: str) -> WarehouseError:
    message = str(error)
    if isinstance(error, duckdb.DependencyException) or "an index depends on it" in message:
        message = failures.index_in_the_way(message)
    is_conflict = isinstance(error, duckdb.TransactionException) and "onflict" in message
    return (TransientWarehouseError if is_conflict else TerminalWarehouseError)(message, sql)
