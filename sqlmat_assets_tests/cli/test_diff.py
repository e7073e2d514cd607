"""`sqlmat diff`, as a process on a real DuckDB."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from sqlmat_assets_tests.cli.running import SQLMAT, Run
from sqlmat_assets_tests.folders import write_files

FILES = {
    "first/raw.csv": "id,name\n1,a\n2,b\n3,c\n",
    "first/cities - 1h.sql": "-- unique: name, id\nSELECT id, name, id * 10 AS x FROM first.raw",
    "first/merged - 1h.sql": "-- mode: merge\n-- unique_key: id\n-- unique: name\nSELECT id, name FROM first.raw",
    "first/plain - 1h.sql": "SELECT name FROM first.raw",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "sql", FILES)


@pytest.fixture
def built(folder: Path) -> Path:
    """The tables of the project, and a schema `other` with changed copies."""
    file = folder.parent / "sqlmat.duckdb"
    with duckdb.connect(file) as connection:
        connection.execute("CREATE SCHEMA first; CREATE SCHEMA other")
        connection.execute("CREATE TABLE first.raw AS FROM (VALUES (1, 'a'), (2, 'b'), (3, 'c')) AS t(id, name)")
        connection.execute("CREATE TABLE first.cities AS SELECT id, name, id * 10 AS x FROM first.raw")
        connection.execute("CREATE TABLE first.merged AS FROM first.raw")
        connection.execute("CREATE TABLE first.plain AS SELECT name FROM first.raw")
        connection.execute(
            "CREATE TABLE other.cities AS SELECT id + 1 AS id, name, id * 10 AS x, 'n' AS note FROM first.cities"
        )
        connection.execute("CREATE TABLE other.merged AS SELECT id, 'n' AS name FROM first.merged")
        connection.execute("CREATE TABLE other.plain AS FROM first.plain UNION ALL SELECT 'c'")
    return file


def test_it_is_told_what_differs(run: Run, built: Path) -> None:
    done = run("diff", "first.cities", "other.cities", "--key", "ID")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (
        "first.cities → other.cities\n"
        "  by `id` (`--key`)\n"
        "\n"
        "columns\n"
        "  added  note  VARCHAR\n"
        "\n"
        "rows\n"
        "  before   3\n"
        "  after    3\n"
        "  added    1\n"
        "  removed  1\n"
        "  changed  2  100.00% of those in both\n"
        "\n"
        "changed values, by column\n"
        "  name  2  100.00%\n"
        "  x     2  100.00%\n"
        "\n"
        "changed rows\n"
        "  id = 2\n"
        "    name  b → a\n"
        "    x     20 → 10\n"
        "  id = 3\n"
        "    name  c → b\n"
        "    x     30 → 20\n"
        "\n"
        "added row\n"
        "  id  name  x\n"
        "  4   c     30\n"
        "\n"
        "removed row\n"
        "  id  name  x\n"
        "  1   a     10\n"
    )


def test_the_key_is_taken_from_the_settings(run: Run, built: Path) -> None:
    found = {
        name: json.loads(run("diff", f"first.{name}", f"other.{name}", "--json").stdout)
        for name in ("cities", "merged", "plain")
    }
    assert {name: (each["key"], each["key_from"]) for name, each in found.items()} == {
        "cities": (["name"], "unique of first.cities"),
        "merged": (["id"], "unique_key of first.merged"),
        "plain": ([], None),
    }
    assert (
        run("diff", "other.merged", "first.merged").stdout.splitlines()[1]
        == "  by `id` (`unique_key` of `first.merged`)"
    )


def test_a_key_of_the_settings_that_one_table_lacks_is_left_out(run: Run, built: Path) -> None:
    with duckdb.connect(built) as connection:
        connection.execute("ALTER TABLE other.merged DROP COLUMN id")
    assert json.loads(run("diff", "first.merged", "other.merged", "--json").stdout)["key"] == ["name"]


def test_as_json(run: Run, built: Path) -> None:
    done = run("diff", "first.cities", "other.cities", "--key", "id", "--json", "--limit", "1")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "before": "first.cities",
        "after": "other.cities",
        "equal": False,
        "key": ["id"],
        "key_from": "--key",
        "columns": {"added": [{"name": "note", "type": "VARCHAR"}], "dropped": [], "retyped": [], "reordered": False},
        "rows": {"before": 3, "after": 3, "added": 1, "removed": 1, "changed": 2, "matching": 2},
        "repeated_keys": {"before": 0, "after": 0},
        "null_keys": {"before": 0, "after": 0},
        "changed_columns": [{"name": "name", "rows": 2, "share": 1.0}, {"name": "x", "rows": 2, "share": 1.0}],
        "sample": {
            "changed": [
                {
                    "key": {"id": "2"},
                    "values": {"name": {"before": "b", "after": "a"}, "x": {"before": "20", "after": "10"}},
                }
            ],
            "added": [{"values": {"id": "4", "name": "c", "x": "30"}, "times": 1}],
            "removed": [{"values": {"id": "1", "name": "a", "x": "10"}, "times": 1}],
        },
    }


def test_without_a_key_it_is_said_that_whole_rows_are_compared(run: Run, built: Path) -> None:
    done = run("diff", "first.plain", "other.plain")
    assert done.returncode == 1
    assert done.stdout == (
        "first.plain → other.plain\n"
        "  by whole rows, in any order: there is no key (`--key COLUMNS` names one)\n"
        "\n"
        "rows\n"
        "  before   3\n"
        "  after    4\n"
        "  added    1\n"
        "  removed  0\n"
        "\n"
        "added row\n"
        "  name\n"
        "  c\n"
    )


def test_equal_tables(run: Run, built: Path) -> None:
    with duckdb.connect(built) as connection:
        connection.execute("CREATE TABLE other.same AS SELECT x, name, id FROM first.cities ORDER BY id DESC")
    done = run("diff", "first.cities", "other.same")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "first.cities → other.same\n"
        "  by `name` (`unique` of `first.cities`)\n"
        "  the columns stand in another order\n"
        "  equal: 3 rows, 3 columns\n"
    )


def test_repeated_and_missing_keys_are_told_within_80_columns(run: Run, built: Path) -> None:
    with duckdb.connect(built) as connection:
        connection.execute("INSERT INTO other.cities VALUES (2, 'z', 1, 'n'), (NULL, 'z', 1, 'n')")
        connection.execute("ALTER TABLE other.cities ADD COLUMN a_long_name VARCHAR DEFAULT repeat('wide ', 60)")
        connection.execute(
            "ALTER TABLE first.cities ADD COLUMN a_long_name VARCHAR DEFAULT repeat('wide ', 50) || chr(27)"
        )
    done = run("diff", "first.cities", "other.cities", "--key", "id")
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[2:7] == [
        "  warning: 1 key of `other.cities` is there more than once, in 2 rows; a row of",
        "    such a key counts as changed only where no other of its rows differs, else",
        "    as removed and added",
        "  1 row of `other.cities` has NULL in the key, which is taken for a value like",
        "    any other",
    ]
    assert "\x1b" not in done.stdout
    long = next(line for line in lines if line.startswith("    a_long_name"))
    one, other = long.split(" → ")
    assert one != other


def test_with_an_environment(run: Run, built: Path, folder: Path) -> None:
    done = run("diff", "first.cities", "--env", "joan")
    assert done.returncode == 2
    assert done.stderr == (
        f"there is no table `first__joan.cities` in duckdb://{built}\n"
        "  hint: build it: `sqlmat build --env joan -s first.cities`\n"
    )
    file = folder / "first" / "cities - 1h.sql"
    file.write_text(file.read_text().replace("id * 10", "id * 10 + (CASE WHEN id = 2 THEN 1 ELSE 0 END)"))
    assert run("build", "--no-record", "--env", "joan", "-s", "first.cities").returncode == 0
    done = run("diff", "first.cities", "--env", "Joan")
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == "first.cities → first__joan.cities"
    assert done.stdout.endswith("changed row\n  name = b\n    x  20 → 21\n")
    # What the shell has set is a default, and no third name.
    assert run("diff", "first.cities", SQLMAT_ENV="joan").stdout == done.stdout
    assert run("diff", "first.cities", "sql", SQLMAT_ENV="joan").stdout == done.stdout
    assert run("diff", "first.cities", "first.cities", SQLMAT_ENV="joan").stderr.startswith("`first.cities` is one")
    assert run("diff", "first.cities", "other.cities", SQLMAT_ENV="joan").stdout.startswith("first.cities → other")


def test_a_folder_beside_the_project_is_no_table(run: Run, built: Path, folder: Path) -> None:
    assert run("diff", "first.cities", "sql").stderr.startswith("`first.cities` is compared with nothing\n")
    (folder.parent / "other.cities").mkdir()
    assert run("diff", "first.cities", "other.cities").stdout.startswith("first.cities → other.cities\n")
    folder.rename(folder.parent / "queries")
    assert run("diff", "first.cities", "other.cities", "queries").stdout.startswith("first.cities → other.cities\n")
    assert run("diff", "first.cities", "queries", "--env", "joan").stderr.startswith("there is no table `first__joan.")


def test_many_changed_columns_of_a_row_are_cut(run: Run, built: Path) -> None:
    with duckdb.connect(built) as connection:
        for schema, value in (("first", 1), ("other", 2)):
            columns = ", ".join(f"{value} AS column_{number}" for number in range(12))
            connection.execute(f"CREATE TABLE {schema}.wide AS SELECT 1 AS id, {columns}")
    done = run("diff", "first.wide", "other.wide", "--key", "id")
    assert done.stdout.endswith("    column_7  1 → 2\n    and 4 more columns\n")


def test_interrupted_while_it_compares(built: Path, environment: Mapping[str, str]) -> None:
    with duckdb.connect(built) as connection:
        for schema in ("first", "other"):
            connection.execute(
                f"CREATE VIEW {schema}.endless AS SELECT a.range AS n FROM range(10000000) a, range(99999)"
            )
    process = subprocess.Popen(
        [SQLMAT, "diff", "first.endless", "other.endless"],
        cwd=built.parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not is_held(built):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.endswith("interrupted\n")
    assert not is_held(built)


def is_held(file: Path) -> bool:
    try:
        duckdb.connect(file, read_only=True).close()
    except duckdb.IOException:
        return True
    return False


REFUSED = [
    (
        ["first.cities"],
        "`first.cities` is compared with nothing\n"
        "  hint: name two: `sqlmat diff first.cities other.table`, "
        "or an environment: `sqlmat diff first.cities --env joan`",
    ),
    (["cities", "other.cities"], "`cities` is not schema.table\n  hint: write for example `first.cities`"),
    (["first.cities", "cities"], "`cities` is not schema.table\n  hint: write for example `first.cities`"),
    (
        ["first.cities", "first.CITIES"],
        "`first.CITIES` is one table and not two\n  hint: name another table to compare it with",
    ),
    (
        ["first.cities", "other.cities", "--env", "joan"],
        "with `--env` a table is compared with its own, and not with `other.cities`\n"
        "  hint: leave out `other.cities`, or `--env joan`",
    ),
    (["first.cities", "other.cities", "nowhere"], "there is no folder `nowhere`\n  hint: check the path"),
    (
        ["first.cities", "a.b", "sql", "c"],
        "it is not clear what `a.b`, `sql`, `c` should be\n"
        "  hint: name two tables and the folder, or with `--env` one table and the folder",
    ),
    (
        ["first.citis", "other.cities"],
        "there is no table `first.citis` in {label}\n  hint: did you mean `first.cities`?",
    ),
    (
        ["first.cities", "other.citis"],
        "there is no table `other.citis` in {label}\n  hint: did you mean `other.cities`?",
    ),
    (["first.cities", "nowhere.zzz"], "there is no table `nowhere.zzz` in {label}"),
    (
        ["first.cities", "other.cities", "--key", "nam"],
        "`first.cities` has no column `nam`\n  hint: did you mean `name`?",
    ),
    (
        ["first.cities", "other.cities", "--key", "note"],
        "`first.cities` has no column `note`\n  hint: its columns are `id`, `name`, `x`",
    ),
    (
        ["first.cities", "other.cities", "--key", " ,"],
        "`--key` names no column\n  hint: write for example `--key country,city_id`",
    ),
    (
        ["first.cities", "other.cities", "--limit", "-1"],
        "invalid value for '--limit': -1 is not in the range x>=0\n  hint: see `sqlmat diff --help`",
    ),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED, ids=[" ".join(arguments) for arguments, _ in REFUSED])
def test_wrong_usage(run: Run, built: Path, arguments: list[str], said: str) -> None:
    done = run("diff", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == said.format(label=f"duckdb://{built}") + "\n"


def test_without_a_warehouse_none_is_made(run: Run, folder: Path) -> None:
    file = folder.parent / "sqlmat.duckdb"
    done = run("diff", "first.cities", "other.cities")
    assert (done.returncode, done.stderr) == (
        2,
        f"there is no warehouse duckdb://{file} yet\n  hint: run `sqlmat build` first, or name another\n",
    )
    assert not file.exists()


def test_a_warehouse_that_is_held_is_waited_for(run: Run, built: Path) -> None:
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(built)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        done = run("diff", "first.cities", "other.cities", "--warehouse", f"duckdb://{built}?wait=1.5")
    finally:
        holder.communicate("")
    assert done.returncode == 2
    assert done.stderr.startswith(f"waiting for duckdb://{built}, which another process may hold\n")
    assert str(holder.pid) in done.stderr
