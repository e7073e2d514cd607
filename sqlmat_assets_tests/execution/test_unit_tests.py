"""Unit tests of queries: real projects, and a real DuckDB in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlmat_assets.execution.unit_tests import Verdict
from sqlmat_assets_tests.execution.casing import run_all, run_one, shown, write

PASSED, FAILED, NOT_RUN = Verdict.PASSED, Verdict.FAILED, Verdict.NOT_RUN


def test_rows_in_any_order_are_those_expected(tmp_path: Path) -> None:
    result = run_one(
        tmp_path,
        "SELECT a, b FROM s.x WHERE a > 1",
        {"x.csv": "a,b\n1,one\n2,two\n3,three\n", "expected.csv": "b,A\nthree,3\ntwo,2\n"},
    )
    assert (result.verdict, result.said, result.case.notes) == (PASSED, (), ())


def test_what_differs_is_told_apart(tmp_path: Path) -> None:
    result = run_one(
        tmp_path,
        "SELECT a, b, c FROM s.x",
        {"x.csv": "a,b,c\n1,one,x\n2,two,y\n9,nine,z\n", "expected.csv": "a,b,c\n1,one,x\n2,zwei,y\n5,five,v\n"},
    )
    assert result.verdict is FAILED
    assert shown(result) == {
        "missing": [("5", "five", "v")],
        "unexpected": [("9", "nine", "z")],
        "different": [("2", "two", "y")],
    }
    (pair,) = result.differences.different
    assert (pair.expected.line, pair.columns) == (3, (1,))
    assert result.differences.missing[0].line == 4


def test_rows_that_are_there_twice_count_twice(tmp_path: Path) -> None:
    files = {"x.csv": "a\n1\n1\n", "expected.csv": "a\n1\n"}
    assert shown(run_one(tmp_path / "1", "SELECT a FROM s.x", files))["unexpected"] == [("1",)]
    files = {"x.csv": "a\n1\n", "expected.csv": "a\n1\n1\n"}
    assert shown(run_one(tmp_path / "2", "SELECT a FROM s.x", files))["missing"] == [("1",)]


@pytest.mark.parametrize(
    ("order", "verdict"),
    [
        ("ORDER BY a", FAILED),
        ("ORDER BY a DESC", PASSED),
        ("UNION ALL SELECT 0 ORDER BY a", FAILED),
        ("", PASSED),
        ("QUALIFY row_number() OVER (ORDER BY a) > 0", PASSED),
    ],
)
def test_the_order_counts_where_the_query_has_one(tmp_path: Path, order: str, verdict: Verdict) -> None:
    end = "0\n" if "UNION" in order else ""
    files = {"x.csv": "a\n1\n3\n2\n", "expected.csv": f"a\n3\n2\n1\n{end}"}
    result = run_one(tmp_path, f"SELECT a FROM s.x {order}", files)
    assert result.verdict is verdict
    assert shown(result) == {"missing": [], "unexpected": [], "different": []}
    if verdict is FAILED:
        assert result.differences.disorder is not None
        assert result.differences.disorder[0] == 1


def test_tables_of_other_schemas_and_catalogs(tmp_path: Path) -> None:
    result = run_one(
        tmp_path,
        "SELECT x.a, far.web.events.b FROM s.x JOIN o.x AS y USING (a) JOIN far.web.events USING (a), main_table",
        {
            "s.x.csv": "a\n1\n",
            "o.x.csv": "a\n1\n",
            "far.web.events.csv": "a,b\n1,2\n",
            "main_table.csv": "z\n1\n2\n",
            "expected.csv": "a,b\n1,2\n1,2\n",
        },
    )
    assert (result.verdict, result.said) == (PASSED, ())


def test_a_cte_of_the_name_of_a_table(tmp_path: Path) -> None:
    query = "WITH x AS (SELECT a + 1 AS a FROM s.x) SELECT a FROM x"
    assert run_one(tmp_path, query, {"x.csv": "a\n1\n", "expected.csv": "a\n2\n"}).verdict is PASSED


def test_a_table_that_reads_itself(tmp_path: Path) -> None:
    query = "SELECT a FROM s.x WHERE a > coalesce((SELECT max(a) FROM s.t), 0)"
    conf = "mode = append"
    files = {"x.csv": "a\n1\n2\n", "expected.csv": "a\n1\n2\n"}
    assert run_one(tmp_path / "first", query, files, conf=conf).verdict is PASSED
    files = {"x.csv": "a\n1\n2\n", "t.csv": "a\n1\n", "expected.csv": "a\n2\n"}
    assert run_one(tmp_path / "later", query, files, conf=conf).verdict is PASSED


def test_a_case_sees_nothing_of_another(tmp_path: Path) -> None:
    files = {
        "s/t - 1h.sql": "SELECT a FROM s.x",
        "s/t_unit/1/x.csv": "a\n1\n",
        "s/t_unit/1/expected.csv": "a\n1\n",
        "s/t_unit/2/x.csv": "a\nb\n",
        "s/t_unit/2/expected.csv": "a\nb\n",
        "s/t_unit/3/x.csv": "a\n1\n",
        "s/t_unit/3/expected.csv": "broken\n",
        "s/t_unit/4/x.csv": "a,b\n1\n",
        "s/t_unit/4/expected.csv": "a\n1\n",
        "s/t_unit/5/x.csv": "a\n5\n",
        "s/t_unit/5/expected.csv": "a\n5\n",
    }
    found = run_all(write(tmp_path, files))
    assert [result.verdict for result in found.values()] == [PASSED, PASSED, FAILED, NOT_RUN, PASSED]


def test_views_and_the_query_of_a_processed_table(tmp_path: Path) -> None:
    files = {
        "s/v - 1h.sql": "SELECT a FROM s.x",
        "s/v.conf": "mode = view",
        "s/v_unit/x.csv": "a\n1\n",
        "s/v_unit/expected.csv": "a\n1\n",
        "s/p_select.sql": "SELECT a + 1 AS b FROM s.x",
        "s/p.py": "def process(df):\n    return df\n",
        "s/p - 1h.sql": "CREATE TABLE s.p (b INTEGER)",
        "s/p_unit/x.csv": "a\n1\n",
        "s/p_unit/expected.csv": "b\n2\n",
    }
    found = run_all(write(tmp_path, files))
    assert [result.verdict for result in found.values()] == [PASSED, PASSED]
    assert found["s/p_unit"].case.notes == ("the query alone is tested, `s/p.py` is not run",)


# Values that a build puts into the query


MARKED = "SELECT seen, n FROM s.x WHERE seen >= @partition_start AND seen < @partition_end"
MONTHS = "partition_by = month(seen) from 2019-01"
TRIPS = "seen,n\n2018-12-31 23:00:00,1\n2019-01-01 00:00:00,2\n2019-01-31 23:59:59,3\n2019-02-01 00:00:00,4\n"


@pytest.mark.parametrize("query", [MARKED, "SELECT seen, n FROM s.x"])
@pytest.mark.parametrize(
    ("partition", "numbers"), [("2019-01", [2, 3]), ("2019-02", [4]), ("2019-01..2019-02", [2, 3, 4])]
)
def test_a_case_is_of_a_partition(tmp_path: Path, query: str, partition: str, numbers: list[int]) -> None:
    rows = [line for line in TRIPS.splitlines()[1:] if int(line.rpartition(",")[2]) in numbers]
    files = {"x.csv": TRIPS, "expected.csv": "\n".join(["seen,n", *rows]), "case.conf": f"partition = {partition}"}
    result = run_one(tmp_path, query, files, conf=MONTHS)
    assert (result.verdict, result.said) == (PASSED, ())


def test_a_case_is_of_a_value(tmp_path: Path) -> None:
    files = {"x.csv": "c,n\nFR,1\nDE,2\n", "expected.csv": "c,n\nDE,2\n", "case.conf": "partition: DE"}
    assert run_one(tmp_path, "SELECT c, n FROM s.x", files, conf="partition_by = c in (FR, DE)").verdict is PASSED


@pytest.mark.parametrize(
    ("conf", "numbers"),
    [("", "1\n2\n"), ("last_built = 2019-01-02", "2\n"), ("last_built: 2019-01-02 12:30+01:00", "")],
)
def test_a_case_knows_the_last_build(tmp_path: Path, conf: str, numbers: str) -> None:
    files = {
        "x.csv": "n,seen\n1,2019-01-01 00:00:00\n2,2019-01-02 11:00:00\n",
        "expected.csv": f"n\n{numbers}",
        "case.conf": conf,
    }
    result = run_one(tmp_path, "SELECT n FROM s.x WHERE seen > @last_built", files, conf="mode = append")
    assert (result.verdict, result.said) == (PASSED, ())


def test_a_partition_is_needed_or_wrong(tmp_path: Path) -> None:
    files = {"x.csv": TRIPS, "expected.csv": "seen,n\n"}
    result = run_one(tmp_path, MARKED, files, conf=MONTHS)
    assert result.said[0] == (
        "s/t - 1h.sql:1:39: `@partition_start` has no value\n"
        "  hint: write `partition = 2019-01` into `s/t_unit/case.conf`"
    )
    (tmp_path / "s/t_unit/case.conf").write_text("partition = 2018-12\n")
    assert run_all(tmp_path)["s/t_unit"].said == (
        "s/t_unit/case.conf:1:13: `2018-12` is outside of the partitions, from `2019-01` on",
    )
    (tmp_path / "s/t_unit/case.conf").write_text("partition = 2019-01..\n")
    assert run_all(tmp_path)["s/t_unit"].said == ("s/t_unit/case.conf:1:13: no partition is in `2019-01..`",)


def test_the_clock_stands_still(tmp_path: Path) -> None:
    query = """SELECT
    current_date AS a, today() AS b, now() AS c, current_timestamp AS d, localtimestamp AS e, "now" AS f, 'now()' AS g
FROM s.x -- now()
"""
    files = {
        "x.csv": "now\n1\n",
        "case.conf": "# New Year's Eve\nnow = 2026-12-31 23:59:59\n",
        "expected.csv": "a,b,c,d,e,f,g\n2026-12-31,2026-12-31,2026-12-31 23:59:59,2026-12-31 23:59:59,"
        "2026-12-31 23:59:59,1,now()\n",
    }
    result = run_one(tmp_path, query, files)
    assert (result.verdict, result.case.notes, shown(result)["different"]) == (PASSED, (), [])


def test_a_clock_that_runs_is_told(tmp_path: Path) -> None:
    result = run_one(tmp_path, "SELECT\n    now() > '2020-01-01' AS a", {"expected.csv": "a\ntrue\n"})
    assert result.verdict is PASSED
    assert result.case.notes == (
        "its rows depend on the time: `now()` in line 2; "
        "`now = 2026-01-31 12:00` in `s/t_unit/case.conf` stops the clock",
    )


def test_chance_is_told(tmp_path: Path) -> None:
    files = {"expected.csv": "a,b\ntrue,2026-01-01\n", "case.conf": "now = 2026-01-01"}
    result = run_one(tmp_path, "SELECT random() < 2 AS a, today() AS b", files)
    assert result.verdict is PASSED
    assert result.case.notes == ("its rows may differ from one time to the next: `random()` in line 1",)
