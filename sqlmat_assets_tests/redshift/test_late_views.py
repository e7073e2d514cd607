"""Views WITH NO SCHEMA BINDING are resolved when they are read; ordinary ones hold on to their tables."""

from __future__ import annotations

from typing import Any

import pytest

from sqlmat_assets_tests.redshift.clients import ask, fails, with_psycopg, with_redshift_connector
from sqlmat_assets_tests.redshift.cluster import RedshiftDouble, create_user

LATE = "create view v as select a, a + 1 as b from public.t with no schema binding"


def test_it_survives_its_table_and_finds_the_next_one(client: Any) -> None:
    ask(client, f"create table t as select 1 as a; {LATE}")
    assert ask(client, "select * from v") == [(1, 2)]
    ask(client, "drop table t")
    assert fails(client, "select * from v") == ("42P01", 'relation "public.t" does not exist')
    ask(client, "create table t as select 7 as x, 5 as a")
    assert ask(client, "select public.v.b, w.a from public.v join v as w on public.v.a = w.a where v.a > 0") == [(6, 5)]


def test_it_can_be_made_before_its_table(client: Any) -> None:
    ask(client, LATE)
    assert ask(client, "select count(*) from pg_views where viewname = 'v'") == [(1,)]
    ask(client, "create table t as select 1 as a")
    assert ask(client, "with x as (select * from v) select count(*), max(v.b) from x, v") == [(1, 2)]


def test_it_is_told_back_as_it_was_written(client: Any) -> None:
    ask(client, f"create table t as select 1 as a; {LATE}; create view plain as select a from t")
    told = dict(ask(client, "select viewname, definition from pg_views where schemaname = 'public'"))
    assert told["v"].endswith("select a, a + 1 as b from public.t with no schema binding")
    assert "no schema binding" not in told["plain"]
    assert ask(client, "select pg_get_viewdef('v'::regclass::oid, true)") == [(told["v"],)]


def test_it_can_be_replaced_renamed_dropped_and_read_by_another_one(client: Any) -> None:
    ask(client, f"create table t as select 1 as a; {LATE}")
    ask(client, "create or replace view v as select a, 'x' as c, 2 as d from public.t with no schema binding")
    ask(client, "create view w as select c from public.v with no schema binding; alter table v rename to u")
    assert fails(client, "select * from w")[0] == "42P01"
    ask(client, "alter table u rename to v")
    assert ask(client, "select * from w") == [("x",)]
    ask(client, "drop view v")
    assert fails(client, "select * from v")[0] == "42P01"


def test_it_takes_part_in_a_rollback(cluster: RedshiftDouble) -> None:
    with with_psycopg(cluster) as connection:
        ask(connection, "create table t as select 1 as a")
        connection.commit()
        ask(connection, LATE)
        connection.rollback()
        assert fails(connection, "select * from v")[0] == "42P01"


def test_it_is_read_by_the_extended_protocol_and_by_inserts(cluster: RedshiftDouble) -> None:
    connection = with_redshift_connector(cluster)
    ask(connection, "create table t as select 1 as a")
    ask(connection, LATE)
    assert ask(connection, "select b from v where a = %s", [1]) == [(2,)]
    ask(connection, "create table u as select * from v")
    ask(connection, "insert into u select * from v")
    ask(connection, "update u set a = 9 from v where u.a = v.a")
    assert ask(connection, "select * from u") == [(9, 2), (9, 2)]
    connection.close()


def test_its_grants_are_its_own(client: Any, cluster: RedshiftDouble) -> None:
    create_user(cluster, "late_reader", "Secret-2")
    ask(client, f"create table t as select 1 as a; {LATE}; grant select on v to late_reader")
    found = (
        "select identity_name from svv_relation_privileges where relation_name = 'v' and privilege_type = "
        "'SELECT' order by 1"
    )
    assert ask(client, found) == [("awsuser",), ("late_reader",)]
    ask(client, "drop view v; drop user late_reader")


@pytest.mark.parametrize(
    ("sql", "sqlstate", "message"),
    [
        (
            "create view v as select a from t with no schema binding",
            "42601",
            "All the relation names inside should be qualified when creating VIEW WITH NO SCHEMA BINDING.",
        ),
        ("create view v as selec a with no schema binding", "42601", 'syntax error at or near "selec"'),
    ],
)
def test_one_that_cannot_be_made(client: Any, sql: str, sqlstate: str, message: str) -> None:
    assert fails(client, sql) == (sqlstate, message)


def test_an_ordinary_view_follows_its_table_and_holds_it(client: Any) -> None:
    ask(client, "create table t as select 1 as a; create view v as select a from t")
    ask(client, "alter table t rename to o; create table t as select 2 as a")
    assert ask(client, "select * from v") == [(1,)]
    assert fails(client, "drop table o")[0] == "2BP01"
    ask(client, "create or replace view v as select a from t; drop table o")
    assert ask(client, "select * from v") == [(2,)]
    ask(client, "drop table t cascade")
    assert fails(client, "select * from v")[0] == "42P01"


def test_ordinary_views_are_found_and_repointed_with_their_grants(client: Any, cluster: RedshiftDouble) -> None:
    create_user(cluster, "view_reader", "Secret-2")
    ask(client, "create table t as select 1 as a; create view v as select a from t; grant select on v to view_reader")
    found = ask(
        client,
        "select distinct n.nspname, v.relname from pg_depend d join pg_rewrite r on r.oid = d.objid"
        " join pg_class v on v.oid = r.ev_class join pg_namespace n on n.oid = v.relnamespace"
        " where d.refobjid = 't'::regclass and v.relkind = 'v' and v.oid <> d.refobjid",
    )
    assert found == [("public", "v")]
    ask(client, "create table n as select 2 as a")
    ask(
        client,
        "begin; lock t; create or replace view v as select a from n; alter table t rename to o;"
        " alter table n rename to t; commit",
    )
    ask(client, "drop table o")
    with with_psycopg(cluster, user="view_reader", password="Secret-2") as reader:
        assert ask(reader, "select a from v") == [(2,)]
    ask(client, "drop view v; drop user view_reader")
