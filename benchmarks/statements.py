"""What the engine does in a build of sqlmat, statement by statement, beside the bare statements.

`python benchmarks/statements.py [TABLES]`, default 500. One table at a time and one thread of DuckDB, so that processor
time can be told apart: milliseconds a table in each kind of statement, and in Python beside them. Tables, queries and
checks are those of `compare.py`.
"""

import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from generate import plan_tables, write_orders, write_sqlmat
from peers import bare_statements

from sqlmat_assets.execution.build import build
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Run
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.references import Names
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets.warehouses.duckdb.session import DuckDBSession

ROWS = 100_000
Seconds = dict[str, float]
KINDS = (
    ("CREATE TABLE", "create the table"),
    ("COMMENT", "comments on it and its columns"),
    ("ALTER", "rename"),
    ("DROP", "drop"),
    ("INSERT INTO _sqlmat.tables", "the record"),
    ("COMMIT", "commit"),
    ("BEGIN", "begin"),
    ("SELECT", "checks"),
)


def kind_of(sql: str) -> str:
    """What a statement is for."""
    text = sql.lstrip().replace('"', "")
    if "HASH(" in text[:4000].upper() and text.upper().startswith("SELECT"):
        return "checks with the fingerprint"
    return next((says for words, says in KINDS if text.upper().startswith(words.upper())), "else")


def of_bare(warehouse: Path, tables: int) -> Seconds:
    """Seconds of processor time of the bare statements."""
    spent: Seconds = defaultdict(float)

    class Timed:
        def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
            self._connection = connection

        def execute(self, sql: str) -> duckdb.DuckDBPyConnection:
            before = time.thread_time()
            self._connection.execute(sql)
            spent[kind_of(sql)] += time.thread_time() - before
            return self._connection

    with duckdb.connect(warehouse, config={"threads": 1}) as connection:
        planned = plan_tables(tables)
        for schema in {table.schema for table in planned}:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        before = time.thread_time()
        for table in planned:
            bare_statements.build(Timed(connection), table.name, table.query())  # pyright: ignore[reportArgumentType] - all that it calls
        whole = time.thread_time() - before
    return {**spent, "Python": whole - sum(spent.values())}


def of_sqlmat(warehouse: Path, folder: Path, tables: int) -> Seconds:
    """The same of a build of sqlmat, without its start and the loading of the files."""
    spent: Seconds = defaultdict(float)
    send, fetch_columns = DuckDBSession._send, DuckDBSession.fetch_columns  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

    def timed_send(self: DuckDBSession, sql: str) -> list[tuple[object, ...]]:
        before = time.thread_time()
        try:
            return send(self, sql)
        finally:
            spent[kind_of(sql)] += time.thread_time() - before

    def timed_columns(self: DuckDBSession, relation: object) -> tuple[tuple[str, str], ...]:
        before = time.thread_time()
        try:
            return fetch_columns(self, relation)  # pyright: ignore[reportArgumentType] - handed on
        finally:
            spent["names and types of columns"] += time.thread_time() - before

    DuckDBSession._send, DuckDBSession.fetch_columns = timed_send, timed_columns  # noqa: SLF001 # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
    write_sqlmat(folder, plan_tables(tables))
    project = load_project(folder)
    opened = DuckDBWarehouse(warehouse)
    context = Context(
        opened,
        Names("duckdb"),
        Run("r1", datetime.now(UTC)),
        now=lambda: datetime.now(UTC),
        root=folder,
    )
    with opened.open_session() as session:
        session._run("SET threads = 1")  # noqa: SLF001 # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
        spent.clear()
        before = time.process_time()
        events = list(build(project, list(project.models), context, threads=1))
        whole = time.process_time() - before
    if sum(type(event).__name__ == "Published" for event in events) != tables:
        raise SystemExit("not every table was published")
    return {**spent, "Python": whole - sum(spent.values())}


def main() -> None:
    """Print a line for each kind of statement; each side in a process of its own."""
    if len(sys.argv) > 2:
        tables = int(sys.argv[1])
        with tempfile.TemporaryDirectory() as place:
            warehouse = Path(place) / "warehouse.duckdb"
            write_orders(warehouse, ROWS)
            found = of_bare(warehouse, tables) if sys.argv[2] == "bare" else of_sqlmat(warehouse, Path(place), tables)
        print(*(f"{name}={seconds / tables * 1000}" for name, seconds in found.items()), sep="\n")
        return
    tables = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    sides: list[Seconds] = []
    for side in ("bare", "sqlmat"):
        command = [sys.executable, __file__, str(tables), side]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        sides.append({name: float(value) for name, value in (line.split("=") for line in told)})
    bare, sqlmat = sides
    print(f"{'ms a table':32}    bare  sqlmat")
    for name in dict.fromkeys([*bare, *sqlmat]):
        print(f"{name:32} {bare.get(name, 0):7.3f} {sqlmat.get(name, 0):7.3f}")
    engine = [sum(side.values()) - side["Python"] for side in sides]
    for name, (one, other) in {"the engine": engine, "all": [sum(side.values()) for side in sides]}.items():
        print(f"{name:32} {one:7.3f} {other:7.3f}  x {other / one:.2f}")


if __name__ == "__main__":
    main()
