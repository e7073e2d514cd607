"""When the published rows stay where they are, because new ones would be the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Written
from sqlmat_assets.execution.records import Inputs, Record, by_key, fetch_records, key_of
from sqlmat_assets.execution.state import Standing
from sqlmat_assets.execution.through_views import records_through_views, refusal_of
from sqlmat_assets.execution.write import reads_itself
from sqlmat_assets.project.model import Kind, Model
from sqlmat_assets.project.reasons import Reason
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Session


def find_inputs(model: Model, context: Context) -> Inputs | None:
    """Which publish of each table the query is about to read, by way of views too; None where one is not known.

    What the run knows may be out of date, but never ahead of what is read: then the table is built once more than
    needed, and never once too few. Of a view it is what it will read itself whenever somebody reads it; None where that
    may give other rows although nothing was published.
    """
    if model.sources or (model.is_view and model.varies is not None):
        return None
    records = _known(model.upstream, context)
    if records is None:
        return None
    return _identities({each: records[each] for each in model.upstream} if model.is_view else records)


def fetch_data_version(written: Written, fingerprint: str | None, session: Session, context: Context) -> str | None:
    """What is the same for the same rows and columns; None where the engine cannot tell.

    Args:
        written: What was written.
        fingerprint: Of its rows, where it is known already.
        session: Where it is.
        context: The run.
    """
    columns = list(written.types)
    try:
        if fingerprint is None:
            fingerprint = context.retries.run(
                lambda: session.fetch_fingerprint(written.intermediate, columns), context.sleep
            )
    except TerminalWarehouseError:
        # The rows are written and have passed their checks; that they cannot be compared keeps nobody from them.
        return None
    return f"{fingerprint}-{blake2b(repr(columns).encode(), digest_size=8).hexdigest()}"


def find_untouched(
    model: Model, reason: Reason | None, standing: Standing, session: Session, context: Context
) -> Record | None:
    """The record of a table that need not be built, because nothing that its rows come from has changed.

    A build that a person asked for, for which there is no reason, is never left out.

    Raises:
        WarehouseError: The warehouse cannot be asked.
    """
    if reason is None or not reason.may_be_skipped:
        return None
    if model.is_view:
        return _find_standing_view(model, standing, session)
    if not _could_be_untouched(model, standing, context):
        return None
    known = _known((model.relation, *model.upstream), context)
    if known is None:
        return None
    # Asked again, because another run may have published since.
    capabilities = context.warehouse.capabilities
    found = by_key(fetch_records(session, [record.relation for record in known.values()]), capabilities)
    read = records_through_views(model.upstream, lambda relation: found.get(key_of(relation, capabilities)))
    record = found.get(key_of(model.relation, capabilities))
    if record is None or read is None or not _is_current(record, model):
        return None
    if record.inputs is None or record.inputs != _identities(read):
        return None
    return record if _are_there((record, *read.values()), session) else None


def _find_standing_view(model: Model, standing: Standing, session: Session) -> Record | None:
    """The record of a view that is there, made by the code that it has now, and can be read."""
    record = standing.record
    if standing.in_place != "view" or record is None or not record.is_view or model.version is None:
        return None
    is_current = record.version is not None and model.version.is_same(record.version) and record.code == model.sql
    return record if is_current and refusal_of(model.relation, session) is None else None


def _known(relations: Iterable[Relation], context: Context) -> Mapping[Relation, Record] | None:
    """What the run knows of some tables and views, and of what those views read."""
    capabilities = context.warehouse.capabilities

    def find(relation: Relation) -> Record | None:
        found = context.state.recorded([relation], capabilities)
        return None if found is None else found[0]

    return records_through_views(relations, find)


def _are_there(records: Collection[Record], session: Session) -> bool:
    """Whether tables have as many rows as they were published with, and views can be read."""
    tables = [record for record in records if not record.is_view]
    try:
        counted = session.fetch_rows(statements.count_rows_of_all([one.relation for one in tables])).rows[0]
        are_views_there = all(session.fetch_columns(one.relation) for one in records if one.is_view)
    except TerminalWarehouseError:
        # Something is gone; the build will say what.
        return False
    return are_views_there and [int(rows) for rows in counted] == [one.rows for one in tables]


def _could_be_untouched(model: Model, standing: Standing, context: Context) -> bool:
    """Whether it is worth asking the warehouse."""
    if model.kind not in (Kind.QUERY, Kind.DATA) or not could_be_untouched(model, standing):
        return False
    if standing.record is None or standing.record.data_version is None:
        return False
    return not (model.kind is Kind.QUERY and reads_itself(model, context))


def could_be_untouched(model: Model, standing: Standing) -> bool:
    """Whether a table would be the same, rows and checks, if what it is made from is."""
    if model.varies is not None or model.sources:
        return False
    if standing.in_place != "table" or standing.record is None or not is_made_by(standing.record, model):
        return False
    seen = {model.relation, *model.upstream}
    return not any(query.varies or not seen.issuperset(query.reads) for query in model.checks)


def find_same(
    model: Model, standing: Standing, written: Written, data_version: str | None, session: Session
) -> Record | None:
    """The record of the published table, if its rows are those that were just written; of a view, if it is the same.

    Raises:
        WarehouseError: The warehouse cannot be asked.
    """
    if model.is_view:
        return _find_standing_view(model, standing, session)
    record = standing.record
    if record is None or standing.in_place != "table" or data_version is None:
        return None
    if record.data_version != data_version or not _is_current(record, model):
        return None
    if session.fetch_columns(model.relation) != tuple((column.name, column.type) for column in written.columns):
        return None
    rows = int(session.fetch_rows(statements.count_rows(model.relation)).rows[0][0])
    return record if rows == record.rows else None


def _is_current(record: Record, model: Model) -> bool:
    """Whether the rows can be told from others, and were made by the code that the table has now."""
    return record.data_version is not None and is_made_by(record, model)


def is_made_by(record: Record, model: Model) -> bool:
    """Whether the rows were made by the code that the table has now, and may stay if they are the same.

    The SQL has to be the same to the letter: its comments are descriptions in the warehouse, and come with a swap.
    """
    return (
        model.settings.skip_unchanged
        and record.version is not None
        and model.version is not None
        and model.version.is_same(record.version)
        and record.code == model.sql
    )


def _identities(records: Mapping[Relation, Record]) -> Inputs:
    return {str(relation): record.identity for relation, record in records.items()}
