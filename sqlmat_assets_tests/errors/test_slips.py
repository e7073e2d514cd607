"""What people read about slips in their SQL, word for word."""

from __future__ import annotations

import pytest

from sqlmat_assets.project.parse import parse_query


def said(sql: str, dialect: str = "duckdb") -> list[str]:
    return [str(problem).removeprefix("a.sql:") for problem in parse_query(sql, dialect, "a.sql").problems]


_TEMPLATE = "`{{` begins a template, but the files are plain SQL"
_BLOCK = "`{%` begins a template, but the files are plain SQL"
_CONSOLE = "write plain SQL, which runs as it is in any console"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "select *\nfrom {{ ref('cities') }}",
            f"2:6: {_TEMPLATE}\n  hint: write the table's name in place of `{{{{ ref('cities') }}}}`: `schema.cities`",
        ),
        (
            "select * from {{- source( 'raw',  \"cities\" ) -}} as c",
            f"1:15: {_TEMPLATE}\n"
            "  hint: write the table's name in place of `{{- source( 'raw', \"cities\" ) -}}`: `raw.cities`",
        ),
        ("select * from {{ this }}", f"1:15: {_TEMPLATE}\n  hint: {_CONSOLE}"),
        ("select a from s.t where b > {{ var('y') }}", f"1:29: {_TEMPLATE}\n  hint: {_CONSOLE}"),
        ("select * from {{ ref(x) }}", f"1:15: {_TEMPLATE}\n  hint: {_CONSOLE}"),
        ("select * from {{", f"1:15: {_TEMPLATE}\n  hint: {_CONSOLE}"),
        ("select a from s.t\n{% if x %} where b {% endif %}", f"2:1: {_BLOCK}\n  hint: {_CONSOLE}"),
        (
            "-- top\n{{ config(materialized='table') }}\nselect 1 as a",
            "2:1: `{{ config(…) }}` is a template, but the files are plain SQL\n"
            "  hint: write settings as comments on top of the file, `-- owner: data-eng@example.com`, or in a `.conf`",
        ),
    ],
)
@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "redshift", "bigquery"])
def test_templates(sql: str, expected: str, dialect: str) -> None:
    assert said(sql, dialect) == [expected]


@pytest.mark.parametrize(
    ("sql", "place", "word", "keyword"),
    [
        ("selct city from s.t", "1:1", "selct", "SELECT"),
        ("slect * from s.t", "1:1", "slect", "SELECT"),
        ("-- top\n  SELCT 1 as a", "2:3", "SELCT", "SELECT"),
        ("wiht c as (select 1 as a) select a from c", "1:1", "wiht", "WITH"),
        ("select city form first.x", "1:13", "form", "FROM"),
        ("select city\nfrm first.x", "2:1", "frm", "FROM"),
        ("select a from s.t wehre b = 1", "1:19", "wehre", "WHERE"),
        ("select a from s.t gruop by a", "1:19", "gruop", "GROUP"),
        ("select a from s.t group by a oder by a", "1:30", "oder", "ORDER"),
        ("select a, count(*) as n from s.t groupby a", "1:34", "groupby", "GROUP BY"),
        ("select a from s.t orderby a", "1:19", "orderby", "ORDER BY"),
        ("select a from s.t limt 10", "1:19", "limt", "LIMIT"),
        ("select a from s.t jion s.u using (b)", "1:19", "jion", "JOIN"),
        ("select a from (selct a from s.t)", "1:16", "selct", "SELECT"),
        ("select a from s.t unoin all select a from s.u", "1:19", "unoin", "UNION"),
        ("select case wen a then b end as c from s.t", "1:13", "wen", "WHEN"),
    ],
)
def test_a_keyword_with_a_slip(sql: str, place: str, word: str, keyword: str) -> None:
    assert said(sql) == [f"{place}: `{word}` is not expected here\n  hint: did you mean `{keyword}`?"]


@pytest.mark.parametrize(
    "sql", ["select form, wehre from s.t as selct", "from s.form select a", "select a oder from s.t"]
)
def test_names_like_keywords_are_names(sql: str) -> None:
    assert said(sql) == []


_QUOTES = (
    'write double quotes, `"name"`; if the files are written for BigQuery, set `dialect = bigquery` in `global.conf`'
)


@pytest.mark.parametrize(
    ("dialect", "sql", "expected"),
    [
        ("duckdb", "select `a`\nfrom s.t", [f"1:8: back-quotes are no quotes in duckdb\n  hint: {_QUOTES}"]),
        ("postgres", "select a\nfrom `s.t`", [f"2:6: back-quotes are no quotes in postgres\n  hint: {_QUOTES}"]),
        ("redshift", "select a from `s`.`t`", [f"1:15: back-quotes are no quotes in redshift\n  hint: {_QUOTES}"]),
        ("bigquery", "select `a` from `s.t`", []),
        ("duckdb", "select '`' as a -- `b`", []),
        (
            "duckdb",
            "select top 10 a from s.t",
            ["1:8: duckdb has no `TOP`\n  hint: write `LIMIT 10` at the end of the query"],
        ),
        (
            "postgres",
            "select distinct top (5) a from s.t",
            ["1:17: postgres has no `TOP`\n  hint: write `LIMIT 5` at the end of the query"],
        ),
        ("redshift", "select top 10 a from s.t", []),
        (
            "duckdb",
            "select top, s.top from s.top",
            [
                "1:13: the column `top` is there twice, first in line 1\n"
                "  hint: remove one of the two, or rename it with `AS`"
            ],
        ),
        (
            "duckdb",
            "select a from [s].[t]",
            ['1:15: brackets are no quotes in duckdb\n  hint: write `s`, or `"s"` if it needs quotes'],
        ),
        ("duckdb", "select a # all\nfrom s.t", ["1:10: `#` begins no comment in SQL\n  hint: write `--`"]),
        ("postgres", "select a\n// all\nfrom s.t", ["2:1: `//` begins no comment in SQL\n  hint: write `--`"]),
        ("bigquery", "select a # all\nfrom s.t", []),
        ("duckdb", "select a // 2 as b from s.t", []),
        (
            "duckdb",
            "select a from s.t where b = \u2018x\u2019",
            ["1:29: `\u2018` is no quote in SQL\n  hint: write straight quotes: `'` around text, `\"` around names"],
        ),
        ("duckdb", "select 'a \u2018x\u2019' as \"\u201ca\u201d\" -- \u201cb\u201d", []),
    ],
)
def test_other_dialects(dialect: str, sql: str, expected: list[str]) -> None:
    assert said(sql, dialect) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select 'a", "1:8: a string begins here and has no end"),
        ("select 1 as b,\n\t'a as x\nfrom s.t\nwhere c", "2:2: a string begins here and has no end"),
        ("select 'a as x,\n  'b' as y\nfrom s.t", "1:8: a string begins here and has no end"),
        ("select 'it's' as a from s.t", "1:8: a string begins here and has no end"),
        ("select 'it''s as a from s.t", "1:8: a string begins here and has no end"),
        ("select 'fine' as a,\n  \"b from s.t", "2:3: a quoted name begins here and has no end"),
        ("select a from s.t\nwhere b <> 'don't'", "2:12: a string begins here and has no end"),
        ("select a,\n '", "2:2: a string begins here and has no end"),
        ('select a, b"', "1:12: a quoted name begins here and has no end"),
        ("select 'ü😀', 'a", "1:14: a string begins here and has no end"),
    ],
)
def test_the_quote_that_has_no_end(sql: str, expected: str) -> None:
    assert said(sql) == [f"{expected}\n  hint: close it"]


def test_columns_count_characters_whatever_their_width() -> None:
    # A tab, a letter of two columns and one outside the basic plane are one character each.
    assert said("select\t'日本' as a, '😀' as b,\tc d e") == [
        "1:33: `e` is not expected here\n  hint: correct the SQL here; if the engine does accept it, "
        "state on top what the query reads: `-- deps: schema.table`"
    ]


def test_a_with_and_nothing_behind_it() -> None:
    hint = "write the SELECT that reads it behind the closing bracket"
    assert said("with a as (select 1 as b)") == [f"1:1: no SELECT follows this WITH\n  hint: {hint}"]
    assert said("-- top\nwith a as (select 1 as b),\nselect b from a") == [
        "2:26: nothing stands after this comma\n  hint: remove the comma, or write what is missing"
    ]


def test_minus_between_queries() -> None:
    assert said("select a from s.t\nminus\nselect a from s.u") == ["2:1: duckdb has no `MINUS`\n  hint: write `EXCEPT`"]


def test_a_file_that_creates_its_table() -> None:
    assert said("-- top\ncreate table s.t as select 1 as a") == [
        "2:1: the file creates its table itself\n  hint: keep the SELECT alone; the table is named after the file"
    ]


_TWICE = "remove one of the two, or rename it with `AS`"


@pytest.mark.parametrize(
    ("dialect", "sql", "expected"),
    [
        (
            "duckdb",
            "select city,\n  city from s.t",
            [f"2:3: the column `city` is there twice, first in line 1\n  hint: {_TWICE}"],
        ),
        (
            "duckdb",
            'select city, "City" from s.t',
            [f"1:14: the column `City` is there twice, first in line 1\n  hint: {_TWICE}"],
        ),
        (
            "redshift",
            'select city, "City" from s.t',
            [f"1:14: the column `city` is there twice, first in line 1\n  hint: {_TWICE}"],
        ),
        ("postgres", 'select city, "City" from s.t', []),
        (
            "postgres",
            "select city, City from s.t",
            [f"1:14: the column `city` is there twice, first in line 1\n  hint: {_TWICE}"],
        ),
        (
            "bigquery",
            "select city, City from s.t",
            [f"1:14: the column `City` is there twice, first in line 1\n  hint: {_TWICE}"],
        ),
        ("duckdb", "select a.id, b.id as b_id, a.*, b.* from s.a join s.b using (x)", []),
        (
            "duckdb",
            "select count(*),\n  1 as n from s.t",
            [
                "1:8: warning: the column `count(*)` has a name that the engine makes up\n"
                "  hint: name it: `count(*) AS …`"
            ],
        ),
        (
            "bigquery",
            "select a, count(*) from s.t group by a",
            ["1:11: the column `count(*)` has no name, and the table needs one\n  hint: name it: `count(*) AS …`"],
        ),
        ("duckdb", "select columns('a.*'), min(columns(*)), unnest(b) from s.t", []),
        ("duckdb", "values (1, 2)", []),
    ],
)
def test_columns_of_the_result(dialect: str, sql: str, expected: list[str]) -> None:
    assert said(sql, dialect) == expected


def test_what_stated_reads_do_not_repair_is_a_warning() -> None:
    assert said("-- deps: s.t\nselect a b c from s.t") == [
        "2:12: warning: `c` is not expected here\n"
        "  hint: what it reads is taken from `-- deps:`; correct it if the engine refuses it too"
    ]
