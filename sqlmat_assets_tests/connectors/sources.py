"""Real databases to load from: a PostgreSQL and a MariaDB, empty in each test."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sqlmat_assets_tests.execution.loading import LoadProject
from sqlmat_assets_tests.mariadb import MariaDB
from sqlmat_assets_tests.postgres import Server

Send = Callable[..., list[tuple[Any, ...]]]


class Source:
    """A database to load from: its URL, and a way to change it."""

    def __init__(self, url: str, send: Send) -> None:
        self.url = url
        self.send = send

    @property
    def is_postgres(self) -> bool:
        return self.url.startswith("postgres")

    def project(self, root: Path, text: str, **more: Any) -> LoadProject:
        return LoadProject(root, f"connection: shop\n{text}", variables={"SQLMAT_CONNECTION_SHOP": self.url}, **more)


def source_in_postgres(url: str) -> Source:
    def send(*statements: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(url, autocommit=True) as connection:
            cursors = [connection.execute(statement.encode()) for statement in statements]
            return cursors[-1].fetchall() if cursors[-1].description else []

    return Source(url, send)


@pytest.fixture
def postgres(postgres_server: Server) -> Generator[Source]:
    """A database of its own, other than that of a warehouse."""
    name = postgres_server.make_database()
    yield source_in_postgres(postgres_server.url(name))
    postgres_server.drop_database(name)


@pytest.fixture
def mariadb(mariadb_server: MariaDB) -> Generator[Source]:
    """The same in MariaDB."""
    name = mariadb_server.make_database()
    yield Source(mariadb_server.url(name), lambda *statements: mariadb_server.send(name, *statements))
    mariadb_server.send("", f"DROP DATABASE {name}")


@pytest.fixture(params=["postgres", "mariadb"])
def source(request: pytest.FixtureRequest) -> Source:
    """Each of them."""
    return request.getfixturevalue(request.param)
