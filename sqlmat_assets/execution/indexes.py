"""The indexes that people have made on tables, which some engines do not let go along when a table is altered."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Session


@contextmanager
def without_indexes(relation: Relation, session: Session, *, come_back: bool) -> Generator[None]:
    """Drop the indexes that are in the way of altering a table, in the transaction that alters it.

    Args:
        relation: The table.
        session: In a transaction.
        come_back: Whether the table of this name has them again afterwards.
    """
    found = session.fetch_indexes(relation)
    for index in found:
        session.execute(statements.drop_index(index.relation))
    yield
    for index in found if come_back else ():
        session.execute(statements.verbatim(index.statement))
