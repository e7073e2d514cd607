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


Told = dict[str, dict[str, list[str]]]


def plan(run: Run, *arguments: str) -> Told:
    """What is said under each heading, of each table."""
    done = run("plan", *arguments)
    assert done.returncode == 0, done.stderr
    found: Told = {}
    for line in done.stdout.splitlines():
        if line.startswith("    "):
            of_tables = found[next(reversed(found))]
            of_tables[next(reversed(of_tables))].append(line.strip())
        elif line.startswith("  "):
            name, _, what = line.strip().partition(" ")
            found[next(reversed(found))][name] = [what.strip()] if what else []
        elif line:
            found[line] = {}
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


PROBLEMS = "not built, the files have problems, which `sqlmat check` tells: 1 table"


def test_what_is_new_then_due_then_changed(run: Run, folder: Path) -> None:
    assert plan(run)["to be built: 5 tables"]["s.kept"] == ["builds the next batch, which is appended"]
    assert run("build", "--no-record", "--partition", "2019-01").returncode == 1  # one table has problems
    (folder / "s" / "more - 1h.sql").write_text("SELECT 1 AS a")
    assert plan(run) == {
        "new, never built here: 1 table": {"s.more": ["builds all rows"]},
        "due: 2 tables": {
            "s.daily": [
                "builds 59 partitions: 2019-01-01..2019-02-28",
                "28 partitions that have ended are not there: 2019-02-01..2019-02-28",
                "reads of `s.raw` only the range, by `day`",
            ],
            "s.ranked": [
                "builds 2 partitions: 2019-01..2019-02",
                "1 partition that has ended is not there: 2019-02",
                "`s.daily` is read in full because of the window in line 4",
            ],
        },
        PROBLEMS: {"s.broken": []},
        "not due, and built all the same: 3 fresh (--verbose shows them)": {},
    }
    for name in ("kept", "ranked"):
        file = folder / "s" / f"{name} - 24h.sql"
        file.write_text(file.read_text().replace("FROM", ", 1 AS more FROM"))
    changed = plan(run)["changed, the SQL, checks or settings are not those of the last build: 2 tables"]
    assert changed["s.kept"][1:] == [
        "`on_change = next`: rows that are there stay, the new SQL counts from now on",
    ]
    assert changed["s.ranked"][:2] == [
        "builds 2 partitions: 2019-01..2019-02",
        "`on_change = rebuild`: everything is built anew, and aside",
    ]


def test_what_is_fresh_is_counted_and_shown_when_it_is_asked_for(run: Run, folder: Path) -> None:
    (folder / "s" / "v.sql").write_text("-- mode: view\nSELECT * FROM s.raw")
    (folder / "s" / "broken - 24h.sql").unlink()
    assert run("build", "--no-record").returncode == 0
    nothing = "nothing is new, changed or due"
    counts = "not due, and built all the same: 5 fresh, 1 view (--verbose shows them)"
    assert run("plan").stdout == f"{nothing}\n{counts}\n"
    assert plan(run, "-v") == {
        "fresh: 5 tables": {
            "s.raw": ["builds all rows"],
            "s.daily": [
                "builds 59 partitions: 2019-01-01..2019-02-28",
                "every partition that has ended is there",
                "reads of `s.raw` only the range, by `day`",
            ],
            "s.kept": ["builds the next batch, which is appended"],
            "s.ranked": [
                "builds 2 partitions: 2019-01..2019-02",
                "every partition that has ended is there",
                "`s.daily` is read in full because of the window in line 4",
            ],
            "s.week": [
                "builds 31 partitions: 2019-01-01..2019-01-31",
                "every partition that has ended is there",
                "names the bounds itself, and is read as it is written",
            ],
        },
        "views, always as fresh as what they read: 1 table": {"s.v": ["creates the view"]},
    }
    assert len(json.loads(run("plan", "--json").stdout)) == 6
    asked = plan(run, "--partition", "2019-01-05")
    assert list(asked["asked for, though not due: 3 tables"]) == ["s.daily", "s.ranked", "s.week"]


def test_what_reads_a_table_with_problems_is_not_counted_among_what_is_built(run: Run, folder: Path) -> None:
    (folder / "s" / "after - 24h.sql").write_text("SELECT * FROM s.broken")
    run("build", "--no-record")
    held = plan(run)["not built, as long as files of what they read have problems: 1 table"]
    assert held == {"s.after": []}


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
    assert "  s.later  builds nothing: no partition has ended\n" in planned.stdout


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
