"""Builds tables with nothing but DuckDB: `bare_statements.py WAREHOUSE TABLES.json THREADS`.

Each is created under another name, checked by two queries, and put in place of the old one in a transaction; a table
waits for those that it reads. Its own work beside the statements is a dictionary and a queue.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import duckdb

NOTHING_NULL = "SELECT COUNT(*) FROM {0} WHERE id IS NULL"
NOTHING_TWICE = "SELECT COUNT(*) - COUNT(DISTINCT id) FROM {0}"


def build(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> int:
    """Create, check and publish one table, and return how many checks held."""
    schema, short = name.split(".")
    aside = f"{schema}.{short}_new"
    connection.execute(f"DROP TABLE IF EXISTS {aside}")
    connection.execute(f"CREATE TABLE {aside} AS {query}")
    for check in (NOTHING_NULL, NOTHING_TWICE):
        if connection.execute(check.format(aside)).fetchall() != [(0,)]:
            raise SystemExit(f"{name}: {check}")
    connection.execute("BEGIN")
    connection.execute(f"DROP TABLE IF EXISTS {name}")
    connection.execute(f"ALTER TABLE {aside} RENAME TO {short}")
    connection.execute("COMMIT")
    return 2


def main(warehouse: str, file: str, threads: int) -> None:
    """Build all, and print how many tables and checks there were."""
    with open(file) as opened:  # noqa: PTH123 - a module less to import
        tables = {table["name"]: table for table in json.load(opened)}
    waits = {name: set(table["reads"]) for name, table in tables.items()}
    readers: dict[str, list[str]] = {name: [] for name in tables}
    for name, reads in waits.items():
        for read in reads:
            readers[read].append(name)
    done: queue.SimpleQueue[tuple[str, int | BaseException]] = queue.SimpleQueue()
    own = threading.local()
    checks = 0
    with duckdb.connect(warehouse) as connection, ThreadPoolExecutor(threads) as pool:
        for schema in sorted({name.split(".")[0] for name in tables}):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")

        def work(name: str) -> None:
            if not hasattr(own, "cursor"):
                own.cursor = connection.cursor()
            try:
                done.put((name, build(own.cursor, name, tables[name]["query"])))
            except BaseException as error:  # noqa: BLE001 - raised again below
                done.put((name, error))

        for name in [name for name, reads in waits.items() if not reads]:
            pool.submit(work, name)
        for _ in tables:
            name, told = done.get()
            if isinstance(told, BaseException):
                pool.shutdown(cancel_futures=True)
                raise told
            checks += told
            for reader in readers[name]:
                waits[reader].discard(name)
                if not waits[reader]:
                    pool.submit(work, reader)
    print(json.dumps({"tables": len(tables), "checks": checks}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
