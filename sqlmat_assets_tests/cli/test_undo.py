"""`sqlmat undo`, as processes on a real DuckDB and a real Dagster instance."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sqlmat_assets_tests.cli.running import SQLMAT, Run
from sqlmat_assets_tests.clones import commit, git
from sqlmat_assets_tests.folders import write_files

FILES = {
    "global.conf": "keep_versions = 3\n",
    "first/cities - 24h.sql": "SELECT 1 AS version\n",
    "first/shops - 24h.sql": "SELECT version, 'shop' AS kind FROM first.cities\n",
    "first/people - 24h.sql": "SELECT version, 'person' AS kind FROM first.shops\n",
}
CITIES = "first/cities - 24h.sql"
SHORT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{6})?")


@pytest.fixture(scope="module")
def built_twice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose tables were built, then built again from a bad file; processes of Dagster take their time."""
    place = tmp_path_factory.mktemp("built")
    write_files(place / "sql", FILES)
    for version in (1, 2):
        (place / "sql" / CITIES).write_text(f"SELECT {version} AS version\n")
        subprocess.run([SQLMAT, "build", "--no-record"], cwd=place, check=True, capture_output=True, timeout=120)
    return place


@pytest.fixture
def folder(tmp_path: Path, built_twice: Path) -> Path:
    shutil.copytree(built_twice, tmp_path, dirs_exist_ok=True)
    return tmp_path / "sql"


def ask(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(folder.parent / "sqlmat.duckdb", read_only=True) as connection:
        return connection.execute(query).fetchall()


def in_place(folder: Path) -> list[int]:
    return [ask(folder, f"SELECT version FROM first.{name}")[0][0] for name in ("cities", "shops", "people")]


def untimed(text: str) -> str:
    return SHORT.sub("TIME", text)


def test_the_worst_night(run: Run, folder: Path) -> None:
    done = run("undo", "first.cities")
    assert done.returncode == 0, done.stderr
    assert untimed(done.stdout) == (
        "put back `first.cities` of TIME UTC (1 row)\n"
        "  in place of that of TIME UTC, which is kept\n"
        "built from what was undone, and left as they are:\n"
        "  first.shops   TIME UTC\n"
        "  first.people  TIME UTC\n"
        "  hint: they are built anew by `sqlmat build -s first.shops -s first.people`\n"
    )
    assert untimed(done.stderr) == (
        "the service leaves `first.cities` alone until its file is edited or somebody builds it\n"
        'if that was wrong: sqlmat undo first.cities --to "TIME"\n'
    )
    assert all(len(line) <= 90 for line in (done.stdout + done.stderr).splitlines())
    assert in_place(folder) == [1, 2, 2]
    why = run("why", "first.cities", "--json")
    told = json.loads(why.stdout)
    assert (told["reason"], told["is_built_at_next_tick"]) == ("put back", False)
    assert told["why"].startswith("left alone: put back by hand ")
    assert told["why"].endswith("; edit it or build it")
    again = run("undo", "first.cities")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == (
        "no version of `first.cities` before the one in place is kept; nothing is undone\n"
        "  hint: `--list` shows what is kept, and `--to` puts back any of it\n"
    )
    time = done.stderr.split('"')[1]
    assert run("undo", "first.cities", "--to", time).returncode == 0
    assert in_place(folder) == [2, 2, 2]
    # All is as it was before, and nobody need keep the service from anything.
    assert json.loads(run("why", "first.cities", "--json").stdout)["reason"] == "fresh"
    assert run("undo", "first.cities").returncode == 0
    assert run("build", "-s", "first.cities").returncode == 0
    assert json.loads(run("why", "first.cities", "--json").stdout)["reason"] == "fresh"


def test_with_all_that_was_built_from_it(run: Run, folder: Path) -> None:
    done = run("undo", "first.cities", "--downstream", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [each["name"] for each in told["put_back"]] == ["first.cities", "first.shops", "first.people"]
    assert [(each["name"], each["is_certain"], each["is_put_back"]) for each in told["built_from_it"]] == [
        ("first.shops", True, True),
        ("first.people", True, True),
    ]
    assert in_place(folder) == [1, 1, 1]
    assert json.loads(run("why", "first.shops", "--json").stdout)["reason"] != "put back"


def test_nothing_is_done_where_one_of_them_has_no_other_version(run: Run, folder: Path) -> None:
    with duckdb.connect(folder.parent / "sqlmat.duckdb") as connection:
        connection.execute("DELETE FROM _sqlmat.versions WHERE table_name = 'people'")
    done = run("undo", "first.cities", "--downstream")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "no version of `first.people` is kept that was not built from what goes; nothing is undone\n"
        "  hint: undo without `--downstream`, then build it: `sqlmat build -s first.people`\n"
    )
    assert in_place(folder) == [2, 2, 2]


def test_the_list(run: Run, folder: Path) -> None:
    done = run("undo", "first.cities", "--list")
    assert (done.returncode, done.stderr) == (0, "")
    heading, *lines = untimed(done.stdout).splitlines()
    assert heading.split() == ["published", "(UTC)", "rows", "commit"]
    assert [line.split() for line in lines] == [["TIME", "1", "in", "place"], ["TIME", "1"]]
    told = json.loads(run("undo", "first.cities", "--list", "--json").stdout)
    assert told["name"] == "first.cities"
    assert [each["in_place"] for each in told["versions"]] == [True, False]
    assert in_place(folder) == [2, 2, 2]
    refused = run("undo", "first.cities", "--list", "--downstream")
    assert refused.returncode == 2
    assert refused.stderr == ("`--list` and `--downstream` cannot be given together\n  hint: leave one of them out\n")


def test_the_list_tells_the_commit_that_the_rows_were_built_from(run: Run, folder: Path) -> None:
    def build(version: int) -> str:
        (folder / CITIES).write_text(f"SELECT {version} AS version\n")
        done = run("build", "--no-record", "-s", "first.cities", "--json")
        return json.loads(done.stdout)["tables"][0]["outcome"]

    def versions() -> list[dict[str, Any]]:
        return json.loads(run("undo", "first.cities", "--list", "--json").stdout)["versions"]

    git(folder, "init", "-q")
    first = commit(folder)
    assert build(3) == "published"
    second = commit(folder)
    assert build(3) == "unchanged"
    assert [(each["commit"], each["uncommitted_edits"]) for each in versions()][:2] == [(first, True), (None, None)]
    assert build(4) == "published"
    third = commit(folder)
    assert build(5) == "published"
    git(folder, "commit", "-q", "-a", "-m", "five")
    assert build(5) == "unchanged"
    assert [(each["commit"], each["uncommitted_edits"]) for each in versions()] == [
        (third, True),
        (second, True),
        (first, True),
        (None, None),
    ]
    (folder / CITIES).write_text("SELECT 6 AS version\n")
    last = commit(folder)
    assert build(6) == "published"
    assert (versions()[0]["commit"], versions()[0]["uncommitted_edits"]) == (last, False)
    lines = [line.split("  ", 2)[2].split() for line in run("undo", "first.cities", "--list").stdout.splitlines()[1:]]
    assert lines[0] == ["1", last[:8], "in", "place"]
    assert lines[1] == ["1", third[:8], "+", "edits"]
    done = run("undo", "first.cities")
    assert f"(1 row, commit {third[:8]} + edits)" in done.stdout
    assert " in place, put back 20" in run("undo", "first.cities", "--list").stdout
    assert [each["put_back_at"] is None for each in versions()] == [False, True, True, True]


def test_wrong_names(run: Run, folder: Path) -> None:
    done = run("undo", "first.citys")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "no table `first.citys` was built here\n  hint: did you mean `first.cities`?\n"
    done = run("undo", "first.cities", "--to", "2019")
    assert done.returncode == 2
    assert done.stderr == ("no version of `first.cities` was published at `2019`\n  hint: `--list` shows them\n")
    assert run("undo", "cities").returncode == 2
    assert run("undo", "first.cities", "--warehouse", f"duckdb:///{folder}/none.duckdb").returncode == 2
    with duckdb.connect(folder / "other.duckdb") as connection:
        connection.execute("CREATE TABLE main.cities AS SELECT 1 AS version")
    done = run("undo", "first.cities", "--warehouse", f"duckdb:///{folder}/other.duckdb")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "no table `first.cities` was built here\n"
        "  hint: `sqlmat undo` puts back what was built here; check the warehouse\n"
    )
    assert in_place(folder) == [2, 2, 2]


def test_a_table_whose_file_is_gone_and_one_with_problems(run: Run, folder: Path) -> None:
    (folder / "first" / "people - 24h.sql").unlink()
    (folder / CITIES).write_text("SELECT FROM WHERE\n")
    assert run("undo", "First.People").returncode == 0
    assert run("undo", "first.cities").returncode == 0
    assert in_place(folder) == [1, 2, 1]


def test_somebody_elses_view_in_its_place(run: Run, folder: Path) -> None:
    with duckdb.connect(folder.parent / "sqlmat.duckdb") as connection:
        connection.execute("DROP TABLE first.cities")
        connection.execute("CREATE VIEW first.cities AS SELECT 9 AS version")
    done = run("undo", "first.cities")
    assert done.returncode == 1
    assert done.stderr == (
        "the view in the place of `first.cities` is not what sqlmat published; nothing is undone\n"
        "  hint: drop or rename that view first\n"
    )
    with duckdb.connect(folder.parent / "sqlmat.duckdb") as connection:
        connection.execute("DROP VIEW first.cities")
    done = run("undo", "first.cities")
    assert done.returncode == 0
    assert "which somebody has dropped" in done.stdout
    assert in_place(folder) == [1, 2, 2]


def test_nothing_was_kept(run: Run, folder: Path) -> None:
    (folder / "global.conf").unlink()
    (folder / CITIES).write_text("SELECT 3 AS version\n")
    assert run("build", "--no-record", "-s", "first.cities").returncode == 0
    done = run("undo", "first.cities")
    assert done.returncode == 1
    assert done.stderr == (
        "no earlier version of `first.cities` is kept; nothing is undone\n"
        "  hint: with `keep_versions = 3` in its settings, each build that changes its rows keeps the ones before\n"
    )
    listed = run("undo", "first.cities", "--list")
    assert listed.returncode == 0
    assert listed.stderr == (
        "no earlier version of `first.cities` is kept\n"
        "  hint: with `keep_versions = 3` in its settings, each build that changes its rows keeps the ones before\n"
    )


def test_versions_go_with_an_orphan(run: Run, folder: Path) -> None:
    (folder / "first" / "people - 24h.sql").unlink()
    assert run("orphans", "--drop", "first.people").returncode == 0
    left = ask(folder, "SELECT DISTINCT table_name FROM _sqlmat.versions ORDER BY 1")
    assert left == [("cities",), ("shops",)]
    query = "SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'people%'"
    assert ask(folder, query) == []


def test_in_an_environment_production_is_as_it_was(run: Run, folder: Path) -> None:
    for version in (5, 6):
        (folder / CITIES).write_text(f"SELECT {version} AS version\n")
        assert run("build", "--no-record", "--env", "joan", "-s", "first.cities+").returncode == 0
    done = run("undo", "first.cities", "--env", "joan", "--downstream")
    assert done.returncode == 0, done.stderr
    query = "SELECT DISTINCT version FROM first__joan.cities JOIN first__joan.people USING (version)"
    assert ask(folder, query) == [(5,)]
    assert in_place(folder) == [2, 2, 2]
    assert run("env", "drop", "joan").returncode == 0
    assert ask(folder, "SELECT count(*) FROM information_schema.tables WHERE table_schema LIKE '%joan'") == [(0,)]


def test_an_instance_that_cannot_be_told_is_said(run: Run, folder: Path) -> None:
    home = folder / "global.conf"  # no folder
    done = run("undo", "first.cities", DAGSTER_HOME=str(home))
    assert done.returncode == 1
    assert done.stderr.startswith(f"warning: the Dagster instance `{home}` was not told: ")
    assert done.stderr.endswith(
        "\n  hint: `first.cities` is left alone all the same; "
        "the next run that comes to it, or `sqlmat build`, tells the instance\n"
    )
    assert done.stdout.startswith("put back `first.cities` of ")
    assert in_place(folder) == [1, 2, 2]


def test_what_was_taken_along_is_taken_along_again(run: Run, folder: Path) -> None:
    done = run("undo", "first.cities", "--downstream")
    assert (done.returncode, in_place(folder)) == (0, [1, 1, 1])
    hint = done.stderr.splitlines()[-1]
    assert untimed(hint) == 'if that was wrong: sqlmat undo first.cities --downstream --to "TIME"'
    done = run("undo", "first.cities", "--downstream", "--to", hint.split('"')[1])
    assert done.returncode == 0, done.stderr
    assert in_place(folder) == [2, 2, 2]
    assert "leaves" not in done.stderr
    assert [json.loads(run("why", f"first.{name}", "--json").stdout)["reason"] for name in ("cities", "people")] == [
        "fresh",
        "fresh",
    ]
