"""`sqlmat build` and `sqlmat render`, as processes on a real DuckDB."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from sqlmat_assets_tests.cli.running import SQLMAT, Run

SLOW = "SELECT sum(a.range * b.range) AS total FROM range(10000000) AS a, range(10000000) AS b"


def rows(file: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def warehouse(folder: Path) -> Path:
    return folder.parent / "sqlmat.duckdb"


def break_check(folder: Path) -> None:
    (folder / "first" / "raw_cities.csv").write_text("city,country,population\nBerlin,DE,-1\nOslo,NO,717000\n")


def test_in_a_pipe_one_plain_line_for_each_table(run: Run, warehouse: Path) -> None:
    done = run("build", "--no-record")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split()[:4] for line in lines[:4]] == [
        ["first.raw_cities", "published", "2", "rows"],
        ["first.cities", "published", "2", "rows"],
        ["first.countries", "published", "2", "rows"],
        ["second.report", "published", "1", "row"],
    ]
    assert lines[1].endswith(" s  1/1 checks")
    assert lines[4] == ""
    assert lines[5].startswith("4 published in ")
    assert lines[5].endswith(f", duckdb://{warehouse}")
    assert "\x1b" not in done.stdout
    assert rows(warehouse, "SELECT most FROM second.report") == [(1,)]


def test_verbose_says_what_the_seconds_went_into(run: Run) -> None:
    done = run("build", "--no-record", "-v")
    assert done.returncode == 0
    shape = (
        r"first\.cities      published  2 rows  [\d.]+ s  1/1 checks  "
        r"prepare [\d.]+ s, write [\d.]+ s, checks [\d.]+ s, fingerprint [\d.]+ s, publish [\d.]+ s"
    )
    assert re.fullmatch(shape, done.stdout.splitlines()[1])


def test_a_failing_check_keeps_the_old_rows_holds_the_readers_and_shows_the_rows(
    run: Run, folder: Path, warehouse: Path
) -> None:
    assert run("build", "--no-record").returncode == 0
    break_check(folder)
    done = run("build", "--no-record")
    assert done.returncode == 1
    assert rows(warehouse, "SELECT min(population) FROM first.cities") == [(717000,)]
    table, failure, summary = done.stdout.split("\n\n")
    assert [line.split()[:4] for line in table.splitlines()[2:]] == [
        ["first.countries", "held", "by", "first.cities"],
        ["second.report", "held", "by", "first.cities"],
    ]
    assert failure.splitlines()[:5] == [
        "first.cities",
        "  1 check of `first.cities` failed",
        "    `population_is_positive`: false in 1 of 2 rows",
        "  `first.cities` still holds its previous rows",
        "  rows where `population_is_positive` does not hold:",
    ]
    assert "Berlin" in failure
    assert summary.startswith("1 published, 1 failed, 2 held in ")


def test_a_warning_publishes_and_is_told(run: Run, folder: Path) -> None:
    (folder / "first" / "raw_cities.csv").write_text("city,country,population\nBerlin,DE,1\nBonn,DE,2\n")
    done = run("build", "--no-record")
    assert done.returncode == 0
    assert "1/2 (1 warned) checks" in done.stdout
    assert "\nsecond.report\n  warning: `most_is_one`: is false\n" in done.stdout


def test_a_table_with_problems_fails_and_the_rest_is_built(run: Run, folder: Path) -> None:
    (folder / "first" / "countries.sql").write_text("SELEC 1")
    done = run("build", "--no-record")
    assert done.returncode == 1
    assert "first.cities      published" in done.stdout
    assert "first.countries   failed" in done.stdout
    assert "`first.countries` is not built while its files have problems" in done.stdout
    assert "first/countries.sql:1:" in done.stdout


def test_a_problem_of_no_table_fails_a_whole_build_and_no_selected_one(run: Run, folder: Path) -> None:
    (folder / "first" / "a-b.sql").write_text("SELECT 1 AS a")
    whole = run("build", "--no-record")
    assert whole.returncode == 1
    assert whole.stderr.startswith("first/a-b.sql: ")
    assert "4 published" in whole.stdout
    assert run("build", "--no-record", "-s", "first.raw_cities").returncode == 0


def test_json_is_one_document_alone_on_standard_output(run: Run, folder: Path, warehouse: Path) -> None:
    break_check(folder)
    (folder / "first" / "a-b.sql").write_text("SELECT 1 AS a")
    done = run("build", "--json")
    assert done.returncode == 1
    assert "first/a-b.sql: " in done.stderr
    told = json.loads(done.stdout)
    ours = {"run", "decided_at", "commit", "uncommitted_edits", "warehouse", "transpiled_from", "environment"}
    assert set(told) == {*ours, "seconds", "interrupted", "error", "tables"}
    assert list(told["tables"][0]["phases"]) == ["prepare", "write", "checks", "fingerprint", "publish"]
    assert list(told["tables"][1]["phases"]) == ["prepare", "write", "checks"]
    assert told["tables"][2]["phases"] == {}
    assert sum(told["tables"][0]["phases"].values()) <= told["tables"][0]["seconds"] + 0.01
    assert told["warehouse"] == f"duckdb://{warehouse}"
    assert not told["interrupted"]
    assert [(table["name"], table["outcome"], table["held_by"]) for table in told["tables"]] == [
        ("first.raw_cities", "published", None),
        ("first.cities", "failed", None),
        ("first.countries", "held", "first.cities"),
        ("second.report", "held", "first.cities"),
    ]
    (check,) = told["tables"][1]["checks"]
    assert check == {
        "name": "population_is_positive",
        "passed": False,
        "blocking": True,
        "rows": 2,
        "failed_rows": 1,
        "message": "false in 1 of 2 rows",
    }
    assert told["tables"][1]["error"].endswith("`first.cities` was never built")


def test_a_selection_builds_that_alone(run: Run) -> None:
    assert run("build", "--no-record").returncode == 0
    done = run("build", "--no-record", "-s", "first.cities+1", "-s", "second.*")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.split("\n\n")[0].splitlines()] == [
        "first.cities",
        "first.countries",
        "second.report",
    ]


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        ("first.citis", "the selection `first.citis` selects no table\n  hint: did you mean `first.cities`?\n"),
        (
            "first.cities annd x",
            "the selection cannot be read at column 14: `annd` is not expected here\n"
            "  first.cities annd x\n"
            "               ^\n"
            "  hint: tables are written `schema.table`, combined with `and`, `or`, `not`\n",
        ),
    ],
)
def test_a_selection_of_nothing_is_wrong_usage(run: Run, selection: str, said: str) -> None:
    done = run("build", "-s", selection)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_the_warehouse_can_be_named_and_must_be_known(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.duckdb"
    assert run("build", "--no-record", "--warehouse", f"duckdb:///{other}").returncode == 0
    assert rows(other, "SELECT count(*) FROM first.cities") == [(2,)]
    assert run("build", "--no-record", SQLMAT_WAREHOUSE=f"duckdb:///{other}").returncode == 0
    assert not (tmp_path / "sqlmat.duckdb").exists()
    done = run("build", "--warehouse", "mysql://h/db")
    assert done.returncode == 2
    assert "mysql://" in done.stderr


def test_a_warehouse_that_cannot_be_opened_fails_the_build(run: Run, tmp_path: Path) -> None:
    (tmp_path / "text.duckdb").write_text("no database" * 1000)
    done = run("build", "--no-record", "--warehouse", f"duckdb:///{tmp_path / 'text.duckdb'}")
    assert done.returncode == 1
    assert f"cannot open `{tmp_path / 'text.duckdb'}`" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_folder_has_nothing_to_build(run: Run, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    done = run("build", "none")
    assert done.returncode == 2
    assert done.stderr == (
        f"there is no table in `{tmp_path / 'none'}`\n  hint: write one, for example `first/cities - 24h.sql`\n"
    )


@contextmanager
def started_slow(folder: Path, environment: Mapping[str, str], *arguments: str) -> Generator[subprocess.Popen[str]]:
    """Start a build whose second table takes for ever, and wait until the first is there; it does not outlive this."""
    (folder / "first" / "slow - 1h.sql").write_text(f"{SLOW}, first.cities")
    (folder / "first" / "after - 1h.sql").write_text("SELECT total FROM first.slow")
    process = subprocess.Popen(
        [SQLMAT, "build", "--no-record", "-s", "+first.after", *arguments],
        cwd=folder.parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        log = folder.parent / "sqlmat.duckdb.wal"
        size, since = 0, time.monotonic()
        while not size or time.monotonic() - since < 3:  # what writes nothing for so long is the endless query
            assert process.poll() is None
            time.sleep(0.1)
            if log.exists() and log.stat().st_size != size:
                size, since = log.stat().st_size, time.monotonic()
        yield process
    finally:
        process.kill()
        with process:
            pass  # closes its pipes


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_cancels_and_says_what_is_whole(
    folder: Path, environment: Mapping[str, str], warehouse: Path, number: signal.Signals
) -> None:
    with started_slow(folder, environment) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "2 published, 1 cancelled, 1 not started in " in out
    assert err == (
        "interrupted: published tables hold their new rows, all others exactly what they held before\n"
        "  hint: run `sqlmat build` again to build the rest\n"
    )
    assert rows(warehouse, "SELECT count(*) FROM first.cities") == [(2,)]
    left = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'first' ORDER BY ALL"
    assert rows(warehouse, left) == [("cities",), ("raw_cities",)]


@pytest.fixture
def holder(warehouse: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the warehouse to itself until the end."""
    holding = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.communicate("")


@pytest.mark.usefixtures("holder")
def test_ctrl_c_ends_the_wait_for_a_warehouse_that_somebody_holds(
    folder: Path, environment: Mapping[str, str], warehouse: Path
) -> None:
    with subprocess.Popen(
        [SQLMAT, "build", "--no-record"],
        cwd=folder.parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        waits = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert waits == f"waiting for duckdb://{warehouse}, which another process may hold\n"
    assert "4 not started in " in out
    assert err.startswith("interrupted: published tables hold their new rows")


@pytest.mark.usefixtures("holder")
def test_a_build_that_cannot_begin_is_a_document_too(run: Run, warehouse: Path) -> None:
    done = run("build", "--no-record", "--json", "--warehouse", f"duckdb:///{warehouse}?wait=0")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert told["error"].startswith(f"`{warehouse}` is held by process ")
    assert done.stderr == told["error"] + "\n"
    assert {table["outcome"] for table in told["tables"]} == {"not started"}


def test_an_interrupted_build_is_a_document_too(folder: Path, environment: Mapping[str, str]) -> None:
    with started_slow(folder, environment, "--json") as process:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    told = json.loads(out)
    assert process.returncode == 130
    assert told["interrupted"]
    assert [table["outcome"] for table in told["tables"]] == ["published", "published", "cancelled", "not started"]


def test_whoever_stops_reading_ends_the_build_without_a_traceback(
    folder: Path, environment: Mapping[str, str], warehouse: Path
) -> None:
    for number in range(200):
        (folder / "first" / f"t{number} - 1h.sql").write_text(f"SELECT {number} AS a")
    process = subprocess.Popen(
        [SQLMAT, "build", "--no-record"],
        cwd=folder.parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) != 0
    assert said == ""
    assert rows(warehouse, "SELECT count(*) FROM information_schema.tables WHERE table_name LIKE '%\\_\\_sqlmat%'") == [
        (0,)
    ]


def test_what_was_published_is_in_the_instance_beside_the_project(run: Run, folder: Path) -> None:
    assert run("build").returncode == 0
    break_check(folder)
    assert run("build").returncode == 1
    instance = dg.DagsterInstance.from_config(str(folder.parent / ".sqlmat"))
    counted = {
        name: len(instance.fetch_materializations(dg.AssetKey(["first", name]), limit=9).records)
        for name in ("raw_cities", "cities", "countries")
    }
    assert counted == {"raw_cities": 2, "cities": 1, "countries": 1}
    key = dg.AssetCheckKey(dg.AssetKey(["first", "cities"]), "population_is_positive")
    stored = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    assert stored.status.value == "FAILED"
    instance.dispose()


def test_dagster_home_is_used_when_it_is_set(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert run("build", DAGSTER_HOME=str(home)).returncode == 0
    instance = dg.DagsterInstance.from_config(str(home))
    assert instance.fetch_materializations(dg.AssetKey(["first", "cities"]), limit=1).records
    instance.dispose()


def test_an_instance_that_is_broken_is_a_warning_and_no_failure(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".sqlmat").mkdir()
    (tmp_path / ".sqlmat" / "dagster.yaml").write_text("storage: [what\n")
    done = run("build")
    assert done.returncode == 0
    assert done.stderr.startswith(
        f"warning: 4 tables are not recorded in the Dagster instance `{tmp_path / '.sqlmat'}`: "
    )
    assert "4 published" in done.stdout


def test_render_shows_the_statements_and_opens_nothing(run: Run, warehouse: Path) -> None:
    done = run("render", "first.cities")
    assert (done.returncode, done.stderr) == (0, "")
    assert "SELECT\n    city, -- its name\n    country,\n    population\nFROM first.raw_cities" in done.stdout
    assert "cities__sqlmat_render_new" in done.stdout
    assert "(population > 0\n)" in done.stdout
    assert not warehouse.exists()


def test_render_of_a_table_with_problems_says_them(run: Run, folder: Path) -> None:
    (folder / "first" / "countries.sql").write_text("SELEC 1")
    done = run("render", "first.countries")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        "`first.countries` is not built while its files have problems\nfirst/countries.sql:1:"
    )


def test_render_of_an_unknown_table_hints_at_the_nearest(run: Run) -> None:
    done = run("render", "first.citis")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "there is no table `first.citis`\n  hint: did you mean `first.cities`?\n"


def test_snapshots_are_told_where_there_is_to_tell_more(run: Run, folder: Path, warehouse: Path) -> None:
    (folder / "first" / "cities.conf").write_text("snapshots_interval = 24h\nsnapshots_stored_for = 7d\n")
    assert "snapshot of" not in run("build", "-s", "+first.cities", "--no-record").stdout
    with duckdb.connect(warehouse) as connection:
        connection.execute("DELETE FROM first.cities_history")
    verbose = run("build", "-s", "first.cities", "--no-record", "-v").stdout.splitlines()[0]
    assert re.search(r"publish [\d.]+ s, snapshot [\d.]+ s  snapshot of 2 rows$", verbose)
    told = json.loads(run("build", "-s", "+first.cities", "--no-record", "--json").stdout)["tables"]
    history = {"history": "first.cities_history", "rows": None, "removed_rows": 0}
    assert [table["snapshot"] for table in told] == [None, history]
    assert rows(warehouse, "SELECT count(*) FROM first.cities_history") == [(2,)]


def test_a_reader_of_a_history_sees_the_snapshot_of_its_run(run: Run, folder: Path, warehouse: Path) -> None:
    (folder / "first" / "cities.conf").write_text("snapshots_interval = 24h\n")
    (folder / "first" / "a_first - 1h.sql").write_text("SELECT count(*) AS kept FROM first.cities_history;\n")
    listed = json.loads(run("ls", "-s", "first.a_first", "--json").stdout)[0]
    assert (listed["upstream"], listed["sources"]) == (["first.cities"], ["first.cities_history"])
    assert run("build", "--no-record").returncode == 0
    assert rows(warehouse, "FROM first.a_first") == [(2,)]
    shown = run("render", "first.cities").stdout
    assert re.search(r'CREATE TABLE "first"."cities_history" AS SELECT \*, CAST\(.*\) AS "snapshot_timestamp"', shown)
