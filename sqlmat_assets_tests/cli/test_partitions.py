"""`sqlmat build --partition`, as a process on a real DuckDB."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from sqlmat_assets_tests.cli.running import Run
from sqlmat_assets_tests.folders import write_files

FILES = {
    "s/raw.csv": "id,day,amount\n1,2019-01-01,5\n2,2019-01-15,6\n3,2019-02-03,7\n4,2019-03-09,8\n5,2019-04-01,9\n",
    "s/daily - 24h.sql": (
        "-- partition_by: day(day) from 2019-01-01 to 2019-04-30\n"
        "SELECT CAST(day AS date) AS day, sum(amount) AS amount FROM s.raw GROUP BY ALL"
    ),
    "s/monthly - 24h.sql": (
        "-- partition_by: month(month) from 2019-01 to 2019-12\n"
        "SELECT date_trunc('month', day)::date AS month, sum(amount) AS amount FROM s.daily GROUP BY 1"
    ),
    "s/monthly_test.sql": "SELECT amount > 0 AS positive FROM s.monthly",
    "s/total - 24h.sql": "SELECT sum(amount) AS amount FROM s.monthly",
}
NOTHING = ("build", "--no-record")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "sql", FILES)


def months(folder: Path) -> list[tuple[str, int]]:
    with duckdb.connect(str(folder.parent / "sqlmat.duckdb"), read_only=True) as connection:
        return connection.execute("SELECT strftime(month, '%m'), amount FROM s.monthly ORDER BY 1").fetchall()


def break_march(folder: Path, amount: int) -> None:
    file = folder / "s" / "raw.csv"
    file.write_text(file.read_text().replace("2019-03-09,8", f"2019-03-09,{amount}"))


def test_a_range_is_built_of_every_table_in_its_own_partitions(run: Run, folder: Path) -> None:
    done = run(*NOTHING, "--partition", "2019-01-15..2019-02-03", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = {table["name"]: table for table in json.loads(done.stdout)["tables"]}
    assert {name: (table["rows"], len(table["partitions"])) for name, table in told.items()} == {
        "s.raw": (5, 0),
        "s.daily": (2, 20),
        "s.monthly": (2, 2),
        "s.total": (1, 0),
    }
    assert told["s.monthly"]["partitions"] == [{"key": "2019-01-01", "rows": 1}, {"key": "2019-02-01", "rows": 1}]
    assert months(folder) == [("01", 6), ("02", 7)]


def test_what_is_finished_is_not_built_again_unless_asked(run: Run, folder: Path) -> None:
    assert run(*NOTHING, "--partition", "2019", "-s", "+s.daily").returncode == 0
    break_march(folder, -1)
    assert run(*NOTHING, "--partition", "2019-03", "-s", "+s.daily").returncode == 0
    asked = ("--partition", "2019-01..2019-04", "-s", "s.monthly", "-s", "s.total", "--batch", "1")
    failed = run(*NOTHING, *asked)
    assert failed.returncode == 1
    assert [line.split()[:4] for line in failed.stdout.splitlines()[:4]] == [
        ["s.monthly", "published", "partition", "2019-01-01,"],
        ["s.monthly", "published", "partition", "2019-02-01,"],
        ["s.monthly", "failed", *failed.stdout.splitlines()[2].split()[2:4]],
        ["s.total", "held", "by", "s.monthly"],
    ]
    assert months(folder) == [("01", 11), ("02", 7)]
    still = run(*NOTHING, *asked)
    assert still.returncode == 1
    assert still.stderr.startswith("2 partitions are built already\n  hint: add `--again` to build everything")
    assert "2019-01-01" not in still.stdout
    (folder / "s" / "monthly_test.sql").write_text("SELECT amount > -2 AS positive FROM s.monthly")
    changed = run(*NOTHING, *asked)
    assert (changed.returncode, changed.stderr) == (0, "")
    assert "2019-01-01" in changed.stdout
    assert months(folder) == [("01", 11), ("02", 7), ("03", -1), ("04", 9)]
    over = run(*NOTHING, *asked, "--json")
    assert over.stderr == ""
    assert [len(table["partitions"]) for table in json.loads(over.stdout)["tables"]] == [4, 0]


def test_a_build_is_taken_up_where_it_stopped(run: Run, folder: Path) -> None:
    break_march(folder, -1)
    asked = ("--partition", "2019-01..2019-04", "--batch", "2")
    assert run(*NOTHING, *asked).returncode == 1
    checks = folder / "s" / "monthly_test.sql"
    text = checks.read_text()
    checks.write_text(text + "\n-- the same\n")
    again = run(*NOTHING, *asked, "--json")
    assert again.stderr.startswith("122 partitions and 1 table are built already\n")
    assert [table["name"] for table in json.loads(again.stdout)["tables"]] == ["s.monthly", "s.total"]
    everything = run(*NOTHING, *asked, "--again", "--json")
    assert everything.stderr == ""
    assert len(json.loads(everything.stdout)["tables"]) == 4


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--partition", "2018"], "`2018` is outside of the partitions, from `2019-01-01` to `2019-04-30`\n"),
        (
            ["--partition", "2019-01..2019-02", "-s", "s.total"],
            "no selected table has partitions\n  hint: set `partition_by`, or build without `--partition`\n",
        ),
        (
            ["--batch", "2"],
            "`--batch` needs `--partition`\n  hint: say which partitions: `--partition 2019-01..2019-12`\n",
        ),
        (
            ["--again"],
            "`--again` needs `--partition`\n  hint: say which partitions: `--partition 2019-01..2019-12`\n",
        ),
        (
            ["--full-refresh", "--partition", "2019"],
            "`--full-refresh` builds everything, and `--partition` a part of it\n  hint: leave one out\n",
        ),
    ],
)
def test_what_cannot_be_asked(arguments: list[str], expected: str, run: Run) -> None:
    done = run(*NOTHING, *arguments)
    assert (done.returncode, done.stderr, done.stdout) == (2, expected, "")


def test_a_full_refresh_builds_everything_anew(run: Run, folder: Path) -> None:
    file = folder / "s" / "kept - 24h.sql"
    file.write_text("-- mode: append\n-- unique_key: id\nSELECT id, 1 AS release FROM s.raw")
    assert run(*NOTHING, "-s", "+s.kept").returncode == 0
    file.write_text(file.read_text().replace("1 AS", "2 AS"))
    assert run(*NOTHING, "-s", "s.kept").returncode == 0

    def releases() -> list[tuple[int]]:
        with duckdb.connect(str(folder.parent / "sqlmat.duckdb"), read_only=True) as connection:
            return connection.execute("SELECT DISTINCT release FROM s.kept").fetchall()

    assert releases() == [(1,)]
    assert run(*NOTHING, "-s", "s.kept", "--full-refresh").returncode == 0
    assert releases() == [(2,)]


def test_render_shows_the_statements_of_a_range_as_a_build_sends_them(run: Run, folder: Path) -> None:
    guessed = run("render", "s.daily", "--partition", "2019-03..2019-04")
    warehouse = folder.parent / "sqlmat.duckdb"
    assert (guessed.returncode, guessed.stderr) == (
        0,
        f"without what is in duckdb://{warehouse}: it is not there yet\n",
    )
    assert not warehouse.exists()
    assert run(*NOTHING, "--partition", "2019").returncode == 0
    done = run("render", "s.daily", "--partition", "2019-03..2019-04")
    assert (done.returncode, done.stderr) == (0, "")
    bounds = "day >= CAST('2019-03-01' AS DATE) AND day < CAST('2019-05-01' AS DATE)"
    where = bounds.replace("day ", '"day" ')
    assert (
        'CREATE TABLE "s"."daily__sqlmat_render_new" AS SELECT * FROM ('
        "SELECT CAST(day AS date) AS day, sum(amount) AS amount "
        f"FROM (SELECT * FROM s.raw WHERE {bounds}) AS raw GROUP BY ALL\n"
        f") AS sqlmat_partition\nWHERE {where};\n"
    ) in done.stdout
    assert f'DELETE FROM "s"."daily" WHERE {where};\n' in done.stdout
    whole = run("render", "s.daily").stdout
    assert "WHERE \"day\" >= CAST('2019-01-01' AS DATE) AND \"day\" < CAST('2019-05-01' AS DATE);\n" in whole
    assert 'RENAME TO "daily";\n' in whole
    assert 'DELETE FROM "s"."daily"' not in whole


def test_render_refuses_what_no_build_has(run: Run) -> None:
    for asked, said in {
        ("s.daily", "2018"): "`2018` is outside of the partitions, from `2019-01-01` to `2019-04-30`\n",
        ("s.total", "2019"): (
            "no selected table has partitions\n  hint: set `partition_by`, or build without `--partition`\n"
        ),
    }.items():
        done = run("render", asked[0], "--partition", asked[1])
        assert (done.returncode, done.stderr, done.stdout) == (2, said, "")
