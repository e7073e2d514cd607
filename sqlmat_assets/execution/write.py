"""Filling the intermediate table."""

from __future__ import annotations

from sqlmat_assets.errors import MaterializeError, TerminalWarehouseError, WarehouseError, failures
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Column, Written
from sqlmat_assets.execution.loads.write import write_load
from sqlmat_assets.project.model import Kind, Model
from sqlmat_assets.project.parse import statement_text
from sqlmat_assets.project.rewrite import rewrite
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Session


def write(model: Model, intermediate: Relation, session: Session, context: Context) -> Written:
    """Fill the intermediate table.

    Raises:
        MaterializeError: The engine refuses, or there is nothing to fill it from.
    """
    started_at = context.now()
    match model.kind:
        case Kind.QUERY:
            rows, statement = _write_query(model, intermediate, session, context)
        case Kind.DATA:
            rows, statement = _write_data(model, intermediate, session, context)
        case Kind.LOAD if model.load is not None:
            rows, statement = write_load(model, model.load, intermediate, session, context)
        case Kind.PROCESSED | Kind.LOAD | Kind.DELIVERY:
            raise MaterializeError(failures.kind_not_built(model.path, model.kind))
    columns = context.retries.run(lambda: fetch_columns(model, intermediate, session, context), context.sleep)
    return Written(model.relation, intermediate, rows, columns, statement, context.seconds_since(started_at))


def _write_query(model: Model, intermediate: Relation, session: Session, context: Context) -> tuple[int, str]:
    query = statement_text(model.sql, model.dialect)
    text = statements.create_table_as(intermediate, query).sql(context.warehouse.capabilities.dialect, copy=False)
    try:
        rows = context.retries.run(lambda: session.write_rows(statements.verbatim(text)), context.sleep)
    except TerminalWarehouseError as error:
        hint = _missing(model, session, context)
        if hint is None:
            raise
        raise TerminalWarehouseError(f"{error.message}\n{hint}", error.statement) from error
    return rows, text


def reads_itself(model: Model, context: Context) -> bool:
    """Whether a query reads the rows that it is going to replace."""
    elsewhere = Relation(model.relation.schema, f"{model.relation.name}_")
    return rewrite(model.sql, context.names, {model.relation: elsewhere}) != model.sql


def _missing(model: Model, session: Session, context: Context) -> str | None:
    """Which table that the query reads was never built, if that is what stopped it."""
    try:
        if reads_itself(model, context) and not session.fetch_columns(model.relation):
            return failures.reads_itself_unbuilt(str(model.relation))
        unbuilt = [str(relation) for relation in model.upstream if not session.fetch_columns(relation)]
    except WarehouseError:
        # What stopped the query is the news, not that nothing more can be asked.
        return None
    return failures.reads_unbuilt(unbuilt) if unbuilt else None


def _write_data(model: Model, intermediate: Relation, session: Session, context: Context) -> tuple[int, str]:
    path = context.root / model.path
    if not path.is_file():
        raise MaterializeError(failures.no_data_file(model.path))
    columns = model.settings.columns
    rows = context.retries.run(lambda: session.load_file(intermediate, path, columns), context.sleep)
    return rows, "\n".join(context.warehouse.render_load(intermediate, path, columns))


def fetch_columns(model: Model, relation: Relation, session: Session, context: Context) -> tuple[Column, ...]:
    """The columns of the table that stands for a model, with the comments beside them in its SQL."""
    capabilities = context.warehouse.capabilities
    texts = {capabilities.fold(column.name): column.description for column in model.columns}
    found = session.fetch_columns(relation)
    return tuple(Column(name, kind, texts.get(capabilities.fold(name))) for name, kind in found)


def describe(model: Model, written: Written, session: Session, context: Context) -> None:
    """Put the descriptions of the table and of its columns into the warehouse."""
    if not context.warehouse.capabilities.has_comments:
        return
    if model.description:
        session.execute(statements.comment_on_table(written.intermediate, model.description))
    for column in written.columns:
        if column.description:
            session.execute(statements.comment_on_column(written.intermediate, column.name, column.description))
