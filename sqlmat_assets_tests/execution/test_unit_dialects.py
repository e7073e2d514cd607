"""Unit tests of queries in the SQL of other engines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from sqlmat_assets.execution.unit_tests import Verdict
from sqlmat_assets_tests.execution.casing import run_one, shown, write

PASSED, FAILED, NOT_RUN = Verdict.PASSED, Verdict.FAILED, Verdict.NOT_RUN


@pytest.mark.parametrize(
    ("dialect", "query", "files"),
    [
        (
            "duckdb",
            "FROM s.x SELECT a::int // 2 AS half, list_transform([a], lambda v: v + 1) AS more, b GLOB 'x*' AS is_x",
            {"x.csv": "a,b\n5,xy\n", "expected.csv": "half,more,is_x\n2,[6],true\n"},
        ),
        (
            "bigquery",
            "SELECT SAFE_DIVIDE(a, b) AS q, a / 2 AS h, FORMAT_DATE('%Y-%m', d) AS m, IFNULL(c, '-') AS c, "
            "TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), TIMESTAMP(d), DAY) AS days, s.f AS f "
            "FROM `my-project.s.x`, UNNEST([STRUCT(1 AS f)]) AS s "
            "QUALIFY ROW_NUMBER() OVER (PARTITION BY m ORDER BY a) = 1",
            {
                "s/t_unit/case.conf": "now = 2019-01-11",
                "x.csv": "a:INT64,b:INT64,c:STRING,d:DATE\n1,0,,2019-01-01\n9,3,x,2019-01-05\n3,2,,2019-02-01\n",
                "expected.csv": "q,h,m,c,days,f\n,0.5,2019-01,-,10,1\n1.5,1.5,2019-02,-,-21,1\n",
            },
        ),
        (
            "postgres",
            "SELECT to_char(d, 'YYYY-MM') AS m, sum(a) / 2 AS whole, string_agg(b, '+' ORDER BY b) AS bs, "
            "bool_or(b ~ '^x') AS has_x, count(*) FILTER (WHERE a > 1) AS many, max(a)::numeric(9,2) / 4 AS q "
            'FROM "s".X GROUP BY 1',
            {
                "x.csv": "a:integer,b:text,d:timestamp\n2,y,2019-01-01\n3,xx,2019-01-02\n",
                "expected.csv": "m,whole,bs,has_x,many,q\n2019-01,2,xx+y,true,2,0.75\n",
            },
        ),
        (
            "redshift",
            "SELECT TOP 2 nvl(b, 'none') AS b, a / 2 AS half, datediff(day, d, getdate()) AS days, "
            "decode(a, 1, 'one', 'other') AS name, len(b) AS l FROM s.x ORDER BY a DESC",
            {
                "s/t_unit/case.conf": "now = 2019-01-11",
                "x.csv": "a:integer,b:varchar,d:timestamp\n1,,2019-01-01\n3,xyz,2019-01-10 23:00\n0,q,2019-01-01\n",
                "expected.csv": "b,half,days,name,l\nxyz,1,1,other,3\nnone,0,10,one,\n",
            },
        ),
    ],
)
def test_a_query_of_each_dialect(tmp_path: Path, dialect: str, query: str, files: Mapping[str, str]) -> None:
    files = {name.rpartition("/")[2]: text for name, text in files.items()}
    write(tmp_path, {"global.conf": f"dialect = {dialect}\ncatalog = my-project\n"})
    result = run_one(tmp_path, query, files)
    assert (result.said, shown(result), result.verdict) == (
        (),
        {"missing": [], "unexpected": [], "different": []},
        PASSED,
    )


MOVE = "\n  hint: move it into a table of its own, and test what reads that"


@pytest.mark.parametrize(
    ("dialect", "query", "said"),
    [
        (
            "duckdb",
            "SELECT\n    a,\n    nonsense(a) AS b\nFROM s.x",
            "s/t - 1h.sql:3: Catalog Error: Scalar Function with name nonsense does not exist!",
        ),
        (
            "bigquery",
            "SELECT ARRAY_AGG(DISTINCT a HAVING MAX b) AS a FROM s.x",
            "s/t - 1h.sql:1: the query cannot be tested, because nothing is known of ARRAY_AGG with HAVING MAX or MIN "
            "of bigquery on DuckDB" + MOVE,
        ),
        (
            "bigquery",
            "SELECT\n  a,\n  my_fn(a) AS b\nFROM s.x",
            "s/t - 1h.sql:3: the query cannot be tested, because nothing is known of the function MY_FN of bigquery on "
            "DuckDB" + MOVE,
        ),
        (
            "bigquery",
            "SELECT FARM_FINGERPRINT(a) AS b FROM s.x",
            "s/t - 1h.sql:1: the query cannot be tested, because nothing is known of the function FARM_FINGERPRINT of "
            "bigquery on DuckDB" + MOVE,
        ),
        (
            "bigquery",
            "SELECT\n  a,\n  EXTRACT(YEAR FROM b) AS b\nFROM s.x",
            "s/t - 1h.sql:3: DuckDB refuses what the query became when it was transpiled from bigquery: "
            "Binder Error: No function matches the given name and argument types 'date_part(STRING_LITERAL, VARCHAR)'.",
        ),
        (
            "postgres",
            "SELECT to_tsvector(b) AS v FROM s.x",
            "s/t - 1h.sql:1: the query cannot be tested, because nothing is known of the function TO_TSVECTOR of "
            "postgres on DuckDB" + MOVE,
        ),
        (
            "redshift",
            "SELECT ratio_to_report(a) OVER () AS v FROM s.x",
            "s/t - 1h.sql:1: the query cannot be tested, because nothing is known of the function RATIO_TO_REPORT of "
            "redshift on DuckDB" + MOVE,
        ),
        (
            "bigquery",
            "SELECT a FROM `s.x_*`",
            "s/t - 1h.sql:1:15: a query of `s.x_*` cannot be tested\n  hint: move it into a table of its own",
        ),
    ],
)
def test_what_cannot_be_transpiled_is_said_and_never_passes(
    tmp_path: Path, dialect: str, query: str, said: str
) -> None:
    files = {"expected.csv": "a\n1\n"} if "*" in query else {"x.csv": "a,b\n1,x\n", "expected.csv": "a\n1\n"}
    result = run_one(tmp_path, query, files, dialect)
    assert result.verdict is NOT_RUN
    assert result.said[0].startswith(said)


def test_duckdb_names_the_line_of_the_file(tmp_path: Path) -> None:
    query = "-- The best table.\n-- owner: a@example.com\n\nSELECT\n    a,\n    -- of the shop\n    shop\nFROM s.x\n"
    result = run_one(tmp_path, query, {"x.csv": "a\n1\n", "expected.csv": "a,shop\n1,2\n"})
    assert result.verdict is NOT_RUN
    assert result.said == (
        's/t - 1h.sql:7: Binder Error: Referenced column "shop" not found in FROM clause!\nCandidate bindings: "a"',
    )


def test_a_value_breaks_the_query(tmp_path: Path) -> None:
    query = "SELECT a,\n  CAST(b AS INTEGER) AS b FROM s.x"
    result = run_one(tmp_path, query, {"x.csv": "a,b\n1,x\n", "expected.csv": "a,b\n1,2\n"})
    assert result.verdict is NOT_RUN
    assert result.said == (
        "s/t - 1h.sql:2: Conversion Error: Could not convert string 'x' to INT32 when casting from source column b",
    )
