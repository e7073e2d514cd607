from __future__ import annotations

import json
import random
import threading
from dataclasses import asdict, replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlmat_assets.project.checks import parse_checks
from sqlmat_assets.project.parse import ParsedQuery, parse_query, statement_text
from sqlmat_assets_tests.tables import a_table

DIALECTS = ("duckdb", "postgres", "redshift", "bigquery")
FIXTURES = [path.read_bytes().decode() for path in sorted((Path(__file__).parent / "fixtures").rglob("*.sql"))]


def parsed(text: str, dialect: str = "duckdb") -> ParsedQuery:
    return parse_query(text, dialect, "f.sql")


def columns(text: str, dialect: str = "duckdb") -> dict[str, str | None]:
    query = parsed(text, dialect)
    assert query.problems == ()
    return {column.name: column.description for column in query.columns}


# Columns and the comments beside them


def test_comments_beside_columns() -> None:
    text = """
with a as (select 1, 2 -- not of a column
), b(x) as materialized (select 1 as y -- nor this
)
select -- the list
  -- above a
  a, -- beside a
  b -- beside b

  -- a section of its own

  , c /* beside c */
  , /* before d */ d
  -- above e
  , e
  -- ----------
  , 'x,y; -- z' as "F g" -- of a string
  , sum(a) over (partition by b, c /* inside */) as g
  -- above h, line 1
  -- line 2
  , case when a -- inside
    then 1 end as h
  /*
   * of i
   * in a box
   */
  , i -- the last
-- of what follows
from t;
-- the end
"""
    assert columns(text) == {
        "a": "above a beside a",
        "b": "beside b",
        "c": "beside c",
        "d": "before d",
        "e": "above e",
        "F g": "of a string",
        "g": None,
        "h": "above h, line 1 line 2",
        "i": "of i in a box the last",
    }


@pytest.mark.parametrize(
    ("dialect", "text", "expected"),
    [
        ("duckdb", "select a, b as c, d.e, f.g.h from t", {"a": None, "c": None, "e": None, "h": None}),
        ("duckdb", "select a, -- x\r\n  b -- y\r\nfrom t\r\n", {"a": "x", "b": "y"}),
        ("duckdb", "select distinct a, -- x\n b from t", {"a": "x", "b": None}),
        ("duckdb", "from t select a, -- x\n b", {"a": "x", "b": None}),
        ("duckdb", "(select a -- x\n from t)", {"a": "x"}),
        ("duckdb", "select a -- x\n from t union all select b -- y\n from u", {"a": "x"}),
        ("duckdb", "with r as (select 1 as z) (select a -- x\n from r)", {"a": "x"}),
        ("duckdb", "select a, -- x\n from t", {"a": "x"}),
        ("duckdb", "select x: 42, -- what\n", {"x": "what"}),
        ("postgres", 'select A as Foo, "B" from s.t', {"foo": None, "B": None}),
        ("redshift", 'select A as Foo, "B" from s.t', {"foo": None, "b": None}),
        ("bigquery", "select A, # x\n t.b.C from ds.t", {"A": "x", "C": None}),
        ("bigquery", "select as struct a, -- x\n b from ds.t", {"a": "x", "b": None}),
    ],
)  # fmt: skip
def test_columns(dialect: str, text: str, expected: dict[str, str | None]) -> None:
    assert columns(text, dialect) == expected


@pytest.mark.parametrize(
    ("text", "named", "has_star"),
    [
        ("select a from t", ["a"], False),
        ("select * from t", [], True),
        ("select t.*, a as b from t", ["b"], True),
        ("select * exclude (a), b from t", ["b"], True),
        ("select columns('x.*') from t", [], True),
        ("select count(*) from t", [], True),
        ("from t", [], True),
        ("pivot t on a using sum(b)", [], True),
        ("values (1)", [], True),
        ("select a from t union select * from u", ["a"], False),
        ("select * from t except select * from u", [], True),
    ],
)
def test_what_is_not_named(text: str, named: list[str], has_star: bool) -> None:
    query = parsed(text)
    assert ([column.name for column in query.columns], query.has_star) == (named, has_star)


# Header


def test_header_lines() -> None:
    text = "-- Cities.\n-- owner: x\n\n/* More:\n * text\n\n  end */ -- deps: a.b\nselect 1 as a -- not this"
    assert [(line.line, line.text) for line in parsed(text).header] == [
        (1, "Cities."), (2, "owner: x"), (4, "More:"), (5, "text"), (6, ""), (7, "end"),
    ]  # fmt: skip


def test_header_of_bigquery() -> None:
    text = "#standardSQL\n# Cities.\nselect 1 as a"
    assert [(line.line, line.text) for line in parsed(text, "bigquery").header] == [(2, "Cities.")]


def test_header_is_read_above_what_cannot_be() -> None:
    query = parsed("-- owner: x\nselect 'a")
    assert [line.text for line in query.header] == ["owner: x"]
    assert [str(problem) for problem in query.problems] == [
        "f.sql:2:8: a string begins here and has no end\n  hint: close it"
    ]


# The statement


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select 1", "select 1"),
        ("-- top\n\n  select  1 -- inside\n  , 2 ; -- end\n;", "select  1 -- inside\n  , 2"),
        ("select ';' -- ; \n from t -- end", "select ';' -- ; \n from t"),
        ("\ufeffselect 1;", "select 1"),
        ("select '😀',\r\n\t1 ;\r\n", "select '😀',\r\n\t1"),
        ("/* a */ (select 1) union (select 2) /* b */;", "(select 1) union (select 2)"),
        ("select 1; select 2", "select 1"),
        ("select 'a", "select 'a"),
        ("", ""),
    ],
)
def test_the_statement_as_written(text: str, expected: str) -> None:
    assert statement_text(a_table(text)) == expected
    assert statement_text(a_table(text, statement=parsed(text, "duckdb").statement)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "-- top\nselect 1 as a -- why; so\n; -- end",
        "from (values (1), (2)) as v(a) -- all\nselect a;",
        "\ufeff/* x */ with c as (select 3 as a -- c\n) from c",
        "pivot (select 1 as a, 2 as b) on a using sum(b) -- end",
        "(select 1 as a) union all (select 2) order by a -- end",
    ],
)
def test_the_statement_can_be_embedded(text: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"create table t as {statement_text(a_table(text))}")
        connection.execute(f"create table u as ({statement_text(a_table(text))})")


# Robustness


def plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(plain(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return all(plain(item) for item in value)
    return value is None or type(value) in (str, int, bool)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_values_survive_json(dialect: str) -> None:
    for text in FIXTURES:
        value = asdict(parsed(text, dialect))
        assert plain(value)
        assert json.loads(json.dumps(value)) is not None


@pytest.mark.parametrize("dialect", DIALECTS)
def test_changed_at_random_nothing_raises(dialect: str) -> None:
    dice = random.Random(dialect)
    pieces = [
        " ",
        "\n",
        ";",
        ",",
        "(",
        ")",
        "[",
        "]",
        "'",
        '"',
        "`",
        "--",
        "/*",
        "*/",
        "$$",
        "|>",
        ".",
        "*",
        "\x00",
        "é",
    ]
    words = " ".join(FIXTURES).split()
    for text in FIXTURES:
        letters = list(text)
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(letters))
            new = dice.choice(pieces) if dice.random() < 0.6 else f" {dice.choice(words)} "
            letters[at : at + dice.choice((0, 1, 8))] = new
        changed = "".join(letters)
        query = parsed(changed, dialect)
        parse_checks(changed, dialect, "f.sql")
        lines = changed.split("\n")
        for read in query.reads:
            assert lines[read.line - 1][read.column - 1] == changed[read.start]
            assert read.start < read.end <= len(changed)
        for problem in query.problems:
            assert 1 <= problem.line <= len(lines)
            assert 1 <= problem.column <= max(1, len(lines[problem.line - 1]))


@settings(max_examples=200)
@given(text=st.text(max_size=60), dialect=st.sampled_from(DIALECTS))
def test_any_text_is_read_or_a_problem(text: str, dialect: str) -> None:
    query = parsed(text, dialect)
    parse_checks(text, dialect, "f.sql")
    of_text = replace(a_table(text), dialect=dialect)
    assert statement_text(replace(of_text, statement=query.statement)) == statement_text(of_text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("select " + "(" * 20_000 + "1" + ")" * 20_000, (1, 258)),
        ("select * from " + "(select * from " * 20_000 + "t" + ")" * 20_000, (1, 3765)),
        ("select " + "case when a then " * 5_000 + "1" + " end" * 5_000, (1, 1)),
        ("select " + "not " * 20_000 + "a as b", (1, 1)),
    ],
    ids=["brackets", "subqueries", "case", "not"],
)
def test_nesting_without_end_is_a_problem(text: str, place: tuple[int, int]) -> None:
    found: list[ParsedQuery] = []
    thread = threading.Thread(target=lambda: found.append(parsed(text)))
    thread.start()
    thread.join()
    (problem,) = found[0].problems
    assert (problem.line, problem.column, problem.what) == (*place, "this is nested too deep to be read")


def test_long_is_not_deep() -> None:
    unions = parsed(" union all ".join(["select a from s.t"] * 2_000))
    assert (len(unions.reads), unions.problems) == (2_000, ())
    lines = parsed("select\n" + "\n".join(f"  a{i} + 1 as b{i}, -- number {i}" for i in range(10_000)) + "\nfrom s.t")
    assert len(lines.columns) == 10_000
    assert lines.columns[-1].description == "number 9999"
    assert [(read.line, read.column) for read in lines.reads] == [(10_002, 6)]
    assert parsed("select a from s.t where " + " or ".join(["a = 1"] * 5_000)).problems == ()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("\ufeffselect * from s.t", (1, 15)),
        ("select *\r\n\tfrom\ts.t", (2, 7)),
        ("select '😀é' as a from s.t", (1, 23)),
        ("select /* a\nb */ a from s.t", (2, 13)),
        ("select\u00a0*\u00a0from\u00a0s.t", (1, 15)),
    ],
)
def test_places_count_letters(text: str, place: tuple[int, int]) -> None:
    (read,) = parsed(text).reads
    assert (read.line, read.column) == place
    assert text[read.start : read.end] == "s.t"
