"""`sqlmat orphans`, as processes on a real DuckDB."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sqlmat_assets.components.origin import find_identity
from sqlmat_assets_tests.cli.running import FILES, SQLMAT, Run
from sqlmat_assets_tests.folders import write_files


@pytest.fixture
def warehouse(folder: Path) -> Path:
    return folder.parent / "sqlmat.duckdb"


def tables(file: Path) -> set[str]:
    query = "SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_schema <> '_sqlmat'"
    with duckdb.connect(str(file), read_only=True) as connection:
        return {str(name) for (name,) in connection.execute(query).fetchall()}


def records(file: Path, table: str = "tables") -> set[str]:
    with duckdb.connect(str(file), read_only=True) as connection:
        query = f"SELECT DISTINCT schema_name || '.' || table_name FROM _sqlmat.{table}"
        return {str(name) for (name,) in connection.execute(query).fetchall()}


def execute(file: Path, *statements: str) -> None:
    with duckdb.connect(str(file)) as connection:
        for statement in statements:
            connection.execute(statement)


def orphans(run: Run, *arguments: str) -> dict[str, Any]:
    done = run("orphans", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def warehouse_after_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of the project; a build takes longer than a copy of what it made."""
    place = tmp_path_factory.mktemp("built")
    write_files(place / "sql", FILES)
    subprocess.run([SQLMAT, "build", "--no-record"], cwd=place, check=True, capture_output=True, timeout=120)
    return place / "sqlmat.duckdb"


@pytest.fixture
def built(folder: Path, warehouse: Path, warehouse_after_build: Path) -> Path:
    """The project, after a build."""
    shutil.copy(warehouse_after_build, warehouse)
    execute(warehouse, f"UPDATE _sqlmat.tables SET project = '{find_identity(folder)}'")
    # It takes its interval from the report, which the tests remove.
    (folder / "first" / "countries.sql").rename(folder / "first" / "countries - 24h.sql")
    return folder


def remove_report(folder: Path) -> None:
    (folder / "second" / "report - 1h.sql").unlink()
    (folder / "second" / "report_test.sql").unlink()


def test_a_table_whose_file_is_gone_is_listed_and_stays(run: Run, built: Path, warehouse: Path) -> None:
    assert run("orphans").stdout == f"no orphans: every table that sqlmat made in duckdb://{warehouse} has its file\n"
    remove_report(built)
    done = run("orphans")
    assert done.returncode == 0
    heading, line = done.stdout.splitlines()
    assert heading.split() == ["table", "rows", "last", "published", "commit"]
    assert line.split()[:2] == ["second.report", "1"]
    assert done.stderr == "they stay until somebody drops them: `sqlmat orphans --drop TABLE`, or `--drop-all`\n"
    assert run("build", "--no-record").returncode == 0
    assert "second.report" in tables(warehouse)


def test_json_says_what_would_be_dropped(run: Run, built: Path, warehouse: Path) -> None:
    remove_report(built)
    found = orphans(run)
    (orphan,) = found.pop("orphans")
    assert found == {"warehouse": f"duckdb://{warehouse}", "hidden_by": [], "dropped": [], "of_others": []}
    assert orphan.pop("published_at").endswith("+00:00")
    assert orphan == {
        "name": "second.report",
        "rows": 1,
        "commit": None,
        "objects": [{"name": "second.report", "kind": "table"}],
        "read_by": [],
        "renamed_to": [],
    }


def test_one_is_dropped_with_its_record_and_the_others_stay(run: Run, built: Path, warehouse: Path) -> None:
    remove_report(built)
    done = run("orphans", "--drop", "Second.Report")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"dropped 1 table from duckdb://{warehouse}: `second.report`\n"
    left = {"first.raw_cities", "first.cities", "first.countries"}
    assert tables(warehouse) == records(warehouse) == left
    again = run("orphans", "--drop", "second.report")
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == "there is no orphan `second.report`\n  hint: `sqlmat orphans` lists them\n"


def test_all_are_dropped_but_those_that_are_read(run: Run, built: Path, warehouse: Path) -> None:
    (built / "first" / "old - 1d.sql").write_text("SELECT 1 AS one")
    assert run("build", "--no-record", "-s", "first.old").returncode == 0
    (built / "first" / "old - 1d.sql").unlink()
    (built / "first" / "countries - 24h.sql").unlink()
    (built / "first" / "cities_test.sql").write_text("SELECT count(*) > 0 AS is_there FROM first.countries")
    notes = {each["name"]: each["read_by"] for each in orphans(run)["orphans"]}
    assert notes == {"first.countries": ["first.cities", "second.report"], "first.old": []}
    refused = run("orphans", "--drop", "first.countries", "--drop", "first.old")
    assert refused.returncode == 2
    assert refused.stderr == (
        "`first.countries` is not dropped: `first.cities`, `second.report` read it\n  hint: change those first\n"
    )
    assert "first.old" in tables(warehouse)
    done = run("orphans", "--drop-all")
    assert done.returncode == 1
    assert done.stdout == f"dropped 1 table from duckdb://{warehouse}: `first.old`\n"
    assert done.stderr == (
        "kept `first.countries`: `first.cities`, `second.report` read it\n  hint: change those first\n"
    )
    assert tables(warehouse) == {"first.raw_cities", "first.cities", "first.countries", "second.report"}


def test_the_record_of_partitions_goes_too(run: Run, built: Path, warehouse: Path) -> None:
    file = built / "first" / "days - 1d.sql"
    file.write_text(
        "-- partition_by: day(day) from 2019-01-01 to 2019-01-03\nSELECT CAST('2019-01-02' AS date) AS day, 1 AS one"
    )
    assert run("build", "--no-record", "-s", "first.days").returncode == 0
    assert records(warehouse, "partitions") == {"first.days"}
    file.unlink()
    assert run("orphans", "--drop", "first.days").returncode == 0
    assert records(warehouse, "partitions") == set()
    assert "first.days" not in tables(warehouse)


def test_a_rename_is_an_orphan_and_a_new_table(run: Run, built: Path) -> None:
    (built / "second" / "report - 1h.sql").rename(built / "second" / "summary - 1h.sql")
    (built / "second" / "report_test.sql").unlink()
    done = run("orphans")
    assert done.stdout.splitlines()[1].endswith("renamed to `second.summary`?")
    assert run("build", "--no-record").returncode == 0
    (orphan,) = orphans(run)["orphans"]
    assert orphan["renamed_to"] == ["second.summary"]


def test_a_table_with_the_same_sql_that_was_there_before_is_no_rename(run: Run, built: Path) -> None:
    (built / "second" / "later - 1h.sql").write_text((built / "second" / "report - 1h.sql").read_text())
    assert run("build", "--no-record", "-s", "second.later").returncode == 0
    (built / "second" / "later - 1h.sql").unlink()
    (orphan,) = orphans(run)["orphans"]
    assert (orphan["name"], orphan["renamed_to"]) == ("second.later", [])


def test_a_file_with_problems_is_not_a_removed_one(run: Run, built: Path, warehouse: Path) -> None:
    (built / "second" / "report - 1h.sql").write_text("SELEC 1")
    assert orphans(run)["orphans"] == []
    done = run("orphans", "--drop", "second.report")
    assert done.returncode == 2
    expected = "`second.report` is no orphan: `second/report - 1h.sql` makes it and has problems\n"
    assert done.stderr == f"{expected}  hint: mend the file\n"
    (built / "second" / "report - 1h.sql").write_bytes(b"SELECT '\xff'")
    assert orphans(run)["orphans"] == []
    assert "second.report" in tables(warehouse)


def test_a_table_that_has_its_file_is_not_dropped(run: Run, built: Path, warehouse: Path) -> None:
    done = run("orphans", "--drop", "first.cities")
    assert done.returncode == 2
    assert done.stderr == (
        "`first.cities` is no orphan: `first/cities - 24h.sql` makes it\n  hint: remove the file first\n"
    )
    assert "first.cities" in tables(warehouse)


def test_nothing_is_dropped_while_a_file_may_hide_a_table(run: Run, built: Path, warehouse: Path) -> None:
    # The file is there, and its name is one that cannot be read.
    (built / "second" / "report - 1h.sql").rename(built / "second" / "re port - 1h.sql")
    (built / "second" / "report_test.sql").unlink()
    found = orphans(run)
    assert ([each["name"] for each in found["orphans"]], found["hidden_by"]) == (
        ["second.report"],
        ["second/re port - 1h.sql"],
    )
    told = run("orphans").stderr
    assert told == (
        "`second/re port - 1h.sql` has problems that may hide a table, so nothing can be dropped\n"
        "  hint: mend it first\n"
    )
    for flag in (("--drop", "second.report"), ("--drop-all",)):
        done = run("orphans", *flag)
        assert done.returncode == 2
        assert done.stderr.startswith("nothing is dropped while files have problems that may hide a table\n")
        assert "second.report" in tables(warehouse)


def test_nothing_is_dropped_while_a_link_leads_nowhere(run: Run, built: Path, warehouse: Path) -> None:
    elsewhere = built.parent / "elsewhere"
    (built / "second").rename(elsewhere)
    (built / "second").symlink_to(elsewhere)
    assert orphans(run)["orphans"] == []
    shutil.move(elsewhere, built.parent / "unmounted")
    assert orphans(run)["hidden_by"] == ["second"]
    done = run("orphans", "--drop-all")
    assert done.returncode == 2
    assert "  second: the link leads nowhere, so it is not known what is there\n" in done.stderr
    assert "second.report" in tables(warehouse)


def test_what_sqlmat_did_not_make_is_not_dropped(run: Run, built: Path, warehouse: Path) -> None:
    execute(warehouse, "CREATE TABLE second.mine AS SELECT 1 AS one")
    done = run("orphans", "--drop", "second.mine")
    assert done.returncode == 2
    assert done.stderr == (
        "`second.mine` is there, but sqlmat did not make it\n  hint: drop it with the tools of the engine\n"
    )
    remove_report(built)
    assert run("orphans", "--drop-all").returncode == 0
    assert "second.mine" in tables(warehouse)


def test_an_empty_folder_makes_no_orphan_of_everything(run: Run, built: Path, warehouse: Path) -> None:
    before = tables(warehouse)
    shutil.rmtree(built)
    built.mkdir()
    done = run("orphans", "--drop-all")
    assert done.returncode == 2
    assert done.stderr == (
        f"there is no table in `{built}`, so `--drop-all` would drop everything\n"
        "  hint: check the folder, or name each table with `--drop`\n"
    )
    (built / "other.things - 1d.sql").write_text("SELECT 1 AS one")
    done = run("orphans", "--drop-all")
    assert done.returncode == 2
    assert done.stderr == (
        f"no table of `{built}` was ever built in duckdb://{warehouse}, so `--drop-all` would drop everything in it\n"
        "  hint: check the folder and the warehouse, or name each table with `--drop`\n"
    )
    other = built.parent / "empty"
    other.mkdir()
    done = run("orphans", "empty", "--warehouse", f"duckdb:///{warehouse}", "--drop-all")
    assert (done.returncode, done.stdout) == (0, f"dropped no tables from duckdb://{warehouse}\n")
    assert tables(warehouse) == before


def test_tables_of_environments_are_left_out(run: Run, built: Path, warehouse: Path) -> None:
    # A schema that is called like one of an environment, and is none.
    (built / "second__jane.report - 1h.sql").write_text("SELECT 1 AS one")
    assert run("build", "--no-record", "-s", "second__jane.report").returncode == 0
    assert run("build", "--no-record", "--env", "joan", "-s", "second.report").returncode == 0
    (built / "second__jane.report - 1h.sql").unlink()
    found = run("orphans")
    assert [line.split()[0] for line in found.stdout.splitlines()[1:]] == ["second__jane.report"]
    assert found.stderr.endswith("left out: 1 table of environments\n")
    done = run("orphans", "--drop", "second__joan.report")
    assert done.stderr == "`second__joan.report` is no orphan: it is a table of an environment\n"
    assert run("orphans", "--drop-all").returncode == 0
    assert "second__joan.report" in tables(warehouse)
    assert "second__jane.report" not in tables(warehouse)


def test_a_table_that_somebody_dropped_leaves_its_record(run: Run, built: Path, warehouse: Path) -> None:
    remove_report(built)
    execute(warehouse, "DROP TABLE second.report")
    assert run("orphans").stdout.splitlines()[1].endswith("somebody has dropped it; only the record is left")
    assert run("orphans", "--drop-all").returncode == 0
    assert "second.report" not in records(warehouse)


@pytest.mark.parametrize("is_edited", [False, True])
def test_a_file_that_comes_back_finds_its_table(run: Run, built: Path, warehouse: Path, is_edited: bool) -> None:
    names = ("report - 1h.sql", "report_test.sql")
    texts = {name: (built / "second" / name).read_text() for name in names}
    remove_report(built)
    assert run("build", "--no-record").returncode == 0
    for name, text in texts.items():
        (built / "second" / name).write_text(text.replace("max", "min") if is_edited else text)
    assert orphans(run)["orphans"] == []
    done = run("build", "--no-record", "-s", "second.report")
    assert done.returncode == 0, done.stdout
    assert done.stdout.split()[1] == ("published" if is_edited else "unchanged")


def test_a_file_that_comes_back_after_its_table_was_dropped_is_built(run: Run, built: Path, warehouse: Path) -> None:
    file = built / "second" / "report - 1h.sql"
    text = file.read_text()
    remove_report(built)
    assert run("orphans", "--drop-all").returncode == 0
    file.write_text(text)
    done = run("build", "--no-record", "-s", "second.report")
    assert (done.returncode, done.stdout.split()[1]) == (0, "published")
    assert "second.report" in tables(warehouse)


def test_without_a_warehouse_there_is_nothing(run: Run, warehouse: Path) -> None:
    done = run("orphans")
    assert (done.returncode, done.stdout.startswith("no orphans: ")) == (0, True)
    assert run("orphans", "--drop", "first.x").returncode == 2
    assert not warehouse.exists()


def test_some_and_all_are_not_asked_for_together(run: Run, built: Path) -> None:
    done = run("orphans", "--drop", "first.x", "--drop-all")
    assert done.returncode == 2
    assert done.stderr == "`--drop` and `--drop-all` cannot be given together\n  hint: leave one of them out\n"


def test_what_a_view_in_the_warehouse_reads_is_not_dropped(run: Run, built: Path, warehouse: Path) -> None:
    (built / "first" / "old - 24h.sql").write_text("select 1 as id")
    (built / "first" / "ours.sql").write_text("-- mode: view\nselect id from first.old")
    (built / "first" / "gone.sql").write_text("-- mode: view\nselect id from first.old")
    assert run("build", "--no-record").returncode == 0
    execute(
        warehouse,
        "CREATE SCHEMA people",
        "CREATE VIEW people.theirs AS SELECT id FROM first.gone",
        # names it, and reads something else
        "CREATE VIEW people.other AS SELECT 1 AS old",
    )
    (built / "first" / "old - 24h.sql").unlink()
    (built / "first" / "gone.sql").unlink()
    # the edited view is not built yet: the one in place reads the orphan
    (built / "first" / "ours.sql").write_text("-- mode: view\nselect 2 as id")
    before = tables(warehouse)
    done = run("orphans", "--drop", "first.old", "--drop", "first.gone")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "`first.old` is not dropped: `first.ours`, `people.theirs` read it\n  hint: build, change or drop those first\n"
    )
    done = run("orphans", "--drop-all")
    assert done.returncode == 1
    assert done.stderr.splitlines()[::2] == [
        "kept `first.gone`: `people.theirs` reads it",
        "kept `first.old`: `first.gone`, `first.ours`, `people.theirs` read it",
    ]
    assert tables(warehouse) == before
    execute(warehouse, "DROP VIEW people.theirs")
    assert run("build", "--no-record", "-s", "first.ours").returncode == 0
    assert run("orphans", "--drop", "first.old").returncode == 2
    assert run("orphans", "--drop-all").returncode == 0
    assert before - tables(warehouse) == {"first.old", "first.gone", "people.theirs"}


def test_tables_of_another_project_are_listed_apart_and_dropped_by_name_only(
    run: Run, built: Path, warehouse: Path
) -> None:
    other = write_files(built.parent / "other", {"their/names - 1h.sql": "SELECT 1 AS id"})
    url = f"duckdb:///{warehouse}"
    assert run("build", str(other), "--no-record", "--warehouse", url).returncode == 0
    assert run("build", str(other), "--no-record", "--warehouse", url).returncode == 0  # of rows that stay, too
    remove_report(built)
    execute(warehouse, "UPDATE _sqlmat.tables SET project = NULL WHERE table_name = 'countries'")
    (built / "first" / "countries - 24h.sql").unlink()
    (built / "second").rmdir()
    done = run("orphans")
    own, _, others = done.stdout.partition("\n\n")
    assert [line.split()[0] for line in own.splitlines()] == ["table", "second.report"]
    heading, _, unknown, named = others.splitlines()
    assert heading == (
        "not made by this project, so another one may have their files (`--drop-all` leaves them alone):"
    )
    assert unknown.split()[0] == "first.countries"
    assert unknown.endswith("nobody knows which project made it")
    assert named.split()[0] == "their.names"
    assert named.endswith(f"made by {find_identity(other)}")
    told = orphans(run)
    assert [each["name"] for each in told["orphans"]] == ["second.report"]
    assert {each["name"]: each["project"] for each in told["of_others"]} == {
        "first.countries": None,
        "their.names": find_identity(other),
    }
    dropped = run("orphans", "--drop-all")
    assert (dropped.returncode, dropped.stdout) == (0, f"dropped 1 table from duckdb://{warehouse}: `second.report`\n")
    assert {"first.countries", "their.names"} <= tables(warehouse)
    assert run("orphans", "--drop", "first.countries").returncode == 0
    assert tables(warehouse) == {"first.raw_cities", "first.cities", "their.names"}


def test_clones_are_one_project(run: Run, folder: Path, warehouse: Path, tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        author = ("-c", "user.name=Joan", "-c", "user.email=joan@example.com")
        subprocess.run(["git", *author, *arguments], cwd=tmp_path, check=True, capture_output=True, timeout=60)

    git("init", "-q", "origin")
    folder.rename(tmp_path / "origin" / "sql")
    git("-C", "origin", "add", "sql")
    git("-C", "origin", "commit", "-q", "-m", "tables")
    for clone in ("one", "two"):
        git("clone", "-q", "origin", clone)
    url = f"duckdb:///{warehouse}"
    assert run("build", "one/sql", "--no-record", "--warehouse", url).returncode == 0
    remove_report(tmp_path / "two" / "sql")
    assert "second.report" in run("orphans", "two/sql", "--warehouse", url).stdout
    assert run("orphans", "two/sql", "--warehouse", url, "--drop-all").returncode == 0
    assert "second.report" not in tables(warehouse)
