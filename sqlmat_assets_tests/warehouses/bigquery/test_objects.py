"""BigQuery: rows that go to and from Cloud Storage by load and extract jobs."""

from __future__ import annotations

import gzip
import io
from collections.abc import Generator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client, LoadJobConfig
from pyarrow import parquet, table

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.bigquery.errors import Refused, RefusedRowsError
from sqlmat_assets.warehouses.bigquery.objects import Format, Objects
from sqlmat_assets.warehouses.bigquery.session import BigQuerySession
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets.warehouses.storage import Storage
from sqlmat_assets_tests.bigquery.fixtures import PROJECT
from sqlmat_assets_tests.bigquery.server import BigQueryDouble

TARGET = Relation("first", "trips")
COLUMNS = (("id", "INT64"), ("fare", "NUMERIC"), ("at", "TIMESTAMP"))
ROWS = [(1, "a,b"), (2, None)]
AT = datetime(2019, 1, 5, 10, tzinfo=UTC)


@pytest.fixture
def session(bigquery_url: str) -> Generator[BigQuerySession]:
    with open_warehouse(bigquery_url).open_session() as opened:
        assert isinstance(opened, BigQuerySession)
        opened.execute(verbatim("CREATE SCHEMA first"))
        yield opened


def put(storage: Any, name: str, content: bytes) -> str:
    storage.blob(name).upload_from_string(content)
    return f"gs://{storage.name}/{name}"


def contents(format_: Format) -> bytes:
    match format_:
        case "csv":
            return b'id,name\n1,"a,b"\n2,\n'
        case "ndjson":
            return b'{"id":1,"name":"a,b"}\n{"id":2,"name":null}\n'
        case _:
            written = io.BytesIO()
            parquet.write_table(table({"id": [1, 2], "name": ["a,b", None]}), written)
            return written.getvalue()


@pytest.mark.parametrize("columns", [None, (("id", "INT64"), ("name", "STRING"))], ids=["detected", "given"])
@pytest.mark.parametrize("format_", ["csv", "ndjson", "parquet"])
def test_objects_of_each_format(
    session: BigQuerySession, storage: Any, format_: Format, columns: tuple[tuple[str, str], ...] | None
) -> None:
    url = put(storage, f"in/rows.{format_}", contents(format_))
    assert session.load_from_storage(TARGET, Objects((url,), format_), columns) == 2
    assert session.fetch_columns(TARGET) == (("id", "INT64"), ("name", "STRING"))
    assert list(session.fetch_rows(verbatim("SELECT id, name FROM first.trips ORDER BY id")).rows) == ROWS


def test_many_packed_objects_into_a_table_with_partitions(
    session: BigQuerySession, storage: Any, bigquery: BigQueryDouble
) -> None:
    for month in (1, 2):
        content = f"{month};1.5;2019-0{month}-05T10:00:00Z\n".encode()
        put(storage, f"in/2019-0{month}.csv.gz", gzip.compress(content))
    put(storage, "other/2019-03.csv", b"3;1;2019-03-05T10:00:00Z\n")
    lies = Storage(("at", "TIMESTAMP"), "month", ("id",), timedelta(days=900), (("team", "data"),))
    objects = Objects((f"gs://{storage.name}/in/*",), "csv", separator=";", has_header=False)
    assert session.load_from_storage(TARGET, objects, COLUMNS, required=("id",), storage=lies) == 2
    assert session.fetch_rows(verbatim("SELECT min(at) FROM first.trips")).rows == [(AT,)]
    made = bigquery.catalog.table(PROJECT, "first", "trips")
    partitions = {"type": "MONTH", "field": "at", "expirationMs": "77760000000"}
    assert (made.options["timePartitioning"], made.options["clustering"]) == (partitions, {"fields": ["id"]})
    assert (made.options["labels"], made.fields[0]["mode"]) == ({"team": "data"}, "REQUIRED")
    with pytest.raises(TerminalWarehouseError, match=r"Already Exists: Table a-project:first\.trips"):
        session.load_from_storage(TARGET, objects, COLUMNS)


def test_a_value_that_is_none_of_its_type_leaves_no_table(session: BigQuerySession, storage: Any) -> None:
    url = put(storage, "in/rows.csv", b"id\n1\nx\n")
    with pytest.raises(RefusedRowsError) as caught:
        session.load_from_storage(TARGET, Objects((url,), "csv"), (("id", "INT64"),))
    said = (
        "Could not parse 'x' as INT64 for field id (position 0) starting at location 5  with message 'Unable to parse'"
    )
    assert caught.value.rows == (Refused(url, said, "id", "x"),)
    assert caught.value.message == (
        "Error while reading data, error message: CSV processing encountered too many errors, giving up. "
        f"Rows: 2; errors: 1; max bad: 0; error percent: 0\n  {url}: {said}"
    )
    assert session.fetch_kinds("first") == {}


def test_an_object_that_is_not_there(session: BigQuerySession, storage: Any) -> None:
    url = f"gs://{storage.name}/in/*.csv"
    with pytest.raises(TerminalWarehouseError, match=r"Not found: URI gs://.*/in/\*\.csv"):
        session.load_from_storage(TARGET, Objects((url,), "csv"), (("id", "INT64"),))


@pytest.mark.parametrize("format_", ["csv", "ndjson", "parquet"])
def test_a_table_goes_out_and_comes_back(session: BigQuerySession, storage: Any, format_: Format) -> None:
    session.execute(verbatim("CREATE TABLE first.out AS SELECT id, 'a;b' AS name FROM UNNEST([1, 2, 3]) AS id"))
    url = f"gs://{storage.name}/out/rows-*.{format_}"
    is_packed = format_ != "parquet"
    assert session.extract_to_storage(Relation("first", "out"), Objects((url,), format_, ";", is_packed=is_packed)) == 2
    names = sorted(blob.name for blob in storage.list_blobs(prefix="out/"))
    assert names == [f"out/rows-{number:012d}.{format_}" for number in (0, 1)]
    back = session.load_from_storage(TARGET, Objects((url,), format_, ";"), (("id", "INT64"), ("name", "STRING")))
    assert back == 3
    found = session.fetch_rows(verbatim("SELECT id, name FROM first.trips ORDER BY id")).rows
    assert list(found) == [(id_, "a;b") for id_ in (1, 2, 3)]


def test_a_view_does_not_go_out(session: BigQuerySession, storage: Any) -> None:
    session.execute(verbatim("CREATE VIEW first.seen AS SELECT 1 AS id"))
    with pytest.raises(TerminalWarehouseError, match=r"Cannot export a view: a-project:first\.seen"):
        session.extract_to_storage(Relation("first", "seen"), Objects((f"gs://{storage.name}/out/rows.csv",), "csv"))


def test_an_answer_that_is_lost_loads_nothing_twice(
    session: BigQuerySession, storage: Any, bigquery: BigQueryDouble
) -> None:
    url = put(storage, "in/rows.csv", b"id\n1\n")
    bigquery.faults.drop_where(lambda request: request.about == "load", after=True)
    assert session.load_from_storage(TARGET, Objects((url,), "csv"), (("id", "INT64"),)) == 1
    assert [job.kind for job in bigquery.jobs.all() if job.kind == "load"] == ["load"]


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ({}, [(1, ""), (2, None), (None, "x")]),
        ({"nullMarkers": [""]}, [(1, None), (2, None), (None, "x")]),
        ({"nullMarkers": ["x", ""]}, [(1, None), (2, None), (None, None)]),
    ],
    ids=["by default", "an empty one", "several"],
)
def test_what_the_double_takes_for_null(
    session: BigQuerySession, storage: Any, bigquery: BigQueryDouble, options: dict[str, Any], rows: list[Any]
) -> None:
    url = put(storage, "in/rows.csv", b'1,""\n2,\n"",x\n')
    schema = {"fields": [{"name": "id", "type": "INTEGER"}, {"name": "name", "type": "STRING"}]}
    config: Any = LoadJobConfig.from_api_repr({"load": {"sourceFormat": "CSV", "schema": schema, **options}})
    client = Client(PROJECT, AnonymousCredentials(), location="EU", client_options={"api_endpoint": bigquery.url})
    with closing(client):
        client.load_table_from_uri(url, f"{PROJECT}.first.trips", job_config=config).result()
    assert session.fetch_rows(verbatim("SELECT id, name FROM first.trips ORDER BY id IS NULL, id")).rows == rows
