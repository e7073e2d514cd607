"""What Redshift refuses is refused, with its SQLSTATE and in its words; what it takes is taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sqlmat_assets_tests.redshift.clients import ask, fails, with_psycopg2, with_redshift_connector
from sqlmat_assets_tests.redshift.cluster import RedshiftDouble
from sqlmat_assets_tests.redshift.refusals import REFUSALS, VENDOR

REFUSED = [
    ("create index i on t (a)", "0A000", 'SQL command "create index i on t (a)" not supported on Redshift tables.'),
    (
        "create unique index i on t (a)",
        "0A000",
        'SQL command "create unique index i on t (a)" not supported on Redshift tables.',
    ),
    ("create sequence s", "0A000", 'SQL command "create sequence s" not supported on Redshift tables.'),
    ("deallocate all", "42601", 'syntax error at or near "all"'),
    ("savepoint here", "0A000", 'SQL command "savepoint here" not supported on Redshift tables.'),
    ("insert into t values (1) on conflict do nothing", "42601", 'syntax error at or near "on"'),
    ("insert into t values (1) returning a", "42601", 'syntax error at or near "returning"'),
    ("delete from t returning a", "42601", 'syntax error at or near "returning"'),
    ("select count(*) filter (where a > 1) from t", "42601", 'syntax error at or near "("'),
    ("select distinct on (a) a, b from t", "0A000", "SELECT DISTINCT ON is not supported"),
    ("select a from t for update", "0A000", "SELECT FOR UPDATE/SHARE is not supported"),
    ("select b ->> 'x' from t", "42883", 'operator does not exist: character varying ->> "unknown"'),
    ("select string_agg(b, ',') from t", "42883", "function string_agg() does not exist"),
    ("select pg_advisory_lock(1)", "42883", "function pg_advisory_lock() does not exist"),
    ("select a::jsonb from t", "42704", 'type "jsonb" does not exist'),
    ("select array[1, 2]", "42601", 'syntax error at or near "["'),
    ("select * from (values (1), (2)) v (x)", "42601", 'syntax error at or near "values"'),
    (
        "select sum(a) over (order by a) from t",
        "0A000",
        "Aggregate window functions with an ORDER BY clause require a frame clause",
    ),
    (
        "select sum(a) over (order by a range unbounded preceding) from t",
        "0A000",
        "RANGE clause of window functions not yet implemented",
    ),
    (
        "create table n as select generate_series(1, 3) as a",
        "0A000",
        "Specified types or functions (one per INFO message) not supported on Redshift tables.",
    ),
    ("merge into t as x using t as s on x.a = s.a when matched then delete", "42601", 'syntax error at or near "as"'),
    ("merge into t using (select 1 as a) s on t.a = s.a", "42601", 'syntax error at or near "("'),
    ("set lock_timeout = '1s'", "42704", 'unrecognized configuration parameter "lock_timeout"'),
    ("copy t from stdin", "0A000", "COPY from STDIN and to STDOUT is not supported"),
    ("delete from t as x where x.a = 1", "42601", 'syntax error at or near "as"'),
    ("update t set (a, b) = (1, 'x')", "42601", 'syntax error at or near "("'),
    ("truncate t, u", "42601", 'syntax error at or near ","'),
    ("create table if not exists n as select 1 as a", "42601", 'syntax error at or near "as"'),
    ("create unlogged table n (a int)", "42601", 'syntax error at or near "unlogged"'),
    ("create table n (a int) partition by range (a)", "42601", 'syntax error at or near "partition"'),
    ("create table n (a serial)", "0A000", 'column "a" has unsupported type "serial"'),
    ("create table n (a jsonb)", "42704", 'type "jsonb" does not exist'),
    ("create table n (a uuid)", "0A000", 'column "a" has unsupported type "uuid"'),
    ("create table n (a int check (a > 0))", "0A000", "CHECK constraints are not supported"),
    ("create table n (a int) distkey (missing)", "42703", 'column "missing" named in key does not exist'),
    (
        "create table n (a int) diststyle even distkey (a)",
        "42601",
        "DISTKEY column cannot be specified when DISTSTYLE is EVEN",
    ),
    ("alter table t add column c int, add column d int", "42601", 'syntax error at or near ","'),
    (
        "alter table t alter column a type bigint",
        "0A000",
        'cannot alter column "a": only the length of VARCHAR columns can be changed',
    ),
    (
        "alter table t alter column a type varchar(20)",
        "0A000",
        'cannot alter column "a": only the length of VARCHAR columns can be changed',
    ),
    (
        "alter table t alter column b type varchar(20) using b",
        "0A000",
        "ALTER TABLE ALTER COLUMN does not support USING expression",
    ),
    ("alter table t alter column b set default 'x'", "0A000", "ALTER COLUMN SET/DROP DEFAULT is not supported"),
    ("alter table t set schema other", "42601", 'syntax error at or near "schema"'),
    (
        "alter table t add column c int not null",
        "0A000",
        "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression",
    ),
    (
        "merge into t using t as s on t.a = s.a when matched then delete",
        "42601",
        "MERGE must have one WHEN MATCHED clause and one WHEN NOT MATCHED clause",
    ),
    (f"create table {'x' * 128} (a int)", "42622", f'identifier "{"x" * 128}" is longer than 127 bytes'),
    ("drop table t", "2BP01", "cannot drop table t because other objects depend on it"),
    ("create or replace view v as select a, b from t", "42P16", "cannot change number of columns in view"),
    ("insert into t values (1, 'abcdé')", "22001", "value too long for type character varying(5)"),
    ("select * from missing", "42P01", 'relation "missing" does not exist'),
]


@pytest.mark.parametrize(("sql", "sqlstate", "message"), REFUSED, ids=[sql[:50] for sql, _, _ in REFUSED])
def test_refused(client: Any, sql: str, sqlstate: str, message: str) -> None:
    ask(client, "create table t (a int, b varchar(5)); create view v as select a from t; insert into t values (1, 'x')")
    assert fails(client, sql) == (sqlstate, message)
    assert ask(client, "select * from t") == [(1, "x")]


def test_refused_by_the_extended_protocol_as_well(cluster: RedshiftDouble) -> None:
    connection = with_redshift_connector(cluster)
    ask(connection, "create table t (a int)")
    connection.commit()
    for sql, sqlstate in (("create index i on t (a)", "0A000"), ("insert into t values (1) returning a", "42601")):
        assert fails(connection, sql)[0] == sqlstate
    assert ask(connection, "select count(*) from t") == [(0,)]
    connection.close()


def test_a_refusal_fails_the_transaction_that_it_stands_in(cluster: RedshiftDouble) -> None:
    connection = with_psycopg2(cluster)
    ask(connection, "create table t (a int)")
    with pytest.raises(Exception, match="not supported on Redshift tables"):
        ask(connection, "create index i on t (a)")
    with pytest.raises(Exception, match="current transaction is aborted"):
        ask(connection, "select 1")
    connection.rollback()
    assert fails(connection, "select * from t")[0] == "42P01"
    connection.close()


TAKEN = [
    "insert into t values (2, 'y'), (3, null)",
    "insert into t (a) select a + 1 from t",
    "delete from t using t as x where t.a = x.a",
    "update t set b = x.b from t as x where t.a = x.a",
    (
        "merge into t using t as s on t.a = s.a when matched then update set b = s.b when not matched "
        "then insert values (s.a, s.b)"
    ),
    "select sum(a) over (order by a rows unbounded preceding), row_number() over (order by a) from t",
    "select listagg(b, ',') within group (order by a desc) from t",
    "select listagg(distinct b, ',') within group (order by b) from t",
    "select approximate count(distinct a) from t",
    "select decode(a, 1, 'one', null, 'none', 'many'), nvl2(b, 1, 0) from t",
    "select dateadd(month, 1, getdate()), datediff(day, '2026-01-01', '2026-02-01'), date_part(year, sysdate)",
    "select a from t qualify row_number() over (partition by b order by a) = 1",
    "select top 1 a from t order by a",
    "select a::varchar(max), cast(b as super) from t where b is null",
    "analyze t predicate columns",
    "vacuum sort only t to 99 percent",
    "vacuum full",
    "set query_group to 'sqlmat'",
    "set enable_result_cache_for_session to off",
    "set statement_timeout to 1000",
    "set session characteristics as transaction read only",
    "begin isolation level serializable read only; commit",
    "alter table t alter column b type varchar(20)",
    "alter table t add column c super",
    "alter table t drop column b cascade",
    "alter table t rename column b to d",
    "alter table t add primary key (a)",
    "comment on table t is 'it''s'",
    "explain select * from t",
    "create table #n as select 1 as a",
    "create temp table n (like t)",
    "select * from t where b like 'x\\\\_%'",
]


@pytest.mark.parametrize("sql", TAKEN, ids=[sql[:50] for sql in TAKEN])
def test_taken(client: Any, sql: str) -> None:
    ask(client, "create table t (a int, b varchar(5)); insert into t values (1, 'x')")
    ask(client, sql)


def test_functions_answer_as_redshift_does(client: Any) -> None:
    found = ask(
        client,
        "select decode(2, 1, 'one', 2, 'two'), decode(null, null, 'none', 'some'), datediff(hour, "
        "'2026-01-01 00:59', '2026-01-01 01:01'),"
        " dateadd(qtr, 1, '2026-01-31'::timestamp)::date::varchar, strtol('ff', 16), charindex('b', "
        "'abc'), nvl2(null::int, 'a', 'b'),"
        " months_between('2026-03-31', '2026-02-28')::int, 'it\\'s', json_extract_path_text('{\"a\": "
        "{\"b\": 1}}', 'a', 'b')",
    )
    assert found == [("two", "none", 1, "2026-04-30", 255, 2, "b", 1, "it's", "1")]


def test_every_refusal_stands_in_the_readme_with_the_page_of_the_vendor() -> None:
    told = (Path(__file__).parent / "README.md").read_text()
    rows = [f"| {each.what} | {each.page} | {'yes' if each.is_read else 'no'} | {each.heard} |" for each in REFUSALS]
    assert [row for row in rows if row not in told] == []
    assert [each.page for each in REFUSALS if not each.page.startswith(VENDOR)] == []
