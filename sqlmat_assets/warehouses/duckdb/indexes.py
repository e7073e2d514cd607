"""Indexes that people have made on tables of DuckDB, which go with a table when it is dropped."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from sqlglot import exp

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.errors.failures import cannot_be_moved
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Index, Session
from sqlmat_assets.warehouses.duckdb.facts import DUCKDB


def fetch_indexes(session: Session, relation: Relation) -> tuple[Index, ...]:
    """The indexes on a table."""
    query = exp.select("schema_name", "table_name", "index_name", "sql").from_(exp.func("duckdb_indexes"))
    same_catalog = exp.EQ(this=exp.column("database_name"), expression=exp.func("current_database"))
    own = (DUCKDB.fold(relation.schema), DUCKDB.fold(relation.name))
    return tuple(
        Index(Relation(str(schema), str(name)), str(sql).rstrip(";"))
        for schema, table, name, sql in session.fetch_rows(query.where(same_catalog)).rows
        if (DUCKDB.fold(str(schema)), DUCKDB.fold(str(table))) == own
    )


@contextmanager
def keeping_indexes(session: Session, target: Relation) -> Generator[None]:
    """Have the table that has a name when the block ends have the indexes of the one that has it now.

    No table with an index can be renamed, so they are made behind the renaming, in its transaction; DuckDB tells each
    with the name of the table, and that is the same again. A view can have none.

    Raises:
        MaterializeError: The rows cannot have one of them.
    """
    found = fetch_indexes(session, target)
    yield
    if not found or _kind_of(session, target) != "table":
        return
    there = {index.relation for index in fetch_indexes(session, target)}
    for index in found:
        if index.relation in there:
            continue
        try:
            session.execute(statements.verbatim(index.statement))
        except TerminalWarehouseError as error:
            told = f"the index `{index.relation.name}`"
            raise cannot_be_moved(str(target), told, error.message.splitlines()[0]) from error


def _kind_of(session: Session, relation: Relation) -> str | None:
    kinds = session.fetch_kinds(relation.schema)
    return next((kind for name, kind in kinds.items() if DUCKDB.fold(name) == DUCKDB.fold(relation.name)), None)
