"""How the rows of a table are to lie, from its settings."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from sqlmat_assets.project.settings import ModelSettings
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements
from sqlmat_assets.warehouses.base import Capabilities, Session
from sqlmat_assets.warehouses.design import NO_DESIGN, Design


def design_of(settings: ModelSettings, capabilities: Capabilities) -> Design:
    """What a table is told when it is made; nothing on an engine that has its rows lie in one way only."""
    if not capabilities.has_distribution:
        return NO_DESIGN
    key = settings.sortkey
    return Design(settings.diststyle, settings.distkey, key.columns, key.style, settings.encode)


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
