"""Tables delivered into a PostgreSQL database: in one transaction, and nothing of others is replaced."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Any

import psycopg
import pytest

from sqlmat_assets_tests.execution.deliveries.sending import Sending
from sqlmat_assets_tests.postgres import Server

OTHER = "other:\n  to: {url}\n  table: shop.cities\n"
ROWS = [(0, "city 0"), (1, "city 1"), (2, "")]


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(query.encode())
        return [] if found.description is None else found.fetchall()


@pytest.fixture
def url(sending: Sending, postgres_url: str) -> str:
    sending.write(OTHER.format(url=postgres_url))
    return postgres_url


@pytest.fixture
def role(url: str) -> Generator[str]:
    """A user of the server that needs a password."""
    ask(url, "create role locked login")
    yield "locked"
    ask(url, "drop owned by locked; drop role locked")


def test_the_table_is_made_and_replaced(sending: Sending, url: str) -> None:
    event = sending.deliver("other")
    assert (event.rows, event.details) == (3, (("table", "shop.cities"),))
    assert event.shown == f"shop.cities of {url.replace('dev@', '')}"
    assert ask(url, "select id, name from shop.cities order by id") == ROWS
    sending.write(OTHER.format(url=url), count=1)
    sending.deliver("other")
    assert ask(url, "select * from shop.cities") == [(0, "")]
    tables = "select table_schema, table_name from information_schema.tables where table_schema not in ('pg_catalog', "
    assert ask(url, f"{tables} 'information_schema')") == [("shop", "cities")]


def test_what_hangs_on_it_stays(sending: Sending, url: str, role: str) -> None:
    sending.deliver("other")
    ask(url, "create view shop.names as select name from shop.cities")
    ask(url, "create index by_name on shop.cities (name)")
    ask(url, f"grant select on shop.cities to {role}")
    sending.write(OTHER.format(url=url), count=5)
    sending.deliver("other")
    assert ask(url, "select count(*) from shop.names") == [(5,)]
    assert ask(url, f"select has_table_privilege('{role}', 'shop.cities', 'select')") == [(True,)]
    assert ask(url, "select indexname from pg_indexes where tablename = 'cities'") == [("by_name",)]


def test_what_something_else_has_made_stays(sending: Sending, url: str) -> None:
    ask(url, "create schema shop")
    ask(url, "create table shop.cities as select 7 as mine")
    assert sending.refused("other") == (
        "`shop.cities` is a table that this delivery did not make\n"
        "  hint: write `adopt: true` to replace it, or name another table\n"
        "`first.cities__deliver__other` has delivered nothing yet"
    )
    assert ask(url, "select * from shop.cities") == [(7,)]
    sending.write(f"{OTHER.format(url=url)}  adopt: true\n")
    sending.deliver("other")
    assert ask(url, "select id, name from shop.cities order by id") == ROWS


def test_readers_see_all_of_one_delivery(sending: Sending, url: str) -> None:
    sending.write(OTHER.format(url=url), count=1000)
    sending.deliver("other")
    stop, seen, errors = threading.Event(), set[int](), list[Exception]()

    def read() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not stop.is_set():
                try:
                    seen.add(connection.execute("select count(*) from shop.cities").fetchall()[0][0])
                except psycopg.Error as error:
                    errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for count in (2000, 3000, 4000):
        sending.write(OTHER.format(url=url), count=count)
        sending.deliver("other")
    stop.set()
    reader.join()
    assert errors == []
    assert seen <= {1000, 2000, 3000, 4000}


def test_a_refusal_leaves_what_was_there(sending: Sending, url: str) -> None:
    sending.deliver("other")
    ask(url, "create view shop.names as select name from shop.cities")
    sending.write(OTHER.format(url=url), more={"first/cities - 24h.sql": "select 1 as id"})
    assert "shop.names" in sending.refused("other")
    assert ask(url, "select id, name from shop.cities order by id") == ROWS


def test_a_password_is_told_to_the_database_alone(
    sending: Sending, postgres_server: Server, url: str, role: str
) -> None:
    database = url.rpartition("/")[2]
    ask(url, f"alter role {role} password 'p@ss/w#rd:%'")
    ask(url, f"create schema shop authorization {role}")
    sending.secrets = {"PASSWORD": "p@ss/w#rd:%"}
    host = f"127.0.0.1:{postgres_server.port}/{database}"
    text = f'other:\n  to: "postgresql://{role}:{{{{ env.PASSWORD }}}}@{host}"\n  table: shop.cities\n'
    sending.write(text)
    sending.deliver("other")
    assert ask(url, "select count(*) from shop.cities") == [(3,)]
    sending.secrets = {"PASSWORD": "wr0ng p@ss"}
    sending.write(text, count=4)
    said = sending.refused("other")
    assert "password authentication failed" in said
    for written in ("wr0ng p@ss", "wr0ng%20p%40ss"):
        assert written not in said


def test_a_database_that_is_not_there(sending: Sending) -> None:
    sending.write(OTHER.format(url="postgresql://dev@127.0.0.1:9/shop"))
    said = sending.refused("other")
    assert "127.0.0.1" in said
    assert sending.pauses == [1.0, 2.0, 4.0, 8.0]
