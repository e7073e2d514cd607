"""Views have no rows: whoever reads one reads what it reads, and can do so only while that has its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.execution.records import Record
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Session


def refusal_of(relation: Relation, session: Session) -> str | None:
    """Why a table or view cannot be read, in the engine's words; None where it can.

    A view is there, and yet cannot be read, where what it reads has lost a column.
    """
    try:
        return None if session.fetch_columns(relation) else "it reads what is not there"
    except TerminalWarehouseError as error:
        return error.message.splitlines()[0]


def records_through_views(
    relations: Iterable[Relation], find: Callable[[Relation], Record | None]
) -> dict[Relation, Record] | None:
    """The records of some tables and views, and of all that those views read, near or far.

    What a view reads is told by its record and not by its file, which may have been edited since the view was made.

    Args:
        relations: Tables and views.
        find: Gives what is recorded of one.

    Returns:
        None where something is not known: of one of them there is no record, or a view reads what nobody keeps a record
        of, or gives other rows each time.
    """
    found: dict[Relation, Record] = {}
    ahead = list(relations)
    while ahead:
        relation = ahead.pop()
        if relation in found:
            continue
        record = find(relation)
        if record is None:
            return None
        found[relation] = record
        if record.is_view:
            if record.inputs is None:
                return None
            ahead += map(Relation.of, record.inputs)
    return found
