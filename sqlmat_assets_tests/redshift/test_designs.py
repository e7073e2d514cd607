"""The physical design of tables: taken, kept through renames and rollbacks, and told back."""

from __future__ import annotations

from typing import Any

import pytest

from sqlmat_assets_tests.redshift.clients import ask, fails, with_psycopg2
from sqlmat_assets_tests.redshift.cluster import RedshiftDouble

INFO = 'select "table", diststyle, sortkey1, sortkey_num, tbl_rows from svv_table_info order by 1'


@pytest.mark.parametrize(
    ("attributes", "diststyle", "sortkey"),
    [
        ("", "AUTO(ALL)", None),
        ("diststyle all", "ALL", None),
        ("diststyle even compound sortkey (b, a)", "EVEN", "b"),
        ('distkey ("A") sortkey ("B")', "KEY(a)", "b"),
        ("interleaved sortkey (a, b) backup no", "AUTO(ALL)", "INTERLEAVED"),
        ("sortkey auto encode auto", "AUTO(ALL)", "AUTO(SORTKEY)"),
    ],
)
@pytest.mark.parametrize(
    "form",
    ["create table t {} as select 1 as a, 2 as b", "create table t (a int, b int) {}; insert into t values (1, 2)"],
)
def test_what_a_table_is_told_to_have_is_told_back(
    client: Any, form: str, attributes: str, diststyle: str, sortkey: str | None
) -> None:
    ask(client, form.format(attributes))
    assert ask(client, INFO) == [("t", diststyle, sortkey, ask(client, INFO)[0][3], 1)]


def test_columns_with_their_keys_and_encodings(client: Any) -> None:
    ask(
        client,
        (
            "create table t (a int not null encode zstd distkey, b varchar sortkey, c super, d text, e "
            "numeric, primary key (a), unique (b))"
        ),
    )
    assert ask(client, 'select "column", type, encoding, distkey, sortkey, "notnull" from pg_table_def') == [
        ("a", "integer", "zstd", True, 0, True),
        ("b", "character varying(256)", "none", False, 1, False),
        ("c", "super", "lzo", False, 0, False),
        ("d", "character varying(256)", "lzo", False, 0, False),
        ("e", "numeric(18,0)", "az64", False, 0, False),
    ]
    found = ask(
        client,
        (
            "select database_name, column_name, data_type, character_maximum_length, is_nullable from "
            "svv_redshift_columns limit 2"
        ),
    )
    assert found == [("dev", "a", "integer", None, "NO"), ("dev", "b", "character varying", 256, "YES")]


def test_pg_table_def_looks_along_the_search_path_and_svv_table_info_at_no_empty_table(client: Any) -> None:
    ask(client, "create schema apart; create table apart.t (a int)")
    assert ask(client, "select * from pg_table_def") == []
    assert ask(client, INFO) == []
    ask(client, "set search_path to apart; insert into apart.t values (1)")
    assert ask(client, "select tablename from pg_table_def") == [("t",)]
    assert ask(client, INFO) == [("t", "AUTO(ALL)", None, 0, 1)]


def test_a_design_goes_with_its_table(cluster: RedshiftDouble) -> None:
    connection = with_psycopg2(cluster)
    ask(connection, "create table t diststyle all as select 1 as a")
    connection.commit()
    ask(connection, "create table n distkey (a) as select 2 as a; alter table t rename to o; alter table n rename to t")
    connection.rollback()
    assert ask(connection, INFO) == [("t", "ALL", None, 0, 1)]
    ask(
        connection,
        (
            "create table n distkey (a) sortkey (a) as select 2 as a; alter table t rename to o; alter "
            "table n rename to t; drop table o"
        ),
    )
    connection.commit()
    assert ask(connection, INFO) == [("t", "KEY(a)", "a", 1, 1)]
    connection.close()


def test_a_design_can_be_altered_and_copied(client: Any) -> None:
    ask(client, "create table t (a int, b int); insert into t values (1, 2)")
    for change in (
        "alter diststyle key distkey b",
        "alter compound sortkey (b, a)",
        "alter column a encode zstd",
        "rename column b to c",
    ):
        ask(client, f"alter table t {change}")
    assert ask(client, INFO) == [("t", "KEY(c)", "c", 2, 1)]
    ask(
        client,
        (
            "create table u (like t); insert into u select * from t; alter table t alter diststyle even; "
            "alter table t alter sortkey none"
        ),
    )
    assert ask(client, INFO) == [("t", "EVEN", None, 0, 1), ("u", "KEY(c)", "c", 2, 1)]
    assert fails(client, "alter table t alter distkey missing") == (
        "42703",
        'column "missing" of relation "t" does not exist',
    )


def test_keys_are_not_enforced_but_not_null_is(client: Any) -> None:
    ask(client, "create table t (a int primary key, b int unique references t (a))")
    ask(client, "insert into t values (1, 7), (1, 7)")
    assert ask(client, "select count(*) from t") == [(2,)]
    assert fails(client, "insert into t (b) values (1)")[0] == "23502"


def test_lengths_count_bytes(client: Any) -> None:
    ask(client, "create table t as select 'é'::varchar(2) as a")
    assert fails(client, "insert into t values ('éa')") == ("22001", "value too long for type character varying(2)")
    ask(client, "alter table t alter column a type varchar(3)")
    ask(client, "insert into t values ('éa')")
    assert ask(client, "select character_maximum_length from svv_columns where table_name = 't'") == [(3,)]


def test_a_length_is_changed_only_outside_transactions(cluster: RedshiftDouble) -> None:
    connection = with_psycopg2(cluster)
    ask(connection, "create table t (a varchar(2) default 'x')")
    connection.commit()
    message = "ALTER TABLE ALTER COLUMN cannot run inside a transaction block"
    assert fails(connection, "alter table t alter column a type varchar(3)") == ("25001", message)
    connection.autocommit = True
    assert fails(connection, "alter table t alter column a type varchar(1)") == (
        "0A000",
        "cannot decrease a VARCHAR column size with default value",
    )
    connection.close()


def test_identity(client: Any) -> None:
    ask(client, "create table t (a bigint identity(0, 2), b int generated by default as identity(5, 1), c int)")
    ask(client, "insert into t (c) values (1), (2)")
    assert ask(client, "select * from t order by a") == [(0, 5, 1), (2, 6, 2)]
    assert fails(client, "insert into t (a, c) values (1, 1)")[0] == "428C9"


def test_names_of_64_to_127_bytes_are_whole(client: Any) -> None:
    one, other = "x" * 100 + "1", "x" * 100 + "2"
    ask(client, f'create table {one} (a int, "{other}" int); create table {other} (a int)')
    assert [column.name for column in _description(client, f"select * from {one}")] == ["a", other]
    assert ask(client, "select tablename from pg_table_def order by 1") == [(one,), (one,), (other,)]
    assert fails(client, f"create table {one} (a int)") == ("42P07", f'relation "{one}" already exists')


def test_names_are_lower_case_even_in_quotes(client: Any) -> None:
    ask(client, 'create table "Mixed" ("Käse" int)')
    assert ask(client, 'select "käse" from mixed') == ask(client, 'select "KäSE" from "MIXED"')


def _description(client: Any, sql: str) -> Any:
    cursor = client.cursor()
    cursor.execute(sql)
    return cursor.description


@pytest.mark.parametrize(
    ("query", "length"),
    [
        ("select 'abc' as a", 3),
        ("select case when 1 = 1 then 'yes' else 'no' end as a union all select 'maybe'", 5),
        ("select coalesce(null, 'é') as a", 2),
        ("select null as a", 1),
        ("select 'abc' || 'd' as a", 65535),
        ("select 'abc'::varchar(9) as a", 9),
        ("select a from (select 'abc' as a) t", 65535),
    ],
)
def test_a_column_of_literals_is_as_long_as_the_longest(client: Any, query: str, length: int) -> None:
    ask(client, f"create table t as {query}")
    found = "select character_maximum_length from svv_columns where table_name = 't' and column_name = 'a'"
    assert ask(client, found) == [(length,)]
