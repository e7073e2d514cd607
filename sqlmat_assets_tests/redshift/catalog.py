"""The system tables, views and functions of the double, put into a template database once a server."""

from __future__ import annotations

from pathlib import Path

from sqlmat_assets_tests.redshift.backend import Address, Backend
from sqlmat_assets_tests.redshift.lexer import literal, quoted, split

TEMPLATE = "redshift_template"
FOLDER = Path(__file__).parent


def install(address: Address) -> None:
    """Make the template from which the databases of clusters are copied, if it is not there."""
    with _connection(address, "postgres") as server:
        if server.run(f"select from pg_database where datname = {literal(TEMPLATE)}"):
            return
        server.run(f"create database {TEMPLATE}")
    with _connection(address, TEMPLATE, {"allow_system_table_mods": "on"}) as template:
        template.run("begin")
        for name in ("catalog_tables.sql", "catalog_functions.sql"):
            for statement in split((FOLDER / name).read_text()):
                template.run(statement)
        template.run("commit")


def create_database(address: Address, name: str) -> None:
    with _connection(address, "postgres") as server:
        server.run(f"create database {quoted(name)} template {TEMPLATE}")


def drop_database(address: Address, name: str) -> None:
    with _connection(address, "postgres") as server:
        server.run(f"drop database if exists {quoted(name)} with (force)")


class _connection:  # noqa: N801 - a context manager, used as a function
    def __init__(self, address: Address, database: str, options: dict[str, str] | None = None) -> None:
        self.backend = Backend(address, database, options or {})

    def __enter__(self) -> Backend:
        return self.backend

    def __exit__(self, *_: object) -> None:
        self.backend.close()
