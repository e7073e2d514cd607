"""The three drivers, each connected as a project would connect it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import psycopg
import psycopg2
import redshift_connector

from sqlmat_assets_tests.redshift.cluster import DATABASE, PASSWORD, USER, RedshiftDouble

Connect = Callable[..., Any]


def with_psycopg2(cluster: RedshiftDouble, **settings: Any) -> Any:
    return psycopg2.connect(**_settings(cluster, "dbname", settings))


def with_psycopg(cluster: RedshiftDouble, **settings: Any) -> Any:
    return psycopg.connect(**_settings(cluster, "dbname", settings))


def with_redshift_connector(cluster: RedshiftDouble, **settings: Any) -> Any:
    return redshift_connector.connect(ssl=False, **_settings(cluster, "database", settings))


DRIVERS: tuple[Connect, ...] = (with_psycopg2, with_psycopg, with_redshift_connector)


def _settings(cluster: RedshiftDouble, database: str, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "port": cluster.port,
        database: DATABASE,
        "user": USER,
        "password": PASSWORD,
    } | settings


def ask(connection: Any, sql: str, values: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows, if it has any."""
    cursor = connection.cursor()
    cursor.execute(*((sql,) if values is None else (sql, values)))
    return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


def fails(connection: Any, sql: str) -> tuple[str, str]:
    """Run a statement that must fail; return SQLSTATE and message, whichever driver told them, and roll back."""
    try:
        ask(connection, sql)
    except psycopg2.Error as error:
        found = error.pgcode or "", (error.diag.message_primary or str(error)).strip()
    except psycopg.Error as error:
        found = error.sqlstate or "", (error.diag.message_primary or str(error)).strip()
    except redshift_connector.Error as error:
        told: Any = error.args[0]
        found = (told["C"], told["M"]) if isinstance(told, dict) else ("", str(told))
    else:
        raise AssertionError(f"this was not refused: {sql}")
    connection.rollback()
    return found
