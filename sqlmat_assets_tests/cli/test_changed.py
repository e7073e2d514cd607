"""`-s changed` and `--since`, as processes in a real repository."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sqlmat_assets_tests.cli.running import Run
from sqlmat_assets_tests.clones import commit, git, write

SELECTING = ("build", "plan", "ls", "test")


@pytest.fixture
def clone(folder: Path) -> Path:
    """The project in a repository, on a branch of its own with one commit."""
    repository = folder.parent
    git(repository, "init", "-q", "-b", "main")
    commit(repository)
    git(repository, "switch", "-q", "-c", "mine")
    write(
        folder, **{"first/countries.sql": "SELECT country, count(*) + 0 AS cities FROM first.cities GROUP BY country"}
    )
    commit(repository)
    return folder


def listed(run: Run, *arguments: str) -> list[str]:
    done = run("ls", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return [table["name"] for table in json.loads(done.stdout)]


def test_what_a_branch_has_changed(run: Run, clone: Path) -> None:
    assert listed(run, "-s", "changed") == ["first.countries"]
    assert listed(run, "-s", "changed+") == ["first.countries", "second.report"]
    assert listed(run, "-s", "+changed") == ["first.cities", "first.countries", "first.raw_cities"]
    assert listed(run, "-s", "+changed and not first.raw_cities") == ["first.cities", "first.countries"]
    assert listed(run, "-s", "changed", "-s", "second.report") == ["first.countries", "second.report"]
    # Neither a comment nor a layout is a change, and what is not committed is one.
    cities = clone / "first" / "cities - 24h.sql"
    cities.write_text(f"-- The cities.\n{cities.read_text()}")
    write(clone, **{"second/report_test.sql": "SELECT most < 10 AS most_is_small FROM second.report;\n"})
    assert listed(run, "-s", "changed") == ["first.countries", "second.report"]
    assert listed(run, "-s", "changed", "--since", "HEAD") == ["second.report"]
    assert listed(run, "-s", "changed", "--since", "main") == ["first.countries", "second.report"]


def test_it_is_told_with_what_was_compared_and_what_is_gone(run: Run, clone: Path) -> None:
    began = git(clone, "rev-parse", "--short=7", "main")
    (clone / "second" / "report - 1h.sql").unlink()
    (clone / "second" / "report_test.sql").unlink()
    write(clone, **{"first/fresh - 1h.sql": "SELECT 1 AS a", "first/countries - 1h.sql": "SELECT 1 AS cities"})
    (clone / "first" / "countries.sql").unlink()
    done = run("ls", "-s", "changed")
    assert done.returncode == 0
    assert done.stderr == (
        f"since {began} (where this branch left `main`): 1 new, 1 changed, 1 removed\n"
        "`second.report` has no file any more and is not built\n"
        "  hint: in the warehouse it stays until somebody drops it: `sqlmat orphans`\n"
    )
    assert done.stdout.count("\n") == 3


def test_only_what_has_changed_is_built(run: Run, clone: Path) -> None:
    assert run("build", "--no-record").returncode == 0
    done = run("build", "--no-record", "-s", "changed+", "--json")
    assert (done.returncode, done.stdout and [table["name"] for table in json.loads(done.stdout)["tables"]]) == (
        0,
        ["first.countries", "second.report"],
    )
    assert run("plan", "-s", "changed").stdout == (
        "nothing is new, changed or due\nnot due, and built all the same: 1 fresh (--verbose shows them)\n"
    )


def test_unit_tests_that_have_changed_are_run(run: Run, clone: Path) -> None:
    unit = {"first/cities_unit/raw_cities.csv": "city,country,population\nA,B,1\n"}
    write(clone, **unit, **{"first/cities_unit/expected.csv": "city,country,population\nA,B,1\n"})
    write(clone, **{"second/report_unit/countries.csv": "cities\n3\n", "second/report_unit/expected.csv": "most\n3\n"})
    commit(clone)
    names = {case["table"] for case in json.loads(run("test", "--json").stdout)}
    assert names == {"first.cities", "second.report"}
    write(clone, **{"second/report_unit/expected.csv": "most\n4\n"})
    done = run("test", "--json", "-s", "changed", "--since", "HEAD")
    assert (done.returncode, [case["table"] for case in json.loads(done.stdout)]) == (1, ["second.report"])
    write(
        clone, **{"first/cities - 24h.sql": "SELECT city, country, population * 1 AS population FROM first.raw_cities"}
    )
    done = run("test", "--json", "-s", "changed", "--since", "HEAD")
    assert [case["table"] for case in json.loads(done.stdout)] == ["first.cities", "second.report"]


@pytest.mark.parametrize(
    ("command", "selection"), [*((command, "changed") for command in SELECTING), ("build", "changed+ and first.*")]
)
def test_nothing_has_changed(run: Run, clone: Path, command: str, selection: str) -> None:
    done = run(command, "-s", selection, "--since", "HEAD")
    assert done.returncode == 0, done.stderr
    assert "(`HEAD`): no table has changed\n" in done.stderr
    if command in ("build", "plan"):
        assert run(command, "-s", selection, "--since", "HEAD", "--partition", "2019-01").returncode == 0
    assert not (clone.parent / "sqlmat.duckdb").exists()
    as_json = run(command, "-s", selection, "--since", "HEAD", "--json")
    assert as_json.returncode == 0
    found = json.loads(as_json.stdout)
    assert (found["tables"] if command == "build" else found) == []


@pytest.mark.parametrize("command", SELECTING)
def test_since_alone_is_wrong_usage(run: Run, clone: Path, command: str) -> None:
    for more in ([], ["-s", "first.cities"]):
        done = run(command, "--since", "main", *more)
        assert (done.returncode, done.stderr) == (
            2,
            "`--since` says what `changed` is compared with\n  hint: add `-s changed` or `-s changed+`\n",
        )


def test_outside_of_git(run: Run, folder: Path) -> None:
    done = run("build", "-s", "changed")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"`changed` compares with an earlier commit, and git does not know `{folder}`: ")


def test_an_earlier_state_with_problems_is_compared_all_the_same(run: Run, clone: Path) -> None:
    write(clone, **{"first/cities - 24h.sql": "SELECT FROM WHERE", "global.conf": "no_such_key = 1\n"})
    commit(clone)
    write(clone, **{"first/cities - 24h.sql": "SELECT city, country, population FROM first.raw_cities"})
    (clone / "global.conf").unlink()
    assert listed(run, "-s", "changed", "--since", "HEAD") == ["first.cities"]


def test_dagster_is_not_imported_for_it(clone: Path) -> None:
    code = (
        "import sys; from sqlmat_assets.cli import run; "
        f"code = run(['ls', '-s', '+changed+', {str(clone)!r}]); sys.exit(code or 'dagster' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("\n")) == (0, 5), done.stderr
