"""An engine as the tests of the product see it: where tables are built, and what is in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg

from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.redshift.clients import ask as ask_there
from sqlmat_assets_tests.redshift.clients import with_psycopg
from sqlmat_assets_tests.redshift.cluster import DATABASE, USER, RedshiftDouble

Rows = list[tuple[object, ...]]
PASSWORD = "hunter2"


@dataclass(frozen=True, slots=True)
class Engine:
    """A database.

    Attributes:
        dialect: As in `dialect = postgres`.
        url: For `--warehouse`; with a password where the engine knows such.
        label: What people are shown of it.
        ask: Fetch the rows of a query.
    """

    dialect: str
    url: str
    label: str
    ask: Callable[[str], Rows]


def find_duckdb(file: Path) -> Engine:
    def ask(query: str) -> Rows:
        with duckdb.connect(file, read_only=True) as connection:
            return connection.execute(query).fetchall()

    return Engine("duckdb", f"duckdb:///{file}", f"duckdb://{file}", ask)


def find_redshift(cluster: RedshiftDouble, url: str) -> Engine:
    """The double of a cluster; `url` is that with all that a build there needs."""

    def ask(query: str) -> Rows:
        connection = with_psycopg(cluster, autocommit=True)
        try:
            return ask_there(connection, query)
        finally:
            connection.close()

    return Engine("redshift", url, f"redshift://{USER}@127.0.0.1:{cluster.port}/{DATABASE}", ask)


def find_postgres(url: str) -> Engine:
    def ask(query: str) -> Rows:
        with psycopg.connect(url, autocommit=True) as connection:
            asked = connection.execute(query.encode())
            return asked.fetchall() if asked.description else []

    return Engine("postgres", url.replace("dev@", f"dev:{PASSWORD}@"), url, ask)


def find_bigquery(url: str) -> Engine:
    warehouse = open_warehouse(url)

    def ask(query: str) -> Rows:
        with warehouse.open_session() as session:
            return list(session.fetch_rows(verbatim(query)).rows)

    return Engine("bigquery", warehouse.label, warehouse.label, ask)
