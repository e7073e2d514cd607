"""The system tables, views and functions of the double, put into a template database once a server."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sqlmat_assets_tests.redshift.backend import Address, Backend
from sqlmat_assets_tests.redshift.lexer import literal, quoted, split

TEMPLATE = "redshift_template"
SCHEMAS = """select nspname from pg_catalog.pg_namespace
    where nspname !~ '^pg_' and nspname not in ('information_schema', 'redshift')"""
ADMIN = {"TimeZone": "UTC", "password_encryption": "md5"}
OWN_TABLES = [
    "redshift_designs",
    "redshift_late_views",
    "redshift_long_names",
    "redshift_queries",
    "redshift_scans",
    "redshift_sessions",
    "stl_load_errors",
    "stl_load_commits",
    "stl_unload_log",
    "stl_tr_conflict",
]
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


def emptying(schemas: Iterable[tuple[str | None, ...]]) -> list[str]:
    """Return the statements that leave a database as it was made."""
    return [
        *(f"drop schema {quoted(schema or '')} cascade" for (schema,) in schemas),
        "create schema public",
        "grant all on schema public to public",
        *(f"delete from pg_catalog.{table}" for table in OWN_TABLES),
    ]


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
