"""A long `sqlmat build --partition` that is ended on its way, and taken up again."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from sqlmat_assets_tests.cli.running import SQLMAT, Run

# Each month has as many rows as a file outside of the project says, which for April are more than anybody waits for.
MONTHLY = """\
-- partition_by: month(month) from 2019-01 to 2019-12
SELECT month, count(*) AS n
FROM (
    SELECT make_date(2019, m::int, 1) AS month, n FROM read_csv('{gate}')
    WHERE make_date(2019, m::int, 1) >= @partition_start AND make_date(2019, m::int, 1) < @partition_end
) AS months, range(months.n)
GROUP BY ALL
"""
ASKED = ("build", "--partition", "2019-01..2019-12", "--batch", "1")
BUILT = ["2019-01-01", "2019-02-01", "2019-03-01"]
LEFT = [f"2019-{month:02}-01" for month in range(4, 13)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sql = tmp_path / "sql"
    (sql / "s").mkdir(parents=True)
    (sql / "s" / "monthly - 24h.sql").write_text(MONTHLY.format(gate=tmp_path / "gate.csv"))
    (sql / "s" / "total - 24h.sql").write_text("SELECT sum(n) AS n FROM s.monthly")
    april_takes(tmp_path, 10**13)
    return sql


def april_takes(place: Path, rows: int) -> None:
    lines = ["m,n", *(f"{month},{rows if month == 4 else 1}" for month in range(1, 13))]
    (place / "gate.csv").write_text("\n".join(lines))


@contextmanager
def in_april(place: Path, environment: Mapping[str, str], *more: str) -> Generator[subprocess.Popen[str]]:
    """A build that has published January to March and does not get past April; it does not outlive this."""
    with subprocess.Popen(
        [SQLMAT, *ASKED, *more], cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            told = [process.stdout.readline() for _ in BUILT]
            assert [line.split()[:4] for line in told] == [
                ["s.monthly", "published", "partition", f"{key},"] for key in BUILT
            ]
            yield process
        finally:
            process.kill()


def tables(place: Path) -> list[str]:
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 's' ORDER BY 1"
    with duckdb.connect(place / "sqlmat.duckdb", read_only=True) as connection:
        return [name for (name,) in connection.execute(query).fetchall()]


def months(place: Path) -> list[str]:
    with duckdb.connect(place / "sqlmat.duckdb", read_only=True) as connection:
        return [key for (key,) in connection.execute("SELECT month::text FROM s.monthly ORDER BY 1").fetchall()]


def partitions(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Those of the table that a build says it has published."""
    assert done.returncode == 0, done.stderr
    told = {table["name"]: table for table in json.loads(done.stdout)["tables"]}
    assert told["s.total"]["outcome"] in ("published", "unchanged")
    return [each["key"] for each in told["s.monthly"]["partitions"]]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_finished_ranges_stay_and_the_same_command_goes_on(
    folder: Path, run: Run, environment: Mapping[str, str], number: signal.Signals
) -> None:
    place = folder.parent
    with in_april(place, environment) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    if number is signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert (process.returncode, "1 cancelled, 1 not started in " in out) == (130, True)
        assert err == (
            "interrupted: published tables and 3 partitions hold their new rows, "
            "all others exactly what they held before\n  hint: the same command goes on where it stopped\n"
        )
        assert tables(place) == ["monthly"]
    assert months(place) == BUILT
    april_takes(place, 1)
    rest = run(*ASKED, "--json")
    assert partitions(rest) == LEFT
    assert rest.stderr == (
        "3 partitions are built already\n  hint: add `--again` to build everything that was asked for\n"
    )
    assert (tables(place), months(place)) == (["monthly", "total"], BUILT + LEFT)


def test_again_builds_what_is_finished_too(folder: Path, run: Run, environment: Mapping[str, str]) -> None:
    place = folder.parent
    with in_april(place, environment, "--no-record") as process:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    april_takes(place, 1)
    everything = run(*ASKED, "--no-record", "--again", "--json")
    assert (partitions(everything), everything.stderr) == (BUILT + LEFT, "")
    # It came to its end, so that the same words ask for all of it again.
    assert partitions(run(*ASKED, "--no-record", "--json")) == BUILT + LEFT
