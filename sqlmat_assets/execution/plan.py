"""How a table is going to be built: from which queries, and how their rows come to be published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlglot import exp

from sqlmat_assets.errors import MaterializeError, TerminalWarehouseError, failures
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.loads.write import columns_query
from sqlmat_assets.execution.partitions import condition, fetch_partitions, joined
from sqlmat_assets.execution.piece import Piece
from sqlmat_assets.execution.speaking import say, written_types
from sqlmat_assets.execution.state import Standing
from sqlmat_assets.execution.write import explained, reads_itself
from sqlmat_assets.project.last_built import FAR_PAST, fill_last_built
from sqlmat_assets.project.model import Kind, Model
from sqlmat_assets.project.narrowing.kinds import kind_of, normal_type
from sqlmat_assets.project.narrowing.markers import fill_markers
from sqlmat_assets.project.narrowing.narrow import narrow
from sqlmat_assets.project.narrowing.sources import Tables
from sqlmat_assets.project.parse import statement_text
from sqlmat_assets.project.partitions.ranges import Range, TimeRange
from sqlmat_assets.project.partitions.spec import ListPartitioning, Partitioning, TimePartitioning
from sqlmat_assets.project.rewrite import rewrite
from sqlmat_assets.project.settings import ModelSettings
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import check_statements, row_statements, statements
from sqlmat_assets.warehouses.base import Capabilities, Session
from sqlmat_assets.warehouses.widening import are_alike

Columns = tuple[tuple[str, str], ...]
_MOMENTS = ("date", "timestamp", "datetime")


class Way(StrEnum):
    """How the rows that were written come to be those of the table."""

    SWAP = "swap"
    """They are all of it."""
    RANGES = "ranges"
    """They take the place of those in some ranges."""
    ADD = "add"
    """They are added to it, by a key where there is one."""
    MERGE_RANGES = "merge_ranges"
    """They take the place of those in some ranges, and each key is in one row of the whole table."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done. `queries` are those whose rows are written, one after the other; none where a file is loaded.

    `later` is the way once there is a table; `is_aside` when it is swapped although there is one. `ranges` are those
    of the partitions; `column` is the partitioned one, its name and its type as the engine has them. `key` has the
    columns by which rows are merged. With `is_view` the one query becomes a view.
    """

    way: Way = Way.SWAP
    later: Way = Way.SWAP
    is_aside: bool = False
    queries: tuple[str, ...] = ()
    ranges: tuple[Range, ...] = ()
    column: tuple[str, str] = ("", "")
    key: tuple[str, ...] = ()
    is_view: bool = False

    @property
    def is_partial(self) -> bool:
        """Whether the table is one that is built in parts, even if this time all of it is."""
        return self.later is not Way.SWAP

    @property
    def replaces_ranges(self) -> bool:
        """Whether the old rows of the ranges go."""
        return self.way in (Way.RANGES, Way.MERGE_RANGES)

    def condition(self, dialect: str) -> exp.Expr:
        """A row is in one of the ranges."""
        return condition(self.column[0], self.ranges, kind_of(self.column[1], dialect), dialect)


def is_built_in_parts(model: Model) -> bool:
    """Whether a build of the table may be of some of its rows."""
    return model.settings.partition_by is not None or model.settings.mode in ("append", "merge")


def make_plan(
    model: Model, piece: Piece, standing: Standing, stand_in: Relation, session: Session, context: Context
) -> Plan:
    """Decide how to build a table.

    Args:
        model: The table.
        piece: What of it.
        standing: What is there.
        stand_in: The name of an empty table, which is made where a query reads rows that are not there yet.
        session: Where to ask what the query gives, and what it reads.
        context: The run.

    Raises:
        MaterializeError: It cannot be built like this.
    """
    settings, relation = model.settings, str(model.relation)
    if piece.ranges is not None and settings.partition_by is None:
        raise MaterializeError(failures.not_partitioned(relation))
    later = _later(settings)
    if later is Way.SWAP:
        is_query = model.kind is Kind.QUERY
        queries = (statement_text(model),) if is_query else ()
        return Plan(queries=queries, is_view=model.is_view)
    if model.kind is not Kind.QUERY and (model.load is None or later is not Way.RANGES):
        raise MaterializeError(
            failures.only_queries_in_part(model.path, "partition_by" if later is Way.RANGES else "mode")
        )
    if settings.mode == "merge" and not settings.unique_key:
        raise MaterializeError(failures.no_key(settings.mode))
    try:
        return _Planner(model, piece, standing, stand_in, session, context).plan(later)
    except TextError as error:
        raise MaterializeError(error.what if error.hint is None else f"{error.what}\n  hint: {error.hint}") from error


def _later(settings: ModelSettings) -> Way:
    """The way once there is a table."""
    if settings.mode == "merge" and settings.partition_by is not None:
        return Way.MERGE_RANGES
    if settings.mode in ("append", "merge"):
        return Way.ADD
    return Way.SWAP if settings.partition_by is None else Way.RANGES


@dataclass(frozen=True, slots=True)
class _Planner:
    """One decision on a table that is built in parts."""

    model: Model
    piece: Piece
    standing: Standing
    stand_in: Relation
    session: Session
    context: Context

    def plan(self, later: Way) -> Plan:
        if self._is_aside():
            return self._planned(later, is_aside=True)[0]
        plan, columns = self._planned(later, is_aside=False)
        if plan.way is Way.SWAP:
            return plan
        there = self.session.fetch_columns(self.model.relation)
        changes = find_changes(columns, there, self.context)
        if changes.is_any and self.model.settings.on_schema_change == "rebuild":
            return self._planned(later, is_aside=True)[0]
        changes.refuse(self.model)
        return plan

    def _is_aside(self) -> bool:
        """Whether all of it is built anew."""
        record, version = self.standing.record, self.model.version
        if self.piece.is_full_refresh:
            return True
        if self.model.settings.on_change != "rebuild" or record is None or record.version is None or version is None:
            return False
        return not version.is_same(record.version)

    def _planned(self, later: Way, *, is_aside: bool) -> tuple[Plan, Columns]:
        """The plan, and the columns that the query gives."""
        model, dialect, record = self.model, self.context.names.dialect, self.standing.record
        is_fresh = is_aside or self.standing.in_place != "table" or record is None
        partitioning = model.settings.partition_by
        ranges = () if partitioning is None else self._ranges(partitioning, is_aside=is_aside)
        text = self._text(partitioning)
        last_built = FAR_PAST if is_fresh or record is None else record.decided_at
        text = fill_last_built(text, dialect, last_built)
        if is_fresh and model.load is None and reads_itself(model, self.context):
            text = self._without_itself(text, ranges)
        columns = self._probe(text, ranges)
        plan = Plan(
            way=Way.SWAP if is_fresh else later,
            later=later,
            is_aside=is_aside,
            queries=(text,),
            ranges=ranges,
            key=self._spelt(model.settings.unique_key, columns),
        )
        if partitioning is None:
            return plan, columns
        return self._narrowed(plan, text, columns, partitioning), columns

    def _text(self, partitioning: Partitioning | None) -> str:
        """The query, or one that gives the columns of a load."""
        model = self.model
        if model.load is None:
            return statement_text(model)
        return columns_query(model.load, partitioning, self.context).sql(self.context.spoken)

    def _ranges(self, partitioning: Partitioning, *, is_aside: bool) -> tuple[Range, ...]:
        found: list[Range] = []
        if self.piece.ranges is not None:
            found += self.piece.ranges
        if self.piece.ranges is None or is_aside:
            found += self._all(partitioning)
        if is_aside and isinstance(partitioning, TimePartitioning):
            found += self._published(partitioning)
        ranges = joined(found, partitioning)
        if not ranges:
            raise MaterializeError(failures.no_partition_to_build(str(self.model.relation)))
        return ranges

    def _all(self, partitioning: Partitioning) -> list[Range]:
        if isinstance(partitioning, ListPartitioning):
            return [partitioning.all]
        ended = partitioning.ended(self.context.run.decided_at)
        return [] if ended is None else [ended]

    def _published(self, partitioning: TimePartitioning) -> list[Range]:
        """Those that are there, of which some may not have ended."""
        record = self.standing.record
        known = [] if record is None else fetch_partitions(self.session, record.relation, partitioning)
        found: list[Range] = []
        for each in known:
            try:
                found.append(partitioning.bounds(each.key))
            except TextError:
                # The setting no longer goes as far.
                continue
        return found

    def _narrowed(self, plan: Plan, text: str, columns: Columns, partitioning: Partitioning) -> Plan:
        context = self.context
        name, type_ = self._column(partitioning, columns)
        if self.model.load is not None:
            return replace(plan, queries=(), column=(name, type_))
        tables = Tables(self._types())
        kind = kind_of(type_, context.spoken)
        queries = tuple(narrow(text, context.names, partitioning, each, tables, kind).sql for each in plan.ranges)
        return replace(plan, queries=queries, column=(name, type_))

    def _column(self, partitioning: Partitioning, columns: Columns) -> tuple[str, str]:
        fold = self.context.warehouse.capabilities.fold_column
        wanted = fold(partitioning.column)
        name, type_ = next((each for each in columns if fold(each[0]) == wanted), (partitioning.column, ""))
        is_moment = normal_type(type_).startswith(_MOMENTS)
        if type_ and isinstance(partitioning, TimePartitioning) and not is_moment:
            raise MaterializeError(failures.partitioned_by_other_type(name, type_))
        return name, type_

    def _types(self) -> dict[Relation, dict[str, str]]:
        """The columns of the tables that are read, which tell how far a range may be taken into the query."""
        found = {each: self.session.fetch_columns(each) for each in (*self.model.upstream, *self.model.sources)}
        fold = self.context.names.fold
        return {fold(each): written_types(columns, self.context) for each, columns in found.items() if columns}

    def _spelt(self, names: Sequence[str], columns: Columns) -> tuple[str, ...]:
        """Columns of a setting as the engine spells them."""
        fold = self.context.warehouse.capabilities.fold_column
        known = {fold(name): name for name, _ in columns}
        for name in (*names, *(name for name, _ in self.model.settings.order_by)):
            if known and fold(name) not in known:
                raise MaterializeError(failures.key_not_in_columns(name, list(known.values())))
        return tuple(known.get(fold(name), name) for name in names)

    def _probe(self, text: str, ranges: Sequence[Range]) -> Columns:
        """Ask the engine for the columns of a query."""
        first = ranges[0] if ranges else None
        if isinstance(first, TimeRange):
            text = fill_markers(text, self.context.names.dialect, first, None)
        query = check_statements.no_rows_of(text if self.model.load else say(text, self.context))
        with explained(self.model, self.session, self.context, text):
            found = self.session.fetch_rows(query)
        return tuple((column.name, column.type) for column in found.columns)

    def _without_itself(self, text: str, ranges: Sequence[Range]) -> str:
        """Let a query read an empty table in the place of the one that it will make."""
        text = rewrite(text, self.context.names, {self.model.relation: self.stand_in})
        columns = self._own_columns(text, ranges)
        self.session.execute(statements.drop_table(self.stand_in, if_exists=True))
        empty = row_statements.typed_nulls(columns)
        self.session.execute(row_statements.create_table_of(self.stand_in, empty))
        return text

    def _own_columns(self, text: str, ranges: Sequence[Range]) -> Columns:
        """The columns of a query that reads what it makes, and that is there as the stand-in."""
        names = [column.name for column in self.model.columns]
        if not names:
            raise MaterializeError(failures.reads_itself_untold(str(self.model.relation)))
        fold = self.context.warehouse.capabilities.fold_column
        read = {fold(name): type_ for columns in self._types().values() for name, type_ in columns.items()}
        alike = {name: read[fold(name)] for name in names if fold(name) in read}
        try:
            return self._probe_with(row_statements.nulls(names), text, ranges)
        except TerminalWarehouseError:
            if not alike:
                raise
        # Where NULL will not do for what a column is compared with, one of that name in what is read tells its type.
        return self._probe_with(row_statements.nulls(names, alike), text, ranges)

    def _probe_with(self, empty: exp.Expr, text: str, ranges: Sequence[Range]) -> Columns:
        with self.session.transaction():
            self.session.execute(row_statements.create_view(self.stand_in, empty))
            columns = self._probe(text, ranges)
            self.session.execute(statements.drop_view(self.stand_in))
        return columns


@dataclass(frozen=True, slots=True)
class Changes:
    """How the columns that a query gives differ from those of the table: by name, with types where they are told."""

    added: Columns = ()
    gone: tuple[str, ...] = ()
    retyped: tuple[tuple[str, str, str], ...] = ()

    @property
    def is_any(self) -> bool:
        return bool(self.added or self.gone or self.retyped)

    def refuse(self, model: Model) -> None:
        """Stop unless the table may be given the columns that it lacks.

        Raises:
            MaterializeError: It may not, or they differ otherwise.
        """
        may_add = model.settings.on_schema_change == "add"
        if self.gone or self.retyped or (self.added and not may_add):
            added = [name for name, _ in self.added]
            raise MaterializeError(failures.columns_changed(added, self.gone, self.retyped))


def find_changes(given: Columns, there: Columns, context: Context) -> Changes:
    """Compare what a query gives with what a table has, by the names of the columns."""
    capabilities = context.warehouse.capabilities
    fold = capabilities.fold_column
    has = {fold(name): type_ for name, type_ in there}
    gives = {fold(name): type_ for name, type_ in given}
    return Changes(
        tuple((name, type_) for name, type_ in given if fold(name) not in has),
        tuple(name for name, _ in there if fold(name) not in gives),
        tuple(
            (name, has[fold(name)], type_)
            for name, type_ in given
            if fold(name) in has and _is_retyped(has[fold(name)], type_, capabilities)
        ),
    )


def _is_retyped(old: str, new: str, capabilities: Capabilities) -> bool:
    if capabilities.has_varying_lengths:
        return not are_alike(old, new, capabilities.dialect)
    return old != new
