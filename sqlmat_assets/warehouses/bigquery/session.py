"""One session in a project of BigQuery: statements become jobs and requests."""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import cast

from sqlglot import exp

from sqlmat_assets.errors import LostCommitError, MaterializeError, TransientWarehouseError, WarehouseError
from sqlmat_assets.errors import bigquery as wording
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements
from sqlmat_assets.warehouses.base import Index, ObjectKind, ResultColumn, Rows
from sqlmat_assets.warehouses.bigquery import files as files_
from sqlmat_assets.warehouses.bigquery.costs import BigQueryCosts
from sqlmat_assets.warehouses.bigquery.draft import Draft, described
from sqlmat_assets.warehouses.bigquery.dress import is_same_design
from sqlmat_assets.warehouses.bigquery.errors import is_conflict
from sqlmat_assets.warehouses.bigquery.fingerprint import fingerprint_of, fingerprint_query, fingerprint_sums
from sqlmat_assets.warehouses.bigquery.in_buckets import InBuckets
from sqlmat_assets.warehouses.bigquery.link import Link, Resource
from sqlmat_assets.warehouses.bigquery.locks import settle_own
from sqlmat_assets.warehouses.bigquery.partitions import partition_of
from sqlmat_assets.warehouses.bigquery.publishing import commit, locked
from sqlmat_assets.warehouses.bigquery.statements import (
    all_of,
    in_state,
    is_about_state,
    is_private,
    relation_of,
    schema_of,
    sql,
)
from sqlmat_assets.warehouses.bigquery.types import columns_of
from sqlmat_assets.warehouses.billing import Costs, Usage
from sqlmat_assets.warehouses.check_statements import asks_for_columns
from sqlmat_assets.warehouses.design import NO_DESIGN, Design
from sqlmat_assets.warehouses.source_files import Contents, Loaded, SourceFile
from sqlmat_assets.warehouses.storage import Storage

_TRIES = 8
_PAUSE_SECONDS = 0.1


class BigQuerySession(InBuckets):
    """One session, for one materialization."""

    def __init__(self, link: Link, owner: str) -> None:
        self._link = link
        self._owner = owner
        self._draft: Draft | None = None
        self._found: dict[Relation, Resource | None] = {}
        self._own: dict[Relation, Resource] = {}
        self._refused: WarehouseError | None = None
        self._is_unsettled = False

    def tag(self, tags: Mapping[str, str]) -> None:
        self._link.tags.labels.update(tags)

    # writing

    def execute(self, statement: exp.Expr) -> None:
        with self._noticing():
            self._write(statement, counts=False)

    def write_rows(self, statement: exp.Expr) -> int:
        with self._noticing():
            return self._write(statement, counts=True)

    def _write(self, statement: exp.Expr, *, counts: bool) -> int:
        if self._is_unsettled and self._draft is None:
            # Before anybody asks what became of a publish, it has an end.
            settle_own(self._link, self._owner)
            self._is_unsettled = False
        tree = in_state(statement, self._link.place.state)
        match tree:
            case exp.Comment():
                self._describe(tree)
            case exp.Create() if tree.kind == "SCHEMA":
                self._link.tables.create_schema(schema_of(tree))
            case exp.Drop() if tree.args["kind"] == "SCHEMA":
                self._drop_schema(tree)
            case exp.Drop():
                self._drop(tree)
            case exp.Create() if isinstance(tree.this, exp.Schema) and tree.expression is None:
                self._create_empty(tree)
            case _ if self._draft is not None:
                return self._put_down(tree, self._draft, counts=counts)
            case _:
                return self._send(sql(tree))
        return 0

    def _put_down(self, tree: exp.Expr, draft: Draft, *, counts: bool) -> int:
        match tree:
            case exp.Create() if tree.kind == "VIEW" or is_private(relation_of(tree.this)):
                return self._at_once(tree, draft)
            case exp.Create():
                return draft.make(tree)
            case exp.Alter():
                self._alter(tree, draft)
                return 0
            case exp.Insert() | exp.Update() | exp.Delete() if counts:
                return draft.change(tree)
            case exp.Insert() | exp.Update() | exp.Delete():
                draft.put_down(tree)
                return 0
            case _:
                return self._send(sql(tree))

    def _send(self, text: str) -> int:
        """Run a statement that is a transaction of its own, again where somebody else was in its way."""
        for left in range(_TRIES - 1, -1, -1):
            try:
                job = self._link.run(text)
            except TransientWarehouseError as error:
                if not left or not isinstance(error.__cause__, Exception) or not is_conflict(error.__cause__):
                    raise
                self._link.pause(random.uniform(_PAUSE_SECONDS / 2, _PAUSE_SECONDS * (_TRIES - left)))  # noqa: S311 - no secret
                continue
            self._found.clear()
            self._own.clear()
            if job.num_dml_affected_rows is not None:
                return int(job.num_dml_affected_rows)
            made = job.ddl_target_table
            if job.statement_type == "CREATE_TABLE_AS_SELECT" and made is not None:
                relation = Relation(made.dataset_id, made.table_id, _other(made.project, self._link))
                try:
                    found = self._link.tables.find_table(relation) or {}
                except TransientWarehouseError:
                    self._link.ask_again(text, job)
                    raise
                # Of what only this session knows nobody else changes anything.
                self._own = {relation: found} if is_private(relation) else {}
                return int(found.get("numRows", 0))
            return 0
        raise AssertionError  # the last try ends it

    def _at_once(self, tree: exp.Create, draft: Draft) -> int:
        relation = relation_of(tree.this)
        if isinstance(tree.expression, exp.Query):
            draft.read(tree.expression)
        count = self._send(sql(tree))
        draft.made_at_once.append(relation)
        draft.places.pop(relation, None)
        return count

    def _create_empty(self, tree: exp.Create) -> None:
        if self._draft is not None or not tree.args.get("exists"):
            self._send(sql(tree))
            return
        columns = [(each.name, each.args["kind"].sql("bigquery")) for each in tree.this.expressions]
        files_.create_empty(self._link, relation_of(tree.this), columns)

    def _drop(self, tree: exp.Drop) -> None:
        relation, exists = (
            relation_of(tree.args["tables"][0] if tree.args.get("tables") else tree.this),
            tree.args.get("exists"),
        )
        text = sql(tree)
        draft = self._draft
        if draft is not None and not (is_private(relation) and relation in draft.made_at_once):
            draft.drop(relation, text, if_exists=bool(exists))
            return
        self._found.pop(relation, None)
        if not self._link.tables.delete_table(relation) and not exists:
            raise wording.not_there(self._name(relation), text)
        if draft is not None:
            draft.made_at_once.remove(relation)

    def _drop_schema(self, tree: exp.Drop) -> None:
        name = schema_of(tree)
        if self._draft is not None:
            # Whether all of it goes is known by now.
            if self.fetch_kinds(name):
                raise wording.still_in_use(name, sql(tree))
            self._draft.schemas.append(name)
        elif not self._link.tables.delete_schema(name) and not tree.args.get("exists"):
            raise wording.not_there(name, sql(tree))

    def _alter(self, tree: exp.Alter, draft: Draft) -> None:
        action = tree.args["actions"][0]
        if isinstance(action, exp.AlterRename):
            draft.move(relation_of(cast("exp.Expr", tree.this)), action.this.name, sql(tree))
        else:
            draft.define(tree)

    def _describe(self, tree: exp.Comment) -> None:
        if self._draft is not None:
            self._draft.describe(tree)
            return
        relation, column = described(tree)
        files_.describe(self._link, relation, {column: tree.expression.name})

    # reading

    def fetch_rows(self, query: exp.Expr) -> Rows:
        with self._noticing():
            tree = in_state(query, self._link.place.state)
            if self._draft is not None:
                tree = self._draft.read(tree)
            if asks_for_columns(tree):
                # A dry run costs nothing.
                return Rows(_columns(columns_of(self._fields_of(sql(tree)))), ())
            is_quick = is_about_state(tree, self._link.place.state)
            text = sql(tree)
            found = self._link.fetch_quickly(text) if is_quick else self._link.fetch(text)
            return Rows(_columns(found.columns), found.rows)

    def fetch_columns(self, relation: Relation) -> tuple[tuple[str, str], ...]:
        with self._noticing():
            draft = self._draft
            place = None
            if draft is not None and relation in draft.places:
                place = draft.places[relation]
                if place is None:
                    return ()
                if place.query is not None:
                    return columns_of(self._fields_of(place.query))
            found = self._find(relation if place is None or place.relation is None else place.relation)
            if found is None:
                return ()
            if found["type"] != "VIEW":
                return columns_of(found["schema"]["fields"])
            # What is told of a view is what it was when it was made.
            moved = None if draft is None else draft.view_text(str(found["view"]["query"]))
            name = relation if place is None or place.relation is None else place.relation
            return columns_of(self._fields_of(moved or all_of(name)))

    def _fields_of(self, text: str) -> list[Resource]:
        return [each.to_api_repr() for each in self._link.dry_run(text).schema or ()]

    def fetch_kinds(self, schema: str) -> dict[str, ObjectKind]:
        with self._noticing():
            found: dict[str, ObjectKind] = {}
            for each in self._link.tables.list_tables(schema):
                found[str(each["tableReference"]["tableId"])] = "view" if each["type"] == "VIEW" else "table"
            if self._draft is not None:
                for relation, place in self._draft.places.items():
                    if relation.schema == schema:
                        found.pop(relation.name, None)
                        if place is not None:
                            found[relation.name] = place.kind
            return found

    def fetch_fingerprint(
        self, relation: Relation, columns: Sequence[tuple[str, str]], where: exp.Expr | None = None
    ) -> str:
        return fingerprint_of(self.fetch_rows(fingerprint_query(relation, columns, where)).rows[0])

    def fetch_with_fingerprint(self, query: exp.Select, columns: Sequence[tuple[str, str]]) -> tuple[Rows, str]:
        sums = fingerprint_sums(columns)
        found = self.fetch_rows(query.select(*sums, copy=False))
        row, own = found.rows[0], len(found.columns) - len(sums)
        return Rows(found.columns[:own], [row[:own]]), fingerprint_of(row[own:])

    def fetch_views(self) -> tuple[tuple[Relation, str], ...]:
        with self._noticing():
            found = self._link.fetch_quickly(files_.views_query(self._link.place))
            return tuple((Relation(str(schema), str(name)), str(text)) for schema, name, text in found.rows)

    def fetch_indexes(self, relation: Relation) -> tuple[Index, ...]:
        del relation  # there are none
        return ()

    # grants

    def find_unknown_grantees(self, grantees: Sequence[str]) -> tuple[str, ...]:
        return tuple(grantees)

    def grant_usage(self, schema: str, grantees: Sequence[str]) -> None:
        """Who may read is settled in the project, outside of it."""

    def grant_select(self, relation: Relation, grantees: Sequence[str]) -> None:
        """Likewise."""

    def revoke_select(self, relation: Relation, grantees: Sequence[str]) -> None:
        """Likewise."""

    @property
    def costs(self) -> Costs | None:
        return BigQueryCosts(self._link)

    def fetch_usage(self) -> Usage | None:
        return self._link.meter.usage

    # files

    def load_file(
        self, target: Relation, path: Path, columns: Sequence[tuple[str, str]], *, design: Design = NO_DESIGN
    ) -> int:
        with self._noticing():
            return files_.load_file(self._link, target, path, columns, design.storage or Storage())

    def load_files(
        self, target: Relation, files: Sequence[SourceFile], contents: Contents, *, design: Design = NO_DESIGN
    ) -> Loaded:
        with self._noticing():
            return files_.load_files(self._link, target, files, contents, design.storage or Storage())

    def unload(self, query: str, path: Path) -> int:
        with self._noticing():
            return files_.unload(self._link, query, path)

    # publishing

    def swap(
        self,
        target: Relation,
        intermediate: Relation,
        backup: Relation,
        in_place: ObjectKind | None,
        becomes: ObjectKind = "table",
    ) -> None:
        with self._noticing(), nullcontext() if self._draft is not None else self.transaction():
            assert self._draft is not None  # noqa: S101 - one was begun
            self._draft.swap(target, intermediate, backup, in_place, becomes)

    def replacing(self, target: Relation, successor: Relation | None = None) -> AbstractContextManager[None]:
        del target, successor  # all goes by names
        return nullcontext()

    def replace_rows(self, target: Relation, intermediate: Relation, columns: Sequence[str], where: exp.Expr) -> None:
        if self._draft is not None and self._copies(target, intermediate, where):
            return
        for statement in row_statements.replace_rows(target, intermediate, columns, where):
            self.execute(statement)

    def _copies(self, target: Relation, intermediate: Relation, where: exp.Expr) -> bool:
        """Replace rows by copying a partition, which costs nothing, where they are those of one."""
        there, new, draft = self._find(target), self._find(intermediate), self._draft
        if there is None or new is None or draft is None or draft.places.get(target) is not None:
            return False
        partition = partition_of(where, there)
        if partition is None or not is_same_design(there, new) or draft.definitions:
            return False
        if sorted(columns_of(there["schema"]["fields"])) != sorted(columns_of(new["schema"]["fields"])):
            return False
        draft.partitions.append((intermediate, target, partition))
        return True

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

    @contextmanager
    def transaction(self, *published: Relation) -> Generator[None]:
        with locked(self._link, published, self._owner) as locks:
            draft = Draft(self._link, self._find, self._found.clear, asserts=not published)
            self._draft, self._refused = draft, None
            self._found.clear()
            try:
                yield
                self._raise_refused()
                self._draft = None
                self._found.clear()
                commit(self._link, draft, locks)
            except BaseException as error:
                self._draft = None
                self._is_unsettled = isinstance(error, LostCommitError)
                for relation in draft.made_at_once:
                    # What stays is swept by a later build, as after a crash.
                    with suppress(MaterializeError):
                        self._link.tables.delete_table(relation)
                raise
            finally:
                self._draft = None
                self._found.clear()

    def _raise_refused(self) -> None:
        if self._refused is not None:
            raise self._refused

    def cancel(self) -> None:
        self._link.cancel()

    def _find(self, relation: Relation) -> Resource | None:
        """What is told of a table, which does not change inside of a transaction."""
        if self._draft is None:
            return self._own.get(relation) or self._link.tables.find_table(relation)
        if relation not in self._found:
            self._found[relation] = self._link.tables.find_table(relation)
        return self._found[relation]

    def _name(self, relation: Relation) -> str:
        return f"{self._link.place.project}:{relation.schema}.{relation.name}"

    @contextmanager
    def _noticing(self) -> Generator[None]:
        """Have what is refused inside of a transaction end it, though nobody says so."""
        try:
            yield
        except WarehouseError as error:
            if self._draft is not None and self._refused is None:
                self._refused = error
            raise


def _columns(columns: Sequence[tuple[str, str]]) -> tuple[ResultColumn, ...]:
    return tuple(ResultColumn(name, kind, kind == "BOOL") for name, kind in columns)


def _other(project: str, link: Link) -> str | None:
    return None if project == link.place.project else project
