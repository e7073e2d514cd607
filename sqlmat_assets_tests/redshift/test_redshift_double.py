"""The double through real sockets, with the drivers that projects use: connecting, querying, what is told back."""

from __future__ import annotations

import datetime as dt
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import psycopg2
import pytest
import redshift_connector

from sqlmat_assets_tests.redshift.clients import DRIVERS, Connect, ask, fails, with_psycopg, with_psycopg2
from sqlmat_assets_tests.redshift.cluster import RedshiftDouble, create_user


@pytest.fixture(params=DRIVERS, ids=lambda driver: driver.__name__.removeprefix("with_"))
def connection(request: pytest.FixtureRequest, cluster: RedshiftDouble) -> Any:
    opened = request.param(cluster)
    yield opened
    opened.close()


def test_each_driver_connects_and_gets_its_parameters_back(connection: Any) -> None:
    found = ask(connection, "select %s, %s, nvl(null, 2), current_database()", ["it's \\ here", 3])
    assert found == [("it's \\ here", 3, 2, "dev")]


def test_it_says_that_it_is_redshift(cluster: RedshiftDouble) -> None:
    with with_psycopg(cluster) as connection:
        assert connection.info.parameter_status("server_version") == "8.0.2"
        assert connection.info.parameter_status("client_encoding") == "UNICODE"
        assert "Redshift 1.0." in ask(connection, "select version()")[0][0]


def test_a_table_its_rows_and_a_rollback(connection: Any) -> None:
    ask(
        connection,
        (
            'create table T (ID int not null, "Name" varchar(10), at timestamp) diststyle key distkey '
            "(id) sortkey (at, id)"
        ),
    )
    ask(connection, "insert into t values (1, %s, '2026-01-02 03:04:05'), (2, null, null)", ["Zoë"])
    connection.commit()
    ask(connection, "delete from t")
    connection.rollback()
    rows = ask(connection, 'select id, "NAME", at from t order by id')
    assert rows == [(1, "Zoë", dt.datetime(2026, 1, 2, 3, 4, 5)), (2, None, None)]  # noqa: DTZ001 - it has none


def test_an_error_aborts_the_transaction_and_only_that(connection: Any) -> None:
    ask(connection, "create table t (a int)")
    connection.commit()
    ask(connection, "insert into t values (1)")
    assert fails(connection, "select nothing from t") == ("42703", 'column "nothing" does not exist')
    assert ask(connection, "select count(*) from t") == [(0,)]
    with pytest.raises(Exception, match="division by zero"):
        ask(connection, "select 1/0")
    with pytest.raises(Exception, match="current transaction is aborted"):
        ask(connection, "select 1")
    connection.rollback()
    assert ask(connection, "select 1") == [(1,)]


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # redshift_connector leaves it open
@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.__name__.removeprefix("with_"))
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"password": "wrong"}, 'password authentication failed for user "awsuser"'),
        ({"user": "nobody"}, 'password authentication failed for user "nobody"'),
    ],
)
def test_a_wrong_password_is_refused(
    cluster: RedshiftDouble, driver: Connect, settings: dict[str, str], message: str
) -> None:
    assert message in login_error(driver, cluster, settings)
    gc.collect()


def login_error(driver: Connect, cluster: RedshiftDouble, settings: dict[str, str]) -> str:
    try:
        driver(cluster, **settings)
    except (psycopg2.Error, psycopg.Error, redshift_connector.Error) as error:
        return str(error)
    return "it was let in"


def test_an_unknown_database_is_refused(cluster: RedshiftDouble) -> None:
    with pytest.raises(psycopg2.OperationalError, match='database "nowhere" does not exist'):
        with_psycopg2(cluster, dbname="nowhere")


def test_an_ordinary_user_has_only_what_was_granted(cluster: RedshiftDouble) -> None:
    create_user(cluster, "reader", "Secret-2")
    with with_psycopg2(cluster) as owner:
        ask(owner, "create table t as select 1 as a")
    with with_psycopg2(cluster, user="reader", password="Secret-2") as reader:
        assert fails(reader, "select * from t") == ("42501", "permission denied for table t")
    with with_psycopg2(cluster) as owner:
        ask(owner, "grant select on t to reader")
    with with_psycopg2(cluster, user="reader", password="Secret-2") as reader:
        assert ask(reader, "select current_user, a from t") == [("reader", 1)]
    with with_psycopg2(cluster) as owner:
        ask(owner, "revoke all on t from reader; grant insert on t to reader")
    with with_psycopg2(cluster, user="reader", password="Secret-2") as reader:
        ask(reader, "insert into t values (2)")
        reader.commit()
        assert fails(reader, "delete from t") == ("42501", "permission denied for table t")
    with with_psycopg2(cluster) as owner:
        ask(owner, "revoke all on t from reader")
        ask(owner, "drop user reader")


def test_several_statements_in_one_message_are_one_transaction(cluster: RedshiftDouble) -> None:
    connection = with_psycopg2(cluster)
    connection.autocommit = True
    ask(connection, "create table t (a int); insert into t values (1)")
    with pytest.raises(psycopg2.errors.DivisionByZero):
        ask(connection, "insert into t values (2); select 1/0")
    assert ask(connection, "select a from t") == [(1,)]
    connection.close()


def test_a_statement_that_is_prepared_serves_many_transactions(cluster: RedshiftDouble) -> None:
    with with_psycopg(cluster, prepare_threshold=2) as connection:
        ask(connection, "create table t (a int)")
        for number in range(6):
            ask(connection, "insert into t values (%s)", [number])
            connection.commit()
        assert ask(connection, "select sum(a) from t") == [(15,)]


def test_a_large_result_comes_in_parts(cluster: RedshiftDouble) -> None:
    connection = with_psycopg2(cluster)
    ask(connection, "create table d as select 0 as a union all select 1; create table t as select 1 as a from d")
    for _ in range(12):
        ask(connection, "insert into t select a from t")
    assert len(ask(connection, "select a, 'some more text than little' from t")) == 8192
    with connection.cursor("parts") as cursor:
        cursor.itersize = 1000
        cursor.execute("select a from t")
        assert sum(row[0] for row in cursor) == 8192
    connection.close()


def test_readers_during_swaps_see_one_table_or_the_other(cluster: RedshiftDouble, client: Any) -> None:
    ask(
        client,
        "create table t as select 0 as a, 0 as b; create view v as select * from public.t with no schema binding",
    )
    over = threading.Event()

    def read(driver: Connect, table: str) -> list[tuple[Any, ...]]:
        connection = driver(cluster)
        connection.autocommit = True
        seen: list[tuple[Any, ...]] = []
        while not over.is_set():
            rows = ask(connection, f"select count(*), min(a), max(b) from {table}")
            seen += rows
        connection.close()
        return seen

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read, driver, table) for driver, table in zip(DRIVERS, ("t", "v", "t"), strict=True)]
        for number in range(1, 21):
            ask(client, f"create table n diststyle all as select {number} as a, {number} as b")
            ask(client, "begin; lock t; alter table t rename to o; alter table n rename to t; commit")
            ask(client, f"alter table o rename to o{number}")
        over.set()
        seen = [row for reader in readers for row in reader.result(30)]
    assert len(seen) > 3
    assert [row for row in seen if row[0] != 1 or row[1] != row[2]] == []
