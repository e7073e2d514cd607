"""What people read about their SQL, word for word."""

from __future__ import annotations

import pytest

from sqlmat_assets.project.parse import parse_query

_CORRECT = "correct the SQL here"
_DEPS = f"{_CORRECT}; if the engine does accept it, state on top what the query reads: `-- deps: schema.table`"
_ITEM = "remove the comma, or write what is missing"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select a b c from s.t", f"1:12: `c` is not expected here\n  hint: {_DEPS}"),
        ("select (a from s.t", f"1:11: `)` is expected before `from`\n  hint: {_CORRECT}"),
        ("select a from s.t where", f"1:19: something is missing after `where`\n  hint: {_CORRECT}"),
        ("select a\nfrom", f"2:1: expected table name after `from`\n  hint: {_CORRECT}"),
        ("select case when a then b from t", f"1:25: expected END after CASE at `b`\n  hint: {_CORRECT}"),
        ("select 'a", "1:8: a string begins here and has no end\n  hint: close it"),
        ('select "a', "1:8: a quoted name begins here and has no end\n  hint: close it"),
        ("select a /* b", "1:10: a comment begins here and has no end\n  hint: close it"),
        (
            "select " + "(" * 300 + "a" + ")" * 300,
            "1:258: this is nested too deep to be read\n"
            "  hint: move inner queries into common table expressions (WITH)",
        ),
        (
            "call f()",
            "1:1: `CALL` is a statement that cannot be read, so what it reads is unknown\n"
            "  hint: write a SELECT instead",
        ),
        ("-- a", "1:1: the file has no statement\n  hint: write a SELECT, or remove the file"),
        ("drop table s.t", "1:1: `DROP` is no SELECT\n  hint: write a SELECT instead"),
        (
            "create table s.t (id int)",
            "1:1: `CREATE` is no SELECT\n  hint: write a SELECT instead; "
            "a table that a Python script makes needs the script beside it, as in `cities.py`",
        ),
        ("with a as (from s.u) insert into s.t from a", "1:1: `INSERT` is no SELECT\n  hint: write a SELECT instead"),
        (
            "select 1 as a;\nselect 2 as a",
            "2:1: a second statement begins here with `SELECT`\n"
            "  hint: keep one SELECT in each file; put other tables into files of their own",
        ),
        ("select", "1:1: this SELECT has no columns\n  hint: name the columns, or write `*`"),
        ("select a,, b from s.t", f"1:10: nothing stands before this comma\n  hint: {_ITEM}"),
        (
            "-- deps: cities\nselect",
            "1:10: `cities` is no table\n  hint: write `schema.table`, with commas between several",
        ),
        ("select a[1 from s.t", f"1:12: expected ] at `from`\n  hint: {_CORRECT}"),
    ],
)
def test_problems_of_a_query(sql: str, expected: str) -> None:
    assert str(parse_query(sql, "duckdb", "a.sql").problems[0]) == f"a.sql:{expected}"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select a, from s.t", f"1:9: nothing stands after this comma\n  hint: {_ITEM}"),
        ("select a from s.t order by a,", f"1:29: nothing stands after this comma\n  hint: {_ITEM}"),
        (
            "select a into s.u from s.t",
            "1:1: the SELECT writes into `s.u`\n  hint: remove the INTO; the table is named after the file",
        ),
    ],
)
def test_problems_of_strict_engines(sql: str, expected: str) -> None:
    assert [str(problem) for problem in parse_query(sql, "postgres", "a.sql").problems] == [f"a.sql:{expected}"]


def test_what_is_quoted_is_short_and_can_be_shown() -> None:
    (problem,) = parse_query(f"select a b '{'x' * 100}\n\x1b'", "duckdb", "a.sql").problems
    assert problem.what == f"`'{'x' * 58}…` is not expected here"
    (problem,) = parse_query("\x01 \x02", "duckdb", "a.sql").problems
    assert problem.what == "`\\x01` is no SELECT"
