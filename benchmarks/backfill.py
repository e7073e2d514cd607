"""Times a backfill of 365 days over ten million rows, beside dbt's microbatch and a Dagster run per day.

`python benchmarks/backfill.py [--dbt PATH/TO/dbt] [--runs N]`. The bare statement with its swap and sqlmat run in turn,
each as a process of its own on a DuckDB file of its own. Each tells how long it took without its start; the whole
process is timed too. dbt (1.10, with dbt-duckdb 1.10) runs the year twice. Dagster builds a few days, a process each.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

ROWS = 10_000_000
SAMPLED_DAYS = 10
FIRST, LAST, END = "2019-01-01", "2019-12-31", "2020-01-01"
SQLMAT = Path(sys.executable).with_name("sqlmat")
QUERY = "select ts::date as day, ts, zone, fare, fare * 1.1 as gross from src.trips"
SOURCE = f"""
    create schema src;
    create table src.trips as
    select timestamp '{FIRST}' + to_microseconds(i * 3153600) as ts, (i % 1000)::integer as zone,
        (i * 7919 % 100000) / 100.0 as fare
    from range({ROWS}) as r(i)
"""
# What sqlmat does beside: nothing is counted, checked or noted.
BARE = f"""
import duckdb, json, sys, time
start = time.perf_counter()
with duckdb.connect(sys.argv[1]) as connection:
    connection.execute("create schema if not exists taxi")
    query = "select * from ({QUERY}) where day >= '{FIRST}' and day < '{END}'"
    connection.execute("create table taxi.trips_new as " + query)
    connection.execute("begin; drop table if exists taxi.trips; alter table taxi.trips_new rename to trips; commit")
print(json.dumps({{"seconds": time.perf_counter() - start}}))
"""
# A day by itself, as a Dagster asset is usually written.
DAGSTER = f"""
import dagster as dg, duckdb, sys
@dg.asset(partitions_def=dg.DailyPartitionsDefinition("{FIRST}", end_date="{END}"))
def trips(context: dg.AssetExecutionContext) -> None:
    day = context.partition_key
    with duckdb.connect(sys.argv[1]) as connection:
        connection.execute("create schema if not exists taxi")
        connection.execute("create table if not exists taxi.trips as select * from ({QUERY}) limit 0")
        connection.execute("begin")
        connection.execute(f"delete from taxi.trips where day = '{{day}}'")
        connection.execute(f"insert into taxi.trips select * from ({QUERY}) where day = '{{day}}'")
        connection.execute("commit")
if __name__ == "__main__":
    assert dg.materialize([trips], partition_key=sys.argv[2], instance=dg.DagsterInstance.get()).success
"""
DBT_FILES = {
    "dbt_project.yml": "name: b\nprofile: b\nmodel-paths: [models]\nflags: {send_anonymous_usage_stats: false}\n",
    "profiles.yml": "b: {target: t, outputs: {t: {type: duckdb, path: w.duckdb, threads: 2}}}\n",
    "models/sources.yml": "sources: [{name: src, tables: [{name: trips, config: {event_time: ts}}]}]\n",
    "models/trips.sql": "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='ts', "
    f"batch_size='day', begin='{FIRST}') }}}}\n" + QUERY.replace("src.trips", "{{ source('src', 'trips') }}"),
}


def timed(command: list[str], folder: Path) -> tuple[float, str]:
    """Seconds of one process, and what it prints."""
    environment = {**os.environ, "DAGSTER_HOME": str(folder / "home")}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return seconds, done.stdout


def timed_inside(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds that a process tells of its work, and those of all of it."""
    # DuckDB may draw a progress bar first.
    whole, told = timed(command, folder)
    return float(json.loads(told[told.index("{") :])["seconds"]), whole


def spread(figures: list[float]) -> str:
    """Minimum, median and maximum."""
    return f"{min(figures):.2f} {statistics.median(figures):.2f} {max(figures):.2f}"


def same_rows(folder: Path, names: list[str], table: str) -> None:
    """Stop unless the files hold the same rows."""
    query = f"select count(*), sum(hash(day, ts, zone, fare, gross)) from {table}"
    found: set[object] = set()
    for name in names:
        with duckdb.connect(folder / name, read_only=True) as connection:
            found.add(connection.execute(query).fetchone())
    if len(found) != 1:
        sys.exit(f"the tables differ: {found}")


def compare(folder: Path, runs: int) -> None:
    """The bare statement and sqlmat in turn, first on an empty warehouse."""
    (folder / "sql" / "taxi").mkdir(parents=True)
    conf = f"-- partition_by: day(day) from {FIRST} to {LAST}\n"
    (folder / "sql" / "taxi" / "trips - 24h.sql").write_text(conf + QUERY + "\n")
    for name in ("bare", "sqlmat"):
        shutil.copy(folder / "source.duckdb", folder / f"{name}.duckdb")
    bare = [sys.executable, "-c", BARE, "bare.duckdb"]
    warehouse = f"duckdb:///{folder}/sqlmat.duckdb"
    build = [str(SQLMAT), "build", "sql", "--no-record", "--warehouse", warehouse, "--partition", f"{FIRST}..{LAST}"]
    build = [*build, "--json"]
    taken = [(timed_inside(bare, folder), timed_inside(build, folder)) for _ in range(runs + 1)]
    same_rows(folder, ["bare.duckdb", "sqlmat.duckdb"], "taxi.trips")
    print("seconds as minimum, median and maximum; the first build, on an empty warehouse, is told apart")
    for place, what in enumerate(("work", "whole process")):
        theirs, ours = ([pair[side][place] for pair in taken] for side in (0, 1))
        ratios = [one / other for other, one in zip(theirs, ours, strict=True)]
        print(f"{what}, first: bare {theirs[0]:.2f}, sqlmat {ours[0]:.2f}, ratio {ratios[0]:.2f}")
        print(f"{what}, again: bare {spread(theirs[1:])}, sqlmat {spread(ours[1:])}, ratio {spread(ratios[1:])}")


def sample_dagster(folder: Path) -> None:
    """Some days through Dagster, a run and a process each; the year is extrapolated."""
    (folder / "home").mkdir()
    (folder / "home" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    shutil.copy(folder / "source.duckdb", folder / "dagster.duckdb")
    (folder / "days.py").write_text(DAGSTER)
    days = [f"2019-03-{day:02}" for day in range(1, SAMPLED_DAYS + 1)]
    taken = [timed([sys.executable, "days.py", "dagster.duckdb", day], folder)[0] for day in days]
    middle = statistics.median(taken)
    year = f"{middle * 365:.0f} s a year, extrapolated from {len(days)} days"
    print(f"Dagster, a run per day: {middle:.2f} s a day, {year}")


def run_dbt(folder: Path, dbt: str) -> None:
    """The year in dbt's microbatches, a day each."""
    project = folder / "dbt"
    for name, text in DBT_FILES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    shutil.copy(folder / "source.duckdb", project / "w.duckdb")
    command = [dbt, "run", "--event-time-start", FIRST, "--event-time-end", END, "--profiles-dir", "."]
    print(f"dbt microbatch, first build: {timed(command, project)[0]:.1f} s")
    print(f"dbt microbatch, again: {timed(command, project)[0]:.1f} s")


def main() -> None:
    """Print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dbt", help="the dbt to measure beside")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with duckdb.connect(folder / "source.duckdb") as connection:
            connection.execute(SOURCE)
        compare(folder, arguments.runs)
        sample_dagster(folder)
        if arguments.dbt:
            run_dbt(folder, arguments.dbt)


if __name__ == "__main__":
    main()
