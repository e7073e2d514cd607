"""Room for longer texts, where a column gets it only before the transaction that needs it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Capabilities, Session
from sqlmat_assets.warehouses.snapshot_statements import retype_column
from sqlmat_assets.warehouses.widening import longer_text


def make_room(
    relation: Relation, given: Sequence[tuple[str, str]], session: Session, capabilities: Capabilities
) -> None:
    """Have the columns of a table as long as those whose rows it is to get; does nothing where there is no table.

    A table that is not published into afterwards keeps the room, which costs nothing. Where the engine refuses, as for
    a column that a view reads, the rows may fit all the same.

    Args:
        relation: The table that gets the rows.
        given: The columns (name, type) that they come in.
        session: In no transaction.
        capabilities: The engine's; nothing is to be done on most.
    """
    if not capabilities.has_varying_lengths:
        return
    wanted = {capabilities.fold_column(name): type_ for name, type_ in given}
    for name, type_ in session.fetch_columns(relation):
        longer = longer_text(type_, wanted.get(capabilities.fold_column(name), type_), capabilities.dialect)
        if longer is not None:
            with suppress(TerminalWarehouseError):
                session.execute(retype_column(relation, name, longer))
