"""Times how long one table of PostgreSQL and of MariaDB takes into a new DuckDB file.

`python benchmarks/databases.py [--rows 1000000] [--rounds 5] [--memory-limit 500MB]`. Starts both servers, fills a
table with nine columns, and has it loaded in turn by sqlmat, by connectorx, by DuckDB's own scanners and by dlt; each
in a process of its own, the peers in an environment of theirs. Imports are not counted, but for those of the process
that sqlmat starts for MariaDB. Prints minimum, median and maximum, the memory at its peak, and the ratio of sqlmat's
median to that of the fastest peer.

DuckDB's scanners are there for 1.5 alone, so that peers write with DuckDB 1.5.5 and sqlmat with that of the repository.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PEERS = ("connectorx", "scanner", "dlt")
COLUMNS = {
    "id": "bigint",
    "customer": "integer",
    "total": "decimal(12, 2)",
    "name": "varchar",
    "at": "timestamptz",
    "day": "date",
    "paid": "boolean",
    "js": "json",
    "score": "double",
}
POSTGRES = """
CREATE TABLE orders AS SELECT i::bigint AS id, (i % 5000)::int AS customer,
((i * 7 % 100000)::numeric / 100)::numeric(12, 2) AS total, 'name of ' || i AS name,
timestamptz '2019-01-01 00:00Z' + i * interval '1 minute' AS at,
date '2019-01-01' + (i % 1000)::int AS day, i % 3 = 0 AS paid, jsonb_build_object('k', i % 10) AS js,
CASE WHEN i % 5 = 0 THEN NULL ELSE i * 1.5::float8 END AS score FROM generate_series(1, {rows}) AS i
"""
MARIADB = """
CREATE TABLE orders (id bigint PRIMARY KEY, customer int, total decimal(12, 2), name varchar(40), at timestamp NULL,
day date, paid tinyint(1), js json, score double)
SELECT seq AS id, seq % 5000 AS customer, (seq * 7 % 100000) / 100 AS total, concat('name of ', seq) AS name,
timestampadd(second, seq, '2019-01-01') AS at, date_add('2019-01-01', interval seq % 1000 day) AS day,
seq % 3 = 0 AS paid,
json_object('k', seq % 10) AS js, if(seq % 5 = 0, NULL, seq * 1.5) AS score FROM seq_1_to_{rows}
"""


def load_by_sqlmat(url: str, file: Path, memory_limit: str | None = None) -> Callable[[], dict[str, float]]:
    """A build of one table, as `sqlmat build` does it."""
    import importlib
    from datetime import UTC, datetime

    from sqlmat_assets.connectors.config import Connectors
    from sqlmat_assets.execution.context import Context
    from sqlmat_assets.execution.events import Published, Run
    from sqlmat_assets.execution.materialize import materialize
    from sqlmat_assets.project.load import load_project
    from sqlmat_assets.relation import Relation
    from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse

    # These are imported late, as most builds need none of them.
    late = ("adbc_driver_postgresql.dbapi", "pymysql", "pyarrow.compute", "psycopg")
    for name in (*late, "sqlmat_assets.connectors.postgres", "sqlmat_assets.connectors.mysql"):
        importlib.import_module(name)
    folder = file.parent / "sql"
    (folder / "raw").mkdir(parents=True)
    columns = "".join(f"  {name}: {kind}\n" for name, kind in COLUMNS.items())
    (folder / "raw" / "orders.load.yaml").write_text(f"connection: shop\ntable: orders\ncolumns:\n{columns}")
    project = load_project(folder)

    def load() -> dict[str, float]:
        context = Context(
            DuckDBWarehouse(file, memory_limit=memory_limit),
            project.names,
            Run("r1", datetime.now(UTC)),
            lambda: datetime.now(UTC),
            folder,
            connectors=Connectors(lambda _: url),
        )
        last = list(materialize(project.models[Relation("raw", "orders")], context))[-1]
        assert isinstance(last, Published), last
        return {phase.name: phase.seconds for phase in last.phases}

    return load


def load_by_connectorx(url: str, file: Path) -> Callable[[], None]:
    import connectorx
    import duckdb

    text = "::text AS js" if url.startswith("post") else ""
    query = f"SELECT {', '.join(COLUMNS).replace('js', f'js{text}')} FROM orders"

    def load() -> None:
        rows = connectorx.read_sql(url, query, return_type="arrow_stream", batch_size=50_000)
        with duckdb.connect(str(file)) as connection:
            connection.register("rows", rows)
            connection.execute("CREATE TABLE orders AS SELECT * REPLACE (js::json AS js) FROM rows")

    return load


def load_by_scanner(url: str, file: Path) -> Callable[[], None]:
    import importlib
    from urllib.parse import urlsplit

    import duckdb

    name = "postgres_scanner" if url.startswith("post") else "mysql_scanner"
    package = importlib.import_module(f"duckdb_extension_{name}")
    (extension,) = Path(str(package.__path__[0])).rglob(f"{name}.duckdb_extension")
    parts = urlsplit(url)
    told = url
    if name == "mysql_scanner":
        login = f"user={parts.username} password={parts.password}"
        told = f"host={parts.hostname} port={parts.port} {login} database={parts.path[1:]}"

    def load() -> None:
        with duckdb.connect(str(file)) as connection:
            connection.execute(f"LOAD '{extension}'")
            connection.execute(f"ATTACH '{told}' AS place (TYPE {name.removesuffix('_scanner')}, READ_ONLY)")
            connection.execute("CREATE TABLE orders AS SELECT * FROM place.orders")

    return load


def load_by_dlt(url: str, file: Path) -> Callable[[], None]:
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["DLT_DATA_DIR"] = str(file.parent)
    import dlt
    from dlt.sources.sql_database import sql_table

    url = url.replace("mysql://", "mysql+pymysql://").replace("postgresql://", "postgresql+psycopg2://")

    def load() -> None:
        pipeline = dlt.pipeline("bench", destination=dlt.destinations.duckdb(str(file)), dataset_name="main")
        pipeline.run(sql_table(url, "orders", backend="connectorx" if "psycopg2" in url else "pandas"))

    return load


LOADERS: dict[str, Callable[[str, Path], Callable[[], Any]]] = {
    "connectorx": load_by_connectorx,
    "scanner": load_by_scanner,
    "dlt": load_by_dlt,
}


def measure(name: str, url: str, memory_limit: str | None) -> None:
    """Load the table once, and print what it took."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "w.duckdb"
        load = load_by_sqlmat(url, file, memory_limit) if name == "sqlmat" else LOADERS[name](url, file)
        start = time.perf_counter()
        told = load()
        seconds = time.perf_counter() - start
    own, children = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"seconds": seconds, "megabytes": (own + children) // 1024, "phases": told or {}}))


def run(name: str, url: str, limit: list[str]) -> dict[str, Any]:
    """Have one of them load it in a process of its own."""
    from peers.environments import environment

    python = Path(sys.executable) if name == "sqlmat" else environment("databases") / "python"
    variables = os.environ | {"PYTHONPATH": str(ROOT) if name == "sqlmat" else ""}
    command = [str(python), __file__, "--child", name, url, *limit]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name}: {done.stderr.strip().splitlines()[-1:]}")
        return {}
    return json.loads(done.stdout.splitlines()[-1])


def compare(what: str, url: str, asked: argparse.Namespace) -> None:
    """Print what each takes."""
    names: list[str] = asked.only
    limit = ["--memory-limit", asked.memory_limit] if asked.memory_limit else []
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(asked.rounds):
        for name in names:
            told = run(name, url, limit)
            if told:
                found[name].append(told)
    medians: dict[str, float] = {}
    for name, each in found.items():
        seconds = [one["seconds"] for one in each]
        if not seconds:
            continue
        medians[name] = statistics.median(seconds)
        memory = max(one["megabytes"] for one in each)
        phases = {key: round(statistics.median(one["phases"][key] for one in each), 2) for key in each[0]["phases"]}
        numbers = f"{min(seconds):.2f} {medians[name]:.2f} {max(seconds):.2f} s (min, median, max)"
        print(f"{what}: {name:10} {numbers}, {memory} MB {phases or ''}", flush=True)
    peers = [value for name, value in medians.items() if name != "sqlmat"]
    if peers and "sqlmat" in medians:
        print(f"{what}: sqlmat is {medians['sqlmat'] / min(peers):.2f} times the fastest peer", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=["sqlmat", *PEERS])
    parser.add_argument("--memory-limit", help="what DuckDB may take in sqlmat's process, such as 500MB")
    parser.add_argument("--child", nargs=2)
    asked = parser.parse_args()
    if asked.child:
        measure(*asked.child, asked.memory_limit)
        return
    sys.path.insert(0, str(ROOT))
    import psycopg

    from sqlmat_assets_tests import mariadb, postgres

    with postgres.serving() as server:
        url = server.url("postgres")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(POSTGRES.format(rows=asked.rows).encode())
            connection.execute("ANALYZE orders")
        compare("PostgreSQL", url, asked)
    with mariadb.serving() as other:
        name = other.make_database()
        other.send(name, MARIADB.format(rows=asked.rows))
        made = "CREATE USER plain@'127.0.0.1' IDENTIFIED BY 'secret'", "GRANT ALL ON *.* TO plain@'127.0.0.1'"
        other.send("", *made, user="root")
        compare("MariaDB", f"mysql://plain:secret@127.0.0.1:{other.port}/{name}", asked)


if __name__ == "__main__":
    main()
