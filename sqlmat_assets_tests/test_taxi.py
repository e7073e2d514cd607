"""The taxi trips of the example, as the months come: again, corrected, late, damaged."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).resolve().parents[1]
TABLES = ("yellow_files", "green_files", "yellow_tripdata", "green_tripdata", "monthly_trips")

Rows = dict[str, list[tuple[object, ...]]]


class Taxi:
    """A copy of the trips' tables and files, and a warehouse of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._warehouse = folder / "w.duckdb"
        self.files = Path(shutil.copytree(ROOT / "data" / "taxi", folder / "data" / "taxi"))
        self.sql = Path(shutil.copytree(ROOT / "sql" / "taxi", folder / "sql" / "taxi"))
        shutil.copy(ROOT / "sql" / "taxi.conf", folder / "sql")

    def build(self, *options: str) -> subprocess.CompletedProcess[str]:
        sqlmat = Path(sys.executable).with_name("sqlmat")
        where = ["--warehouse", f"duckdb:///{self._warehouse}", "--no-record"]
        command = [str(sqlmat), "build", str(self._folder / "sql"), *where, *options]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def built(self, *options: str) -> Rows:
        done = self.build(*options)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.rows()

    def refused(self, *options: str) -> str:
        done = self.build(*options)
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stdout.replace(f"{self._folder}/", "")

    def rows(self, where: str = "true") -> Rows:
        with duckdb.connect(self._warehouse, read_only=True) as connection:
            return {
                table: connection.execute(f"from taxi.{table} where {where} order by all").fetchall()
                for table in TABLES
            }

    def edit(self, name: str, change: Callable[[list[str]], list[str]]) -> None:
        """Change the lines of a file; the first has the names of its columns."""
        path = self.files / name
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        path.write_bytes(gzip.compress("\n".join([*change(lines), ""]).encode(), mtime=0))


@pytest.fixture
def taxi(tmp_path: Path) -> Taxi:
    return Taxi(tmp_path)


def test_a_year_twice_is_the_same_year(taxi: Taxi) -> None:
    first = taxi.built("--partition", "2019-01..2019-12")
    assert taxi.built("--partition", "2019-01..2019-12", "--again") == first
    assert len(first["monthly_trips"]) == 24


def test_month_by_month_is_the_same_year(taxi: Taxi, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert taxi.built("--partition", "2019", "--batch", "5") == Taxi(tmp_path / "other").built()


def test_a_corrected_file_replaces_its_month_and_no_other(taxi: Taxi) -> None:
    before = taxi.built()
    others = taxi.rows("file_month <> '2019-03-01'")
    taxi.edit("yellow_tripdata_2019-03.csv.gz", lambda lines: lines[:20])
    after = taxi.built("--partition", "2019-03")
    assert taxi.rows("file_month <> '2019-03-01'") == others
    march = taxi.rows("file_month = '2019-03-01'")
    assert (len(march["yellow_files"]), len(march["green_files"])) == (19, 51)
    assert {row[1:3] for row in march["monthly_trips"]} == {
        ("green", 47),
        ("yellow", len({row[0] for row in march["yellow_tripdata"]})),
    }
    assert after != before


def test_a_trip_that_an_earlier_file_has_too_is_refused(taxi: Taxi) -> None:
    taxi.built("--partition", "2019-01..2019-02")
    before = taxi.rows()
    january: list[str] = []
    taxi.edit("yellow_tripdata_2019-01.csv.gz", lambda lines: [january.append(lines[1]) or lines[0], *lines[1:]])
    taxi.edit("yellow_tripdata_2019-02.csv.gz", lambda lines: [*lines, *january])
    told = taxi.refused("--partition", "2019-02", "-s", "taxi.yellow_files", "-s", "taxi.yellow_tripdata")
    assert "`unique_unique_row_id`" in told
    assert taxi.rows()["yellow_tripdata"] == before["yellow_tripdata"]


def test_a_file_that_was_cut_off_keeps_its_month_out(taxi: Taxi) -> None:
    before = taxi.built()
    path = taxi.files / "green_tripdata_2019-05.csv.gz"
    path.write_bytes(path.read_bytes()[:900])
    told = taxi.refused("--partition", "2019-05")
    assert "data/taxi/green_tripdata_2019-05.csv.gz: cannot be unpacked" in told
    assert taxi.rows() == before


def test_a_file_that_has_not_come_is_named(taxi: Taxi) -> None:
    (taxi.files / "green_tripdata_2019-12.csv.gz").unlink()
    told = taxi.refused()
    assert "1 file is missing, nothing was loaded:\n" in told
    assert "data/taxi/green_tripdata_2019-12.csv.gz\n" in told
    assert len(taxi.built("--partition", "2019-01..2019-11")["monthly_trips"]) == 22


def test_a_file_of_another_month_is_not_taken_for_it(taxi: Taxi) -> None:
    shutil.copy(taxi.files / "yellow_tripdata_2019-02.csv.gz", taxi.files / "yellow_tripdata_2019-03.csv.gz")
    told = taxi.refused("--partition", "2019-03")
    assert "`few_trips_of_other_months`" in told
