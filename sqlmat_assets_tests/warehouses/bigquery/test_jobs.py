"""BigQuery: the exact configurations of the jobs that are sent, in files beside the vendor's pages.

Each file is a list of what stands in `configuration` of `jobs.insert`, in order, without the jobs about records:
https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfiguration
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sqlmat_assets.project.partitions.ranges import TimeRange
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.bigquery.objects import Objects
from sqlmat_assets.warehouses.bigquery.session import BigQuerySession
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets.warehouses.storage import Storage
from sqlmat_assets_tests.bigquery.server import BigQueryDouble
from sqlmat_assets_tests.execution.loading import LoadProject
from sqlmat_assets_tests.tables import a_check, a_table, parts_of
from sqlmat_assets_tests.warehouses.parts import publish

FILES = Path(__file__).parent / "fixtures"
JANUARY, FEBRUARY = (
    TimeRange(datetime(2019, month, 1, tzinfo=UTC), datetime(2019, month + 1, 1, tzinfo=UTC)) for month in (1, 2)
)
SETTINGS = {
    "partition_by": parts_of("month(made) from 2019-01 to 2019-12"),
    "cluster_by": ("id",),
    "partitions_stored_for": timedelta(days=400),
    "labels": (("team", "data"),),
    "owner": ("data-eng@example.com",),
}
QUERY = "SELECT id, made FROM first.raw"
HOLDS = a_check("SELECT id > 0 AS positive FROM first.trips", "positive")


@pytest.fixture
def warehouse(bigquery_url: str) -> Iterator[Warehouse]:
    opened = open_warehouse(f"{bigquery_url}&priority=batch")
    with opened.open_session() as session:
        session.execute(verbatim("CREATE SCHEMA first"))
        rows = "SELECT id, DATE '2019-01-05' AS made FROM UNNEST([1, 2]) AS id UNION ALL SELECT 3, DATE '2019-02-05'"
        session.execute(verbatim(f"CREATE TABLE first.raw AS {rows}"))
        yield opened


def sent(bigquery: BigQueryDouble, before: int) -> list[dict[str, Any]]:
    """The jobs since, but for those about records; the limit of bytes hangs on what the double counts."""
    found = [job.configuration for job in bigquery.jobs.all()[before:] if "_sqlmat`" not in job.query]
    return json.loads(json.dumps([each for each in found if "INFORMATION_SCHEMA" not in json.dumps(each)]))


def compare(name: str, found: list[dict[str, Any]]) -> None:
    assert found == json.loads((FILES / f"{name}.json").read_text(encoding="utf-8")), json.dumps(found, indent=2)


def test_a_table_and_one_of_its_partitions(warehouse: Warehouse, bigquery: BigQueryDouble) -> None:
    before = len(bigquery.jobs.all())
    model = a_table(QUERY, HOLDS, name="first.trips", settings=SETTINGS)
    publish(warehouse, model, "r1", JANUARY, FEBRUARY)
    publish(warehouse, model, "r2", JANUARY)
    compare("partitions", sent(bigquery, before))


def test_a_table_that_is_replaced(warehouse: Warehouse, bigquery: BigQueryDouble) -> None:
    publish(warehouse, a_table("SELECT id FROM first.raw", name="first.trips"), "r1")
    before = len(bigquery.jobs.all())
    publish(warehouse, a_table("SELECT id FROM first.raw WHERE id > 1", name="first.trips"), "r2")
    compare("replaced", sent(bigquery, before))


def test_rows_that_are_merged(warehouse: Warehouse, bigquery: BigQueryDouble) -> None:
    settings = {"mode": "merge", "unique_key": ("id",), "on_match": "update"}
    model = a_table("SELECT id, made FROM first.raw", name="first.trips", settings=settings)
    publish(warehouse, model, "r1")
    before = len(bigquery.jobs.all())
    publish(warehouse, model, "r2")
    compare("merged", sent(bigquery, before))


def test_objects_that_are_loaded_and_extracted(warehouse: Warehouse, storage: Any, bigquery: BigQueryDouble) -> None:
    storage.blob("in/a.csv").upload_from_string(b"id;at\n1;2019-01-05T10:00:00Z\n")
    before = len(bigquery.jobs.all())
    with warehouse.open_session() as session:
        assert isinstance(session, BigQuerySession)
        session.tag({"asset": "first.loaded", "run": "r1"})
        columns, lies = (("id", "INT64"), ("at", "TIMESTAMP")), Storage(("at", ""), "day", ("id",))
        given = Objects((f"gs://{storage.name}/in/a.csv",), "csv", ";")
        target = Relation("first", "loaded")
        session.load_from_storage(target, given, columns, required=("id",), most_bad_rows=3, storage=lies)
        session.extract_to_storage(target, Objects((f"gs://{storage.name}/out/*.csv",), "csv", ";", is_packed=True))
    found = json.loads(json.dumps(sent(bigquery, before)).replace(storage.name, "bucket"))
    compare("objects", found)


def test_a_table_of_objects_with_their_names(
    tmp_path: Path, warehouse: Warehouse, storage: Any, bigquery: BigQueryDouble
) -> None:
    storage.blob("in/1/a.csv.gz").upload_from_string(gzip.compress(b"id,made\n1,2019-01-05\n"))
    storage.blob("in/2/a.csv.gz").upload_from_string(gzip.compress(b"made,id\n2019-02-05,2\n"))
    text = f"files: gs://{storage.name}/in/{{number}}/*.csv.gz\nstrategy: time_series\nfolder: place\n"
    columns = "max_bad_rows: 1\ncolumns:\n  id: int64\n  made: date as day\n"
    project = LoadProject(tmp_path, text + columns, "cluster_by = id\nlabels = team=data", warehouse)
    before = len(bigquery.jobs.all())
    project.published()
    found = [each for each in sent(bigquery, before) if "load" in each or "__objects_" in json.dumps(each)]
    compare("bucket_load", json.loads(json.dumps(found).replace(storage.name, "bucket")))
