"""Times how long many small files take into a DuckDB file by `strategy: manifest`, beside one bare statement.

`python benchmarks/objects.py [--files 10000] [--rounds 5] [--s3]`. Each file is CSV with ten rows. The bare way lists
the files and reads all of them with one `CREATE TABLE`; of S3 (a server of moto on this machine, which takes most of
the time of both) it fetches them with sixteen threads first. sqlmat's is a whole build: it also looks at every header,
notes each file in the transaction, checks, and compares what it has read with what was listed. Prints minimum, median
and maximum of both, and of a build that finds nothing new.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).parents[1]
ROWS = 10
BUCKET = "bench"


def build(folder: Path, file: Path, files: str) -> Callable[[], None]:
    """A build of one table by manifest."""
    from sqlmat_assets.execution.context import Context
    from sqlmat_assets.execution.events import Published, Run, Unchanged
    from sqlmat_assets.execution.materialize import materialize
    from sqlmat_assets.project.load import load_project
    from sqlmat_assets.relation import Relation
    from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse

    (folder / "raw").mkdir(parents=True, exist_ok=True)
    text = f"files: {files}\nstrategy: manifest\nfilename: file\ncolumns: {{id: bigint, name: varchar}}\n"
    (folder / "raw" / "events.load.yaml").write_text(text)
    project = load_project(folder)

    def load() -> None:
        now = datetime.now(UTC)
        context = Context(DuckDBWarehouse(file), project.names, Run(now.isoformat(), now), lambda: now, folder)
        last = list(materialize(project.models[Relation("raw", "events")], context))[-1]
        assert isinstance(last, Published | Unchanged), last

    return load


def read_all(file: Path, pattern: Path) -> None:
    """One bare statement."""
    columns = "{'id': 'BIGINT', 'name': 'VARCHAR'}"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            f"CREATE TABLE events AS FROM read_csv('{pattern}/*.csv', header = true, columns = {columns}, "
            "filename = true)"
        )


def fetch_all(client: Any, folder: Path) -> None:
    """List the objects, and fetch them."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    keys = [each["Key"] for page in pages for each in page["Contents"]]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: client.download_file(BUCKET, key, str(folder / key)), keys))


def timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(what: str, files: str, bare: Callable[[Path, Path], None], rounds: int) -> None:
    """Load the same files both ways in turn, each into a new DuckDB file."""
    found: dict[str, list[float]] = {"bare": [], "sqlmat": [], "sqlmat, nothing new": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            found["bare"].append(timed(lambda at=folder: bare(at / "bare.duckdb", at)))
            load = build(folder / "sql", folder / "w.duckdb", files)
            found["sqlmat"].append(timed(load))
            found["sqlmat, nothing new"].append(timed(load))
    for name, seconds in found.items():
        low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
        print(f"{what}: {name:20} {low:.2f} {middle:.2f} {high:.2f} s (min, median, max)", flush=True)
    ratio = statistics.median(found["sqlmat"]) / statistics.median(found["bare"])
    print(f"{what}: sqlmat is {ratio:.2f} times the bare statement", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--s3", action="store_true")
    asked = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(asked.files):
            rows = "".join(f"{number * ROWS + row},name of {row}\n" for row in range(ROWS))
            (folder / f"{number:06}.csv").write_text(f"id,name\n{rows}")
        if not asked.s3:
            compare("files", f"{folder}/*.csv", lambda file, _: read_all(file, folder), asked.rounds)
            return
        from sqlmat_assets_tests.postgres import free_port

        port = free_port()
        command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            compare_s3(folder, port, asked.rounds)
        finally:
            server.terminate()


def compare_s3(folder: Path, port: int, rounds: int) -> None:
    """The same from a server of S3."""
    import boto3

    names = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ.update(names | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"})
    time.sleep(3)
    client: Any = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda path: client.upload_file(str(path), BUCKET, path.name), folder.iterdir()))

    def bare(file: Path, at: Path) -> None:
        fetch_all(client, at)
        read_all(file, at)

    compare("S3", f"s3://{BUCKET}/*.csv", bare, rounds)


if __name__ == "__main__":
    main()
