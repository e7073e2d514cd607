"""PostgreSQL: a server that many read and write."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlglot import Dialect, exp

from sqlmat_assets.errors import LostCommitError, TransientWarehouseError, WarehouseError
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements, statements
from sqlmat_assets.warehouses.base import Capabilities, Index, ObjectKind, Pause, ResultColumn, Rows, Session
from sqlmat_assets.warehouses.billing import Costs, Usage
from sqlmat_assets.warehouses.design import NO_DESIGN, Design
from sqlmat_assets.warehouses.grants import grant_select, read_grantee
from sqlmat_assets.warehouses.postgres import catalog
from sqlmat_assets.warehouses.postgres import files as files_
from sqlmat_assets.warehouses.postgres import grants as grants_
from sqlmat_assets.warehouses.postgres.connections import Answer, Link, Place, open_connection
from sqlmat_assets.warehouses.postgres.facts import POSTGRES
from sqlmat_assets.warehouses.postgres.fingerprint import fingerprint_of, fingerprint_query, fingerprint_sums
from sqlmat_assets.warehouses.postgres.questions import as_asked
from sqlmat_assets.warehouses.postgres.replacing import replacing
from sqlmat_assets.warehouses.source_files import Contents, Loaded, SourceFile

# Looked up by its name, a dialect is made anew for every statement.
_DIALECT = Dialect.get_or_raise("postgres")


@dataclass(frozen=True, slots=True)
class PostgresWarehouse:
    """A database of a PostgreSQL server."""

    place: Place

    @property
    def capabilities(self) -> Capabilities:
        return POSTGRES

    @property
    def label(self) -> str:
        return self.place.label

    @contextmanager
    def open_session(self, pause: Pause = time.sleep) -> Generator[Session]:
        with open_connection(self.place, pause) as connection:
            yield PostgresSession(connection, pause)

    def render(self, statement: exp.Expr) -> str:
        return as_asked(statement).sql(_DIALECT)

    def render_swap(
        self,
        target: Relation,
        intermediate: Relation,
        backup: Relation,
        in_place: ObjectKind | None,
        becomes: ObjectKind = "table",
    ) -> list[str]:
        return [
            *(_sql(each) for each in _rename(target, intermediate, backup, in_place, becomes)),
            *(_sql(each) for each in _drop(backup, in_place)),
        ]

    def render_replace_rows(
        self, target: Relation, intermediate: Relation, columns: Sequence[str], where: exp.Expr
    ) -> list[str]:
        return [_sql(each) for each in row_statements.replace_rows(target, intermediate, columns, where)]

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
        return [
            _sql(each)
            for each in row_statements.merge_rows(target, intermediate, columns, key, updates=updates, where=where)
        ]

    def render_load(
        self, target: Relation, path: Path, columns: Sequence[tuple[str, str]], *, design: Design = NO_DESIGN
    ) -> list[str]:
        del design  # there is nothing to choose
        return files_.render_load_file(target, path, columns)

    def render_load_files(
        self, target: Relation, files: Sequence[SourceFile], contents: Contents, *, design: Design = NO_DESIGN
    ) -> list[str]:
        del design  # there is nothing to choose
        return files_.render_load_files(target, files, contents)

    def render_grants(self, relation: Relation, grantees: Sequence[str]) -> list[str]:
        return [_sql(grant_select(relation, [read_grantee(each) for each in grantees]))]

    def render_unload(self, query: str, path: Path) -> list[str]:
        del path  # of this machine, of which the server knows nothing
        return [files_.copy_out_statement(query)]


class PostgresSession:
    """One connection to a server; no other session uses it meanwhile."""

    def __init__(self, link: Link, pause: Pause = time.sleep) -> None:
        self._link = link
        self._pause = pause
        self._is_inside = False
        self._refused: WarehouseError | None = None

    def tag(self, tags: Mapping[str, str]) -> None:
        """Statements of PostgreSQL have no labels."""

    def execute(self, statement: exp.Expr) -> None:
        if isinstance(statement, exp.Create) and statement.kind == "SCHEMA" and statement.args.get("exists"):
            # Who may make no schemas is refused although it is there.
            with self._noticing():
                if catalog.has_schema(self._link, statement.this.db):
                    return
        self._run(_sql(statement))

    def write_rows(self, statement: exp.Expr) -> int:
        return self._run(_sql(statement)).count

    def fetch_rows(self, query: exp.Expr) -> Rows:
        answer = self._run(_sql(as_asked(query)))
        return Rows(tuple(ResultColumn(name, kind, kind == "boolean") for name, kind in answer.columns), answer.rows)

    def fetch_columns(self, relation: Relation) -> tuple[tuple[str, str], ...]:
        with self._noticing():
            return catalog.fetch_columns(self._link, relation)

    def fetch_kinds(self, schema: str) -> dict[str, ObjectKind]:
        with self._noticing():
            return catalog.fetch_kinds(self._link, schema)

    def fetch_fingerprint(
        self, relation: Relation, columns: Sequence[tuple[str, str]], where: exp.Expr | None = None
    ) -> str:
        return fingerprint_of(self._run(_sql(fingerprint_query(relation, columns, where))).rows[0])

    def fetch_with_fingerprint(self, query: exp.Select, columns: Sequence[tuple[str, str]]) -> tuple[Rows, str]:
        sums = fingerprint_sums(columns)
        found = self.fetch_rows(query.select(*sums, copy=False))
        row, own = found.rows[0], len(found.columns) - len(sums)
        return Rows(found.columns[:own], [row[:own]]), fingerprint_of(row[own:])

    @contextmanager
    def transaction(self, *published: Relation) -> Generator[None]:
        del published  # locks are taken by what is done
        self._refused = None
        self._begin()
        self._is_inside = True
        try:
            yield
            self._commit()
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._is_inside = False

    def _begin(self) -> None:
        self._run("BEGIN")

    def _commit(self) -> None:
        if self._refused is not None:
            # The server would answer a COMMIT with a ROLLBACK and no error.
            raise self._refused
        number = self._run("SELECT pg_current_xact_id_if_assigned()::text").rows[0][0]
        try:
            self._run("COMMIT")
        except TransientWarehouseError as error:
            # The connection may have been lost before the answer came.
            if number is None or self._link.is_in_transaction or not self._is_committed(str(number), error):
                raise

    def _is_committed(self, number: str, lost: WarehouseError) -> bool:
        try:
            return self._ask_what_became_of(number)
        except WarehouseError as error:
            raise LostCommitError(lost.message, lost.statement) from error

    def _ask_what_became_of(self, number: str) -> bool:
        status = None
        while status in (None, "in progress"):
            status = self._link.send("SELECT pg_xact_status(%(number)s::xid8)", {"number": number}).rows[0][0]
            if status == "in progress":
                self._pause(0.2)
        return status == "committed"

    def _roll_back(self) -> None:
        # Where the connection is gone, so is the transaction.
        if self._link.is_in_transaction:
            with suppress(TransientWarehouseError):
                self._run("ROLLBACK")

    def load_file(
        self, target: Relation, path: Path, columns: Sequence[tuple[str, str]], *, design: Design = NO_DESIGN
    ) -> int:
        del design  # there is nothing to choose
        with self._noticing():
            return files_.load_file(self._link, target, path, columns)

    def load_files(
        self, target: Relation, files: Sequence[SourceFile], contents: Contents, *, design: Design = NO_DESIGN
    ) -> Loaded:
        del design  # there is nothing to choose
        with self._noticing():
            return files_.load_files(self._link, target, files, contents)

    def unload(self, query: str, path: Path) -> int:
        with self._noticing():
            return files_.unload(self._link, query, path)

    def fetch_views(self) -> tuple[tuple[Relation, str], ...]:
        with self._noticing():
            return catalog.fetch_views(self._link)

    def fetch_indexes(self, relation: Relation) -> tuple[Index, ...]:
        del relation  # none is in the way of anything
        return ()

    def find_unknown_grantees(self, grantees: Sequence[str]) -> tuple[str, ...]:
        with self._noticing():
            return grants_.find_unknown(self._link, grantees)

    def grant_usage(self, schema: str, grantees: Sequence[str]) -> None:
        with self._noticing():
            grants_.grant_usage(self._link, schema, grantees, self._pause)

    def grant_select(self, relation: Relation, grantees: Sequence[str]) -> None:
        with self._noticing():
            grants_.grant_select(self._link, relation, grantees)

    def revoke_select(self, relation: Relation, grantees: Sequence[str]) -> None:
        with self._noticing():
            grants_.revoke_select(self._link, relation, grantees)

    def replacing(self, target: Relation, successor: Relation | None = None) -> AbstractContextManager[None]:
        return self._replacing(target, successor)

    @contextmanager
    def _replacing(self, target: Relation, successor: Relation | None) -> Generator[None]:
        with self._noticing(), replacing(self._link, target, successor, self._pause):
            yield

    def swap(
        self,
        target: Relation,
        intermediate: Relation,
        backup: Relation,
        in_place: ObjectKind | None,
        becomes: ObjectKind = "table",
    ) -> None:
        renames = _rename(target, intermediate, backup, in_place, becomes)
        if in_place is None:
            for statement in renames:
                self.execute(statement)
            return
        with self.replacing(target, intermediate):
            for statement in renames:
                self.execute(statement)
        for statement in _drop(backup, in_place):
            self.execute(statement)

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
        self._link.cancel()

    def _run(self, text: str) -> Answer:
        with self._noticing():
            return self._link.send(text)

    @contextmanager
    def _noticing(self) -> Generator[None]:
        """Note what ends a transaction, although whoever asked may go on; with a new connection nobody does."""
        if self._is_inside and self._refused is not None and not self._link.is_in_transaction:
            raise self._refused
        try:
            yield
        except WarehouseError as error:
            if self._is_inside:
                self._refused = error
            raise


def _sql(statement: exp.Expr) -> str:
    return statement.sql(_DIALECT, copy=False)


def _rename(
    target: Relation, intermediate: Relation, backup: Relation, in_place: ObjectKind | None, becomes: ObjectKind
) -> Iterator[exp.Expr]:
    if in_place is not None:
        away = statements.rename_view if in_place == "view" else statements.rename_table
        yield away(target, backup.name)
    into = statements.rename_view if becomes == "view" else statements.rename_table
    yield into(intermediate, target.name)


def _drop(backup: Relation, in_place: ObjectKind | None) -> Iterator[exp.Expr]:
    match in_place:
        case "table":
            yield statements.drop_table(backup)
        case "view":
            yield statements.drop_view(backup)
        case None:
            pass
