"""Files of BigQuery with statements before the SELECT."""

from __future__ import annotations

import pytest

from sqlmat_assets.project.multi_statement import split_query
from sqlmat_assets.project.parse import parse_query

WHOLE = """\
-- Recent trips.
declare first_day date default (select max(day) from raw.days);
set first_day = (select min(day) from raw.more_days);
create temp table recent as select * from raw.trips where day >= first_day;
create temp function doubled(x int64) as ((select x * max(n) from raw.factors));
insert into recent (id) select id from raw.late;
update recent set n = doubled(n) where true;
delete from recent where n is null;
drop table if exists recent_of_nobody_else;
select
  id, -- of the trip
  c.name as city
from recent join raw.cities as c using (id);
"""


def problems(text: str, dialect: str = "bigquery") -> list[str]:
    return [str(problem) for problem in parse_query(text, dialect, "f.sql").problems]


def test_all_that_the_statements_read_and_the_columns_of_the_last() -> None:
    text = WHOLE.replace("drop table if exists recent_of_nobody_else;\n", "")
    query = parse_query(text, "bigquery", "f.sql")
    assert query.problems == ()
    names = ["days", "more_days", "trips", "factors", "late", "cities"]
    assert [str(read) for read in query.reads] == [f"raw.{name}" for name in names]
    assert [(column.name, column.description) for column in query.columns] == [("id", "of the trip"), ("city", None)]
    assert not query.has_star
    assert query.statement is not None
    start, end = query.statement
    assert (text[start:][:7], text[:end][-10:]) == ("declare", "using (id)")
    before, last = split_query(text[start:end], "bigquery")
    assert (before + last, last[:6]) == (text[start:end], "select")


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (
            "create table a.b as select 1 as n",
            "`CREATE` makes `a.b`, which would stay\n  hint: write CREATE TEMP, or give it a file of its own",
        ),
        (
            "create function a.f(x int64) as (x)",
            "`CREATE` makes `a.f`, which would stay\n  hint: write CREATE TEMP, or give it a file of its own",
        ),
        *(
            (
                statement,
                f"`{statement.partition(' ')[0].upper()}` changes `a.b`, and a file makes one table and nothing else\n"
                "  hint: change only temporary tables that the file itself has made before",
            )
            for statement in (
                "insert into a.b values (1)",
                "update a.b set n = 1 where true",
                "delete from a.b where true",
                "merge a.b using a.c on b.n = c.n when matched then delete",
                "truncate table a.b",
                "drop table a.b",
                "alter table a.b drop column n",
            )
        ),
        (
            "begin",
            "`BEGIN` is a statement that cannot be read, so what it reads is unknown\n  hint: write a SELECT instead",
        ),
    ],
)
def test_what_would_be_left_behind_is_refused(before: str, said: str) -> None:
    assert problems(f"{before};\nselect 1 as n")[0] == f"f.sql:1:1: {said}"


def test_the_last_statement_has_to_be_a_select() -> None:
    assert problems("declare n int64;")[0].startswith("f.sql:1:1: `DECLARE` is no SELECT")
    text = "create temp table t as select 1 as n;\ndrop table t"
    assert problems(text)[0].startswith("f.sql:2:1: `DROP` is no SELECT")


def test_two_selects_are_two_tables() -> None:
    second = "a second statement begins here with `SELECT`"
    hint = "keep one SELECT in each file; put other tables into files of their own"
    assert problems("select 1 as n;\nselect 2 as n") == [f"f.sql:2:1: {second}\n  hint: {hint}"]


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "redshift"])
def test_only_bigquery_takes_several(dialect: str) -> None:
    text = "create temp table t as select 1 as n;\nselect n from t"
    assert problems(text, dialect)[0].startswith("f.sql:2:1: a second statement begins here with `SELECT`")
    assert split_query(text, dialect) == ("", text)


def test_what_the_parser_does_not_follow_is_sent_whole_where_the_tables_are_stated() -> None:
    text = "-- deps: raw.trips\nif true then\n  select 1;\nend if;\nselect 1 as n"
    query = parse_query(text, "bigquery", "f.sql")
    assert [str(read) for read in query.reads] == ["raw.trips"]
    assert all(problem.is_warning for problem in query.problems)
    assert query.statement == (text.index("if"), len(text))
    assert split_query(text[text.index("if") :], "bigquery")[1] == "select 1 as n"
