"""What narrowing a query to a month is worth on DuckDB, beside the engine's own push-down of the outer filter.

.venv/bin/python benchmarks/narrowing.py [FOLDER]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from sqlmat_assets.project.narrowing.narrow import narrow
from sqlmat_assets.project.narrowing.sources import Tables
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.project.partitions.spec import TimePartitioning
from sqlmat_assets.project.references import Names
from sqlmat_assets.relation import Relation

ROWS = 10_000_000
RUNS = 5
TYPES = {"ts": "TIMESTAMP", "zone": "INTEGER", "fare": "DOUBLE"}
QUERIES = {
    "plain column": "SELECT ts AS p, zone, fare FROM {0} WHERE fare > 1",
    "date_trunc": "SELECT date_trunc('day', ts) AS p, zone, fare FROM {0}",
    "date_trunc, GROUP BY": "SELECT date_trunc('month', ts) AS p, zone, sum(fare) AS fare FROM {0} GROUP BY 1, 2",
    "cast to a date, GROUP BY": "SELECT ts::DATE AS p, zone, sum(fare) AS fare FROM {0} GROUP BY 1, 2",
    "DISTINCT": "SELECT DISTINCT date_trunc('day', ts) AS p, zone FROM {0}",
    "UNION ALL": "SELECT ts AS p FROM {0} WHERE zone < 500 UNION ALL SELECT ts FROM {0} WHERE zone >= 500",
    "window by the column": "SELECT ts AS p, fare, row_number() OVER (PARTITION BY ts ORDER BY fare) AS n FROM {0}",
    "window by its date": "SELECT ts::DATE AS p, row_number() OVER (PARTITION BY ts::DATE ORDER BY fare) AS n FROM {0}",
    "CTE read twice": "WITH x AS (SELECT ts::DATE AS p, fare FROM {0}) SELECT a.p, a.s, b.m "
    "FROM (SELECT p, sum(fare) AS s FROM x GROUP BY p) AS a JOIN (SELECT p, max(fare) AS m FROM x GROUP BY p) AS b "
    "ON a.p = b.p",
}


def seconds(connection: duckdb.DuckDBPyConnection, sql: str) -> float:
    """The median of a few runs."""
    taken: list[float] = []
    for _ in range(RUNS):
        start = time.perf_counter()
        connection.execute(f"CREATE OR REPLACE TEMP TABLE result AS {sql}")
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def measure(folder: Path) -> None:
    """Print a table for rows in the order of time, and one for rows in none."""
    partitioning = parse_partition_by("month(p) from 2019-01")
    assert isinstance(partitioning, TimePartitioning)
    month = partitioning.parse_range("2019-03", datetime(2020, 1, 1, tzinfo=UTC))
    with duckdb.connect(folder / "narrowing.duckdb") as connection:
        connection.execute(
            "CREATE OR REPLACE TABLE sorted AS SELECT TIMESTAMP '2019-01-01' + to_microseconds(i * 3153600) AS ts, "
            f"(i % 1000)::INTEGER AS zone, (i * 7919 % 100000) / 100.0 AS fare FROM range({ROWS}) AS r(i)"
        )
        connection.execute("CREATE OR REPLACE TABLE shuffled AS SELECT * FROM sorted ORDER BY hash(ts)")
        for table in ("sorted", "shuffled"):
            print(f"\n| {table} | whole query | outer filter alone | narrowed |\n|---|---|---|---|")
            for name, query in QUERIES.items():
                sql = query.format(table)
                narrowed = narrow(sql, Names("duckdb"), partitioning, month, Tables({Relation("main", table): TYPES}))
                assert narrowed.tables
                outer = f"SELECT * FROM ({sql}) {narrowed.sql[narrowed.sql.rindex('WHERE') :]}"
                figures = [seconds(connection, each) for each in (sql, outer, narrowed.sql)]
                print(f"| {name} | {' | '.join(f'{1000 * each:.0f} ms' for each in figures)} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder))
