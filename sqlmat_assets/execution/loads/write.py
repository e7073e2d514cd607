"""Filling the intermediate table of a load."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.designs import design_of
from sqlmat_assets.execution.loads.batches import Batch
from sqlmat_assets.execution.loads.databases import write_rows
from sqlmat_assets.execution.loads.direct import load_directly
from sqlmat_assets.execution.loads.fetching import fetched, with_urls
from sqlmat_assets.execution.loads.finding import open_store, partition_type
from sqlmat_assets.execution.speaking import spoken_types
from sqlmat_assets.project.load_folders import find_folders
from sqlmat_assets.project.loads import Load
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.partitions.spec import Partitioning
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements, statements
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.source_files import Contents, FileColumn, Loaded


def write_load(
    model: Model, load: Load, batch: Batch, intermediate: Relation, session: Session, context: Context
) -> Loaded:
    """Create the intermediate table from files, or from rows of a database, all in one statement.

    Args:
        model: The table.
        load: What its file says.
        batch: The files, or the rows.
        intermediate: The table to create.
        session: Where.
        context: The run.

    Raises:
        MaterializeError: One of them cannot be read.
    """
    design = design_of(model.settings, context.warehouse.capabilities)
    if batch.asked is not None:
        return write_rows(load, batch.asked, intermediate, session, context, design)
    if not batch.files:
        return _write_nothing(model, load, intermediate, session, context)
    contents, store = contents_of(load, context), open_store(load, context)
    loaded = load_directly(load, contents, batch.files, intermediate, store, session, context, design)
    if loaded is not None:
        return loaded
    name = f"{context.run.id}.{model.relation}"
    with fetched(batch.files, store, session, context, name) as files:
        loaded = context.retries.run(
            lambda: session.load_files(intermediate, files, contents, design=design), context.sleep
        )
    return replace(loaded, statement=with_urls(loaded.statement, files))


def _write_nothing(model: Model, load: Load, intermediate: Relation, session: Session, context: Context) -> Loaded:
    empty = row_statements.create_table_of(intermediate, columns_query(load, model.settings.partition_by, context))
    context.retries.run(lambda: session.execute(empty.copy()), context.sleep)
    return Loaded(0, context.warehouse.render(empty))


def contents_of(load: Load, context: Context) -> Contents:
    """What stands in the files of a load."""
    types = spoken_types([(column.name, column.type) for column in load.columns], context)
    columns = tuple(
        FileColumn(name, kind, column.path) for (name, kind), column in zip(types, load.columns, strict=True)
    )
    return Contents(columns, load.max_bad_rows)


def columns_query(load: Load, partitioning: Partitioning | None, context: Context) -> exp.Expr:
    """A query without a table that gives the columns of a load, in their order and of their types."""
    constants = [] if load.filename is None else [(load.filename, "VARCHAR")]
    folders = find_folders(load.files)
    if load.folder is not None and folders is not None:
        constants.append((load.folder, folders.type))
    if partitioning is not None:
        constants.append((partitioning.column, partition_type(partitioning)))
    declared = spoken_types([(column.name, column.type) for column in load.columns], context)
    columns = [*declared, *constants]
    # A query, not the files: whether they can be read is found out once, when they are loaded.
    casts = [
        exp.Cast(this=exp.null(), to=exp.DataType.build(kind, dialect=context.spoken, udt=True)) for _, kind in columns
    ]
    return exp.select(*map(statements.named, casts, (name for name, _ in columns))).limit(0)
