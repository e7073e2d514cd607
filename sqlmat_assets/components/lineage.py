"""Which columns of which tables the columns of a table come from, told when it is built."""

from __future__ import annotations

from collections.abc import Mapping

from sqlmat_assets.components.events import Lineage
from sqlmat_assets.errors import WarehouseError
from sqlmat_assets.execution.context import Context
from sqlmat_assets.project.model import Kind, Model
from sqlmat_assets.relation import Relation


def trace_columns(model: Model, columns_of: Mapping[Relation, tuple[str, ...]], context: Context) -> Lineage:
    """The columns that each column of a table comes from; empty where that cannot be told.

    Args:
        model: The table.
        columns_of: The columns of the tables whose files tell; the warehouse is asked for those of the others.
        context: Where the tables are.
    """
    if model.kind is not Kind.QUERY:
        return {}
    # The part of sqlglot that does this is large, and loading definitions does not need it.
    from sqlmat_assets.project.lineage import column_lineage

    try:
        known = _columns(model, columns_of, context)
    except WarehouseError:
        # The table is published; that it is recorded must not depend on a second conversation with the warehouse.
        return {}
    return column_lineage(model.sql, context.names, known)


def _columns(
    model: Model, columns_of: Mapping[Relation, tuple[str, ...]], context: Context
) -> dict[Relation, tuple[str, ...]]:
    reads = (*model.upstream, *model.sources)
    known = {read: columns_of[read] for read in reads if read in columns_of}
    unknown = [read for read in reads if read not in known]
    if unknown:
        with context.warehouse.open_session() as session:
            known |= {read: tuple(name for name, _ in session.fetch_columns(read)) for read in unknown}
    return known
