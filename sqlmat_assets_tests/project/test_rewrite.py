from __future__ import annotations

import duckdb
import pytest

from sqlmat_assets.project.references import Names
from sqlmat_assets.project.rewrite import rewrite
from sqlmat_assets.relation import Relation

S_T = Relation("s", "t")
NEW = {S_T: Relation("s", "t__r_new")}


def rewritten(sql: str, dialect: str = "duckdb", catalog: str | None = None) -> str:
    return rewrite(sql, Names(dialect, catalog), NEW)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        pytest.param(
            "select * from s.t", 'select * from "s"."t__r_new" AS "t"', id="an unaliased table keeps its name"
        ),
        pytest.param("select * from s.t as x", 'select * from "s"."t__r_new" as x', id="an alias stays"),
        pytest.param("select * from s.t x", 'select * from "s"."t__r_new" x', id="an alias without AS stays"),
        pytest.param(
            "select s.t.a, t.b from s.t where s . t . c",
            'select t.a, t.b from "s"."t__r_new" AS "t" where t . c',
            id="columns lose their schema",
        ),
        pytest.param(
            "select * from s.t_raw, s.t", 'select * from s.t_raw, "s"."t__r_new" AS "t"', id="s.t_raw is another"
        ),
        pytest.param("select * from S . T", 'select * from "s"."t__r_new" AS "t"', id="folded as the engine does"),
        pytest.param(
            "with t as (select * from s.t) select t.a from t",
            'with t as (select * from "s"."t__r_new" AS "t") select t.a from t',
            id="a CTE of the same name stays",
        ),
        pytest.param(
            "select 's.t' as a, \"s.t\" -- s.t\nfrom u /* s.t */",
            "select 's.t' as a, \"s.t\" -- s.t\nfrom u /* s.t */",
            id="strings, names and comments stay",
        ),
        pytest.param(
            "select 1 from s.t;\n-- warn\nselect 2 from s.t ; -- end",
            'select 1 from "s"."t__r_new" AS "t";\n-- warn\nselect 2 from "s"."t__r_new" AS "t" ; -- end',
            id="every statement",
        ),
        pytest.param("pivot s.t on a using sum(b)", 'pivot "s"."t__r_new" on a using sum(b)', id="PIVOT has no alias"),
        pytest.param("select * from s.t(1)", "select * from s.t(1)", id="a function stays"),
        pytest.param(
            "select * from (s.t join s.u using (a)) j",
            'select * from ("s"."t__r_new" AS "t" join s.u using (a)) j',
            id="a join in brackets",
        ),
        pytest.param(
            "select 'größe 😀', a\r\nfrom s.t\r\n",
            'select \'größe 😀\', a\r\nfrom "s"."t__r_new" AS "t"\r\n',
            id="letters and line ends",
        ),
        pytest.param("\ufeffselect * from s.t", '\ufeffselect * from "s"."t__r_new" AS "t"', id="a byte order mark"),
        pytest.param("select (", "select (", id="what cannot be read stays"),
    ],
)
def test_only_the_names_change(sql: str, expected: str) -> None:
    assert rewritten(sql) == expected


@pytest.mark.parametrize(
    ("dialect", "sql", "expected"),
    [
        ("postgres", 'select * from "S"."T", S."t"', 'select * from "S"."T", "s"."t__r_new" AS "t"'),
        ("postgres", "table s.t", 'table "s"."t__r_new"'),
        (
            "postgres",
            "select * from only s.t for update of t",
            'select * from only "s"."t__r_new" AS "t" for update of t',
        ),
        ("redshift", 'select * from "S"."T"', 'select * from "s"."t__r_new" AS "t"'),
        ("bigquery", "select * from `s.t`, t.arr, `t.items`", "select * from `s`.`t__r_new` AS `t`, t.arr, `t.items`"),
        ("bigquery", "select * from s.T", "select * from s.T"),
        ("bigquery", "select * from ds.f(table s.t, 1)", "select * from ds.f(table `s`.`t__r_new`, 1)"),
        ("bigquery", "select * from [s.t], [s.u]", "select * from [s.t__r_new] AS t, [s.u]"),
        ("bigquery", "from s.t |> join s.u using (a)", "from `s`.`t__r_new` AS `t` |> join s.u using (a)"),
        ("bigquery", "select * from `s.t*`", "select * from `s.t*`"),
    ],
)
def test_in_the_words_of_each_dialect(dialect: str, sql: str, expected: str) -> None:
    assert rewritten(sql, dialect) == expected


@pytest.mark.parametrize(
    ("catalog", "sql", "expected"),
    [
        ("p", "select * from p.s.t", "select * from `p`.`s`.`t__r_new` AS `t`"),
        ("p", "select * from `p.s.t` x", "select * from `p`.`s`.`t__r_new` x"),
        ("p", "select * from [p:s.t$20190101] x", "select * from [p:s.t__r_new] x"),
        ("p", "select * from q.s.t", "select * from q.s.t"),
        (None, "select * from p.s.t", "select * from p.s.t"),
    ],
)
def test_the_catalog_stays_as_written(catalog: str | None, sql: str, expected: str) -> None:
    assert rewritten(sql, "bigquery", catalog) == expected


def test_a_table_in_another_catalog_is_written_with_it() -> None:
    elsewhere = {S_T: Relation("s", "t", "old")}
    assert rewrite("select * from p.s.t x", Names("duckdb", "p"), elsewhere) == 'select * from "old"."s"."t" x'


def test_two_tables_change_places() -> None:
    first, second = Relation("s", "a"), Relation("s", "b")
    swapped = rewrite("select a.x from s.a join s.b using (id)", Names("duckdb"), {first: second, second: first})
    assert swapped == 'select a.x from "s"."b" AS "a" join "s"."a" AS "b" using (id)'


@pytest.mark.parametrize(
    "sql",
    [
        "select s.t.a as a from s.t where s.t.a > 0",
        "select t.a from s.t where exists (select 1 from s.t_raw as r where r.a = s.t.a)",
        "with t as (select * from s.t) select * from t",
        "from S.T select a",
        "pivot s.t on a using sum(a)",
        "select t.a from (s.t join s.t_raw using (a))",
        "select * from s.t tablesample reservoir (10)",
        "select * from s.t as x pivot (sum(a) for a in (1))",
        "select * from s.t semi join s.t_raw using (a)",
    ],
)
def test_the_engine_reads_the_other_table(sql: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema s; create table s.t_raw as select 2 as a")
        connection.execute("create table s.t__r_new as select 2 as a; create table s.t as select 2 as a")
        expected = connection.execute(sql).fetchall()
        connection.execute("drop table s.t")
        assert connection.execute(rewritten(sql)).fetchall() == expected
