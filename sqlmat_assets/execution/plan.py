"""How a table is going to be built: from which queries, and how their rows come to be published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlglot import exp

from sqlmat_assets.errors import MaterializeError, TerminalWarehouseError, failures
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.execution.changed_columns import Columns, find_changes
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.journal import Entry, fetch_journal
from sqlmat_assets.execution.loads.batches import Batch, plan_batch
from sqlmat_assets.execution.loads.databases import plan_rows
from sqlmat_assets.execution.loads.write import columns_query
from sqlmat_assets.execution.partitions import condition, fetch_partitions, joined
from sqlmat_assets.execution.piece import Piece
from sqlmat_assets.execution.speaking import say, written_types
from sqlmat_assets.execution.state import Standing
from sqlmat_assets.execution.unchanged import could_be_untouched
from sqlmat_assets.execution.write import explained, reads_itself
from sqlmat_assets.project.last_built import FAR_PAST, fill_last_built
from sqlmat_assets.project.loads import Load
from sqlmat_assets.project.model import Kind, Model
from sqlmat_assets.project.narrowing.kinds import kind_of, normal_type
from sqlmat_assets.project.narrowing.markers import fill_markers
from sqlmat_assets.project.narrowing.narrow import narrow
from sqlmat_assets.project.narrowing.sources import Tables
from sqlmat_assets.project.parse import statement_text
from sqlmat_assets.project.partitions.ranges import Range, TimeRange
from sqlmat_assets.project.partitions.spec import ListPartitioning, Partitioning, TimePartitioning
from sqlmat_assets.project.rewrite import rewrite
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import check_statements, row_statements, statements
from sqlmat_assets.warehouses.base import Session

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
    columns by which rows are merged. With `is_view` the one query becomes a view. `batch` are the files of a load.
    """

    way: Way = Way.SWAP
    later: Way = Way.SWAP
    is_aside: bool = False
    queries: tuple[str, ...] = ()
    ranges: tuple[Range, ...] = ()
    column: tuple[str, str] = ("", "")
    key: tuple[str, ...] = ()
    is_view: bool = False
    batch: Batch | None = None

    @property
    def is_partial(self) -> bool:
        """Whether the table is one that is built in parts, even if this time all of it is."""
        return self.later is not Way.SWAP

    @property
    def replaces_ranges(self) -> bool:
        """Whether the old rows of the ranges go."""
        return self.way in (Way.RANGES, Way.MERGE_RANGES)

    @property
    def is_exact(self) -> bool:
        """Whether the rows are right only behind those that they were found beside."""
        notes_files = self.batch is not None and bool(self.batch.notes.entries)
        return notes_files or (self.way is Way.ADD and not self.key)

    def condition(self, dialect: str) -> exp.Expr:
        """A row is one of those that go: it is in one of the ranges, or comes from a file that is loaded again."""
        if self.batch is not None and self.batch.gone:
            return self.batch.condition()
        return condition(self.column[0], self.ranges, kind_of(self.column[1], dialect), dialect)


def is_built_in_parts(model: Model) -> bool:
    """Whether a build of the table may be of some of its rows."""
    if model.load is not None and model.load.is_in_parts:
        return True
    return model.settings.partition_by is not None or model.settings.mode in ("append", "merge")


def make_plan(
    model: Model,
    piece: Piece,
    standing: Standing,
    stand_in: Relation,
    session: Session,
    context: Context,
    *,
    may_be_skipped: bool = False,
) -> Plan:
    """Decide how to build a table.

    Args:
        model: The table.
        piece: What of it.
        standing: What is there.
        stand_in: The name of an empty table, which is made where a query reads rows that are not there yet.
        session: Where to ask what the query gives, and what it reads.
        context: The run.
        may_be_skipped: Whether age alone is the reason to build it.

    Raises:
        MaterializeError: It cannot be built like this.
    """
    settings, relation = model.settings, str(model.relation)
    if piece.ranges is not None and settings.partition_by is None:
        raise MaterializeError(failures.not_partitioned(relation))
    later = _later(model)
    planner = _Planner(model, piece, standing, stand_in, session, context)
    if later is Way.SWAP and model.load is not None:
        return planner.plan_bulk(model.load, may_be_skipped=may_be_skipped)
    if later is Way.SWAP:
        is_query = model.kind is Kind.QUERY
        queries = (statement_text(model),) if is_query else ()
        return Plan(queries=queries, is_view=model.is_view)
    if model.kind is not Kind.QUERY and model.load is None:
        raise MaterializeError(
            failures.only_queries_in_part(model.path, "partition_by" if later is Way.RANGES else "mode")
        )
    if settings.mode == "merge" and not settings.unique_key:
        raise MaterializeError(failures.no_key(settings.mode))
    try:
        return planner.plan(later)
    except TextError as error:
        raise MaterializeError(error.what if error.hint is None else f"{error.what}\n  hint: {error.hint}") from error


def _later(model: Model) -> Way:
    """The way once there is a table."""
    settings = model.settings
    if model.load is not None and model.load.is_in_parts:
        return Way.ADD
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
        is_fresh = is_aside or self._is_new
        partitioning = model.settings.partition_by
        ranges = () if partitioning is None else self._ranges(partitioning, is_aside=is_aside)
        text = self._text(partitioning)
        last_built = FAR_PAST if is_fresh or record is None else record.decided_at
        text = fill_last_built(text, dialect, last_built)
        if is_fresh and model.load is None and reads_itself(model, self.context):
            text = self._without_itself(text, ranges)
        columns = self._probe(text, ranges)
        if model.load is not None and model.load.is_in_parts:
            return self._planned_load(model.load, later, is_aside=is_aside), columns
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

    @property
    def _is_new(self) -> bool:
        """Whether there is no table yet that sqlmat has made."""
        return self.standing.in_place != "table" or self.standing.record is None

    def plan_bulk(self, load: Load, *, may_be_skipped: bool) -> Plan:
        """Load everything, unless just that has been loaded already."""
        if load.asked is not None:
            return Plan(batch=plan_rows(load, None, self.context, is_whole=True))
        known = self._journal() if may_be_skipped and could_be_untouched(self.model, self.standing) else None
        return Plan(batch=plan_batch(self.model, load, known, self.context))

    def _planned_load(self, load: Load, later: Way, *, is_aside: bool) -> Plan:
        """Load what is new, or all of it where nothing is known of what was loaded."""
        if load.asked is not None:
            batch = plan_rows(load, self._journal(), self.context, is_whole=is_aside)
            return Plan(way=Way.SWAP if batch.is_whole else later, later=later, is_aside=is_aside, batch=batch)
        batch = plan_batch(
            self.model,
            load,
            self._journal(),
            self.context,
            is_whole=is_aside,
            is_first=self._is_new,
            may_lose=self.piece.is_full_refresh,
        )
        way = Way.SWAP if batch.is_whole else Way.RANGES if batch.gone else later
        return Plan(way=way, later=later, is_aside=is_aside, batch=batch)

    def _journal(self) -> dict[str, Entry] | None:
        """What the rows that are published were loaded from; None where that is not known."""
        record = self.standing.record
        if record is None or self.standing.in_place != "table":
            return None
        known = fetch_journal(self.session, record.relation)
        # Rows that were published since came from somewhere else.
        latest = max((each.loaded_at for each in known.values() if each.loaded_at is not None), default=None)
        return known if latest == record.published_at else None

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
            batch = plan_batch(self.model, self.model.load, None, context, ranges=plan.ranges)
            return replace(plan, queries=(), column=(name, type_), batch=batch)
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
