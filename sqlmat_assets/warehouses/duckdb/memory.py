"""A DuckDB without a file: what is in it is gone when its session ends."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import duckdb
from sqlglot import exp

from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.duckdb.session import DuckDBSession


@contextmanager
def open_memory() -> Generator[Session]:
    """Give a session on an empty database whose clock is that of UTC, on every machine."""
    connection = duckdb.connect(":memory:")
    try:
        session = DuckDBSession(connection)
        session.execute(_set("TimeZone", exp.Literal.string("UTC")))
        yield session
    finally:
        connection.close()


def _set(name: str, value: exp.Expr) -> exp.Expr:
    item = exp.SetItem(this=exp.EQ(this=exp.column(name), expression=value))
    return exp.Set(expressions=[item])
