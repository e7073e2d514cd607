"""Unit tests that cannot be run, and folders of several."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from sqlmat_assets.execution.unit_tests import LIMIT, Verdict
from sqlmat_assets_tests.execution.casing import run_all, run_one, write

PASSED, FAILED, NOT_RUN = Verdict.PASSED, Verdict.FAILED, Verdict.NOT_RUN


QUERY = "SELECT a, b FROM s.x"
GOOD = "a,b\n1,2\n"


BROKEN: list[tuple[dict[str, str | bytes], str, str]] = [
    (
        {"x.csv": GOOD},
        "s/t_unit: there is no `expected.csv`",
        "write the rows that the query should give into `s/t_unit/expected.csv`",
    ),
    (
        {"x.csv": "", "expected.csv": GOOD},
        "s/t_unit/x.csv: the file is empty",
        "write the names of the columns, or remove the file",
    ),
    (
        {"x.csv": "a,b\n1,2\n3\n", "expected.csv": GOOD},
        "s/t_unit/x.csv:3: 1 value, and the header names 2 columns",
        "write every value, an empty one too",
    ),
    (
        {"x.csv": GOOD, "expected.csv": "a,b\n1,2,3\n"},
        "s/t_unit/expected.csv:2: 3 values, and the header names 2 columns",
        "put double quotes around values that contain the separator",
    ),
    (
        {"x.csv": 'a,b\n1,"2\n', "expected.csv": GOOD},
        "s/t_unit/x.csv:2: the quotes around a value are broken",
        'end the value with a double quote, and write a double quote inside of it as `""`',
    ),
    (
        {"x.csv": b"a,b\n1,\xe9\n", "expected.csv": GOOD},
        "s/t_unit/x.csv:2: the line is not UTF-8",
        "save the file as UTF-8",
    ),
    (
        {"x.csv": b"\xff\xfea\x00,\x00b\x00\n\x001\x00,\x00\xe9\x00\n\x00", "expected.csv": GOOD},
        "s/t_unit/x.csv: the file is UTF-16",
        "save the file as UTF-8",
    ),
    (
        {"x.csv": "a:intger,b\n1,2\n", "expected.csv": GOOD},
        "s/t_unit/x.csv:1: `intger` of the column `a` is no type of DuckDB",
        "write it like `id:integer`, or leave it out",
    ),
    (
        {"x.csv": "a:geography,b\n1,2\n", "expected.csv": GOOD},
        "s/t_unit/x.csv:1: `GEOGRAPHY` of the column `a` cannot be used in DuckDB: Catalog Error: "
        "Type with name GEOGRAPHY does not exist!",
        "",
    ),
    (
        {"x.csv": "a,b:integer\n1,2\n3,\n4,four\n", "expected.csv": GOOD},
        "s/t_unit/x.csv:4: `four` in the column `b` is no `INT`",
        "write a value of that type, or declare another type for `b`",
    ),
    (
        {"x.csv": "a,a:text\n1,2\n", "expected.csv": GOOD},
        "s/t_unit/x.csv:1: two columns are named `a`",
        "give each column a name of its own",
    ),
    (
        {"expected.csv": GOOD},
        "s/t - 1h.sql:1:18: `s.x` is read here, and `s/t_unit` has no rows for it",
        "write `s/t_unit/x.csv`; the names of its columns alone make an empty table",
    ),
    (
        {"x.csv": GOOD, "y.csv": GOOD, "expected.csv": GOOD},
        "s/t_unit/y.csv: the query does not read `y`",
        "it reads `s.x`",
    ),
    (
        {"x.csv": GOOD, "s.x.csv": GOOD, "expected.csv": GOOD},
        "s/t_unit/x.csv: the rows of `s.x` are in `s/t_unit/s.x.csv` as well",
        "remove one of the two files",
    ),
    (
        {"x.csv": GOOD, "expected.csv": GOOD, "settings.conf": ""},
        "s/t_unit/settings.conf: `settings.conf` is not read",
        "rename it to `case.conf`",
    ),
    (
        {"x.csv": GOOD, "expected.csv": GOOD, "case.conf": "nwo = 1"},
        "s/t_unit/case.conf:1:1: `nwo` is no setting of a case",
        "known are `partition`, `last_built`, `now`",
    ),
    (
        {"x.csv": GOOD, "expected.csv": GOOD, "case.conf": b"\xff"},
        "s/t_unit/case.conf:1:1: the byte 0xff is not UTF-8",
        "save the file as UTF-8",
    ),
    (
        {"x.csv": GOOD, "expected.csv": GOOD, "case.conf": "now = 2026-01-01"},
        "s/t_unit/case.conf:1:7: `now` has no effect: the query asks for no time",
        "remove the line",
    ),
    (
        {"x.csv": GOOD, "expected.csv": GOOD, "case.conf": "last_built = 2026-01-01"},
        "s/t_unit/case.conf:1:14: `last_built` has no effect: the query does not name `@last_built`",
        "remove the line",
    ),
    (
        {"x.csv": GOOD, "expected.csv": GOOD, "case.conf": "\npartition = 2026-01"},
        "s/t_unit/case.conf:2:13: `partition` has no effect: the table is not partitioned",
        "remove the line",
    ),
    (
        {},
        "s/t_unit: the folder holds no case",
        "write `expected.csv` and one CSV file for each table that is read",
    ),
]


@pytest.mark.parametrize(("files", "what", "hint"), BROKEN)
def test_a_case_that_cannot_be_run(tmp_path: Path, files: Mapping[str, str | bytes], what: str, hint: str) -> None:
    result = run_one(write(tmp_path, {"s/t_unit/": ""}), QUERY, files)
    said = f"{what}\n  hint: {hint}" if hint else what
    assert (result.verdict, result.said) == (NOT_RUN, (said,))


def test_a_name_that_two_tables_have(tmp_path: Path) -> None:
    query = "SELECT x.a FROM s.x JOIN o.x AS y USING (a)"
    result = run_one(tmp_path, query, {"x.csv": "a\n1\n", "o.x.csv": "a\n1\n", "expected.csv": "a\n1\n"})
    assert result.verdict is NOT_RUN
    assert result.said[0] == "s/t_unit/x.csv: `x` could be `o.x` or `s.x`\n  hint: rename it to `o.x.csv`"


def test_a_slip_in_a_name(tmp_path: Path) -> None:
    result = run_one(tmp_path, "SELECT a FROM s.people", {"peple.csv": "a\n1\n", "expected.csv": "a\n1\n"})
    assert result.said[0] == "s/t_unit/peple.csv: the query does not read `peple`\n  hint: did you mean `s.people`?"


def test_a_query_that_cannot_be_read(tmp_path: Path) -> None:
    result = run_one(tmp_path, "SELECT a FROM s.x WHERE (", {"x.csv": "a\n1\n", "expected.csv": "a\n1\n"})
    assert result.verdict is NOT_RUN
    assert result.said[0].startswith("s/t - 1h.sql:1:")


@pytest.mark.parametrize("kind", ["data", "load"])
def test_a_table_without_a_query_has_nothing_to_test(tmp_path: Path, kind: str) -> None:
    own = {"s/t.csv": "a\n1\n"} if kind == "data" else {"s/t.load.yaml": "files: x/*.csv\ncolumns:\n  a: integer\n"}
    found = run_all(write(tmp_path, {**own, "s/t_unit/expected.csv": "a\n1\n"}))
    assert found["s/t_unit"].said == (
        f"s/t_unit: `s.t` is a {kind} table, which has no query to test\n  hint: remove the folder",
    )


# Folders of several cases


def test_a_folder_gives_its_rows_to_the_cases_inside(tmp_path: Path) -> None:
    files = {
        "s/t - 1h.sql": "SELECT a, b FROM s.x JOIN s.y USING (a)",
        "s/t_unit/x.csv": "a\n1\n",
        "s/t_unit/own/y.csv": "a,b\n1,2\n",
        "s/t_unit/own/expected.csv": "a,b\n1,2\n",
        "s/t_unit/other/s.x.csv": "a\n3\n",
        "s/t_unit/other/y.csv": "a,b\n3,4\n",
        "s/t_unit/other/expected.csv": "a,b\n3,4\n",
        "s/t_unit/lost/deep/y.csv": "a,b\n",
        "s/t_unit/lost/deep/expected.csv": "a,b\n",
        "s/t_unit/.git/y.csv": "",
    }
    found = run_all(write(tmp_path, files))
    assert {path: result.verdict for path, result in found.items()} == {
        "s/t_unit/lost/deep": PASSED,
        "s/t_unit/other": PASSED,
        "s/t_unit/own": PASSED,
    }


def test_a_folder_and_those_inside_are_cases(tmp_path: Path) -> None:
    files = {
        "s/t - 1h.sql": "SELECT a FROM s.x",
        "s/t_unit/x.csv": "a\n1\n",
        "s/t_unit/expected.csv": "a\n1\n",
        "s/t_unit/more/x.csv": "a\n2\n",
        "s/t_unit/more/expected.csv": "a\n2\n",
        "s/t_unit/empty/": "",
    }
    found = run_all(write(tmp_path, files))
    assert [(path, result.verdict) for path, result in found.items()] == [
        ("s/t_unit", PASSED),
        ("s/t_unit/empty", NOT_RUN),
        ("s/t_unit/more", PASSED),
    ]
    assert found["s/t_unit/empty"].said[0].startswith("s/t_unit/empty: there is no `expected.csv`")


def test_a_query_that_gives_far_too_much(tmp_path: Path) -> None:
    result = run_one(tmp_path, "SELECT a FROM range(1000000000) AS numbers(a)", {"expected.csv": "a\n0\n"})
    assert (result.verdict, len(result.rows)) == (FAILED, LIMIT)
    assert result.said == ("the query gives more than 10,000 rows, and `expected.csv` has 1; the first are:",)


def test_a_query_of_as_many_rows_as_are_compared(tmp_path: Path) -> None:
    rows = "".join(f"{number}\n" for number in range(LIMIT))
    result = run_one(tmp_path, f"SELECT unnest(range({LIMIT})) AS a", {"expected.csv": f"a\n{rows}"})
    assert result.verdict is PASSED


def test_a_query_without_an_end_is_ended_and_the_next_case_runs(tmp_path: Path) -> None:
    files = {
        "s/t - 1h.sql": "WITH RECURSIVE n AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM n) SELECT max(a) AS a FROM n",
        "s/t_unit/expected.csv": "a\n1\n",
        "s/u - 1h.sql": "SELECT 1 AS a",
        "s/u_unit/expected.csv": "a\n1\n",
    }
    found = run_all(write(tmp_path, files), patience=timedelta(seconds=1))
    assert (found["s/t_unit"].verdict, found["s/u_unit"].verdict) == (NOT_RUN, PASSED)
    assert found["s/t_unit"].said == ("s/t - 1h.sql:1: the query was ended after 1 s",)
