"""Redshift: a cluster that many read and write."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlglot import Dialect, exp

from sqlmat_assets.errors import LostCommitError, TerminalWarehouseError, TransientWarehouseError, WarehouseError
from sqlmat_assets.errors import redshift as wording
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements, statements
from sqlmat_assets.warehouses.base import Capabilities, ObjectKind, Pause, ResultColumn, Rows, Session
from sqlmat_assets.warehouses.billing import Usage
from sqlmat_assets.warehouses.design import NO_DESIGN, Design
from sqlmat_assets.warehouses.grants import grant_select, read_grantee
from sqlmat_assets.warehouses.postgres.adapter import PostgresSession
from sqlmat_assets.warehouses.postgres.connections import Answer, Link, open_connection
from sqlmat_assets.warehouses.redshift import catalog
from sqlmat_assets.warehouses.redshift import files as files_
from sqlmat_assets.warehouses.redshift import grants as grants_
from sqlmat_assets.warehouses.redshift import objects as objects_
from sqlmat_assets.warehouses.redshift.connections import RedshiftConnection, RedshiftPlace, is_conflict, is_taken
from sqlmat_assets.warehouses.redshift.facts import REDSHIFT
from sqlmat_assets.warehouses.redshift.fingerprint import fingerprint_of, fingerprint_query, fingerprint_sums
from sqlmat_assets.warehouses.redshift.locking import NotGivenError, explained, lock, send_within_wait
from sqlmat_assets.warehouses.redshift.questions import as_sent, lock_statement, question_of_types, with_conditions_only
from sqlmat_assets.warehouses.redshift.replacing import replacing
from sqlmat_assets.warehouses.source_files import Contents, Loaded, SourceFile, SourceObject

_DIALECT = Dialect.get_or_raise("redshift")
_TRIES = 4
_PAUSE_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class RedshiftWarehouse:
    """A database of a Redshift cluster."""

    place: RedshiftPlace

    @property
    def capabilities(self) -> Capabilities:
        return REDSHIFT

    @property
    def label(self) -> str:
        return self.place.label

    @contextmanager
    def open_session(self, pause: Pause = time.sleep) -> Generator[Session]:
        with open_connection(self.place, pause, RedshiftConnection) as connection:
            yield RedshiftSession(connection, self.place, pause)

    def render(self, statement: exp.Expr) -> str:
        return _sql(statement)

    def render_swap(
        self,
        target: Relation,
        intermediate: Relation,
        backup: Relation,
        in_place: ObjectKind | None,
        becomes: ObjectKind = "table",
    ) -> list[str]:
        del becomes  # a view is renamed as a table is
        before = [lock_statement(target)] if in_place == "table" else []
        renames = _rename(target, intermediate, backup, in_place)
        return [_sql(each) for each in (*before, *renames, *_drop(backup, in_place))]

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
        return files_.render_load_file(self.place.staging, target, path, columns, design)

    def render_load_files(
        self, target: Relation, files: Sequence[SourceFile], contents: Contents, *, design: Design = NO_DESIGN
    ) -> list[str]:
        return files_.render_load_files(self.place.staging, target, files, contents, design)

    def render_grants(self, relation: Relation, grantees: Sequence[str]) -> list[str]:
        return [_sql(grant_select(relation, [read_grantee(each) for each in grantees]))]

    def render_unload(self, query: str, path: Path) -> list[str]:
        del path  # of this machine, of which the cluster knows nothing
        return [files_.render_unload(self.place.staging, query)]


class RedshiftSession(PostgresSession):
    """One connection to a cluster; no other session uses it meanwhile."""

    def __init__(self, link: Link, place: RedshiftPlace, pause: Pause = time.sleep) -> None:
        super().__init__(link, pause)
        self._staging = place.staging
        self._drop_later: list[exp.Expr] = []
        self._held: list[str] | None = None
        self._label: str | None = None

    def execute(self, statement: exp.Expr) -> None:
        if self._held is not None and isinstance(statement, exp.Comment):
            self._held.append(_sql(statement))
        elif not self._is_inside and (waits_for := _waits_for(statement)) is not None:
            self._run_within_wait(waits_for, _sql(statement))
        else:
            self._run(_sql(statement))

    def write_rows(self, statement: exp.Expr) -> int:
        return self._run(_sql(statement)).count

    def fetch_rows(self, query: exp.Expr) -> Rows:
        asked = question_of_types(query)
        if asked is not None:
            types = self._run(_sql(asked)).columns
            query = with_conditions_only(query, {name: kind == "boolean" for name, kind in types})
        answer = self._run(_sql(query))
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

    def load_file(
        self, target: Relation, path: Path, columns: Sequence[tuple[str, str]], *, design: Design = NO_DESIGN
    ) -> int:
        with self._noticing():
            return files_.load_file(self._link, self._staging, target, path, columns, design)

    def load_files(
        self, target: Relation, files: Sequence[SourceFile], contents: Contents, *, design: Design = NO_DESIGN
    ) -> Loaded:
        with self._noticing():
            return files_.load_files(self._link, self._staging, target, files, contents, design)

    def can_load_objects(self, objects: Sequence[SourceObject], contents: Contents) -> bool:
        return objects_.can_load_objects(self._staging, objects, contents)

    def load_objects(
        self, target: Relation, objects: Sequence[SourceObject], contents: Contents, *, design: Design = NO_DESIGN
    ) -> Loaded:
        with self._noticing():
            return objects_.load_objects(self._link, self._staging, target, objects, contents, REDSHIFT.fold, design)

    def unload(self, query: str, path: Path) -> int:
        with self._noticing():
            return files_.unload(self._link, self._staging, query, path)

    def fetch_views(self) -> tuple[tuple[Relation, str], ...]:
        with self._noticing():
            return catalog.fetch_views(self._link)

    def find_unknown_grantees(self, grantees: Sequence[str]) -> tuple[str, ...]:
        with self._noticing():
            return grants_.find_unknown(self._link, grantees)

    def grant_usage(self, schema: str, grantees: Sequence[str]) -> None:
        with self._noticing():
            grants_.grant_usage(self._link, schema, grantees)

    def grant_select(self, relation: Relation, grantees: Sequence[str]) -> None:
        with self._noticing():
            grants_.grant_select(self._link, relation, grantees)

    def revoke_select(self, relation: Relation, grantees: Sequence[str]) -> None:
        with self._noticing():
            grants_.revoke_select(self._link, relation, grantees)

    def swap(
        self,
        target: Relation,
        intermediate: Relation,
        backup: Relation,
        in_place: ObjectKind | None,
        becomes: ObjectKind = "table",
    ) -> None:
        renames = _rename(target, intermediate, backup, in_place)
        with self.replacing(target, intermediate):
            # A view is renamed by the statement that renames a table, so nobody else would notice.
            if in_place is not None:
                self._refuse_other(target, in_place)
            self._refuse_other(intermediate, becomes)
            for statement in renames:
                self.execute(statement)
        # Who reads the old table has it until the end of his statement.
        self._drop_later.extend(_drop(backup, in_place))

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

    def _refuse_other(self, relation: Relation, kind: ObjectKind) -> None:
        with self._noticing():
            found = catalog.find_object(self._link, relation)
            if found is None or found.kind != kind:
                raise wording.is_no(str(relation), kind)

    @contextmanager
    def _replacing(self, target: Relation, successor: Relation | None) -> Generator[None]:
        away = f"ALTER TABLE {statements.table(target).sql(_DIALECT)} RENAME TO "
        is_locked = self._begin_with_lock(target)
        with self._noticing(), replacing(self._link, target, successor, is_locked=is_locked):
            try:
                yield
            except TerminalWarehouseError as error:
                # What is in place is not what was there when the transaction began to look: a version, say, that
                # somebody else has put aside under this name meanwhile.
                if is_taken(error) and (error.statement or "").startswith(away):
                    raise TransientWarehouseError(error.message, error.statement) from error
                raise

    @contextmanager
    def transaction(self, *published: Relation) -> Generator[None]:
        try:
            with super().transaction(*published):
                yield
        except NotGivenError as error:
            raise explained(self._link, error) from error

    def _begin(self) -> None:
        # With the first statement: a table that is to be replaced is locked before anything else is looked at, so that
        # what the transaction sees of the catalog is what holds while it has the table.
        self._held = []

    def _begin_with_lock(self, target: Relation) -> bool:
        """Begin the transaction with having a table, where it has not begun and there is the table."""
        if self._held is None:
            return False
        found = catalog.find_object(self._link, target)
        if found is None or found.kind != "table":
            return False
        held, self._held = self._held, None
        self._run("BEGIN")
        with self._noticing():
            lock(self._link, target)
        for text in held:
            self._run(text)
        return True

    def fetch_usage(self) -> Usage | None:
        if self._label is None:
            return None
        with self._noticing():
            return catalog.fetch_usage(self._link, self._label)

    @contextmanager
    def _noticing(self) -> Generator[None]:
        if self._label is None:
            # By which the cluster's own records tell these statements from all others.
            self._label = f"sqlmat-{uuid.uuid4().hex[:12]}"
            self._link.send(f"SET query_group TO '{self._label}'")
        held, self._held = self._held, None
        if held is not None:
            for text in ("BEGIN", *held):
                self._run(text)
        with super()._noticing():
            yield

    def _commit(self) -> None:
        if self._refused is not None:
            # The server would answer a COMMIT with a ROLLBACK and no error.
            raise self._refused
        if self._held is not None and not self._held:
            # Nothing was asked for.
            self._held = None
            return
        try:
            self._run("COMMIT")
        except TransientWarehouseError as error:
            if self._link.is_in_transaction or is_conflict(error):
                raise
            # It cannot be asked by the number of a transaction.
            raise LostCommitError(error.message, error.statement) from error
        self._is_inside = False
        gone, self._drop_later = self._drop_later, []
        for statement in gone:
            # What stays is swept by a later build, as after a crash.
            with suppress(WarehouseError):
                self.execute(statement)

    def _roll_back(self) -> None:
        self._drop_later, self._held = [], None
        super()._roll_back()

    def _run_within_wait(self, relation: Relation, text: str) -> Answer:
        return self._again(lambda: send_within_wait(self._link, relation, text))

    def _run(self, text: str) -> Answer:
        run = super()._run
        return run(text) if text == "COMMIT" else self._again(lambda: run(text))

    def _again(self, send: Callable[[], Answer]) -> Answer:
        """Send a statement; one that is a transaction of its own again where somebody else was in its way."""
        for left in range(_TRIES - 1, 0, -1):
            try:
                return send()
            except TransientWarehouseError as error:
                if self._link.is_in_transaction or not is_conflict(error):
                    raise
            self._pause(_PAUSE_SECONDS / left)
        return send()


def _waits_for(statement: exp.Expr) -> Relation | None:
    """The table that a statement has to have alone, and that may be in somebody's hands."""
    alters = isinstance(statement, exp.Alter) and isinstance(statement.args["actions"][0], exp.AlterColumn)
    if not alters and not isinstance(statement, exp.Drop):
        return None
    table = statement.this if alters else next(iter(statement.args.get("tables") or ()), None)
    return Relation(table.db, table.name) if isinstance(table, exp.Table) and table.name else None


def _sql(statement: exp.Expr) -> str:
    return as_sent(statement).sql(_DIALECT, copy=False)


def _rename(
    target: Relation, intermediate: Relation, backup: Relation, in_place: ObjectKind | None
) -> Iterator[exp.Expr]:
    if in_place is not None:
        yield statements.rename_table(target, backup.name)
    yield statements.rename_table(intermediate, target.name)


def _drop(backup: Relation, in_place: ObjectKind | None) -> Iterator[exp.Expr]:
    match in_place:
        case "table":
            yield statements.drop_table(backup)
        case "view":
            yield statements.drop_view(backup)
        case None:
            pass
