from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import Token, TokenType

from sqlmat_assets.project.brackets import redundant_brackets
from sqlmat_assets.project.canonical import hash_syntax, hash_text
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.syntax import Statement, read_syntax

FIXTURES = Path(__file__).parent / "fixtures/references"
DIALECTS = ("duckdb", "postgres", "redshift", "bigquery")


def canonical(text: str, dialect: str = "duckdb") -> str:
    return hash_syntax(read_syntax(text, dialect, Positions(text, "f.sql")), text, dialect)


# What does not count


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("select a, b from s.t", "-- on top\nSELECT  A /* beside */,\n\tB\r\nFROM s.t\n;\n-- behind"),
        ("select a as b from s.t as u", "select a b from s.t u"),
        ("select (a) as b from s.t", "select a as b from s.t"),
        ("select ((a + 1)) from s.t", "select a + 1 from s.t"),
        ("select (select 1)", "(select ((select 1)))"),
        ("select a from s.t where (a = 1) and (b is null)", "select a from s.t where a = 1 and b is null"),
        (
            "select a from s.t where ((a = 1) or (b like 'x' and (c)))",
            "select a from s.t where a = 1 or (b like 'x' and c)",
        ),
        ("select (a * b) + c from s.t", "select a * b + c from s.t"),
        ("select (a + b) + (c * d) from s.t", "select a + b + c * d from s.t"),
        ("select coalesce((a), (b + 1)) from s.t", "select Coalesce(a, b + 1) from s.t"),
        (
            "select case when (a = 1) then (b) else (c) end from s.t",
            "select CASE WHEN a = 1 THEN b ELSE c END from s.t",
        ),
        (
            "select u.City from s.t u join s.v w on (u.Id = w.Id)",
            "select U.city from s.t as u join s.v as w on u.id = w.id",
        ),
        (
            "select count(*) over (partition by a order by b) from s.t",
            "SELECT Count( * ) OVER(PARTITION  BY a ORDER\nBY b) FROM s.t",
        ),
        ("with Mine as (select 1 as x) select x from Mine", "WITH mine AS (SELECT 1 x) SELECT X FROM MINE"),
        ("select a=-1 from s.t", "select a = -1 from s.t"),
        ("select cast(a as date) from s.t", "select CAST((a) AS Date) from s.t"),
    ],
)
def test_does_not_count(dialect: str, one: str, other: str) -> None:
    assert canonical(one, dialect) == canonical(other, dialect)


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "redshift"])
def test_letter_case_of_tables_does_not_count(dialect: str) -> None:
    assert canonical("select First.Cities.City from First.Cities", dialect) == canonical(
        "select first.cities.city from first.cities", dialect
    )


def test_deps_are_a_comment() -> None:
    assert canonical("-- deps: a.b\nselect 1") == canonical("select 1")


def test_byte_order_mark_does_not_count() -> None:
    assert canonical("\ufeffselect 1") == canonical("select 1")


def test_hints_are_comments() -> None:
    assert canonical("select /*+ any */ a from s.t") == canonical("select a from s.t")


# What does


@pytest.mark.parametrize(
    ("dialect", "one", "other"),
    [
        # Words that are needed somewhere
        ("bigquery", "select as struct a from d.t", "select struct a from d.t"),
        ("bigquery", "select as value x from d.t", "select value x from d.t"),
        ("duckdb", "select interval '1' as day", "select interval '1' day"),
        ("postgres", "select date as '2020'", "select date '2020'"),
        ("duckdb", "select * from a as left join b on true", "select * from a left join b on true"),
        # Parentheses that are
        ("duckdb", "select x in ((select 1))", "select x in (select 1)"),
        ("duckdb", "select a - (b - c) from t", "select a - b - c from t"),
        ("duckdb", "select (a or b) and c from t", "select a or b and c from t"),
        ("duckdb", "select ((a or b)) and c from t", "select a or b and c from t"),
        ("duckdb", "select not (a = b) from t", "select not a = b from t"),
        ("duckdb", "select (-2) ^ 2", "select -2 ^ 2"),
        ("duckdb", "select -(a + b) from t", "select -a + b from t"),
        ("duckdb", "select (a || b) * c from t", "select a || b * c from t"),
        ("duckdb", "select x between 1 and (2 or 3) from t", "select x between 1 and 2 or 3 from t"),
        ("duckdb", "select (a.b).c from t", "select a.b.c from t"),
        ("duckdb", "select (a, b) from t", "select a, b from t"),
        ("duckdb", "select f((a, b)) from t", "select f(a, b) from t"),
        ("duckdb", "select distinct on (a) * from t", "select distinct on a * from t"),
        ("duckdb", "select a from t order by (1)", "select a from t order by 1"),
        ("duckdb", "(select 1 union select 2) except select 3", "select 1 union select 2 except select 3"),
        ("postgres", "(select 1 union select 2) except select 3", "select 1 union (select 2 except select 3)"),
        ("postgres", "(select 1 limit 2) limit 3", "select 1 limit 2"),
        ("duckdb", "select * from a join (b join c on x) on y", "select * from a join b join c on x on y"),
        # Literals
        ("duckdb", "select 1.0", "select 1"),
        ("duckdb", "select 1e1", "select 10"),
        ("duckdb", "select 0xff", "select 0 xff"),
        ("duckdb", "select 0xff", "select 0 + xff"),
        ("duckdb", "select x'ab'", "select x 'ab'"),
        ("duckdb", "select 'A'", "select 'a'"),
        ("duckdb", "select 'a  b'", "select 'a b'"),
        ("duckdb", "select '-- x'", "select ''"),
        ("duckdb", "select 'a''b'", "select 'a' 'b'"),
        ("duckdb", "select 'a'\n'b'", "select 'a' 'b'"),
        ("duckdb", "select $$A$$", "select $$a$$"),
        ("bigquery", r"select '\n'", r"select r'\n'"),
        ("bigquery", "select '''a'''", "select '''A'''"),
        ("bigquery", 'select "A"', 'select "a"'),
        ("postgres", r"select E'\n'", r"select '\n'"),
        # Letter case
        ("duckdb", 'select "A" from t', "select a from t"),
        ("postgres", 'select "A" from t', 'select "a" from t'),
        ("bigquery", "select x from d.Cities", "select x from d.cities"),
        ("bigquery", "select x from D.cities", "select x from d.cities"),
        ("bigquery", "select d.MyFunction(1)", "select d.myfunction(1)"),
        ("bigquery", "select MyFunction(1)", "select myfunction(1)"),
        ("bigquery", "select * from ml.predict(model d.M, table t)", "select * from ml.predict(model d.m, table t)"),
        ("bigquery", "select * from ml.predict(model m, table d.T)", "select * from ml.predict(model m, table d.t)"),
        ("bigquery", "with a as (select 1 x) select * from d.t, A", "with a as (select 1 x) select * from d.T, A"),
        ("bigquery", "select (with a as (select 1) select 1) from A", "select (with a as (select 1) select 1) from a"),
        # Parts of values, as far as SQL tells them from columns
        ("duckdb", "select j.Name from t", "select j.name from t"),
        ("duckdb", "select t.j.Name from t", "select t.j.name from t"),
        ("duckdb", "select s.t.j.Name from s.t", "select s.t.j.name from s.t"),
        ("duckdb", "select j[1].Name from t", "select j[1].name from t"),
        ("duckdb", "select events.Name from events.logs", "select events.name from events.logs"),
        ("bigquery", "select e.Name from d.t, unnest(t.a) as e", "select e.name from d.t, unnest(t.a) as e"),
        ("bigquery", "select e.Name from d.t as t, t.a as e", "select e.name from d.t as t, t.a as e"),
        # Names that become data
        ("duckdb", "select to_json(x) from (select 1 as A) x", "select to_json(x) from (select 1 as a) x"),
        ("duckdb", "select x::varchar from (select 1 as A) x", "select x::varchar from (select 1 as a) x"),
        ("duckdb", "select {A: 1}::varchar", "select {a: 1}::varchar"),
        ("duckdb", "select struct_pack(A := 1)::varchar", "select struct_pack(a := 1)::varchar"),
        ("duckdb", "select * from t unpivot (v for n in (Jan))", "select * from t unpivot (v for n in (jan))"),
        ("bigquery", "select to_json_string(struct(1 as A))", "select to_json_string(struct(1 as a))"),
        ("bigquery", "select to_json_string(t) from (select 1 A) t", "select to_json_string(t) from (select 1 a) t"),
        # What engines read and sqlglot takes for a comment or a blank
        ("duckdb", "select 1 -- x\r, 2", "select 1 -- x"),
        ("bigquery", "select 1 /* /* */ , 2 /* */ -- */", "select 1 /* /* */ , 3 /* */ -- */"),
        ("duckdb", "select 1\u00a0a", "select 1 a"),
        ("bigquery", "#legacySQL\nselect 1", "#standardSQL\nselect 1"),
        ("bigquery", "#legacySQL\nselect a from [p:d.T]", "#legacySQL\nselect a from [p:d.t]"),
        # All the rest
        ("duckdb", "select 1; select 2", "select 1, 2"),
        ("duckdb", "select a from t", "select a from t limit 1"),
        ("duckdb", "select a, b from t", "select b, a from t"),
        ("duckdb", "select a from t union select a from u", "select a from t union all select a from u"),
        ("duckdb", "create table s.t (a int)", "create table s.t (a bigint)"),
        ("duckdb", "create table s.t (a varchar(1))", "create table s.t (a varchar(2))"),
    ],
)  # fmt: skip
def test_counts(dialect: str, one: str, other: str) -> None:
    assert canonical(one, dialect) != canonical(other, dialect)


@pytest.mark.parametrize("text", ["selec 1 from", "select 'a", "call f(1)", "select (1"])
def test_what_cannot_be_read_counts_as_it_is(text: str) -> None:
    assert canonical(text) == hash_text(text)
    assert canonical(f"{text} ") != canonical(text)


@pytest.mark.parametrize("dialect", ["mysql", "snowflake"])
def test_of_other_engines_nothing_is_taken_for_granted(dialect: str) -> None:
    assert canonical("select A from s.t", dialect) != canonical("select a from s.t", dialect)
    assert canonical("select a\nfrom s.t", dialect) == canonical("SELECT a from s.t -- x", dialect)


# Real files


FILES = [(path.parent.name, path.read_bytes().decode()) for path in sorted(FIXTURES.rglob("*.sql"))]
READ = [(dialect, text) for dialect, text in FILES if canonical(text, dialect) != hash_text(text)]


def statements(text: str, dialect: str) -> Iterator[Statement]:
    yield from read_syntax(text, dialect, Positions(text, "f.sql")).statements


def laid_out(text: str, dialect: str, choice: random.Random) -> str:
    """Write the words anew: other blanks, comments, letter case of what is no name, and AS left out or put in."""
    result: list[str] = ["/* first */"] if choice.random() < 0.5 else []
    tokens: list[Token] = Dialect.get_or_raise(dialect).tokenize(text)
    for before, token in zip([None, *tokens], tokens, strict=False):
        start = before.end + 1 if before else 0
        gap = text[start : token.start]
        written = text[token.start : token.end + 1]
        blanks = ["  ", "\t", "\n", " /* any */ ", " -- any\n", "\r\n"]
        is_sql_switch = "sql" in gap.lower()
        result.append(gap if gap.strip(" \n") != "" or is_sql_switch or not gap else choice.choice(blanks))
        if token.token_type in KEYWORDS:
            written = choice.choice([str.upper, str.lower, str.title])(written)
        result.append(written)
    result.append(choice.choice(["", "\n", " -- last", "\n/* last */ "]))
    return "".join(result)


KEYWORDS = {
    TokenType.SELECT, TokenType.FROM, TokenType.WHERE, TokenType.GROUP_BY, TokenType.ORDER_BY, TokenType.JOIN,
    TokenType.ON, TokenType.AND, TokenType.OR, TokenType.WITH, TokenType.UNION, TokenType.ALIAS, TokenType.IN,
}  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_another_layout_has_the_same_hash(seed: int) -> None:
    choice = random.Random(seed)
    changed = 0
    for dialect, text in READ:
        other = laid_out(text, dialect, choice)
        changed += other != text
        assert canonical(other, dialect) == canonical(text, dialect), other
    assert changed > 100


@pytest.mark.parametrize("seed", range(3))
def test_another_word_has_another_hash(seed: int) -> None:
    """Dropping, doubling or exchanging a word counts, unless it is an AS or a pair of needless parentheses."""
    choice = random.Random(seed)
    tried = 0
    for dialect, text in READ:
        same = canonical(text, dialect)
        for statement in statements(text, dialect):
            tokens = statement.tokens
            needless = redundant_brackets(tokens)
            for index in choice.sample(range(len(tokens)), min(4, len(tokens))):
                token = tokens[index]
                written = text[token.start : token.end + 1]
                if token.token_type is TokenType.ALIAS or index in needless:
                    continue
                drawn = tokens[choice.randrange(len(tokens))]
                other = text[drawn.start : drawn.end + 1]
                for replacement in ("", f"{written} {written}", other, "other_word", "17"):
                    if replacement.lower() == written.lower() or replacement.lower() == "as":
                        continue
                    edited = f"{text[: token.start]} {replacement} {text[token.end + 1 :]}"
                    tried += 1
                    assert canonical(edited, dialect) != same, (edited, text)
    assert tried > 500


def test_needless_parentheses_are_found_in_whatever_is_written() -> None:
    for dialect, text in READ:
        for statement in statements(text, dialect):
            found = redundant_brackets(statement.tokens)
            kinds = [statement.tokens[place].token_type for place in sorted(found)]
            assert kinds.count(TokenType.L_PAREN) == kinds.count(TokenType.R_PAREN) == len(kinds) / 2
