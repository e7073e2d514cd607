"""Tables that are loaded from PostgreSQL and from MariaDB."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sqlmat_assets.errors import TransientSourceError
from sqlmat_assets.execution.events import Run
from sqlmat_assets.execution.piece import Piece
from sqlmat_assets_tests.execution.loading import LoadProject
from sqlmat_assets_tests.mariadb import MariaDB

COLUMNS = "columns:\n  id: bigint\n  name: varchar\n"
Send = Callable[..., list[tuple[Any, ...]]]


class Source:
    """A database to load from: its URL, and a way to change it."""

    def __init__(self, url: str, send: Send) -> None:
        self.url = url
        self.send = send

    def project(self, root: Path, text: str, **more: Any) -> LoadProject:
        return LoadProject(root, f"connection: shop\n{text}", variables={"SQLMAT_CONNECTION_SHOP": self.url}, **more)


@pytest.fixture
def postgres(postgres_url: str) -> Source:
    def send(*statements: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    return Source(postgres_url, send)


@pytest.fixture
def mariadb(mariadb_server: MariaDB) -> Generator[Source]:
    name = mariadb_server.make_database()
    yield Source(mariadb_server.url(name), lambda *statements: mariadb_server.send(name, *statements))
    mariadb_server.send("", f"DROP DATABASE {name}")


@pytest.fixture(params=["postgres", "mariadb"])
def source(request: pytest.FixtureRequest) -> Source:
    return request.getfixturevalue(request.param)


def orders(source: Source, *rows: str) -> None:
    source.send(
        "CREATE TABLE orders (id bigint PRIMARY KEY, name varchar(20), more int)",
        f"INSERT INTO orders VALUES {', '.join(rows)}",
    )


def test_a_table(tmp_path: Path, source: Source) -> None:
    orders(source, "(1, 'x', 1)", "(2, NULL, 2)", "(3, 'é😀', 3)")
    project = source.project(tmp_path, f"table: orders\n{COLUMNS}")
    built = project.published()
    assert project.rows() == [(1, "x"), (2, None), (3, "é😀")]
    assert built.rows == 3
    assert "cr%40t" not in built.statement


def test_a_query_with_other_names(tmp_path: Path, source: Source) -> None:
    orders(source, "(1, 'x', 1)", "(2, 'y', 2)")
    text = (
        "query: |\n  select id, name, more * 2 as twice from orders\n  where id > 1 -- not the first\n"
        "columns:\n  ID: bigint\n  name: varchar as called\n  twice: int\n"
    )
    project = source.project(tmp_path, text)
    project.published()
    assert project.rows("id, called, twice") == [(2, "y", 4)]


def test_no_rows(tmp_path: Path, source: Source) -> None:
    source.send("CREATE TABLE orders (id bigint, name varchar(20))")
    for strategy in ("bulk", "incremental\nkey: id"):
        project = source.project(tmp_path, f"table: orders\nstrategy: {strategy}\n{COLUMNS}")
        project.published(Piece(is_full_refresh=True))
        assert project.rows() == []


def test_the_same_rows_are_not_published_again(tmp_path: Path, source: Source) -> None:
    orders(source, "(1, 'x', 1)", "(2, 'y', 2)")
    project = source.project(tmp_path, f"table: orders\n{COLUMNS}")
    project.published()
    project.unchanged()


class TestIncremental:
    text = f"table: orders\nstrategy: incremental\nkey: id\n{COLUMNS}"

    def test_only_new_rows_are_read(self, tmp_path: Path, source: Source) -> None:
        orders(source, "(1, 'x', 1)", "(9, 'y', 2)")
        project = source.project(tmp_path, self.text)
        project.published()
        source.send("UPDATE orders SET name = 'changed'", "INSERT INTO orders VALUES (10, 'z', 3)")
        assert project.published().rows == 1
        assert project.rows() == [(1, "x"), (10, "z"), (9, "y")]
        assert project.unchanged().statement is None

    def test_all_is_read_anew_when_it_is_asked_for_or_due(self, tmp_path: Path, source: Source) -> None:
        orders(source, "(1, 'x', 1)")
        project = source.project(tmp_path, f"{self.text}\nreload: 7d\n")
        start = datetime(2026, 1, 1, tzinfo=UTC)

        def build(after: timedelta) -> None:
            project.runs += 1
            project.build(run_=Run(f"t{project.runs}", start + after))

        project.published()
        source.send("UPDATE orders SET name = 'changed'")
        project.unchanged()
        project.published(Piece(is_full_refresh=True))
        assert project.rows() == [(1, "changed")]
        del build

    def test_keys_that_fell_are_those_of_other_rows(self, tmp_path: Path, source: Source) -> None:
        orders(source, "(1, 'x', 1)", "(2, 'y', 1)")
        project = source.project(tmp_path, self.text)
        project.published()
        source.send("DELETE FROM orders", "INSERT INTO orders VALUES (1, 'new', 1)")
        project.published()
        assert project.rows() == [(1, "new")]

    def test_a_key_of_moments(self, tmp_path: Path, source: Source) -> None:
        kind = "timestamptz" if source.url.startswith("post") else "timestamp(6)"
        source.send(
            f"CREATE TABLE orders (at {kind}, name varchar(9))",
            "INSERT INTO orders VALUES ('2026-03-29 01:30:00.000001', 'x'), ('2026-03-29 01:30:00.000002', 'y')",
        )
        text = "table: orders\nstrategy: incremental\nkey: at\ncolumns:\n  at: timestamptz\n  name: varchar\n"
        project = source.project(tmp_path, text)
        project.published()
        source.send("INSERT INTO orders VALUES ('2026-03-29 01:30:00.000003', 'z')")
        assert project.published().rows == 1
        assert [row[0] for row in project.rows("name")] == ["x", "y", "z"]

    def test_great_keys_are_told_apart(self, tmp_path: Path, source: Source) -> None:
        orders(source, "(9007199254740993, 'x', 1)")
        project = source.project(tmp_path, self.text)
        project.published()
        source.send("INSERT INTO orders VALUES (9007199254740994, 'y', 1)")
        assert project.published().rows == 1

    def test_a_key_has_an_order(self, tmp_path: Path, source: Source) -> None:
        orders(source, "(1, 'x', 1)")
        project = source.project(tmp_path, self.text.replace("key: id", "key: name"))
        assert "and no key that grows" in project.refused()
