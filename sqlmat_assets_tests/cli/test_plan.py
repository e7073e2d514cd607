"""`sqlmat plan`, as a process on a real DuckDB."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from sqlmat_assets_tests.cli.running import Run
from sqlmat_assets_tests.folders import write_files

FILES = {
    "s/raw.csv": "id,day,amount\n1,2019-01-01,5\n2,2019-02-03,7\n",
    "s/daily - 24h.sql": (
        "-- partition_by: day(day) from 2019-01-01 to 2019-02-28\n"
        "SELECT CAST(day AS date) AS day, sum(amount) AS amount FROM s.raw GROUP BY ALL"
    ),
    "s/ranked - 24h.sql": (
        "-- partition_by: month(day) from 2019-01 to 2019-02\n-- on_change: rebuild\n"
        "SELECT day,\n  row_number() OVER (ORDER BY amount) AS rank\nFROM s.daily"
    ),
    "s/week - 24h.sql": (
        "-- partition_by: day(day) from 2019-01-01 to 2019-01-31\nSELECT day FROM s.daily WHERE day >= @partition_start"
    ),
    "s/kept - 24h.sql": "-- mode: append\n-- unique_key: id\nSELECT id FROM s.raw",
    "s/broken - 24h.sql": "SELEC 1",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "sql", FILES)


def plan(run: Run, *arguments: str) -> dict[str, list[str]]:
    """What is said of each table."""
    done = run("plan", *arguments)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        if line.startswith("  "):
            found[next(reversed(found))].append(line.strip())
        else:
            found[line] = []
    return found


def test_without_a_warehouse_nothing_is_made_and_nothing_is_known_of_the_past(run: Run, folder: Path) -> None:
    done = run("plan", "--partition", "2019-02", "--json")
    assert done.returncode == 0
    assert done.stderr == (
        f"`s.week` has none of these partitions\n"
        f"without what is in duckdb://{folder.parent / 'sqlmat.duckdb'}: it is not there yet\n"
    )
    assert not (folder.parent / "sqlmat.duckdb").exists()
    told = {table["name"]: table for table in json.loads(done.stdout)}
    assert {name: (table["builds"], len(table["partitions"]), table["status"]) for name, table in told.items()} == {
        "s.raw": ("all rows", 0, None),
        "s.broken": (None, 0, None),
        "s.daily": ("partitions", 28, None),
        "s.kept": ("next batch", 0, None),
        "s.ranked": ("partitions", 1, None),
    }
    assert told["s.ranked"]["read_in_full"] == ["s.daily"]
    assert told["s.ranked"]["obstacles"] == ["the window in line 4"]


def test_what_is_new_then_fresh_then_changed(run: Run, folder: Path) -> None:
    assert plan(run)["s.kept  append"] == ["builds the next batch, which is appended"]
    assert run("build", "--no-record", "--partition", "2019-01").returncode == 1  # one table has problems
    found = plan(run)
    assert found["s.raw  replace"] == ["builds all rows", "fresh"]
    assert found["s.broken  replace"] == ["builds nothing: its files have problems, which `sqlmat check` tells"]
    assert found["s.kept  append"] == ["builds the next batch, which is appended", "fresh"]
    assert found["s.daily  replace by day"] == [
        "builds 59 partitions: 2019-01-01..2019-02-28",
        "28 partitions that have ended are not there: 2019-02-01..2019-02-28",
        "reads of `s.raw` only the range, by `day`",
    ]
    assert found["s.ranked  replace by month"] == [
        "builds 2 partitions: 2019-01..2019-02",
        "1 partition that has ended is not there: 2019-02",
        "`s.daily` is read in full because of the window in line 4",
    ]
    assert found["s.week  replace by day"] == [
        "builds 31 partitions: 2019-01-01..2019-01-31",
        "every partition that has ended is there",
        "names the bounds itself, and is read as it is written",
    ]
    for name in ("kept", "ranked"):
        file = folder / "s" / f"{name} - 24h.sql"
        file.write_text(file.read_text().replace("FROM", ", 1 AS more FROM"))
    changed = plan(run, "--partition", "2019-01")
    assert changed["s.kept  append"][1:] == [
        "changed: its SQL, checks or settings are not those of its last build",
        "`on_change = next`: rows that are there stay, the new SQL counts from now on",
    ]
    assert changed["s.ranked  replace by month"][:3] == [
        "builds 2 partitions: 2019-01..2019-02",
        "changed: its SQL, checks or settings are not those of its last build",
        "`on_change = rebuild`: everything is built anew, and aside",
    ]


def test_a_warehouse_that_is_held_is_not_waited_for(run: Run, folder: Path) -> None:
    file = folder.parent / "sqlmat.duckdb"
    with duckdb.connect(str(file)):
        done = run("plan")
    assert (done.returncode, done.stderr) == (0, f"without what is in duckdb://{file}: something else has it open\n")


def test_a_first_partition_in_the_future_is_told(run: Run, folder: Path) -> None:
    for path in folder.glob("s/*.sql"):
        path.unlink()
    (folder / "s" / "later - 1h.sql").write_text("-- partition_by: month(day) from 9000-01\nSELECT day FROM s.raw")
    warning = "s/later - 1h.sql: warning: the first partition `9000-01` has not begun\n"
    done = run("check")
    assert (done.returncode, done.stderr.startswith(warning)) == (0, True)
    assert done.stdout == "2 tables, no checks, no problems, 1 warning\n"
    planned = run("plan")
    assert planned.stderr.startswith(warning)
    assert "s.later  replace by month\n  builds nothing: no partition has ended\n" in planned.stdout


def test_of_many_gaps_some_are_named_and_no_line_is_wider_than_80(run: Run, folder: Path) -> None:
    assert run("build", "--no-record", "--partition", "2019-01", "-s", "+s.daily").returncode == 0
    more = "2019-02-02,2019-02-05,2019-02-07,2019-02-20..2019-02-27"
    assert run("build", "--no-record", "--partition", more, "-s", "s.daily").returncode == 0
    (folder / "s" / "ranked - 24h.sql").write_text(
        "-- partition_by: day(day) from 2019-01-01 to 2019-02-28\n"
        "SELECT * FROM (SELECT d.day, row_number() OVER (ORDER BY d.amount) AS rank\n"
        "FROM s.daily AS d JOIN s.raw AS r ON r.id = d.amount JOIN other.a_long_name AS a ON a.id = r.id)"
    )
    done = run("plan")
    assert (
        " 17 partitions that have ended are not there: 2019-02-01, 2019-02-03..2019-02-04, 2019-02-06 and others, "
        "up to 2019-02-28 "
    ) in " ".join(done.stdout.split())
    assert "read in full because of" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
