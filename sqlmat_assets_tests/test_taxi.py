"""The taxi trips of the example, as the months come: again, corrected, late, damaged."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

ROOT = Path(__file__).resolve().parents[1]
TABLES = ("yellow_files", "green_files", "yellow_tripdata", "green_tripdata", "monthly_trips")

Rows = dict[str, list[tuple[Any, ...]]]


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

    def tables(self) -> set[str]:
        with duckdb.connect(self._warehouse, read_only=True) as connection:
            query = "select table_name from information_schema.tables where table_schema = 'taxi'"
            return {name for (name,) in connection.execute(query).fetchall()}

    def rows(self, where: str = "true") -> Rows:
        with duckdb.connect(self._warehouse, read_only=True) as connection:
            return {
                table: connection.execute(f"from taxi.{table} where {where} order by all").fetchall()
                for table in TABLES
            }

    def lines(self, name: str) -> list[str]:
        return gzip.decompress((self.files / name).read_bytes()).decode().splitlines()

    def edit(self, name: str, change: Callable[[list[str]], list[str]]) -> None:
        """Change the lines of a file; the first has the names of its columns."""
        text = "\n".join([*change(self.lines(name)), ""])
        (self.files / name).write_bytes(gzip.compress(text.encode(), mtime=0))


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


def test_a_trip_that_stands_twice_in_a_file_is_one(taxi: Taxi) -> None:
    found = taxi.built("--partition", "2019-01")
    for colour in ("yellow", "green"):
        sent, kept = found[f"{colour}_files"], found[f"{colour}_tripdata"]
        assert (len(sent), len(set(sent)), len(kept)) == (51, 47, 47)
        assert len({row[0] for row in kept}) == 47


def test_rows_of_a_corrected_file_come_change_and_go(taxi: Taxi) -> None:
    taxi.built("--partition", "2019-01..2019-04")
    before = taxi.rows()["yellow_tripdata"]
    # The first trip that stands there once is sent no more, the next costs a dollar more, and one is new.
    lines = taxi.lines("yellow_tripdata_2019-03.csv.gz")
    gone, changed = [line for line in lines[1:] if lines.count(line) == 1 and line.split(",")[0] == "1"][:2]
    cells = changed.split(",")
    dearer = ",".join([*cells[:-2], str(float(cells[-2]) + 1), cells[-1]])
    new = ",".join(["2", "2019-03-31 23:00:00", "2019-03-31 23:30:00", *cells[3:]])
    corrected = [dearer if line == changed else line for line in lines if line != gone]
    taxi.edit("yellow_tripdata_2019-03.csv.gz", lambda _: [*corrected, new])
    for options in ([], ["--again"]):
        after = taxi.built("--partition", "2019-03", *options)["yellow_tripdata"]
        assert len(after) == len(before)
        came, went = set(after) - set(before), set(before) - set(after)
        assert sorted((row[4].isoformat(" "), float(row[-3])) for row in went) == sorted(
            (line.split(",")[2], float(line.split(",")[-2])) for line in (gone, changed)
        )
        assert sorted((row[4].isoformat(" "), float(row[-3])) for row in came) == sorted(
            (line.split(",")[2], float(line.split(",")[-2])) for line in (dearer, new)
        )


def sent_again(rows: Rows, colour: str) -> list[tuple[Any, ...]]:
    """The trip that stands in the files of October and of November, as the table has it."""
    files: dict[tuple[Any, ...], set[Any]] = {}
    for row in rows[f"{colour}_files"]:
        files.setdefault(row[:3], set()).add(row[-2])
    twice = [key for key, names in files.items() if len(names) > 1]
    assert len(twice) == 1
    pickup = 3
    return [row for row in rows[f"{colour}_tripdata"] if row[pickup] == twice[0][1]]


@pytest.mark.parametrize("colour", ["yellow", "green"])
def test_a_trip_that_two_files_have_is_that_of_the_file_that_was_built_last(taxi: Taxi, colour: str) -> None:
    at_once = taxi.built("--partition", "2019-10..2019-11")
    in_november = sent_again(at_once, colour)
    assert [row[1] for row in in_november] == [f"{colour}_tripdata_2019-11.csv.gz"]
    in_october = sent_again(taxi.built("--partition", "2019-10"), colour)
    assert [row[1] for row in in_october] == [f"{colour}_tripdata_2019-10.csv.gz"]
    assert in_october[0][0] == in_november[0][0]
    assert in_october != in_november
    assert taxi.built("--partition", "2019-11") == at_once


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
    assert "green_tripdata" not in taxi.tables()
    monthly = taxi.built("--partition", "2019-01..2019-11")["monthly_trips"]
    # Those of December have come in yellow only.
    assert [row[1] for row in monthly if row[0].month > 10] == ["green", "yellow", "yellow"]
    assert len(monthly) == 23


def test_a_file_of_another_month_is_not_taken_for_it(taxi: Taxi) -> None:
    before = taxi.built("--partition", "2019-01..2019-03")
    shutil.copy(taxi.files / "yellow_tripdata_2019-02.csv.gz", taxi.files / "yellow_tripdata_2019-03.csv.gz")
    told = taxi.refused("--partition", "2019-03")
    assert "    `few_trips_of_other_months`: is false\n" in told
    assert "  `taxi.yellow_tripdata` still holds its previous rows\n" in told
    after = taxi.rows()
    assert after.pop("yellow_files") != before.pop("yellow_files")
    assert after == before
