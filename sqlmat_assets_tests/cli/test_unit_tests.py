"""`sqlmat test`, as a process."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sqlmat_assets.project.unit_tests.conf import parse_case
from sqlmat_assets_tests.cli.running import Run

ROOT = Path(__file__).parents[2]

COUNTRIES = "first/countries_unit"


@pytest.fixture
def tested(folder: Path) -> Path:
    """The project with one case that passes and one that fails in each way."""
    write(folder, f"{COUNTRIES}/cities.csv", "country,city\nDE,Berlin\nDE,Bonn\nNO,Oslo\n")
    write(folder, f"{COUNTRIES}/good/expected.csv", "country,cities\nNO,1\nDE,2\n")
    return folder


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def test_all_pass(run: Run, tested: Path) -> None:
    done = run("test")
    assert (done.returncode, done.stderr) == (0, "")
    first, last = done.stdout.splitlines()
    assert first == f"passed  {COUNTRIES}/good"
    assert last.startswith("1 case: 1 passed in 0.")


def test_rows_that_differ_are_shown_in_80_columns(run: Run, folder: Path) -> None:
    name = "a rather long name that goes on and on without an end, up to here: "
    write(folder, "first/t - 1h.sql", "SELECT id, name, kind, size FROM first.x")
    rows = f"id,name,kind,size\n1,{name}A,small,1.5\n2,b,small,2\n3,c,,\n3,c,,\n4,d,big,4\n"
    write(folder, "first/t_unit/x.csv", rows.replace(f"{name}A", f'"{name}A"'))
    expected = f'id,name,kind,size\n1,"{name}B",small,1.5\n2,b,"",2.5\n3,c,,\n5,e,big,5\n6,f,odd,\n'
    write(folder, "first/t_unit/expected.csv", expected)
    done = run("test")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[:-1] == [
        "failed  first/t_unit",
        "  2 rows missing:",
        "    id  name  kind  size",
        "    5   e     big   5",
        "    6   f     odd   NULL",
        "  2 rows too many:",
        "    id  name  kind  size",
        "    3   c     NULL  NULL",
        "    4   d     big   4.0",
        "  2 rows differ:",
        "    expected.csv:2  id=1  kind=small  size=1.5",
        "      name: expected …o here: B, found …o here: A",
        "    expected.csv:3  id=2  name=b",
        '      kind: expected "", found small',
        "      size: expected 2.5, found 2.0",
    ]
    assert lines[-1].startswith("1 case: 1 failed in ")
    assert max(map(len, lines)) <= 80


def test_only_a_few_of_many_rows_are_shown(run: Run, folder: Path) -> None:
    write(folder, "first/t - 1h.sql", "SELECT unnest(range(1000)) AS a, 1 AS b, 2 AS c")
    write(folder, "first/t_unit/expected.csv", "a,b,c\n" + "".join(f"{number},1,3\n" for number in range(10)))
    done = run("test")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert "  990 rows too many:" in lines
    assert "    and 985 more rows" in lines
    assert "  10 rows differ:" in lines
    assert "    expected.csv:2  a=0  b=1" in lines
    assert "      c: expected 3, found 2" in lines
    assert "    and 5 more rows" in lines
    assert len(lines) < 30


def test_another_order_is_shown(run: Run, folder: Path) -> None:
    write(folder, "first/t - 1h.sql", "SELECT unnest([1, 2, 3]) AS a ORDER BY a")
    write(folder, "first/t_unit/expected.csv", "a\n1\n3\n2\n")
    assert run("test").stdout.splitlines()[:-1] == [
        "failed  first/t_unit",
        "  the rows are in another order than the query's ORDER BY should give, from row 2 on:",
        "    expected.csv:3",
        "      a: expected 3, found 2",
    ]


def test_a_case_that_cannot_be_run_is_bad(run: Run, tested: Path) -> None:
    write(tested, f"{COUNTRIES}/broken/expected.csv", "")
    write(tested, "first/countries.sql", "-- Countries.\nSELECT country,\n    nothing\nFROM first.cities\n")
    done = run("test")
    assert done.returncode == 1
    assert done.stdout.splitlines()[:-1] == [
        f"not run  {COUNTRIES}/broken",
        f"  {COUNTRIES}/broken/expected.csv: the file is empty",
        "    hint: write the names of the columns, or remove the file",
        f"not run  {COUNTRIES}/good",
        '  first/countries.sql:3: Binder Error: Referenced column "nothing" not found in FROM clause!',
        '  Candidate bindings: "country"',
    ]


def test_json(run: Run, tested: Path) -> None:
    write(tested, f"{COUNTRIES}/bad/expected.csv", "country,cities\nNO,7\nFR,9\n")
    done = run("test", "--json")
    assert done.returncode == 1
    bad, good = json.loads(done.stdout)
    seconds = bad.pop("seconds")
    assert 0 < seconds < 60
    assert bad == {
        "table": "first.countries",
        "case": f"{COUNTRIES}/bad",
        "verdict": "failed",
        "problems": [],
        "notes": [],
        "missing_rows": 1,
        "unexpected_rows": 1,
        "different_rows": 1,
        "missing": [{"country": "FR", "cities": "9"}],
        "unexpected": [{"country": "DE", "cities": "2"}],
        "different": [
            {
                "line": 2,
                "expected": {"country": "NO", "cities": "7"},
                "found": {"country": "NO", "cities": "1"},
                "columns": ["cities"],
            }
        ],
        "order": None,
    }
    assert (good["verdict"], good["missing_rows"]) == ("passed", 0)


def test_a_selection(run: Run, tested: Path) -> None:
    write(tested, "second/report_unit/expected.csv", "wrong\n1\n")
    write(tested, "second/report_unit/countries.csv", "cities\n1\n")
    assert run("test").returncode == 1
    for selection, cases in {
        "first.countries": [f"{COUNTRIES}/good"],
        "first.*": [f"{COUNTRIES}/good"],
        "second.report": ["second/report_unit"],
        "+second.report": [f"{COUNTRIES}/good", "second/report_unit"],
        "first.cities+": [f"{COUNTRIES}/good", "second/report_unit"],
        "*": [f"{COUNTRIES}/good", "second/report_unit"],
        # Dagster's own syntax.
        'key:"second/report" or first.cities': ["second/report_unit"],
    }.items():
        told = json.loads(run("test", "--json", "-s", selection).stdout)
        assert [case["case"] for case in told] == cases, selection
    both = json.loads(run("test", "--json", "-s", "first.countries", "-s", "second.report").stdout)
    assert len(both) == 2


def test_nothing_to_run(run: Run, tested: Path) -> None:
    done = run("test", "-s", "first.cities")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "the selected tables have no unit tests\n")
    done = run("test", "-s", "first.citis")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "the selection `first.citis` selects no table\n  hint: did you mean `first.cities`?\n"


def test_no_unit_tests_at_all(run: Run) -> None:
    done = run("test")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        "there are no unit tests in `sql`\n"
        "  hint: write some: `first/cities_unit/expected.csv`, and a CSV file for each table that the query reads "
        "beside it\n"
    )


def test_a_folder_of_no_table_is_told_and_bad(run: Run, tested: Path) -> None:
    write(tested, "first/citys_unit/expected.csv", "a\n")
    said = (
        "first/citys_unit: warning: this belongs to `first.citys`, which is no table\n"
        "  hint: did you mean `first.cities`?\n"
    )
    done = run("test")
    assert (done.returncode, done.stderr) == (1, said)
    assert done.stdout.startswith(f"passed  {COUNTRIES}/good\n")
    done = run("check")
    assert (done.returncode, done.stderr) == (0, said)


def test_an_edited_case_changes_no_table(run: Run, tested: Path) -> None:
    assert run("build", "--no-record").returncode == 0
    before = run("plan", "--json").stdout
    write(tested, f"{COUNTRIES}/cities.csv", "country,city\n")
    write(tested, f"{COUNTRIES}/more/expected.csv", "country,cities\n")
    assert json.loads(run("plan", "--json").stdout) == json.loads(before)
    listed = json.loads(run("ls", "--json").stdout)
    assert len(listed) == 4


def test_two_at_once_do_not_meet(run: Run, tested: Path, environment: Mapping[str, str]) -> None:
    code = "import sys; from sqlmat_assets.cli import run; sys.exit(run(['test']))"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=tested.parent, env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in both:
        out, _ = process.communicate(timeout=120)
        assert (process.returncode, out.splitlines()[0]) == (0, f"passed  {COUNTRIES}/good")
    assert not list(tested.parent.glob("*.duckdb*"))


def test_dagster_is_not_imported(tested: Path, environment: Mapping[str, str]) -> None:
    code = (
        "import sys; from sqlmat_assets.cli import run; code = run(['test', '-s', '+first.countries']); "
        "sys.exit('loaded dagster' if 'dagster' in sys.modules else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tested.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_documentation_shows_what_happens(run: Run, folder: Path) -> None:
    shutil.copytree(ROOT / "sql", folder, dirs_exist_ok=True)
    done = run("test")
    assert (done.returncode, done.stderr) == (0, "")
    case = folder / "first/shops_unit/expected.csv"
    case.write_text(case.read_text().replace("Milan,", "Milan,Italy"))
    shown = re.findall(r"^```\n(.*?)^```", (ROOT / "docs/unit-tests.md").read_text(), re.MULTILINE | re.DOTALL)
    done = run("test", "-s", "first.shops")
    assert done.stdout.rpartition("1 case")[0] == next(text for text in shown if text.startswith("failed"))
    # The settings that it shows are all there are.
    _, problems = parse_case(next(text for text in shown if "last_built" in text), "case.conf")
    assert problems == ()
