"""When a table stays as it is, because the rows that were built, of all of it or a part, are those published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import PublishedPartition, Written
from sqlmat_assets.execution.partitions import write_partitions
from sqlmat_assets.execution.plan import Plan, Way
from sqlmat_assets.execution.records import Record
from sqlmat_assets.execution.state import Standing
from sqlmat_assets.execution.unchanged import find_same, is_made_by
from sqlmat_assets.project.model import Model
from sqlmat_assets.warehouses import row_statements
from sqlmat_assets.warehouses.base import Session

Columns = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Built:
    """What was built of a table: by which plan, and what its rows are told apart by, where all of it was built."""

    model: Model
    plan: Plan
    written: Written
    data_version: str | None


def find_same_rows(built: Built, standing: Standing, session: Session, context: Context) -> Record | None:
    """The record of the published table, if a publish would not change a row of it.

    That is so where all rows are the same, where the ranges that were built have the same rows as those that are
    published, and where there is nothing to add.

    Raises:
        WarehouseError: The warehouse cannot be asked.
    """
    model, plan, written, record = built.model, built.plan, built.written, standing.record
    if not plan.is_partial:
        return find_same(model, standing, written, built.data_version, session)
    if record is None or standing.in_place != "table" or not is_made_by(record, model):
        return None
    if plan.way is Way.SWAP or (plan.way is Way.ADD and written.rows):
        return None
    columns = [(column.name, column.type) for column in written.columns]
    if sorted(session.fetch_columns(model.relation)) != sorted(columns):
        return None
    return record if plan.way is Way.ADD or _is_same(model, plan, written, columns, session, context) else None


def confirm_partitions(
    model: Model, record: Record, counted: Sequence[PublishedPartition], moment: datetime, session: Session
) -> None:
    """Note that partitions hold what was built for them at some moment, in the transaction that notes it of the table.

    Args:
        model: The table.
        record: What is noted of it, with the moment at which its rows were put in place.
        counted: The partitions.
        moment: When they were compared.
        session: In a transaction.
    """
    partitioning = model.settings.partition_by
    if partitioning is not None:
        confirmed = replace(record, published_at=moment)
        write_partitions(session, confirmed, partitioning, counted, previous=record, replaces_all=False)


def _is_same(model: Model, plan: Plan, written: Written, columns: Columns, session: Session, context: Context) -> bool:
    """Whether ranges hold the rows that were built for them; the count comes first, since it costs next to nothing."""
    if not context.warehouse.capabilities.has_fingerprints:
        return False
    where = plan.condition(context.spoken)
    rows = int(session.fetch_rows(row_statements.count_rows_where(model.relation, where)).rows[0][0])
    if rows != written.rows:
        return False
    try:
        built = session.fetch_fingerprint(written.intermediate, columns)
        return built == session.fetch_fingerprint(model.relation, columns, where)
    except TerminalWarehouseError:
        # That they cannot be compared keeps nobody from the rows, which have passed their checks.
        return False
