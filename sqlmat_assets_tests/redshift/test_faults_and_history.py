"""Faults on demand, and what the system views tell of what has run."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import psycopg2
import pytest
import redshift_connector

from sqlmat_assets_tests.redshift.backend import Address
from sqlmat_assets_tests.redshift.clients import DRIVERS, Connect, ask, fails, with_psycopg2
from sqlmat_assets_tests.redshift.cluster import RedshiftDouble, redshift_double

LOST = (psycopg2.OperationalError, psycopg2.InterfaceError, psycopg.OperationalError, redshift_connector.Error, OSError)


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.__name__.removeprefix("with_"))
@pytest.mark.parametrize(("after", "rows"), [(False, 1), (True, 2)])
def test_a_connection_is_dropped_at_a_statement(
    cluster: RedshiftDouble, client: Any, driver: Connect, after: bool, rows: int
) -> None:
    ask(client, "create table t as select 1 as a")
    connection = driver(cluster)
    connection.autocommit = True
    ask(connection, "select 1")
    cluster.faults.drop_at(2, after=after, matching="insert")
    ask(connection, "insert into t select * from t where false")
    with pytest.raises(LOST):
        ask(connection, "insert into t values (2)")
    assert ask(client, "select count(*) from t") == [(rows,)]
    with_closed(connection)


@pytest.mark.parametrize(("after", "rows"), [(False, 0), (True, 1)])
def test_the_answer_to_a_commit_can_be_lost(cluster: RedshiftDouble, client: Any, after: bool, rows: int) -> None:
    ask(client, "create table t (a int)")
    connection = with_psycopg2(cluster)
    ask(connection, "insert into t values (1)")
    cluster.faults.drop_at(1, after=after, matching="commit")
    with pytest.raises(LOST):
        connection.commit()
    assert ask(client, "select count(*) from t") == [(rows,)]


def test_what_is_open_is_rolled_back_when_the_connection_goes(cluster: RedshiftDouble, client: Any) -> None:
    ask(client, "create table t (a int)")
    connection = with_psycopg2(cluster)
    ask(connection, "insert into t values (1)")
    cluster.faults.drop_at(1, after=True)
    with pytest.raises(LOST):
        ask(connection, "insert into t values (2)")
    ask(client, "insert into t values (3)")
    assert ask(client, "select a from t") == [(3,)]


def test_a_restart_cuts_everybody_off(cluster: RedshiftDouble, client: Any) -> None:
    cluster.disconnect()
    with pytest.raises(LOST):
        ask(client, "select 1")
    assert cluster.connections == 0
    with with_psycopg2(cluster) as again:
        assert ask(again, "select 1") == [(1,)]


def test_slow_answers(cluster: RedshiftDouble, client: Any) -> None:
    cluster.faults.slow(0.2, matching="slow")
    ask(client, "select 1 as slow")
    cluster.faults.slow(0)
    ask(client, "select 1 as slow")
    taken = ask(client, "select elapsed from svl_qlog where substring like 'select 1 as slow' order by query")
    assert len(taken) == 2


def test_a_query_is_told_with_what_it_took(client: Any) -> None:
    ask(client, "create table t as select 1 as a, 'x'::varchar(9) as b; set query_group to 'nightly'")
    ask(client, "select * from t union all select * from t")
    query = ask(client, "select pg_last_query_id()")[0][0]
    found = ask(
        client,
        "select trim(querytxt), trim(label), aborted, endtime >= starttime, pid = pg_backend_pid(), trim(database)"
        f" from stl_query where query = {query}",
    )
    assert found == [("select * from t union all select * from t", "nightly", 0, True, True, "dev")]
    found = ask(
        client,
        (
            f"select status, returned_rows, query_type, elapsed_time > 0, execution_time > 0, queue_time "
            f">= 0 from sys_query_history where query_id = {query}"
        ),
    )
    assert found == [("success", 2, "SELECT", True, True, True)]
    size = ask(client, "select pg_table_size('t')::int")
    assert ask(client, f"select sum(bytes)::int from stl_scan where query = {query}") == size


def test_failed_and_refused_statements_are_told_and_survive_the_rollback(client: Any) -> None:
    fails(client, "select 1/0")
    fails(client, "create index i on t (a)")
    found = ask(
        client, "select status, error_message from sys_query_history where status <> 'success' order by query_id"
    )
    assert found == [
        ("failed", "division by zero"),
        ("failed", 'SQL command "create index i on t (a)" not supported on Redshift tables.'),
    ]


def test_the_queue_is_real(redshift_server: Address) -> None:
    with redshift_double(redshift_server, slots=1) as cluster:
        cluster.slots.acquire()
        connection = with_psycopg2(cluster)
        connection.autocommit = True
        running = threading.Thread(target=ask, args=(connection, "select 1"))
        running.start()
        running.join(0.3)
        assert running.is_alive()
        cluster.slots.release()
        running.join(20)
        found = ask(
            connection,
            (
                "select total_queue_time > 200000, total_exec_time < total_queue_time from stl_wlm_query "
                "order by query limit 1"
            ),
        )
        assert found == [(True, True)]
        connection.close()


def test_locks_and_running_statements_can_be_looked_at(cluster: RedshiftDouble, client: Any) -> None:
    ask(client, "create table t (a int)")
    connection = with_psycopg2(cluster)
    ask(connection, "lock t")
    found = ask(client, "select txn_owner, pid, granted from svv_transactions where relation = 't'::regclass")
    assert found == [("awsuser", connection.info.backend_pid, True)]
    assert ("Running",) in ask(client, "select status from stv_recents where pid = pg_backend_pid()")
    connection.close()


def with_closed(connection: Any) -> None:
    try:
        connection.close()
    except LOST:
        return
