"""What it is worth to ask for all checks of a table, its rows and its fingerprint at once: 100 million rows.

.venv/bin/python benchmarks/one_scan.py [ROWS]

Prints the seconds of the one scan and of a question for each check, the medians of runs in turn, and whether both told
the same.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from sqlmat_assets.execution.audit import run_checks
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import CheckResult, Run
from sqlmat_assets.execution.one_scan import Scan, scan
from sqlmat_assets.execution.rules import Subject
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Model
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse

ROWS = 100_000_000
RUNS = 3
TABLE = "s.trips"
TRIPS = (
    f"CREATE TABLE {TABLE} AS SELECT i AS id, DATE '2019-01-01' + (i % 365)::INTEGER AS day, "
    "(i * 7919 % 265)::SMALLINT AS zone, (i * 31 % 9973) / 100 AS fare, "
    "'trip of ' || i % 1000 AS note FROM range({rows}) AS r(i)"
)
CHECKS = f"""\
SELECT id >= 0 AS ids, fare >= 0 AS fares, zone BETWEEN 0 AND 264 AS zones FROM {TABLE};
SELECT note LIKE 'trip of %' AS notes FROM {TABLE};
SELECT count(*) > 0 AS any_rows, max(day) < DATE '2020-01-01' AS one_year FROM {TABLE};
SELECT sum(fare) > 0 AS paid FROM {TABLE};
"""
SETTINGS = "-- not_null: id, day, zone, fare\n"


def ask_at_once(model: Model, subject: Subject, session: Session, context: Context) -> tuple[list[CheckResult], str]:
    columns = session.fetch_columns(model.relation)
    found = scan(model, subject, session, context, columns=columns)
    assert found.fingerprint is not None
    return list(run_checks(model, subject, found, session, context)), found.fingerprint


def ask_one_by_one(model: Model, subject: Subject, session: Session, context: Context) -> tuple[list[CheckResult], str]:
    alone = replace(model, checks=tuple(replace(each, values=()) for each in model.checks))
    session.fetch_rows(statements.count_rows(model.relation))
    results = list(run_checks(alone, subject, Scan(), session, context))
    return results, session.fetch_fingerprint(model.relation, session.fetch_columns(model.relation))


def main(rows: int) -> None:
    """Print a line for each way, the ratio, and what the scan told."""
    with tempfile.TemporaryDirectory() as folder:
        root, file = Path(folder) / "sql", Path(folder) / "warehouse.duckdb"
        (root / "s").mkdir(parents=True)
        (root / "s" / "trips - 24h.sql").write_text(f"{SETTINGS}SELECT * FROM src.trips\n")
        (root / "s" / "trips_test.sql").write_text(CHECKS)
        with duckdb.connect(file) as connection:
            connection.execute("CREATE SCHEMA s")
            connection.execute(TRIPS.format(rows=rows))
        project = load_project(root)
        assert not project.errors, project.errors
        model = project.models[Relation.of(TABLE)]
        context = Context(
            DuckDBWarehouse(file), project.names, Run("r", datetime.now(UTC)), lambda: datetime.now(UTC), root
        )
        ways: dict[str, Callable[..., tuple[list[CheckResult], str]]] = {
            "one scan": ask_at_once,
            "one by one": ask_one_by_one,
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        told: list[tuple[list[CheckResult], str]] = []
        with context.warehouse.open_session() as session:
            for _ in range(RUNS):
                for name, ask in ways.items():
                    started = time.perf_counter()
                    results, fingerprint = ask(model, Subject(model.relation), session, context)
                    seconds[name].append(time.perf_counter() - started)
                    told.append(([replace(each, seconds=0.0) for each in results], fingerprint))
    assert all(each == told[0] for each in told), told
    checks = [each.name for each in told[0][0] if each.passed]
    for name, each in seconds.items():
        print(f"{name:10} {statistics.median(each):.2f} s ({min(each):.2f} to {max(each):.2f})")
    ratios = [one / other for one, other in zip(*seconds.values(), strict=True)]
    print(f"ratio {statistics.median(ratios):.2f}, {rows:,} rows, {len(checks)} checks hold, both told the same")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
