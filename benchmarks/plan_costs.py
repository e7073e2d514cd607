"""The plan of 500 tables in BigQuery, all of them by dry runs, beside what the requests alone take.

The double of BigQuery runs in a process of its own, and answers each dry run as late as the real one does.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from sqlmat_assets.cli import run
from sqlmat_assets.warehouses.bigquery.connection import Connection
from sqlmat_assets.warehouses.bigquery.facts import BIGQUERY

T = TypeVar("T")
_SOURCES = 20
_BAR = 1.5


def serve(pipe: Pipe, late: float) -> None:
    """Be a BigQuery with some tables, until told to end."""
    from sqlmat_assets_tests.bigquery.server import bigquery_double

    with bigquery_double() as double:
        answer = double.api.answer

        def late_answer(asked: Any) -> Any:
            if asked.body.get("configuration", {}).get("dryRun"):
                time.sleep(late)
            return answer(asked)

        double.api.answer = late_answer  # type: ignore[method-assign]
        pipe.send(double.url)
        pipe.recv()


def write_project(folder: Path, tables: int) -> Path:
    """A project of tables over sources that are there."""
    sql = folder / "sql"
    (sql / "big").mkdir(parents=True)
    (sql / "global.conf").write_text("dialect = bigquery\n")
    for number in range(tables):
        text = (
            f"select id, count(*) as n, max(name) as name from raw.s{number % _SOURCES} where id > {number} group by id"
        )
        owner = f"-- owner: team:t{number % 7}\n"
        (sql / f"big/t{number} - 24h.sql").write_text(owner + text)
    return sql


def fill(url: str) -> None:
    """Make the sources."""
    from sqlmat_assets.warehouses.config import open_warehouse
    from sqlmat_assets.warehouses.statements import verbatim

    with open_warehouse(url).open_session() as session:
        session.execute(verbatim("CREATE SCHEMA raw"))
        for number in range(_SOURCES):
            session.execute(verbatim(f"CREATE TABLE raw.s{number} AS SELECT 1 AS id, 'a' AS name"))


def measure(sql: Path, url: str) -> tuple[float, list[float]]:
    """The seconds of a plan, and those of each of its dry runs."""
    seconds: list[float] = []
    guard = threading.Lock()
    attempt = Connection.attempt

    def timed(self: Connection, about: str, work: Callable[[], T]) -> T:
        began = time.monotonic()
        try:
            return attempt(self, about, work)
        finally:
            if about.startswith("dry run"):
                with guard:
                    seconds.append(time.monotonic() - began)

    Connection.attempt = timed  # type: ignore[method-assign]
    began = time.monotonic()
    try:
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            code = run(["plan", str(sql), "--warehouse", url, "--json"])
    finally:
        Connection.attempt = attempt  # type: ignore[method-assign]
    if code:
        raise SystemExit(f"sqlmat plan left {code}")
    return time.monotonic() - began, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=500)
    parser.add_argument("--late", type=float, default=0.3, help="seconds that a dry run takes at the server")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there, given.late), daemon=True)
    server.start()
    url = f"bigquery://a-project?location=EU&endpoint={here.recv()}"
    try:
        with tempfile.TemporaryDirectory() as folder:
            sql = write_project(Path(folder), given.tables)
            fill(url)
            ratios: list[float] = []
            for _ in range(given.rounds):
                total, seconds = measure(sql, url)
                alone = max(seconds) + sum(seconds) / BIGQUERY.estimates_at_once
                ratios.append(total / alone)
                asked = f"{len(seconds)} dry runs, {BIGQUERY.estimates_at_once} at a time"
                each = f"median {median(seconds):.3f} s, slowest {max(seconds):.3f} s"
                print(f"plan {total:.2f} s; {asked}, {each}: alone {alone:.2f} s; ratio {ratios[-1]:.2f}")
    finally:
        here.send(None)
        server.join()
    print(f"ratio {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}); the bar is {_BAR}")
    raise SystemExit(median(ratios) > _BAR)


if __name__ == "__main__":
    main()
