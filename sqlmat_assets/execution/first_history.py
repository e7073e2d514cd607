"""The history of a table that is read before there is one: by the first build of the table itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sqlglot import exp

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.names import intermediate_of
from sqlmat_assets.execution.speaking import say
from sqlmat_assets.execution.write import reads_itself
from sqlmat_assets.project.histories import STAMP
from sqlmat_assets.project.last_built import FAR_PAST, fill_last_built
from sqlmat_assets.project.model import Kind, Model
from sqlmat_assets.project.narrowing.markers import fill_markers
from sqlmat_assets.project.parse import statement_text
from sqlmat_assets.project.partitions.ranges import TimeRange
from sqlmat_assets.project.rewrite import rewrite
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import check_statements, row_statements, statements
from sqlmat_assets.warehouses.base import Session

Types = Mapping[str, str]

_STAMP = (STAMP, "TIMESTAMP")
_MOST_ROUNDS = 5


def start_if_read(model: Model, history: Relation, session: Session, context: Context) -> bool:
    """Have an empty history where the query of a table, or a check of it, reads it before there is one.

    It gets the columns that the query gives where it reads no rows there. Where those are not known nothing is done,
    and the engine will say what is missing.

    Returns:
        Whether there is one now.

    Raises:
        WarehouseError: The warehouse cannot be asked.
    """
    if model.kind is not Kind.QUERY or not model.columns or not _is_read(model, history, context):
        return False
    stand_in = intermediate_of(history, context.run.id, context.warehouse.capabilities)
    own = intermediate_of(model.relation, context.run.id, context.warehouse.capabilities)
    is_whole = not reads_itself(model, context) or session.fetch_columns(model.relation)
    instead = {history: stand_in} if is_whole else {history: stand_in, model.relation: own}
    text = rewrite(_plain(model), context.names, instead)
    try:
        types = _settle(model, say(text, context), instead, session)
        session.execute(row_statements.create_table_of(history, _empty({**types, **dict([_STAMP])})))
    except TerminalWarehouseError:
        # Another run was quicker, or the query cannot be read: the build will say so.
        return False
    return True


def _is_read(model: Model, history: Relation, context: Context) -> bool:
    elsewhere = Relation(history.schema, f"{history.name}_")
    texts = (model.sql, *(query.sql for query in model.checks))
    return any(rewrite(text, context.names, {history: elsewhere}) != text for text in texts)


def _plain(model: Model) -> str:
    """The query with any moments in the place of those that a build puts there."""
    text = fill_last_built(statement_text(model), model.dialect, FAR_PAST)
    start = datetime(2000, 1, 1, tzinfo=UTC)
    return fill_markers(text, model.dialect, TimeRange(start, start + timedelta(days=1)), None)


def _settle(model: Model, text: str, instead: Mapping[Relation, Relation], session: Session) -> Types:
    """The columns that a query gives when it reads a history of just these columns."""
    types: Types = {}
    for _ in range(_MOST_ROUNDS):
        found = _probe(model, text, types, instead, session)
        if found == types:
            break
        types = found
    return types


def _probe(
    model: Model, text: str, types: Types, instead: Mapping[Relation, Relation], session: Session
) -> dict[str, str]:
    known = types or dict.fromkeys((column.name for column in model.columns), "")
    with session.transaction():
        for relation, stand_in in instead.items():
            columns = known if relation == model.relation else {**known, **dict([_STAMP])}
            session.execute(row_statements.create_view(stand_in, _empty(columns)))
        found = session.fetch_rows(check_statements.no_rows_of(text)).columns
        for stand_in in instead.values():
            session.execute(statements.drop_view(stand_in))
    return {column.name: column.type for column in found}


def _empty(types: Types) -> exp.Expr:
    """No rows of columns, some of which may have no type yet."""
    return row_statements.nulls(list(types), {name: type_ for name, type_ in types.items() if type_})
