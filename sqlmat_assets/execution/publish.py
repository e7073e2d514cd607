"""Publishing in one transaction what was written: all of a table, some of its ranges, or a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from sqlmat_assets.errors import BreakingViewsError, LostCommitError, MaterializeError, failures
from sqlmat_assets.execution.changed_columns import find_changes
from sqlmat_assets.execution.commits import settle
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.dependents import are_edited, refuse_breaking
from sqlmat_assets.execution.events import Column, PublishedPartition, Written
from sqlmat_assets.execution.grants import Grants
from sqlmat_assets.execution.journal import forget_loaded, write_journal
from sqlmat_assets.execution.keep import keep_published, keeps_versions
from sqlmat_assets.execution.partitions import count_partitions, forget_partitions, write_partitions
from sqlmat_assets.execution.plan import Plan, Way
from sqlmat_assets.execution.records import Record, claim_record, write_record
from sqlmat_assets.execution.room import make_room
from sqlmat_assets.execution.snapshots import Snapshots
from sqlmat_assets.execution.state import Standing
from sqlmat_assets.execution.whole_result import whole_result
from sqlmat_assets.execution.write import describe
from sqlmat_assets.project.model import Model
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements, statements
from sqlmat_assets.warehouses.base import ObjectKind, Session


@dataclass(frozen=True, slots=True)
class Publisher:
    """Puts an intermediate table into the target; `backup` is what the replaced table is called meanwhile."""

    model: Model
    plan: Plan
    written: Written
    backup: Relation
    session: Session
    context: Context
    snapshots: Snapshots

    def publish(
        self, standing: Standing, record: Record, counted: tuple[PublishedPartition, ...]
    ) -> tuple[Record, tuple[PublishedPartition, ...]]:
        """Do it, or nothing.

        Args:
            standing: What is there.
            record: What is to be noted of the table, with the rows that were written.
            counted: The partitions that were written.

        Returns:
            What was noted, with the rows that the whole table has, and the rows that the partitions have.

        Raises:
            MaterializeError: It was refused; everything is as it was.
        """
        if self.plan.way is Way.SWAP or standing.record is None:
            self._refuse_breaking(standing)
        else:
            self._refuse_breaking_in_place(standing)
            self._make_room(self.model.relation)
        if self.snapshots.are_kept:
            self._make_room(self.snapshots.history)
        try:
            return self._publish(standing, record, counted)
        except BreakingViewsError as error:
            edited = [Relation(schema, name) for schema, name in error.views]
            if not are_edited(edited, self.context):
                raise
            return self._publish(standing, record, counted, edited)

    def _publish(
        self,
        standing: Standing,
        record: Record,
        counted: tuple[PublishedPartition, ...],
        edited: Sequence[Relation] = (),
    ) -> tuple[Record, tuple[PublishedPartition, ...]]:
        try:
            with self.session.transaction(self.model.relation):
                for view in reversed(edited):
                    self.session.execute(statements.drop_view(view))
                record, counted = self._put_in_place(standing, record, counted)
                # Besides those that the table in its place had, and that it has been given with that.
                Grants(self.model, self.session, self.context).give(self.model.relation)
                write_record(self.session, record, standing.record)
                self._note_partitions(standing, record, counted)
                self._note_loaded(record, standing.record)
                self.snapshots.take(record, record.published_at)
        except LostCommitError as error:
            settle(error, record, self.session)
        return record, counted

    def _put_in_place(
        self, standing: Standing, record: Record, counted: tuple[PublishedPartition, ...]
    ) -> tuple[Record, tuple[PublishedPartition, ...]]:
        previous = standing.record
        if self.plan.way is Way.SWAP or previous is None:
            # Here, where they cost no transaction of their own, and nothing where the rows stay.
            self._swap(standing)
            return record, counted
        self._claim(previous)
        rows: int | None = None
        if not self.context.warehouse.capabilities.sees_own_changes:
            rows, counted = self._count_ahead(counted)
        is_swapped = self._change(standing)
        if rows is None:
            rows, counted = self._count_in(self.model.relation, counted)
        if not is_swapped:
            self.session.execute(statements.drop_table(self.written.intermediate))
        record = replace(record, rows=rows)
        return record, counted

    def count(self, relation: Relation) -> tuple[PublishedPartition, ...]:
        """The rows that the partitions of the plan have in a table."""
        partitioning = self.model.settings.partition_by
        if partitioning is None:
            return ()
        dialect = self.context.spoken
        return count_partitions(self.session, relation, self.plan.column, self.plan.ranges, partitioning, dialect)

    def _refuse_breaking(self, standing: Standing) -> None:
        target, intermediate, becomes = self.model.relation, self.written.intermediate, self._becomes

        def swap() -> None:
            self.session.swap(target, intermediate, self.backup, standing.in_place, becomes)

        refuse_breaking(target, self.written.columns, standing, swap, self.session, self.context)

    def _refuse_breaking_in_place(self, standing: Standing) -> None:
        """The same where rows are changed: columns that are added may make a name of a view ambiguous."""
        target, session, capabilities = self.model.relation, self.session, self.context.warehouse.capabilities
        if not capabilities.finds_views_by_name or not self.context.state.has_views_of_others(session, capabilities):
            return
        there, given = session.fetch_columns(target), self._given
        changes = find_changes(given, there, self.context)
        changes.refuse(self.model)
        if given == there:
            return
        if self._replaces_all():
            self._refuse_breaking(standing)
            return

        def add() -> None:
            self._add_columns(changes.added)

        columns = [Column(name, kind) for name, kind in (*there, *changes.added)]
        refuse_breaking(target, columns, standing, add, session, self.context)

    def _make_room(self, relation: Relation) -> None:
        make_room(relation, self._given, self.session, self.context.warehouse.capabilities)

    @property
    def _given(self) -> tuple[tuple[str, str], ...]:
        return tuple((column.name, column.type) for column in self.written.columns)

    @property
    def _becomes(self) -> ObjectKind:
        return "view" if self.plan.is_view else "table"

    def _swap(self, standing: Standing) -> None:
        intermediate = self.written.intermediate
        target, session = self.model.relation, self.session
        describe(self.model, intermediate, self.written, session, self.context)
        if not keeps_versions(self.model, standing):
            session.swap(target, intermediate, self.backup, standing.in_place, self._becomes)
            return
        with session.replacing(target, intermediate):
            in_place = keep_published(self.model, standing, session, self.context)
            session.swap(target, intermediate, self.backup, in_place, self._becomes)

    def _claim(self, previous: Record) -> None:
        """Keep others out: two runs that find no rows in a range would both insert them."""
        if not claim_record(self.session, previous, self.context.run.id, is_exact=self.plan.is_exact):
            raise MaterializeError(failures.published_meanwhile(str(self.model.relation)))

    def _change(self, standing: Standing) -> bool:
        """Change the rows of the target, and tell whether the intermediate table has become the target."""
        target, intermediate, session = self.model.relation, self.written.intermediate, self.session
        given = self._given
        changes = find_changes(given, session.fetch_columns(target), self.context)
        changes.refuse(self.model)
        names = [name for name, _ in given]
        where = self.plan.condition(self.context.spoken) if self.plan.replaces_ranges else None
        if self._replaces_all():
            self._swap(standing)
            return True
        keep_published(self.model, standing, session, self.context, stays=True)
        self._add_columns(changes.added)
        is_copy = self.model.settings.keep_versions > 0
        if is_copy or (standing.record is not None and standing.record.code != self.model.sql):
            describe(self.model, target, self.written, session, self.context)
        if where is not None and self.plan.way is Way.RANGES:
            session.replace_rows(target, intermediate, names, where)
        else:
            session.merge_rows(target, intermediate, names, self.plan.key, updates=self._updates, where=where)
        return False

    @property
    def _updates(self) -> bool:
        return self.model.settings.mode == "merge" and self.model.settings.on_match == "update"

    def _replaces_all(self) -> bool:
        """Whether the ranges that are replaced are all that the target has, so that it can be swapped."""
        keeps_matches = self.plan.way is Way.MERGE_RANGES and not self._updates
        if not self.plan.replaces_ranges or keeps_matches:
            return False
        where = self.plan.condition(self.context.spoken)
        return not self._count(_rows_that_stay(self.model.relation, where))

    def _add_columns(self, added: tuple[tuple[str, str], ...]) -> None:
        for name, kind in added:
            self.session.execute(row_statements.add_column_like(self.model.relation, name, kind))

    def _count_ahead(self, counted: tuple[PublishedPartition, ...]) -> tuple[int, tuple[PublishedPartition, ...]]:
        """What is going to be in the table, where that cannot be seen before it is done."""
        result = whole_result(self.model, self.plan, self.written, self.session, self.context, is_asked=True)
        with result as relation:
            return self._count_in(relation, counted)

    def _count_in(
        self, relation: Relation, counted: tuple[PublishedPartition, ...]
    ) -> tuple[int, tuple[PublishedPartition, ...]]:
        rows = self._count(statements.count_rows(relation))
        if self.plan.way is not Way.RANGES and counted:
            counted = self.count(relation)
        return rows, counted

    def _note_partitions(self, standing: Standing, record: Record, counted: tuple[PublishedPartition, ...]) -> None:
        partitioning = self.model.settings.partition_by
        previous = standing.record
        if partitioning is not None:
            write_partitions(
                self.session,
                record,
                partitioning,
                counted,
                previous=previous,
                replaces_all=self.plan.way is Way.SWAP,
            )
        elif standing.is_partitioned:
            forget_partitions(self.session, record.relation if previous is None else previous.relation)

    def _note_loaded(self, record: Record, previous: Record | None) -> None:
        batch = self.plan.batch
        if batch is not None:
            write_journal(self.session, record, batch.notes, previous)
        elif previous is not None and not previous.code:
            # It has no query, so it was loaded.
            forget_loaded(self.session, previous.relation)

    def _count(self, query: exp.Expr) -> int:
        return int(self.session.fetch_rows(query).rows[0][0])


def _rows_that_stay(target: Relation, where: exp.Expr) -> exp.Expr:
    return row_statements.count_rows_where(target, row_statements.is_not_true(where))
