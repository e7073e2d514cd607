"""The taxi trips of the example in BigQuery's SQL: the same files give the same rows in BigQuery and on DuckDB."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sqlmat_assets_tests.bigquery.fixtures import PROJECT
from sqlmat_assets_tests.bigquery.server import BigQueryDouble
from sqlmat_assets_tests.cli.running import Run
from sqlmat_assets_tests.engines.engine import Engine, Rows, find_bigquery, find_duckdb

ROOT = Path(__file__).resolve().parents[2]
FILES = Path(__file__).resolve().parents[1] / "bigquery" / "taxi"
TABLES = ("yellow_files", "green_files", "yellow_tripdata", "green_tripdata", "monthly_trips")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The project, and the folder of its files; both engines build it where it stands."""
    sql = tmp_path / "sql"
    shutil.copytree(FILES, sql / "taxi")
    shutil.copy(ROOT / "sql" / "taxi.conf", sql)
    (sql / "global.conf").write_text("dialect = bigquery\n")
    return Path(shutil.copytree(ROOT / "data" / "taxi", tmp_path / "data" / "taxi"))


def built(run: Run, engine: Engine, *options: str) -> Mapping[str, tuple[str, int]]:
    done = run("build", "--no-record", "--json", "--warehouse", engine.url, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return {each["name"]: (each["outcome"], len(each["partitions"])) for each in json.loads(done.stdout)["tables"]}


def rows(engine: Engine, table: str) -> list[tuple[Any, ...]]:
    """All rows, with moments and numbers of one kind, as the engines write them in their own."""
    found: Rows = engine.ask(f"select * from taxi.{table}")
    return sorted((tuple(map(_plain, row)) for row in found), key=repr)


def _plain(value: object) -> object:
    match value:
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None)
        case None | str():
            return value
        case _:
            try:
                return round(float(str(value)), 6)
            except ValueError:
                return value


def test_a_year_in_bigquery_has_the_rows_that_it_has_on_duckdb(
    run: Run, tmp_path: Path, data: Path, bigquery: BigQueryDouble, bigquery_url: str
) -> None:
    there, here = find_bigquery(bigquery_url), find_duckdb(tmp_path / "w.duckdb")
    for engine in (there, here):
        found = built(run, engine, "--partition", "2019-01..2019-12")
        parts = {f"taxi.{table}": 0 if table == "monthly_trips" else 12 for table in TABLES}
        assert found == {name: ("published", count) for name, count in parts.items()}
    first = {table: rows(there, table) for table in TABLES}
    assert first == {table: rows(here, table) for table in TABLES}
    assert [len(first[table]) for table in TABLES] == [613, 613, 564, 564, 24]
    # A file is sent again with fewer trips: its month is replaced, there as here, and no other.
    file = data / "yellow_tripdata_2019-03.csv.gz"
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()[:20]
    file.write_bytes(gzip.compress("\n".join([*lines, ""]).encode(), mtime=0))
    copied = len([job for job in bigquery.jobs.all() if job.kind == "copy"])
    for engine in (there, here):
        built(run, engine, "--partition", "2019-03")
    corrected = {table: rows(there, table) for table in TABLES}
    assert corrected == {table: rows(here, table) for table in TABLES}
    assert len(corrected["yellow_files"]) == len(first["yellow_files"]) - 51 + 19
    assert corrected["green_tripdata"] == first["green_tripdata"]
    # The month of a load is put in its place by a copy job of one partition, which costs nothing.
    jobs = [job for job in bigquery.jobs.all() if job.kind == "copy"][copied:]
    targets = [job.configuration["copy"]["destinationTable"]["tableId"] for job in jobs]
    assert "yellow_files$201903" in targets
    made = bigquery.catalog.table(PROJECT, "taxi", "yellow_files").options["timePartitioning"]
    assert made == {"type": "MONTH", "field": "file_month"}
