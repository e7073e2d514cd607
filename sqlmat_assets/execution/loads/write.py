"""Filling the intermediate table of a load."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.designs import design_of
from sqlmat_assets.execution.loads.local_files import find_all, find_of_partitions, partition_type
from sqlmat_assets.execution.speaking import spoken_types
from sqlmat_assets.project.loads import Load
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.partitions.ranges import Range
from sqlmat_assets.project.partitions.spec import Partitioning
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.source_files import SourceFile


def write_load(
    model: Model,
    load: Load,
    intermediate: Relation,
    session: Session,
    context: Context,
    ranges: Sequence[Range] = (),
) -> tuple[int, str]:
    """Create the intermediate table from the files of a load, all in one statement.

    Args:
        model: The table.
        load: What its file says.
        intermediate: The table to create.
        session: Where.
        context: The run.
        ranges: Which partitions, of a table that has some.

    Returns:
        How many rows it has, and the statement.

    Raises:
        MaterializeError: A file is missing, or the engine cannot read one.
    """
    files = find_files(model, load, context, ranges)
    columns = spoken_types([(column.name, column.type) for column in load.columns], context)
    design = design_of(model.settings, context.warehouse.capabilities)
    rows = context.retries.run(lambda: session.load_files(intermediate, files, columns, design=design), context.sleep)
    return rows, "\n".join(context.warehouse.render_load_files(intermediate, files, columns, design=design))


def find_files(model: Model, load: Load, context: Context, ranges: Sequence[Range] = ()) -> tuple[SourceFile, ...]:
    """The files that make the rows of a table, or of some of its partitions.

    Raises:
        MaterializeError: One is missing.
    """
    folder = (context.root / model.path).absolute().parent
    partitioning = model.settings.partition_by
    if partitioning is None:
        return find_all(load, folder)
    return find_of_partitions(load, folder, partitioning, ranges)


def columns_query(load: Load, partitioning: Partitioning | None, context: Context) -> exp.Expr:
    """A query without a table that gives the columns of a load, in their order and of their types."""
    constants = [] if load.filename is None else [(load.filename, "VARCHAR")]
    if partitioning is not None:
        constants.append((partitioning.column, partition_type(partitioning)))
    declared = spoken_types([(column.name, column.type) for column in load.columns], context)
    columns = [*declared, *constants]
    # A query, not the files: whether they can be read is found out once, when they are loaded.
    casts = [
        exp.Cast(this=exp.null(), to=exp.DataType.build(kind, dialect=context.spoken, udt=True)) for _, kind in columns
    ]
    return exp.select(*map(statements.named, casts, (name for name, _ in columns))).limit(0)
