"""After `sqlmat undo`, what `sqlmat build` and `sqlmat plan` do with a table that was put back; as processes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from sqlmat_assets_tests.cli.running import SQLMAT, Run
from sqlmat_assets_tests.components.running import open_instance
from sqlmat_assets_tests.folders import write_files

FILES = {
    "global.conf": "keep_versions = 3\n",
    "first/shops - 24h.sql": "SELECT version, 'shop' AS kind FROM first.cities\n",
}
CITIES = "first/cities - 24h.sql"
KILLED_BEFORE_IT_TELLS = """
import os, signal, sys
from sqlmat_assets.cli import undo, run
undo._tell_instance = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
run(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def undone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of which one table was built from a bad file, and put back; what reads it has the bad rows still."""
    place = tmp_path_factory.mktemp("undone")
    write_files(place / "sql", FILES)
    for version in (1, 2):
        (place / "sql" / CITIES).write_text(f"SELECT {version} AS version\n")
        subprocess.run([SQLMAT, "build", "--no-record"], cwd=place, check=True, capture_output=True, timeout=120)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_BEFORE_IT_TELLS, "undo", "first.cities"],
        cwd=place,
        check=False,
        capture_output=True,
        timeout=120,
    )
    assert killed.returncode == -9
    return place


@pytest.fixture
def folder(tmp_path: Path, undone: Path) -> Path:
    shutil.copytree(undone, tmp_path, dirs_exist_ok=True)
    return tmp_path / "sql"


def in_place(folder: Path) -> list[int]:
    with duckdb.connect(folder.parent / "sqlmat.duckdb", read_only=True) as connection:
        query = "SELECT (SELECT version FROM first.cities), (SELECT version FROM first.shops)"
        (found,) = connection.execute(query).fetchall()
    return list(found)


def outcomes(told: str) -> dict[str, str]:
    tables: list[dict[str, Any]] = json.loads(told)["tables"]
    return {table["name"]: table["outcome"] for table in tables}


def reason(run: Run) -> str:
    return json.loads(run("why", "first.cities", "--json").stdout)["reason"]


def test_a_build_of_all_leaves_it_alone_and_lets_the_service_know(run: Run, folder: Path) -> None:
    assert in_place(folder) == [1, 2]
    done = run("build")
    assert (done.returncode, done.stderr) == (0, "")
    cities, shops, _, told, _, end = done.stdout.splitlines()
    assert cities.split()[:3] == ["first.cities", "left", "alone"]
    assert shops.split()[:2] == ["first.shops", "published"]
    assert told.startswith("`first.cities` is left alone, because it was put back by hand at ")
    assert told.endswith(" UTC; edit its file, or build it by name: `sqlmat build -s first.cities`")
    assert end.startswith("1 published, 1 left alone in ")
    assert in_place(folder) == [1, 1]
    assert reason(run) == "put back"
    # What is known is not told again.
    moment = json.loads(run("why", "first.cities", "--json").stdout)["last"]["decided_at"]
    again = run("build", "-s", "first.*", "--json")
    assert outcomes(again.stdout) == {"first.cities": "left alone", "first.shops": "unchanged"}
    told_of = {table["name"]: table["put_back_at"] for table in json.loads(again.stdout)["tables"]}
    assert told_of["first.cities"] is not None
    assert told_of["first.shops"] is None
    assert json.loads(run("why", "first.cities", "--json").stdout)["last"]["decided_at"] == moment
    assert in_place(folder) == [1, 1]


def materializations(folder: Path, name: str) -> list[str]:
    """The outcomes that the instance has of a table, the last first."""
    with open_instance(folder.parent / ".sqlmat") as instance:
        records = instance.fetch_materializations(dg.AssetKey(["first", name]), limit=9).records
    events = [record.asset_materialization for record in records]
    return [str(event.metadata["outcome"].value) for event in events if event is not None]


def test_whoever_asks_why_is_told_and_so_is_the_instance(run: Run, folder: Path) -> None:
    with duckdb.connect(folder.parent / "sqlmat.duckdb"):
        assert reason(run) == "new"  # what is held cannot be asked
    told = run("why", "first.shops", "--json")
    assert json.loads(told.stdout)["reason"] == "new"
    (known,) = materializations(folder, "cities")
    assert known.startswith("put back by hand, in place of what was published at ")
    for _ in range(2):
        why = json.loads(run("why", "first.cities", "--json").stdout)
        assert (why["reason"], why["is_built_at_next_tick"]) == ("put back", False)
    assert materializations(folder, "cities") == [known]


def test_where_no_versions_are_kept_nobody_opens_the_warehouse_to_say_why(run: Run, folder: Path) -> None:
    (folder / "global.conf").write_text("")
    assert reason(run) == "new"


def test_tables_that_were_taken_along_are_told_too(run: Run, folder: Path) -> None:
    for version in (1, 2):
        (folder / CITIES).write_text(f"SELECT {version} AS version\n")
        assert run("build", "-s", "first.cities+").returncode == 0
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_BEFORE_IT_TELLS, "undo", "first.cities", "--downstream"],
        cwd=folder.parent,
        check=False,
        capture_output=True,
        timeout=120,
    )
    assert (killed.returncode, in_place(folder)) == (-9, [1, 1])
    assert reason(run) == "put back"
    for name in ("cities", "shops"):
        assert materializations(folder, name)[0].startswith("put back by hand, in place of what was published at ")
    # Built since: there is nothing to tell any more.
    assert run("build", "-s", "first.cities+").returncode == 0
    assert reason(run) == "fresh"
    assert not materializations(folder, "cities")[0].startswith("put back")


@pytest.mark.parametrize("named", ["first.cities", "first.cities+", 'key:"first/cities"'])
def test_whoever_names_it_builds_it(run: Run, folder: Path, named: str) -> None:
    done = run("build", "--no-record", "--json", "-s", named)
    assert done.returncode == 0
    assert outcomes(done.stdout)["first.cities"] == "published"
    assert in_place(folder)[0] == 2
    # From then on it is a table as any other.
    assert outcomes(run("build", "--no-record", "--json").stdout)["first.cities"] == "unchanged"


@pytest.mark.parametrize("options", [("-s", "+first.shops"), ("--full-refresh",), ("--threads", "1")])
def test_whoever_does_not_name_it_leaves_it_alone(run: Run, folder: Path, options: tuple[str, ...]) -> None:
    done = run("build", "--no-record", "--json", *options)
    assert outcomes(done.stdout) == {"first.cities": "left alone", "first.shops": "published"}
    assert in_place(folder) == [1, 1]


def test_an_edit_of_what_it_means_builds_it_and_a_comment_does_not(run: Run, folder: Path) -> None:
    (folder / CITIES).write_text("-- not good yet\nSELECT 2 AS version\n")
    assert outcomes(run("build", "--no-record", "--json").stdout)["first.cities"] == "left alone"
    (folder / CITIES).write_text("SELECT 3 AS version\n")
    assert outcomes(run("build", "--no-record", "--json").stdout)["first.cities"] == "published"
    assert in_place(folder) == [3, 3]


def test_rows_that_somebody_has_dropped_are_built(run: Run, folder: Path) -> None:
    with duckdb.connect(folder.parent / "sqlmat.duckdb") as connection:
        connection.execute("DROP TABLE first.cities")
    assert outcomes(run("build", "--no-record", "--json").stdout)["first.cities"] == "published"
    assert in_place(folder) == [2, 2]


def test_an_undo_that_is_undone_leaves_nothing_alone(run: Run, folder: Path) -> None:
    listed = json.loads(run("undo", "first.cities", "--list", "--json").stdout)["versions"]
    newest = max(each["published_at"] for each in listed)
    assert run("undo", "first.cities", "--to", newest).returncode == 0
    assert outcomes(run("build", "--no-record", "--json").stdout) == {
        "first.cities": "unchanged",
        "first.shops": "unchanged",
    }


def test_in_an_environment(run: Run, folder: Path) -> None:
    for version in (5, 6):
        (folder / CITIES).write_text(f"SELECT {version} AS version\n")
        assert run("build", "--no-record", "--env", "joan", "-s", "first.cities").returncode == 0
    assert run("undo", "first.cities", "--env", "joan").returncode == 0
    done = run("build", "--env", "joan", "--json", "-s", "first.*")
    assert outcomes(done.stdout) == {"first.cities": "left alone", "first.shops": "published"}
    with duckdb.connect(folder.parent / "sqlmat.duckdb", read_only=True) as connection:
        assert connection.execute("SELECT version FROM first__joan.shops").fetchall() == [(5,)]
    assert in_place(folder) == [1, 2]


def test_a_warehouse_of_an_earlier_release_is_read(run: Run, folder: Path) -> None:
    with duckdb.connect(folder.parent / "sqlmat.duckdb") as connection:
        for name in ("tables", "versions"):
            for column in ("has_edits", "put_back_at", "unwanted"):
                connection.execute(f"ALTER TABLE _sqlmat.{name} DROP COLUMN {column}")
    assert run("undo", "first.cities", "--list").returncode == 0
    assert json.loads(run("plan", "--json").stdout)[0]["status"] == "changed"
    assert run("orphans").returncode == 0
    assert run("build", "--no-record", "-s", "first.cities").returncode == 0
    assert run("undo", "first.cities").returncode == 0
    assert outcomes(run("build", "--no-record", "--json").stdout)["first.cities"] == "left alone"


def test_of_partitions_in_batches_it_is_said_once(run: Run, folder: Path) -> None:
    parts = "-- partition_by: country in (FR, DE)\nSELECT unnest(['FR', 'DE']) AS country, {} AS version\n"
    shops = "-- partition_by: country in (FR, DE)\nSELECT country, version FROM first.parts\n"
    (folder / "first" / "of_parts - 24h.sql").write_text(shops)
    for version in (1, 2):
        (folder / "first" / "parts - 24h.sql").write_text(parts.format(version))
        assert run("build", "--no-record", "-s", "first.parts").returncode == 0
    assert run("undo", "first.parts").returncode == 0
    asked = ("--no-record", "--partition", "FR,DE", "--batch", "1", "-s", "+first.of_parts")
    done = run("build", *asked)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("left alone  2 rows\n") == 1
    assert done.stdout.count("`first.parts` is left alone, because") == 1
    assert "1 published, 1 left alone in " in done.stdout
    with duckdb.connect(folder.parent / "sqlmat.duckdb", read_only=True) as connection:
        assert connection.execute("SELECT DISTINCT version FROM first.of_parts").fetchall() == [(1,)]
    named = run("build", "--no-record", "--partition", "FR", "-s", "first.parts", "--json")
    assert outcomes(named.stdout) == {"first.parts": "published"}
    # It was asked for, and is a table as any other from then on.
    assert outcomes(run("build", *asked, "--json").stdout)["first.parts"] != "left alone"


def test_a_view_is_left_alone_too(run: Run, folder: Path) -> None:
    for version in (1, 2):
        (folder / "first" / "seen.sql").write_text(
            f"-- mode: view\nSELECT version, {version} AS made FROM first.cities\n"
        )
        assert run("build", "--no-record", "-s", "first.seen").returncode == 0
    assert run("undo", "first.seen").returncode == 0
    done = run("build", "--no-record")
    assert "first.seen    left alone  view\n" in done.stdout
    with duckdb.connect(folder.parent / "sqlmat.duckdb", read_only=True) as connection:
        assert connection.execute("SELECT made FROM first.seen").fetchall() == [(1,)]


def test_a_plan_says_that_it_is_left_alone(run: Run, folder: Path) -> None:
    done = run("plan")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    start = lines.index("left alone, put back by hand: 1 table")
    told = " ".join(lines[start + 1 :])
    assert told.startswith("first.cities put back 20")
    assert " UTC; edit its file, or build it by name: `sqlmat build -s first.cities`" in told
    assert statuses(run("plan", "--json")) == {"first.cities": (None, "put back"), "first.shops": ("all rows", "fresh")}
    named = run("plan", "--json", "-s", "first.cities+")
    assert statuses(named) == {"first.cities": ("all rows", "changed"), "first.shops": ("all rows", "fresh")}
    (folder / CITIES).write_text("SELECT 3 AS version\n")
    assert statuses(run("plan", "--json"))["first.cities"] == ("all rows", "changed")


def test_a_plan_of_rows_that_somebody_has_dropped(run: Run, folder: Path) -> None:
    with duckdb.connect(folder.parent / "sqlmat.duckdb") as connection:
        connection.execute("DROP TABLE first.cities")
    assert statuses(run("plan", "--json"))["first.cities"] == ("all rows", "changed")


def statuses(done: subprocess.CompletedProcess[str]) -> dict[str, tuple[str | None, str]]:
    return {table["name"]: (table["builds"], table["status"]) for table in json.loads(done.stdout)}
