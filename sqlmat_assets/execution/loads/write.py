"""Filling the intermediate table of a load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from sqlmat_assets.connectors.base import Store
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.loads.fetching import fetched, with_urls
from sqlmat_assets.execution.loads.finding import Finder, Wanted, partition_type
from sqlmat_assets.project.loads import Load, scheme_of
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.partitions.ranges import Range
from sqlmat_assets.project.partitions.spec import Partitioning
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.source_files import Contents, FileColumn, Loaded


def write_load(
    model: Model,
    load: Load,
    intermediate: Relation,
    session: Session,
    context: Context,
    ranges: Sequence[Range] = (),
) -> Loaded:
    """Create the intermediate table from the files of a load, all in one statement.

    Args:
        model: The table.
        load: What its file says.
        intermediate: The table to create.
        session: Where.
        context: The run.
        ranges: Which partitions, of a table that has some.

    Raises:
        MaterializeError: A file is missing, or cannot be read.
    """
    store = open_store(load, context)
    wanted = context.retries.run(lambda: find_files(model, load, store, context, ranges), context.sleep)
    contents = contents_of(load)
    name = f"{context.run.id}.{model.relation}"
    with fetched(wanted, store, session, context, name) as files:
        loaded = context.retries.run(lambda: session.load_files(intermediate, files, contents), context.sleep)
    return replace(loaded, statement=with_urls(loaded.statement, files))


def open_store(load: Load, context: Context) -> Store:
    """The place with the files of a load."""
    return context.connectors.open_store(scheme_of(load.files), load.connection)


def find_files(
    model: Model, load: Load, store: Store, context: Context, ranges: Sequence[Range] = ()
) -> tuple[Wanted, ...]:
    """The files that make the rows of a table, or of some of its partitions.

    Raises:
        MaterializeError: One is missing.
    """
    finder = Finder(load, (context.root / model.path).absolute().parent, store)
    partitioning = model.settings.partition_by
    if partitioning is None:
        return finder.find_all()
    return finder.find_of_partitions(partitioning, ranges)


def contents_of(load: Load) -> Contents:
    """What stands in the files of a load."""
    return Contents(tuple(FileColumn(column.name, column.type, column.path) for column in load.columns))


def columns_query(model: Model, load: Load, partitioning: Partitioning | None) -> exp.Expr:
    """A query without a table that gives the columns of a load, in their order and of their types."""
    constants = [] if load.filename is None else [(load.filename, "VARCHAR")]
    if partitioning is not None:
        constants.append((partitioning.column, partition_type(partitioning)))
    columns = [*((column.name, column.type) for column in load.columns), *constants]
    # A query, not the files: whether they can be read is found out once, when they are loaded.
    casts = [
        exp.Cast(this=exp.null(), to=exp.DataType.build(kind, dialect=model.dialect, udt=True)) for _, kind in columns
    ]
    return exp.select(*map(statements.named, casts, (name for name, _ in columns))).where(exp.false())
