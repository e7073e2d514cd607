"""A hundred tables that each wait half a second in the warehouse, in one Dagster run with eight at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from generate import Table
from peers.base import FailedError, Ran, Work
from peers.sqlmat import SqlmatDagster
from results import Measure, Results

TABLES = 100
AT_ONCE = 8
SECONDS = 0.5
# DuckDB 2.0 waits in a query by itself; the wait is once for the table and not for each of its rows.
QUERY = "SELECT range AS id, COALESCE(sleep_ms({milliseconds}), 1) AS waited FROM range({n}, {m})\n"


def compare_waiting(work: Work, folder: Path, rounds: int, results: Results, say: Callable[[str], None]) -> None:
    """Measure the run, round by round."""
    milliseconds = str(int(SECONDS * 1000))
    query = QUERY.replace("{milliseconds}", milliseconds)
    tables = [
        Table(f"s{n % 10}.wait_{n:03}", query.replace("{n}", str(n)).replace("{m}", str(n + 1)), {})
        for n in range(TABLES)
    ]
    folder.mkdir(parents=True)
    peer = SqlmatDagster(Work(tables, work.orders, AT_ONCE), folder)
    label = f"{TABLES} tables that wait {SECONDS} s each, {AT_ONCE} at a time"
    for number in range(rounds):
        try:
            peer.prepare()
            peer.reset()
            ran: Ran = peer.build()
            measure = Measure.of(ran, "waiting", f"sqlmat-{TABLES}", label, number, **peer.parts())
            seconds = f"{measure.details['run']:.2f} s of {ran.seconds:.2f} s"
            say(f"waiting  {label} {number + 1}: {seconds}, load {ran.load:.1f}")
        except FailedError as error:
            measure = Measure("waiting", f"sqlmat-{TABLES}", label, number, error=str(error))
            say(f"waiting  {label} {number + 1}: {error}")
        results.add(measure)
