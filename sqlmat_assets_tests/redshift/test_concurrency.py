"""Transactions that meet: serializable isolation, locks, readers of a replaced table, cancelled statements."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import psycopg2
import pytest

from sqlmat_assets_tests.redshift.backend import Address
from sqlmat_assets_tests.redshift.clients import ask, fails, with_psycopg, with_psycopg2, with_redshift_connector
from sqlmat_assets_tests.redshift.cluster import RedshiftDouble, redshift_double

Run = Callable[[Any, str], Future[Any]]


@pytest.fixture
def two(cluster: RedshiftDouble, client: Any) -> Generator[tuple[Any, Any]]:
    """Two connections and the tables x and y, each with a row."""
    ask(client, "create table x as select 1 as a; create table y as select 1 as a")
    one, other = with_psycopg2(cluster), with_psycopg2(cluster)
    yield one, other
    one.close()
    other.close()


@contextmanager
def waiting(cluster: RedshiftDouble, connection: Any, sql: str) -> Generator[Future[Any]]:
    """Run a statement in a thread; go on when PostgreSQL says that it waits for a lock."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(ask, connection, sql)
        for _ in range(1000):
            if cluster.admin("dev", "select from pg_catalog.pg_locks where not granted") or running.done():
                break
            time.sleep(0.005)
        assert not running.done()
        yield running


def test_two_that_read_what_the_other_writes_have_no_order(two: tuple[Any, Any]) -> None:
    one, other = two
    ask(one, "select * from x")
    ask(one, "insert into y values (2)")
    ask(other, "insert into x values (2)")
    with pytest.raises(psycopg2.errors.InternalError_) as error:
        ask(other, "select * from y")
    assert error.value.pgcode == "XX000"
    assert error.value.diag.message_primary == "1023"
    detail = error.value.diag.message_detail or ""
    assert detail.startswith("Serializable isolation violation on table - ")
    assert "transactions forming the cycle are: " in detail
    other.rollback()
    one.commit()
    assert ask(other, "select count(*) from y") == [(2,)]


def test_it_is_found_behind_a_commit_as_well(two: tuple[Any, Any]) -> None:
    one, other = two
    ask(one, "select * from x")
    ask(other, "select * from y")
    ask(other, "insert into x values (2)")
    other.commit()
    assert fails(one, "insert into y values (2)") == ("XX000", "1023")
    ask(one, "select * from x")
    ask(one, "insert into y values (2)")
    one.commit()


def test_one_that_only_reads_stands_in_nobodys_way(two: tuple[Any, Any]) -> None:
    one, other = two
    ask(one, "select * from x")
    ask(other, "update x set a = 2")
    other.commit()
    assert ask(one, "select a from x") == [(1,)]
    one.commit()
    assert ask(one, "select a from x") == [(2,)]


def test_writers_of_one_table_wait_and_then_go_on(cluster: RedshiftDouble, two: tuple[Any, Any]) -> None:
    one, other = two
    ask(one, "update x set a = 2")
    with waiting(cluster, other, "update x set a = a + 10") as running:
        one.commit()
        running.result(20)
    other.commit()
    assert ask(one, "select a from x") == [(12,)]


def test_a_writer_whose_snapshot_is_older_fails(cluster: RedshiftDouble, two: tuple[Any, Any]) -> None:
    one, other = two
    ask(other, "select * from x")
    ask(one, "update x set a = 2")
    with waiting(cluster, other, "update x set a = a + 10") as running:
        one.commit()
        with pytest.raises(psycopg2.errors.InternalError_, match="1023"):
            running.result(20)
    other.rollback()


def test_a_lock_at_the_start_prevents_it(cluster: RedshiftDouble, two: tuple[Any, Any]) -> None:
    one, other = two
    ask(one, "lock x")
    ask(one, "update x set a = a + 1")
    with waiting(cluster, other, "lock table x") as running:
        one.commit()
        running.result(20)
    ask(other, "update x set a = a + 1")
    other.commit()
    assert ask(one, "select a from x") == [(3,)]


def test_under_snapshot_isolation_both_go_on(redshift_server: Address) -> None:
    with redshift_double(redshift_server, isolation="snapshot") as cluster:
        one, other = with_psycopg2(cluster), with_psycopg2(cluster)
        ask(one, "create table x as select 1 as a; create table y as select 1 as a")
        one.commit()
        ask(one, "select * from x")
        ask(one, "insert into y values (2)")
        ask(other, "insert into x values (2)")
        ask(other, "select * from y")
        ask(other, "insert into y values (3)")
        one.commit()
        other.commit()
        assert ask(one, "select count(*) from y") == [(3,)]
        one.close()
        other.close()


def test_two_that_wait_for_each_other_are_a_deadlock(cluster: RedshiftDouble, two: tuple[Any, Any]) -> None:
    one, other = two
    ask(one, "insert into x values (2)")
    ask(other, "insert into y values (2)")
    with waiting(cluster, one, "insert into y values (3)") as running:
        failed = [error for error in (_error(lambda: ask(other, "insert into x values (3)")),) if error is not None]
        other.rollback()
        failed += [error for error in (_error(lambda: running.result(20)),) if error is not None]
    assert [type(error) for error in failed] == [psycopg2.errors.DeadlockDetected]
    one.rollback()
    other.rollback()


SWAP = ("create table n as select 2 as a", "alter table x rename to o", "alter table n rename to x", "drop table o")


def test_a_reader_that_waited_for_a_swap_with_a_drop_is_told_of_the_oid(
    cluster: RedshiftDouble, two: tuple[Any, Any], client: Any
) -> None:
    one, other = two
    table = ask(client, "select 'x'::regclass::oid::int")[0][0]
    for statement in SWAP:
        ask(one, statement)
    other.autocommit = True
    with waiting(cluster, other, "select a from x") as running:
        one.commit()
        with pytest.raises(psycopg2.errors.InternalError_, match=f"could not open relation with OID {table}"):
            running.result(20)
    assert ask(other, "select a from x") == [(2,)]


def test_a_reader_that_waited_for_a_swap_that_keeps_the_old_table_reads(
    cluster: RedshiftDouble, two: tuple[Any, Any]
) -> None:
    one, other = two
    for statement in SWAP[:-1]:
        ask(one, statement)
    with waiting(cluster, other, "select a from x") as running:
        one.commit()
        assert running.result(20) == [(2,)]


def test_a_transaction_does_not_read_a_table_that_is_newer_than_its_snapshot(two: tuple[Any, Any]) -> None:
    one, other = two
    ask(other, "select * from y")
    for statement in SWAP:
        ask(one, statement)
    one.commit()
    sqlstate, message = fails(other, "select a from x")
    assert sqlstate == "XX000"
    assert message.startswith("could not open relation with OID ")


def test_truncate_commits_what_stands_before_it(cluster: RedshiftDouble, two: tuple[Any, Any]) -> None:
    one, other = two
    ask(one, "insert into y values (2)")
    ask(one, "truncate x")
    one.rollback()
    assert ask(other, "select (select count(*) from x), (select count(*) from y)") == [(0, 2)]
    other.rollback()
    with with_redshift_connector(cluster) as third:
        ask(third, "insert into x values (7)")
        ask(third, "truncate table y")
        third.rollback()
        assert ask(third, "select (select count(*) from x), (select count(*) from y)") == [(1, 0)]
        third.rollback()


def test_a_cancel_request_ends_the_statement_and_not_the_connection(
    cluster: RedshiftDouble, two: tuple[Any, Any]
) -> None:
    ask(two[0], "lock x")
    with with_psycopg(cluster) as other:
        with waiting(cluster, other, "select a from x") as running:
            other.cancel_safe(timeout=20)
            with pytest.raises(psycopg.errors.QueryCanceled, match="cancelled on user's request"):
                running.result(20)
        other.rollback()
        two[0].rollback()
        assert ask(other, "select a from x") == [(1,)]


def test_a_terminated_backend_is_a_lost_connection(cluster: RedshiftDouble, two: tuple[Any, Any], client: Any) -> None:
    one, other = two
    ask(one, "lock x")
    with waiting(cluster, other, "select a from x") as running:
        ask(client, f"select pg_terminate_backend({other.info.backend_pid})")
        with pytest.raises(psycopg2.OperationalError):
            running.result(20)
    one.rollback()
    assert other.closed


def test_a_statement_has_its_time_limit(two: tuple[Any, Any]) -> None:
    one, other = two
    ask(one, "lock x")
    ask(other, "set statement_timeout to 100")
    assert fails(other, "select a from x")[0] == "57014"
    one.rollback()


def test_twenty_clients_that_add_to_one_table(cluster: RedshiftDouble, two: tuple[Any, Any]) -> None:
    begin = threading.Barrier(20)

    def add(number: int) -> None:
        with ExitStack() as stack:
            connection = stack.enter_context(with_psycopg(cluster))
            begin.wait(60)
            for _ in range(5):
                ask(connection, "insert into x values (%s)", [number])
                connection.commit()

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(add, range(20)))
    assert ask(two[0], "select count(*), count(distinct a) from x") == [(101, 20)]


KILLED = """
import sys
from sqlmat_assets_tests.redshift import clients
cluster = type("Cluster", (), {"port": int(sys.argv[1])})
connection = clients.with_psycopg2(cluster)
clients.ask(connection, "insert into x values (2)")
clients.ask(connection, "drop table y")
print("ready", flush=True)
sys.stdin.read()
"""


def test_what_a_killed_client_had_open_is_rolled_back(cluster: RedshiftDouble, client: Any) -> None:
    ask(client, "create table x as select 1 as a; create table y as select 1 as a")
    command = [sys.executable, "-c", KILLED, str(cluster.port)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.kill()
    # It waits for the locks of the killed one.
    ask(client, "lock x; select 1")
    assert ask(client, "select (select count(*) from x), (select count(*) from y)") == [(1, 1)]


def _error(run: Callable[[], Any]) -> psycopg2.Error | None:
    try:
        run()
    except psycopg2.Error as error:
        return error
    return None
