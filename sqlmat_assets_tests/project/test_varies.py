from __future__ import annotations

import duckdb
import pytest

from sqlmat_assets.project.checks import parse_checks
from sqlmat_assets.project.functions import CONSISTENT, MACROS, PURE, SYNTAX, VARYING
from sqlmat_assets.project.parse import parse_query


def varies(text: str, dialect: str = "duckdb") -> str | None:
    return parse_query(text, dialect, "f.sql").varies


@pytest.mark.parametrize(
    ("dialect", "text", "expected"),
    [
        ("duckdb", "select\n  now() as at", "`now()` in line 2"),
        ("duckdb", "select current_date", "`current_date` in line 1"),
        ("duckdb", "select CURRENT_TIMESTAMP", "`CURRENT_TIMESTAMP` in line 1"),
        ("duckdb", "select user", "`user` in line 1"),
        ("duckdb", "select a, random()\nfrom s.t, now()", "`random()` in line 1"),
        ("duckdb", "select age(a) from s.t", "`age()` in line 1"),
        ("duckdb", "select version()", "`version()` in line 1"),
        ("duckdb", "select nextval('s')", "`nextval()` in line 1"),
        ("duckdb", "select ours(a) from s.t", "the unknown function `ours()` in line 1"),
        ("duckdb", "select s.ours(a) from s.t", "the unknown function `s.ours()` in line 1"),
        ("duckdb", 'select "Ours"(a) from s.t', "the unknown function `Ours()` in line 1"),
        ("duckdb", "from read_csv('x.csv')", "`read_csv()` in line 1"),
        ("duckdb", "select *\nfrom 'x.csv'", "`x.csv` in line 2"),
        ("duckdb", "select * from query_table('t')", "`query_table()` in line 1"),
        ("duckdb", "select * from information_schema.tables", "`information_schema.tables` in line 1"),
        ("duckdb", "select * from duckdb_tables", "`duckdb_tables` in line 1"),
        ("duckdb", "select * from duckdb_tables()", "the unknown function `duckdb_tables()` in line 1"),
        ("duckdb", "select * from (show tables)", "`show` in line 1"),
        ("duckdb", "select * from s.t\nusing sample 10%", "a sample without a seed in line 2"),
        ("duckdb", "select * from s.t tablesample 10%", "a sample without a seed in line 1"),
        ("postgres", "select 'now'::timestamp", "`'now'` in line 1"),
        ("postgres", "select date 'yesterday'", "`'yesterday'` in line 1"),
        ("postgres", "select clock_timestamp()", "`clock_timestamp()` in line 1"),
        ("postgres", "select pg_catalog.now()", "`pg_catalog.now()` in line 1"),
        ("postgres", "select gen_random_uuid()", "`gen_random_uuid()` in line 1"),
        ("postgres", "select localtimestamp(3)", "`localtimestamp()` in line 1"),
        ("postgres", "select s.lower(a) from s.t", "the unknown function `s.lower()` in line 1"),
        ("postgres", "select * from pg_catalog.pg_class", "`pg_catalog.pg_class` in line 1"),
        ("postgres", "select * from pg_class", "`pg_class` in line 1"),
        ("redshift", "select sysdate", "`sysdate` in line 1"),
        ("redshift", "select getdate()", "`getdate()` in line 1"),
        ("redshift", "select * from svv_tables", "`svv_tables` in line 1"),
        ("bigquery", "select current_datetime()", "`current_datetime()` in line 1"),
        ("bigquery", "select generate_uuid()", "`generate_uuid()` in line 1"),
        ("bigquery", "select rand()", "`rand()` in line 1"),
        ("bigquery", "select session_user()", "`session_user()` in line 1"),
        ("bigquery", "select @run", "`@` in line 1"),
        ("bigquery", "select d.ours(1)", "the unknown function `d.ours()` in line 1"),
        ("bigquery", "select `p.d.ours`(1)", "the unknown function `p.d.ours()` in line 1"),
        ("bigquery", "select * from external_query('c', 'select 1')", "`external_query()` in line 1"),
        ("bigquery", "select * from d.t tablesample system (10 percent)", "a sample without a seed in line 1"),
        ("bigquery", "select * from d.INFORMATION_SCHEMA.TABLES", "`d.INFORMATION_SCHEMA.TABLES` in line 1"),
        ("bigquery", "select * from `d.events_*`", "`d.events_*` in line 1"),
        (
            "bigquery",
            "select * from d.t for system_time as of timestamp_sub(current_timestamp(), interval 1 day)",
            "`current_timestamp()` in line 1",
        ),
        ("bigquery", "#legacySQL\nselect a from [p:d.t@-3600000]", "`p.d.t` in line 2"),
        ("snowflake", "select lower(a) from s.t", "the unknown function `lower()` in line 1"),
    ],
)
def test_says_what_and_where(dialect: str, text: str, expected: str) -> None:
    assert varies(text, dialect) == expected


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("duckdb", "select lower(a), count(*), sum(b) over (partition by c), row_number() over () from s.t limit 3"),
        ("duckdb", "select a.lower(), cast(a as decimal(10, 2)), a::varchar(3), coalesce(a, b), if(a, b, c) from s.t"),
        ("duckdb", "select age(a, b), date_trunc('day', a), extract(year from a) from s.t where a in (1) and (b)"),
        ("duckdb", "with x(now, random) as (select 1, 2) select * from x as y(a, b), (values (1)) as uuid(c)"),
        ("duckdb", "select x.now, y.current_date, 'now()', '-- random()' from s.x, s.y -- now()"),
        ("duckdb", "select a from s.t using sample 10% (bernoulli, 42)"),
        ("duckdb", "select a from s.t tablesample reservoir(10 rows) repeatable (3)"),
        ("duckdb", "select * exclude (a) replace (b as c), columns(*) from s.t qualify rank() over (order by a) = 1"),
        ("duckdb", "select [x + 1 for x in l], list_transform(l, x -> x), {'a': 1}, map {'a': 1}, try(a) from s.t"),
        ("duckdb", "select * from range(10), generate_series(1, 2), unnest([1])"),
        ("duckdb", "pivot s.t on a in (1, 2) using sum(b)"),
        ("duckdb", "select 'today' as day"),
        ("postgres", "select string_agg(a, ',' order by b) filter (where c), grouping(a) from s.t group by cube (a)"),
        ("postgres", "select x.a from s.t, lateral unnest(b) as x(a)"),
        ("postgres", "select pg_catalog.lower(a), to_char(b, 'YYYY'), a::timestamp(3) from s.t"),
        ("postgres", "select percentile_cont(0.5) within group (order by a) from s.t"),
        ("redshift", "select listagg(a, ',') within group (order by a), dateadd(day, 1, b), nvl(a, b) from s.t"),
        ("bigquery", "select safe.substr(a, 1), net.host(b), array_agg(c ignore nulls), date(d) from d.t"),
        ("bigquery", "select a[safe_offset(0)], struct(1), array(select 1), if(a, b, c), date '2020-01-01' from d.t"),
        ("bigquery", "select * except (a) from d.t, unnest(b) with offset as now"),
        ("bigquery", "select user, sysdate from d.t"),
        ("bigquery", "select * from d.t for system_time as of '2020-01-01'"),
        ("bigquery", "select a from d.t$20200101"),
    ],
)  # fmt: skip
def test_says_nothing_of_what_stays_the_same(dialect: str, text: str) -> None:
    assert varies(text, dialect) is None


def test_what_cannot_be_read_may_do_anything() -> None:
    query = parse_query("-- deps: s.t\nfrobnicate s.t now", "duckdb", "f.sql")
    assert query.varies == "SQL that the parser does not know in line 2"


def test_a_check_says_whether_its_result_may_differ() -> None:
    text = "select a > 0 as positive from s.t; select a < now() as past from s.t"
    assert [check.varies for check in parse_checks(text, "duckdb", "f.sql").queries] == [False, True]


# The lists


def names(condition: str) -> set[str]:
    rows = (
        duckdb.connect().execute(f"select distinct function_name from duckdb_functions() where {condition}").fetchall()
    )
    return {name for (name,) in rows}


SCALAR = "function_type in ('scalar', 'aggregate', 'window')"


def test_what_is_trusted_is_consistent_by_the_word_of_duckdb() -> None:
    varying = names(f"{SCALAR} and stability <> 'CONSISTENT'")
    assert varying & PURE["duckdb"] == set()
    assert names(f"{SCALAR} and stability = 'CONSISTENT'") >= CONSISTENT


def test_macros_that_are_trusted_call_nothing_that_varies() -> None:
    macros = (
        duckdb.connect()
        .execute("select function_name, macro_definition from duckdb_functions() where function_type = 'macro'")
        .fetchall()
    )
    found = {name for name, _ in macros}
    assert found >= MACROS
    for name, definition in macros:
        if name in MACROS:
            text = f"select {definition}".replace('"error"(', "concat(")
            assert varies(text) is None, (name, definition)


@pytest.mark.parametrize("name", sorted(names(f"{SCALAR} and stability <> 'CONSISTENT'")))
def test_every_varying_function_of_duckdb_is_recognised(name: str) -> None:
    assert varies(f"select {name}() from s.t") in (
        f"`{name}()` in line 1",
        f"the unknown function `{name}()` in line 1",
    )


def needs_no_parentheses(name: str) -> bool:
    try:
        duckdb.connect().execute(f"select {name}").fetchall()
    except duckdb.Error:
        return False
    return True


def test_every_function_of_duckdb_without_parentheses_is_recognised() -> None:
    bare = [*filter(needs_no_parentheses, names("function_type in ('macro', 'scalar') and len(parameters) = 0"))]
    assert {"current_date", "user"} < set(bare)
    for name in bare:
        assert varies(f"select {name}") == f"`{name}` in line 1"


@pytest.mark.parametrize("name", sorted(names("function_type in ('table', 'table_macro')")))
def test_table_functions_that_look_elsewhere_are_recognised(name: str) -> None:
    harmless = {"generate_series", "range", "repeat", "unnest", "json_each", "json_tree", "histogram"}
    if name not in harmless:
        assert varies(f"select * from {name}('x')") is not None


@pytest.mark.parametrize("dialect", sorted(PURE))
def test_no_function_is_both(dialect: str) -> None:
    assert PURE[dialect].isdisjoint(VARYING)
    assert SYNTAX.isdisjoint(VARYING)
