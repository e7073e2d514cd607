"""BigQuery by the real command: a table comes from a bucket and goes to one, and nothing of it to this machine."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from sqlmat_assets_tests.bigquery.fixtures import storage, storage_server
from sqlmat_assets_tests.bigquery.server import BigQueryDouble
from sqlmat_assets_tests.cli.running import Run
from sqlmat_assets_tests.engines.engine import find_bigquery
from sqlmat_assets_tests.folders import write_files

__all__ = ["storage", "storage_server"]

LOAD = """# partition_by: month(month) from 2019-01 to 2019-12
files: gs://{bucket}/trips/{{partition}}.csv.gz
filename: file
columns:
  id: int64
  note: string
"""


def test_from_a_bucket_and_to_a_bucket(
    run: Run, tmp_path: Path, bigquery: BigQueryDouble, bigquery_url: str, storage: Any, storage_server: str
) -> None:
    for month in (1, 2):
        content = gzip.compress(f'id,note\n{month},"a;b"\n{month}0,""\n'.encode())
        storage.blob(f"trips/2019-0{month}.csv.gz").upload_from_string(content)
    files = {
        "global.conf": "dialect = bigquery\n",
        "raw/trips.load.yaml": LOAD.format(bucket=storage.name),
        "taxi/notes - 24h.sql": "SELECT COUNT(*) AS trips, COUNT(note) AS notes FROM raw.trips",
        "taxi/notes.deliver.yaml": f"bucket:\n  to: gs://{storage.name}/out/notes.csv\n",
    }
    write_files(tmp_path / "sql", files)
    options = ("--no-record", "--json", "--warehouse", bigquery_url, "--partition", "2019-01..2019-02")
    done = run("build", *options, STORAGE_EMULATOR_HOST=storage_server)
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = {each["name"]: each["outcome"] for each in json.loads(done.stdout)["tables"]}
    assert outcomes["raw.trips"] == outcomes["taxi.notes"] == "published"
    rows = find_bigquery(bigquery_url).ask("SELECT id, note, file FROM raw.trips ORDER BY id")
    january, february = "2019-01.csv.gz", "2019-02.csv.gz"
    assert rows == [(1, "a;b", january), (2, "a;b", february), (10, None, january), (20, None, february)]
    assert storage.blob("out/notes.csv").download_as_bytes() == b"trips,notes\n4,2\n"
    assert not list(tmp_path.rglob("loading"))
    kinds = [job.kind for job in bigquery.jobs.all()]
    assert (kinds.count("load"), kinds.count("extract")) == (2, 1)
    made = bigquery.catalog.table("a-project", "raw", "trips").options["timePartitioning"]
    assert made == {"type": "MONTH", "field": "month"}
