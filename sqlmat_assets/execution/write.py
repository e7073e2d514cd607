"""Filling the intermediate table."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from sqlmat_assets.errors import MaterializeError, TerminalWarehouseError, WarehouseError, failures
from sqlmat_assets.execution.budget import within_budget
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.designs import design_of
from sqlmat_assets.execution.events import Column, LeftOut, Printed, Written
from sqlmat_assets.execution.loads.batches import Batch
from sqlmat_assets.execution.loads.write import write_load
from sqlmat_assets.execution.phases import Stopwatch
from sqlmat_assets.execution.processed import write_processed
from sqlmat_assets.execution.speaking import say, spoken_types, told_of_transpiled
from sqlmat_assets.project.histories import base_of, may_be_history
from sqlmat_assets.project.model import Kind, Model
from sqlmat_assets.project.multi_statement import split_query
from sqlmat_assets.project.parse import statement_line, statement_text
from sqlmat_assets.project.partitions.ranges import Range
from sqlmat_assets.project.rewrite import rewrite
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import check_statements, row_statements, statements
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.billing import Estimate
from sqlmat_assets.warehouses.design import Design, create_table, create_table_as
from sqlmat_assets.warehouses.error_lines import count_in_file


@dataclass(frozen=True, slots=True)
class PartsOf:
    """What an intermediate table is filled from.

    `queries` are those whose rows it gets, one after the other; all of them give the same columns. `ranges` are those
    that are built, and `column` that of the partitions (name, type), where there are any and it is known. `batch` is
    what is loaded from outside.
    """

    queries: Sequence[str] = ()
    ranges: Sequence[Range] = ()
    column: tuple[str, str] | None = None
    batch: Batch | None = None


def write(
    model: Model,
    parts: PartsOf,
    intermediate: Relation,
    session: Session,
    context: Context,
    tell: Callable[[Printed], None] = lambda _: None,
    stopwatch: Stopwatch | None = None,
) -> Written:
    """Fill the intermediate table.

    Args:
        model: The table.
        parts: From what.
        intermediate: Where the rows are put.
        session: Where to do it.
        context: The run.
        tell: Takes what a script prints.
        stopwatch: Measures the phases inside of this one.

    Raises:
        MaterializeError: The engine refuses, or there is nothing to fill it from.
    """
    started_at, left_out = context.now(), None
    match model.kind:
        case Kind.QUERY if model.is_view:
            rows, statement = None, _write_view(model, parts.queries[0], intermediate, session, context)
        case Kind.QUERY:
            rows, statement = _write_queries(model, parts, intermediate, session, context)
        case Kind.DATA:
            rows, statement = _write_data(model, intermediate, session, context)
        case Kind.LOAD if model.load is not None and parts.batch is not None:
            loaded = write_load(model, model.load, parts.batch, intermediate, session, context)
            rows, statement = loaded.rows, loaded.statement
            left_out = LeftOut(loaded.bad_rows, tuple(map(str, loaded.first_bad))) if loaded.bad_rows else None
        case Kind.PROCESSED if model.processor is not None:
            text = statement_text(model)
            with _paid(model, [text], session, context), explained(model, session, context, text):
                rows, statement = write_processed(
                    model, model.processor, intermediate, session, context, tell, stopwatch
                )
        case Kind.PROCESSED | Kind.LOAD | Kind.DELIVERY:
            raise MaterializeError(failures.kind_not_built(model.path, model.kind))
    columns = context.retries.run(lambda: fetch_columns(model, intermediate, session, context), context.sleep)
    costs, size = session.costs, None
    if costs is not None and not model.is_view:
        size = context.retries.run(lambda: costs.fetch_size(intermediate), context.sleep)
    seconds = context.seconds_since(started_at)
    return Written(model.relation, intermediate, rows, columns, statement, seconds, left_out, size)


def _write_queries(
    model: Model, parts: PartsOf, intermediate: Relation, session: Session, context: Context
) -> tuple[int, str]:
    texts: list[str] = []
    design = design_of(model.settings, context.warehouse.capabilities, parts.column)
    if design.encodings:
        texts.append(_create_encoded(model, parts.queries[0], intermediate, design, session, context))
    with _paid(model, parts.queries, session, context):
        rows = _send_queries(model, parts.queries, intermediate, design, texts, session, context)
    if rows == 0:
        counted = context.retries.run(lambda: session.fetch_rows(statements.count_rows(intermediate)), context.sleep)
        rows = int(counted.rows[0][0])
    return rows, ";\n".join(texts)


@contextmanager
def _paid(model: Model, queries: Sequence[str], session: Session, context: Context) -> Generator[None]:
    """Run queries for what they may cost; what the engine refuses of one before that is told as if it ran."""
    costs = session.costs
    if costs is None:
        yield
        return
    estimates: list[Estimate] = []
    for query in queries:
        with explained(model, session, context, query):
            said = say(query, context)
            estimates.append(context.retries.run(partial(costs.estimate, said), context.sleep))
    with within_budget(model, estimates, costs, context.state.purse, context.prices, context.now()):
        yield


def _send_queries(
    model: Model,
    queries: Sequence[str],
    intermediate: Relation,
    design: Design,
    texts: list[str],
    session: Session,
    context: Context,
) -> int:
    """Fill the table, and tell how many rows it has been given; what was sent is added to the texts."""
    rows = 0
    for query in queries:
        before, said = split_query(say(query, context), context.spoken)
        tree = row_statements.insert_query(intermediate, said) if texts else create_table_as(intermediate, said, design)
        text = before + tree.sql(context.spoken, copy=False)
        texts.append(text)
        with explained(model, session, context, query):
            rows += context.retries.run(partial(session.write_rows, statements.verbatim(text)), context.sleep)
    return rows


def _create_encoded(
    model: Model, query: str, intermediate: Relation, design: Design, session: Session, context: Context
) -> str:
    """Make the table without rows, since one that is made of a query cannot be told encodings, and tell how."""

    def create() -> str:
        session.execute(statements.drop_table(intermediate, if_exists=True))
        # What a table of the query has for columns, only such a table tells to the last length.
        session.execute(row_statements.create_table_of(intermediate, check_statements.no_rows_of(say(query, context))))
        columns = session.fetch_columns(intermediate)
        session.execute(statements.drop_table(intermediate))
        text = create_table(intermediate, columns, design).sql(context.spoken, copy=False)
        session.execute(statements.verbatim(text))
        return text

    with explained(model, session, context, query):
        return context.retries.run(create, context.sleep)


def _write_view(model: Model, query: str, intermediate: Relation, session: Session, context: Context) -> str:
    tree = row_statements.create_view(intermediate, statements.verbatim(say(query, context)))
    text = tree.sql(context.spoken, copy=False)
    with explained(model, session, context, query):
        context.retries.run(lambda: session.execute(statements.verbatim(text)), context.sleep)
    return text


@contextmanager
def explained(model: Model, session: Session, context: Context, query: str) -> Generator[None]:
    """Add to what the engine refuses where in the file it is, and which table is missing, if that is why.

    Args:
        model: The table.
        session: Where to ask.
        context: The run.
        query: That of the file, as it is sent, or as a part of what is sent.
    """
    try:
        yield
    except TerminalWarehouseError as error:
        path = model.path if model.processor is None else model.processor.query or model.path
        message = told_in_file(error, query, path, statement_line(model.sql, model.dialect), context)
        hint = _missing(model, session, context)
        message = message if hint is None else f"{message}\n{hint}"
        if message == error.message:
            raise
        raise TerminalWarehouseError(message, error.statement) from error


def told_in_file(error: WarehouseError, query: str, path: str, line: int, context: Context) -> str:
    """What the engine says about a query, with the place in the file where it says one.

    Args:
        error: The driver's words.
        query: As it was written.
        path: The file.
        line: Where the query begins there.
        context: The run.
    """
    if context.is_transpiled:
        return told_of_transpiled(error.message, error.statement or "", query, path, line, context)
    before, last = split_query(query, context.spoken)
    for part, first in ((query, line), (before, line), (last, line + before.count("\n"))):
        counted = count_in_file(error.message, error.statement or "", part, first) if part else None
        if counted is not None:
            return failures.in_file(counted[0], path, counted[1])
    return error.message


def reads_itself(model: Model, context: Context) -> bool:
    """Whether a query reads the rows that it is going to replace."""
    elsewhere = Relation(model.relation.schema, f"{model.relation.name}_")
    return rewrite(model.sql, context.names, {model.relation: elsewhere}) != model.sql


def _missing(model: Model, session: Session, context: Context) -> str | None:
    """Which table that the query reads was never built, if that is what stopped it."""
    try:
        if reads_itself(model, context) and not session.fetch_columns(model.relation):
            return failures.reads_itself_unbuilt(str(model.relation))
        histories = [each for each in model.sources if may_be_history(each)]
        own = [each for each in histories if base_of(each) in (model.relation, *model.upstream)]
        unbegun = [str(each) for each in own if not session.fetch_columns(each)]
        if unbegun:
            return failures.reads_unbegun(unbegun)
        unbuilt = [str(relation) for relation in model.upstream if not session.fetch_columns(relation)]
    except WarehouseError:
        # What stopped the query is the news, not that nothing more can be asked.
        return None
    return failures.reads_unbuilt(unbuilt) if unbuilt else None


def _write_data(model: Model, intermediate: Relation, session: Session, context: Context) -> tuple[int, str]:
    path = context.root / model.path
    if not path.is_file():
        raise MaterializeError(failures.no_data_file(model.path))
    columns = spoken_types(model.settings.columns, context)
    design = design_of(model.settings, context.warehouse.capabilities)
    rows = context.retries.run(lambda: session.load_file(intermediate, path, columns, design=design), context.sleep)
    return rows, "\n".join(context.warehouse.render_load(intermediate, path, columns, design=design))


def fetch_columns(model: Model, relation: Relation, session: Session, context: Context) -> tuple[Column, ...]:
    """The columns of the table that stands for a model, with the comments beside them in its SQL."""
    capabilities = context.warehouse.capabilities
    texts = {capabilities.fold_column(column.name): column.description for column in model.columns}
    found = session.fetch_columns(relation)
    return tuple(Column(name, kind, texts.get(capabilities.fold_column(name))) for name, kind in found)


def describe(model: Model, relation: Relation, written: Written, session: Session, context: Context) -> None:
    """Put the descriptions of the table and of the columns that were written into the warehouse."""
    if not context.warehouse.capabilities.has_comments:
        return
    if model.description:
        comment = statements.comment_on_view if model.is_view else statements.comment_on_table
        session.execute(comment(relation, model.description))
    for column in written.columns:
        if column.description:
            session.execute(statements.comment_on_column(relation, column.name, column.description))
