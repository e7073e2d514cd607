"""The indexes that people have made on tables, which some engines do not let go along when a table is altered."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements, statements
from sqlmat_assets.warehouses.base import Session, Statement


def alter(
    relation: Relation, aside: Relation, changes: Sequence[Statement], session: Session, *, only_adds: bool
) -> None:
    """Change the columns of a table in a transaction, whatever indexes are on it.

    An engine that lets no index go along refuses to change a column that had one in the same transaction. A copy of the
    table never had one, and gets them when its columns are as they are to be.

    Args:
        relation: The table.
        aside: A name that the copy has for a moment.
        changes: The statements.
        session: In a transaction.
        only_adds: Whether the statements only add columns, which no index is in the way of.
    """
    found = session.fetch_indexes(relation) if changes and not only_adds else ()
    if found:
        whole = exp.select("*").from_(statements.table(relation))
        session.execute(row_statements.create_table_of(aside, whole))
        session.execute(statements.drop_table(relation))
        session.execute(statements.rename_table(aside, relation.name))
    for statement in changes:
        session.execute(statement)
    for index in found:
        session.execute(statements.verbatim(index.statement))


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
