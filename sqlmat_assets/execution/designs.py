"""How the rows of a table are to lie, from its settings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlglot import exp

from sqlmat_assets.project.partitions.spec import TimePartitioning
from sqlmat_assets.project.settings import ModelSettings
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements
from sqlmat_assets.warehouses.base import Capabilities, Session
from sqlmat_assets.warehouses.design import NO_DESIGN, Design
from sqlmat_assets.warehouses.storage import Storage

# What a run leaves behind goes by itself after a while, on an engine whose tables can.
_LASTS = timedelta(days=1)


def design_of(settings: ModelSettings, capabilities: Capabilities, column: tuple[str, str] | None = None) -> Design:
    """What a table is told when it is made; nothing on an engine that has its rows lie in one way only.

    Args:
        settings: Those of the table.
        capabilities: The engine's.
        column: That of the partitions (name, type), where its type is known and there are any.
    """
    if capabilities.has_storage_partitions:
        return Design(storage=_storage_of(settings, column))
    if not capabilities.has_distribution:
        return NO_DESIGN
    key = settings.sortkey
    return Design(settings.diststyle, settings.distkey, key.columns, key.style, settings.encode)


def _storage_of(settings: ModelSettings, column: tuple[str, str] | None) -> Storage:
    partitioning = settings.partition_by
    return Storage(
        None if partitioning is None else column or (partitioning.column, ""),
        partitioning.grain.value if isinstance(partitioning, TimePartitioning) else None,
        settings.cluster_by,
        settings.partitions_stored_for,
        settings.labels,
        _LASTS,
    )


def copy_rows(
    target: Relation,
    source: Relation,
    columns: Sequence[str],
    query: exp.Expr,
    session: Session,
    capabilities: Capabilities,
) -> int:
    """Create a table with rows of another one, that lie as they do there, and tell how many there are.

    Args:
        target: The table.
        source: The other one.
        columns: Its columns, in their order.
        query: Those rows, with all columns.
        session: Where.
        capabilities: The engine's.
    """
    if not capabilities.has_distribution:
        return session.write_rows(row_statements.create_table_of(target, query))
    session.execute(row_statements.create_table_like(target, source))
    return session.write_rows(row_statements.insert_rows(target, columns, query))
