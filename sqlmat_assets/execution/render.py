"""The statements that a materialization would send, without sending them."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from sqlglot import exp

from sqlmat_assets.connectors.noted import NotedConnectors
from sqlmat_assets.errors import MaterializeError, failures
from sqlmat_assets.execution.cancellation import Cancellation
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Discarded
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.names import intermediate_of
from sqlmat_assets.execution.piece import WHOLE, Piece
from sqlmat_assets.execution.plan import is_built_in_parts
from sqlmat_assets.execution.processor.noted import NotedWorkshop
from sqlmat_assets.execution.records import Record, by_key, find_records, key_of, rows_of
from sqlmat_assets.execution.state import RunState
from sqlmat_assets.project.histories import base_of, may_be_history
from sqlmat_assets.project.model import Model
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import check_statements
from sqlmat_assets.warehouses.base import (
    Capabilities,
    Index,
    ObjectKind,
    Pause,
    ResultColumn,
    Rows,
    Session,
    Statement,
    Warehouse,
)
from sqlmat_assets.warehouses.billing import Costs, Usage
from sqlmat_assets.warehouses.design import NO_DESIGN, Design
from sqlmat_assets.warehouses.source_files import Contents, Loaded, SourceFile

Types = Mapping[Relation, tuple[tuple[str, str], ...]]
"""The columns of tables, with their types as the engine writes them."""


def read_types(session: Session, model: Model) -> Types:
    """The columns of a table and of those that it reads, of those that are there."""
    found = {each: session.fetch_columns(each) for each in (model.relation, *model.upstream, *model.sources)}
    return {relation: columns for relation, columns in found.items() if columns}


def read_around(session: Session, model: Model, context: Context) -> tuple[Types, tuple[Record, ...]]:
    """What `render` wants to know of the warehouse: types, and which tables are built in the environment."""
    environment, capabilities = context.environment, context.warehouse.capabilities
    if environment is None:
        return read_types(session, model), ()
    found = by_key(find_records(session), capabilities)
    reads = {*model.upstream, *(read for query in model.checks for read in query.reads)} - {model.relation}
    keys = [key_of(environment.relation(read), capabilities) for read in sorted(reads)]
    records = tuple(found[key] for key in keys if key in found)
    return read_types(session, _placed(model, records, context)), records


def render(
    model: Model,
    context: Context,
    piece: Piece = WHOLE,
    types: Types | None = None,
    records: Sequence[Record] = (),
) -> list[str]:
    """The exact statements for a warehouse in which nothing is built yet, in order.

    They are what `materialize` sends to a session that writes them down and answers that all is well; but for the
    question whether the rows are new, which depends on the types that only the engine knows. Those of some partitions
    are for a warehouse in which the table is built, and has other partitions as well.

    Args:
        model: The table.
        context: The run; its warehouse is not opened.
        piece: What of the table.
        types: What is known of the table and of those that it reads, on which depends how far a range is taken.
        records: Those of tables that it reads and that are built in the environment too, if there is one.

    Raises:
        MaterializeError: The table cannot be built.
    """
    sent: list[str] = []
    placed = _placed(model, records, context)
    written = intermediate_of(placed.relation, context.run.id, context.warehouse.capabilities)
    known = dict(types or {})
    fold = context.warehouse.capabilities.fold_column
    # Types are the engine's to tell; the names are enough for the comments.
    own = {fold(name): type_ for name, type_ in known.pop(placed.relation, ())}
    columns = tuple((column.name, own.get(fold(column.name), "")) for column in model.columns)
    if is_built_in_parts(model) and not columns:
        raise MaterializeError(failures.columns_untold(model.path))
    is_there = piece.ranges is not None and not piece.is_full_refresh
    place = {placed.relation: columns} if is_there else {}
    built = (_built(placed, context), *records) if is_there else tuple(records)
    notebook = _Notebook(context.warehouse, sent, {written: columns, **place, **known}, built)
    aside = replace(
        context,
        warehouse=notebook,
        cancellation=Cancellation(),
        state=RunState(),
        workshop=NotedWorkshop(sent),
        connectors=NotedConnectors(),
    )
    for event in materialize(_with_gate_open(model), aside, piece):
        if isinstance(event, Discarded):
            raise event.error
    return sent


def _placed(model: Model, records: Iterable[Record], context: Context) -> Model:
    """The table as it is built in the environment, if there is one."""
    if context.environment is None:
        return model
    capabilities = context.warehouse.capabilities
    built = {key_of(record.relation, capabilities) for record in records}

    def is_built(read: Relation) -> bool:
        # A history is where its table is.
        return key_of(base_of(read) if may_be_history(read) else read, capabilities) in built

    return context.environment.place(model, is_built, context.names)


def _built(model: Model, context: Context) -> Record:
    """What is noted of the table, where it was built in an earlier run."""
    now, environment = context.run.decided_at, context.environment and context.environment.name
    record = Record(model.relation, "earlier", None, now, now, now, 1, model.sql, 1, 0.0, model.version)
    return replace(record, environment=environment)


def _with_gate_open(model: Model) -> Model:
    """The model with checks that never block: the answers in the notebook are none to be judged."""
    checks = tuple(
        replace(query, specs=tuple(replace(spec, is_blocking=False) for spec in query.specs)) for query in model.checks
    )
    rules = tuple(replace(rule, spec=replace(rule.spec, is_blocking=False)) for rule in model.rules)
    return replace(model, checks=checks, rules=rules)


@dataclass(frozen=True, slots=True)
class _Notebook:
    """A warehouse of which only the facts are asked."""

    warehouse: Warehouse
    sent: list[str]
    columns: Mapping[Relation, tuple[tuple[str, str], ...]]
    built: tuple[Record, ...]

    @property
    def capabilities(self) -> Capabilities:
        return self.warehouse.capabilities

    @property
    def label(self) -> str:
        return self.warehouse.label

    @contextmanager
    def open_session(self, pause: Pause = time.sleep) -> Generator[Session]:
        del pause  # nobody else has a notebook
        yield _NotebookSession(self.warehouse, self.sent, self.columns, self.built)

    def render(self, statement: Statement) -> str:
        return self.warehouse.render(statement)

    def render_swap(
        self,
        target: Relation,
        intermediate: Relation,
        backup: Relation,
        in_place: ObjectKind | None,
        becomes: ObjectKind = "table",
    ) -> list[str]:
        return self.warehouse.render_swap(target, intermediate, backup, in_place, becomes)

    def render_replace_rows(
        self, target: Relation, intermediate: Relation, columns: Sequence[str], where: exp.Expr
    ) -> list[str]:
        return self.warehouse.render_replace_rows(target, intermediate, columns, where)

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
        return self.warehouse.render_merge_rows(target, intermediate, columns, key, updates=updates, where=where)

    def render_load(
        self, target: Relation, path: Path, columns: Sequence[tuple[str, str]], *, design: Design = NO_DESIGN
    ) -> list[str]:
        return self.warehouse.render_load(target, path, columns, design=design)

    def render_load_files(
        self, target: Relation, files: Sequence[SourceFile], contents: Contents, *, design: Design = NO_DESIGN
    ) -> list[str]:
        return self.warehouse.render_load_files(target, files, contents, design=design)

    def render_grants(self, relation: Relation, grantees: Sequence[str]) -> list[str]:
        return self.warehouse.render_grants(relation, grantees)

    def render_unload(self, query: str, path: Path) -> list[str]:
        return self.warehouse.render_unload(query, path)


@dataclass(frozen=True, slots=True, eq=False)
class _NotebookSession:
    """Writes every statement down, and answers that nothing but some tables is built and that every check holds."""

    warehouse: Warehouse
    sent: list[str]
    columns: Mapping[Relation, tuple[tuple[str, str], ...]]
    built: tuple[Record, ...]

    def tag(self, tags: Mapping[str, str]) -> None:
        """Nothing is sent."""

    def execute(self, statement: Statement) -> None:
        self._note(statement)

    def write_rows(self, statement: Statement) -> int:
        self._note(statement)
        return 1

    def fetch_rows(self, query: Statement) -> Rows:
        self._note(query)
        if check_statements.asks_for_columns(query):
            columns = next(iter(self.columns.values()), ())
            return Rows(tuple(ResultColumn(name, kind, is_boolean=False) for name, kind in columns), ())
        if self.built:
            question, answer = rows_of(self.built)
            if query == question:
                return answer
        return check_statements.all_hold(query)

    def fetch_columns(self, relation: Relation) -> tuple[tuple[str, str], ...]:
        return self.columns.get(relation, ())

    def fetch_kinds(self, schema: str) -> dict[str, ObjectKind]:
        return {record.relation.name: "table" for record in self.built if record.relation.schema == schema}

    def fetch_fingerprint(
        self, relation: Relation, columns: Sequence[tuple[str, str]], where: exp.Expr | None = None
    ) -> str:
        del columns  # of a table that is not there
        # Never the same for what is published and for what would take its place, so that every row is a new one.
        return "" if where is None else str(relation)

    def fetch_with_fingerprint(self, query: exp.Select, columns: Sequence[tuple[str, str]]) -> tuple[Rows, str]:
        del columns  # the same
        return self.fetch_rows(query), ""

    @contextmanager
    def transaction(self, *published: Relation) -> Generator[None]:
        del published  # nobody else is there
        self.sent.append("BEGIN")
        yield
        self.sent.append("COMMIT")

    def load_file(
        self, target: Relation, path: Path, columns: Sequence[tuple[str, str]], *, design: Design = NO_DESIGN
    ) -> int:
        self.sent.extend(self.warehouse.render_load(target, path, columns, design=design))
        return 1

    def load_files(
        self, target: Relation, files: Sequence[SourceFile], contents: Contents, *, design: Design = NO_DESIGN
    ) -> Loaded:
        sent = self.warehouse.render_load_files(target, files, contents, design=design)
        self.sent.extend(sent)
        return Loaded(1, "\n".join(sent))

    def unload(self, query: str, path: Path) -> int:
        self.sent.extend(self.warehouse.render_unload(query, path))
        return 1

    def fetch_views(self) -> tuple[tuple[Relation, str], ...]:
        return ()

    def fetch_indexes(self, relation: Relation) -> tuple[Index, ...]:
        del relation  # nobody has made any
        return ()

    def find_unknown_grantees(self, grantees: Sequence[str]) -> tuple[str, ...]:
        del grantees  # all are believed to be there
        return ()

    def grant_usage(self, schema: str, grantees: Sequence[str]) -> None:
        """Who has it already is not known."""

    def grant_select(self, relation: Relation, grantees: Sequence[str]) -> None:
        self.sent.extend(self.warehouse.render_grants(relation, grantees))

    def revoke_select(self, relation: Relation, grantees: Sequence[str]) -> None:
        """Nobody was let in before."""

    def swap(
        self,
        target: Relation,
        intermediate: Relation,
        backup: Relation,
        in_place: ObjectKind | None,
        becomes: ObjectKind = "table",
    ) -> None:
        self.sent.extend(self.warehouse.render_swap(target, intermediate, backup, in_place, becomes))

    def replacing(self, target: Relation, successor: Relation | None = None) -> AbstractContextManager[None]:
        del target, successor  # nothing hangs on what is not there
        return nullcontext()

    def replace_rows(self, target: Relation, intermediate: Relation, columns: Sequence[str], where: exp.Expr) -> None:
        self.sent.extend(self.warehouse.render_replace_rows(target, intermediate, columns, where))

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
        self.sent.extend(
            self.warehouse.render_merge_rows(target, intermediate, columns, key, updates=updates, where=where)
        )

    @property
    def costs(self) -> Costs | None:
        return None

    def fetch_usage(self) -> Usage | None:
        return None

    def cancel(self) -> None:
        """Nothing runs."""

    def _note(self, statement: Statement) -> None:
        self.sent.append(self.warehouse.render(statement))
