"""The values and types of unit tests, in a real DuckDB."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from sqlmat_assets.execution.unit_tests import CaseResult, Verdict
from sqlmat_assets_tests.execution.casing import run_all, run_one, shown, write

PASSED, FAILED, NOT_RUN = Verdict.PASSED, Verdict.FAILED, Verdict.NOT_RUN


VALUES = [
    ("NULL::int", "", PASSED),
    ("NULL::varchar", "", PASSED),
    ("''", '""', PASSED),
    ("''", "", FAILED),
    ("NULL::varchar", '""', FAILED),
    ("'NULL'", "NULL", PASSED),
    ("NULL::varchar", "NULL", FAILED),
    ("' a '", " a ", PASSED),
    ("' a '", "a", FAILED),
    ("'a\nb'", '"a\nb"', PASSED),
    ("'a\"b,'", '"a""b,"', PASSED),
    ("1", "1", PASSED),
    ("1", "1.0", PASSED),
    ("2", "1.5", FAILED),
    ("2", "two", FAILED),
    ("1::hugeint", "1", PASSED),
    ("'1'", "1", PASSED),
    ("'1'", "1.0", FAILED),
    ("1.10::decimal(9,2)", "1.1", PASSED),
    ("1.01::decimal(9,2)", "1.005", FAILED),
    ("12345678901234567890.12::decimal(38,2)", "12345678901234567890.12", PASSED),
    ("12345678901234567890.12::decimal(38,2)", "12345678901234567890.13", FAILED),
    ("0.1::double + 0.2", "0.3", PASSED),
    ("1::double / 3", "0.3333333", PASSED),
    ("1::double / 3", "0.3334", FAILED),
    ("0.1::float", "0.1", PASSED),
    ("'nan'::double", "nan", PASSED),
    ("'inf'::double", "inf", PASSED),
    ("'-inf'::double", "inf", FAILED),
    ("1::double", "one", FAILED),
    ("true", "true", PASSED),
    ("true", "TRUE", PASSED),
    ("true", "t", PASSED),
    ("true", "false", FAILED),
    ("true", "maybe", FAILED),
    ("date '2019-01-01'", "2019-01-01", PASSED),
    ("date '2019-01-01'", "2019-01-01 12:00:00", FAILED),
    ("date '2019-01-01'", "2019-01-02", FAILED),
    ("date '2019-01-01'", "soon", FAILED),
    ("timestamp '2019-01-01 10:00:00'", "2019-01-01 10:00:00", PASSED),
    ("timestamp '2019-01-01 10:00:00'", "2019-01-01T10:00:00", PASSED),
    ("timestamp '2019-01-01'", "2019-01-01", PASSED),
    ("timestamp '2019-01-01 10:00:00'", "2019-01-01 10:00:01", FAILED),
    ("timestamptz '2019-01-01 10:00:00+02'", "2019-01-01 08:00:00", PASSED),
    ("timestamptz '2019-01-01 10:00:00+02'", "2019-01-01T10:00:00+02:00", PASSED),
    ("timestamptz '2019-01-01 10:00:00+02'", "2019-01-01 10:00:00", FAILED),
    ("time '10:00'", "10:00:00", PASSED),
    ("interval 1 day", "1 day", PASSED),
    ("interval 1 day", "24 hours", FAILED),
    ("[1, 2]", '"[1,2]"', PASSED),
    ("[1, 2]", '"[2,1]"', FAILED),
    ("[1, 2]", "one", FAILED),
    ("[0.1::double + 0.2]", "[0.3]", PASSED),
    ("[0.1::double + 0.2]", "[0.4]", FAILED),
    ("[1, NULL]", '"[1, null]"', PASSED),
    ("['1']", "[1]", FAILED),
    ("[true]", "[1]", FAILED),
    ("[1.0::double]", "[1]", PASSED),
    ("{'a': 1, 'b': ['x']}", '"{""b"": [""x""], ""a"": 1}"', PASSED),
    ("{'a': 1, 'b': ['x']}", '"{""a"": 1}"', FAILED),
    ("map(['a'], [1])", '"{""a"": 1}"', PASSED),
    ("'{\"a\": 1}'::json", '"{""a"":1}"', PASSED),
    ("'{\"a\": 1}'::json", '"{""a"":2}"', FAILED),
    ("'\\xAA'::blob", "\\xAA", PASSED),
    ("'00000000-0000-0000-0000-00000000000a'::uuid", "00000000-0000-0000-0000-00000000000A", PASSED),
    ("'b'::enum('a', 'b')", "b", PASSED),
]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, CaseResult]:
    """What became of all values; in one project, because each costs a database otherwise."""
    files: dict[str, str] = {}
    for number, (value, expected, _) in enumerate(VALUES):
        files[f"s/t{number} - 1h.sql"] = f"SELECT 1 AS n, {value} AS v"
        files[f"s/t{number}_unit/expected.csv"] = f"n,v\n1,{expected}\n"
    return run_all(write(tmp_path_factory.mktemp("values"), files))


@pytest.mark.parametrize("number", range(len(VALUES)), ids=[f"{value}={expected}" for value, expected, _ in VALUES])
def test_values(results: Mapping[str, CaseResult], number: int) -> None:
    result = results[f"s/t{number}_unit"]
    assert (result.verdict, result.said) == (VALUES[number][2], ())


def test_in_a_file_of_one_column_an_empty_line_is_a_row(tmp_path: Path) -> None:
    files = {"x.csv": "a\n1\n\n", "expected.csv": "a\n\n1\n"}
    assert run_one(tmp_path, "SELECT a FROM s.x", files).verdict is PASSED
    (tmp_path / "s/t_unit/expected.csv").write_text("a\n1\n")
    assert shown(run_all(tmp_path)["s/t_unit"])["unexpected"] == [(None,)]


def test_no_rows_are_expected(tmp_path: Path) -> None:
    files = {"x.csv": "a,b\n", "expected.csv": "a\n"}
    assert run_one(tmp_path, "SELECT a FROM s.x WHERE b = 'x'", files).verdict is PASSED


# Types


@pytest.mark.parametrize(
    ("head", "cell", "found"),
    [
        ("v", "01234", "VARCHAR"),
        ("v", "1", "BIGINT"),
        ("v", "1.5", "DOUBLE"),
        ("v", "2019-01-01", "DATE"),
        ("v", "true", "BOOLEAN"),
        ("v:text", "1", "VARCHAR"),
        ("v:integer", "", "INTEGER"),
        (" v : smallint ", "1", "SMALLINT"),
        ('"v:decimal(9,2)"', "1", "DECIMAL(9,2)"),
        ("v:integer[]", '"[1, 2]"', "INTEGER[]"),
        ("v:varchar[]", '"[""a,b"", ""c""]"', "VARCHAR[]"),
        ('"v:struct(a integer, b varchar)"', '"{""a"": 1, ""b"": ""x""}"', "STRUCT(a INTEGER, b VARCHAR)"),
        ("v:json", '"{""a"": 1}"', "JSON"),
        ("v:timestamptz", "2019-01-01", "TIMESTAMP WITH TIME ZONE"),
    ],
)
def test_the_type_of_an_input(tmp_path: Path, head: str, cell: str, found: str) -> None:
    files = {"x.csv": f"n,{head}\n1,{cell}\n", "expected.csv": f'kind\n"{found}"\n'}
    result = run_one(tmp_path, "SELECT typeof(v) AS kind FROM s.x", files)
    assert (result.verdict, result.said, shown(result)["unexpected"]) == (PASSED, (), [])


def test_types_that_the_project_states(tmp_path: Path) -> None:
    files = {
        "s/x.csv": "a,b,c\n01,2,3\n",
        "s/x.conf": "columns = a varchar, b double",
        "s/t - 1h.sql": "SELECT typeof(a) AS a, typeof(b) AS b, typeof(c) AS c FROM s.x",
        "s/t_unit/x.csv": "a,b:smallint,c\n1,2,3\n",
        "s/t_unit/expected.csv": "a,b,c\nVARCHAR,SMALLINT,BIGINT\n",
        "s/l.load.yaml": "files: data/*.csv\ncolumns:\n  a: varchar\n  b: decimal(9,2)\n",
        "s/u - 1h.sql": "SELECT typeof(a) AS a, typeof(b) AS b FROM s.l",
        "s/u_unit/l.csv": "a,b\n1,2\n",
        "s/u_unit/expected.csv": 'a,b\nVARCHAR,"DECIMAL(9,2)"\n',
    }
    found = run_all(write(tmp_path, files))
    assert {path: (result.verdict, shown(result)) for path, result in found.items()} == {
        path: (PASSED, {"missing": [], "unexpected": [], "different": []}) for path in ("s/t_unit", "s/u_unit")
    }


def test_the_type_of_a_result_can_be_asked_for(tmp_path: Path) -> None:
    files = {"expected.csv": "a:bigint,b:varchar,c\n1,x,1\n"}
    result = run_one(tmp_path, "SELECT 1 AS a, 'x' AS b, 1 AS c", files)
    assert (result.verdict, result.said) == (FAILED, ("the column `a` is INT, and `expected.csv` says BIGINT",))
    (tmp_path / "s/t_unit/expected.csv").write_text("a:int,b:text,c\n1,x,1\n")
    assert run_all(tmp_path)["s/t_unit"].verdict is PASSED


def test_columns_are_named(tmp_path: Path) -> None:
    result = run_one(tmp_path, "SELECT 1 AS a, 2 AS b, 3 AS c", {"expected.csv": "a,x\n1,2\n"})
    assert result.verdict is FAILED
    assert result.said == ("the query gives no column `x`", "`expected.csv` has no columns `b`, `c`")
