"""BigQuery: tables that are delivered to Cloud Storage, which extract jobs write there."""

from __future__ import annotations

import gzip
import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from sqlmat_assets.execution.context import Context
from sqlmat_assets.project.references import Names
from sqlmat_assets.warehouses.bigquery import bucket_writes
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets_tests.bigquery.server import BigQueryDouble
from sqlmat_assets_tests.bigquery.wire import ApiError
from sqlmat_assets_tests.execution.deliveries.sending import Sending
from sqlmat_assets_tests.folders import write_files

ROWS = (
    "select id, if(id = 2, '', concat('city ', id)) as name, if(id = 0, null, id / 2) as half "
    "from unnest(generate_array(0, {last})) as id"
)
STAMP, OLD, NEW = "20260102T040405Z-r1", "20260101T040405Z-r0", "20260102T034405Z-r0"
MOMENTS = (
    "select timestamp '2026-01-02 03:04:05+00' as at, numeric '100.50' as price, '' as empty, "
    "cast(null as string) as no"
)


@dataclass
class SendingFromBigQuery(Sending):
    """The same in the SQL of BigQuery."""

    def of(
        self, deliveries: str, query: str = ROWS.format(last=2), name: str = "cities - 24h.sql", conf: str = ""
    ) -> None:
        files = {"global.conf": "dialect = bigquery\n", f"first/{name}": query}
        write_files(self.root / "sql", files | {"first/cities.deliver.yaml": deliveries, "first/cities.conf": conf})

    def context(self, **of_run: Any) -> Context:
        return replace(super().context(**of_run), names=Names("bigquery"))


@pytest.fixture
def sending(tmp_path: Path, storage: Any, bigquery_url: str) -> SendingFromBigQuery:
    del storage  # which the double writes to
    made = SendingFromBigQuery(tmp_path)
    made.warehouse = open_warehouse(bigquery_url)
    return made


def extracts(bigquery: BigQueryDouble) -> list[dict[str, Any]]:
    return [job.configuration["extract"] for job in bigquery.jobs.all() if job.kind == "extract"]


def names_in(storage: Any) -> list[str]:
    return sorted(blob.name for blob in storage.list_blobs())


def content_of(storage: Any, name: str) -> bytes:
    return bytes(storage.blob(name).download_as_bytes(raw_download=True))


def test_a_folder_is_written_by_a_job_that_reads_no_row_here(
    sending: SendingFromBigQuery, storage: Any, bigquery: BigQueryDouble
) -> None:
    sending.of(f"bucket:\n  to: gs://{storage.name}/out/cities\n  compression: zstd\n")
    event = sending.deliver("bucket")
    file = f"out/cities/{STAMP}/cities.parquet"
    assert names_in(storage) == [file, "out/cities/latest.json"]
    (job,) = extracts(bigquery)
    assert (job["destinationUris"], job["compression"]) == ([f"gs://{storage.name}/{file}"], "ZSTD")
    found = parquet.read_table(io.BytesIO(content_of(storage, file)))
    assert sorted(found.to_pylist(), key=repr) == [
        {"id": 0, "name": "city 0", "half": None},
        {"id": 1, "name": "city 1", "half": 0.5},
        {"id": 2, "name": "", "half": 1.0},
    ]
    latest = json.loads(content_of(storage, "out/cities/latest.json"))
    size = len(content_of(storage, file))
    told = {"name": f"{STAMP}/cities.parquet", "url": f"gs://{storage.name}/{file}", "rows": 3, "bytes": size}
    assert (latest["rows"], latest["files"]) == (3, [told])
    assert (event.rows, event.details) == (3, (("place", f"gs://{storage.name}/out/cities/"), ("files", "1")))
    reads = [job.query for job in bigquery.jobs.all() if job.query.startswith("SELECT * FROM `first`.`cities`")]
    assert reads == []


def test_csv_in_the_words_of_bigquery(sending: SendingFromBigQuery, storage: Any, bigquery: BigQueryDouble) -> None:
    sending.of(f"bucket:\n  to: gs://{storage.name}/out\n  format: csv\n  delimiter: ';'\n", MOMENTS)
    sending.deliver("bucket")
    found = gzip.decompress(content_of(storage, f"out/{STAMP}/cities.csv.gz")).decode()
    assert found == 'at;price;empty;no\n2026-01-02 03:04:05 UTC;100.5;"";\n'
    assert len(extracts(bigquery)) == 1


def test_one_file_is_there_as_a_whole(sending: SendingFromBigQuery, storage: Any, bigquery: BigQueryDouble) -> None:
    name = storage.name
    for before in ("out/cities.csv", f"out/.sqlmat/{OLD}/cities.csv", "out/.sqlmat/note", f"out/.sqlmat/{NEW}/a.csv"):
        storage.blob(before).upload_from_string("the one before")
    sending.of(f"bucket:\n  to: gs://{name}/out/cities.csv\n  header: false\n")
    event = sending.deliver("bucket")
    (job,) = extracts(bigquery)
    # It is written beside, and then takes the name; what another delivery has left there goes when it is old.
    assert job["destinationUris"] == [f"gs://{name}/out/.sqlmat/{STAMP}/cities.csv"]
    assert names_in(storage) == [f"out/.sqlmat/{NEW}/a.csv", "out/.sqlmat/note", "out/cities.csv"]
    assert sorted(content_of(storage, "out/cities.csv").decode().splitlines()) == [
        "0,city 0,",
        "1,city 1,0.5",
        '2,"",1.0',
    ]
    assert (event.rows, event.details) == (3, (("place", f"gs://{name}/out/cities.csv"),))


@pytest.mark.parametrize(("format_", "rows"), [("parquet", [2, 1]), ("csv", [None, None])])
def test_a_large_table_is_several_files(
    sending: SendingFromBigQuery, storage: Any, monkeypatch: pytest.MonkeyPatch, format_: str, rows: list[int | None]
) -> None:
    monkeypatch.setattr(bucket_writes, "_MOST_BYTES_IN_ONE", 10)
    sending.of(f"bucket:\n  to: gs://{storage.name}/out\n  format: {format_}\n")
    event = sending.deliver("bucket")
    ending = "parquet" if format_ == "parquet" else "csv.gz"
    names = [f"{STAMP}/cities-{number:012}.{ending}" for number in range(2)]
    assert names_in(storage) == [*(f"out/{name}" for name in names), "out/latest.json"]
    latest = json.loads(content_of(storage, "out/latest.json"))
    assert [(each["name"], each["rows"]) for each in latest["files"]] == list(zip(names, rows, strict=True))
    assert (latest["rows"], event.rows) == (3, 3)


def test_of_earlier_deliveries_the_last_ones_stay(sending: SendingFromBigQuery, storage: Any) -> None:
    for last in range(4):
        sending.of(f"bucket:\n  to: gs://{storage.name}/out\n  keep: 2\n", ROWS.format(last=last))
        sending.deliver("bucket")
    folders = {name.split("/")[1] for name in names_in(storage)}
    assert folders == {"20260102T060405Z-r3", "20260102T070405Z-r4", "latest.json"}


@pytest.mark.parametrize(
    ("keys", "query", "conf"),
    [
        ("to: gs://{bucket}/out\n  rows_per_file: 2", ROWS.format(last=2), ""),
        ("to: gs://{bucket}/out", "select timestamp '2026-01-02 03:04:05+00' as at", ""),
        ("to: gs://{bucket}/out", "select [1, 2] as list", ""),
        ("to: gs://{bucket}/out\n  format: csv", "select b'ab' as bytes_", ""),
        ("to: gs://{bucket}/out\n  format: csv\n  compression: zstd", ROWS.format(last=2), ""),
        ("to: gs://{bucket}/out", "select timestamp '2026-01-02 03:04:05+00' as at", "mode = view"),
    ],
    ids=["rows in a file", "moments in Parquet", "nested", "bytes in CSV", "zstd", "a view with moments"],
)
def test_what_an_extract_job_would_write_otherwise_goes_through_this_machine(
    sending: SendingFromBigQuery, storage: Any, bigquery: BigQueryDouble, keys: str, query: str, conf: str
) -> None:
    name = "cities.sql" if conf else "cities - 24h.sql"
    sending.of(f"bucket:\n  {keys.format(bucket=storage.name)}\n", query, name, conf)
    sending.deliver("bucket")
    assert extracts(bigquery) == []
    assert "out/latest.json" in names_in(storage)


@pytest.mark.parametrize("to", ["out", "out/cities.parquet"])
def test_a_bucket_that_it_may_not_write_to(
    sending: SendingFromBigQuery, storage: Any, bigquery: BigQueryDouble, to: str
) -> None:
    said = "Access Denied: BigQuery BigQuery: a@b does not have storage.objects.create access to the bucket."
    bigquery.jobs.refusals.append((lambda job: job.kind == "extract", ApiError("accessDenied", said)))
    sending.of(f"bucket:\n  to: gs://{storage.name}/{to}\n")
    assert sending.deliver("bucket").rows == 3


@pytest.mark.parametrize("to", ["out", "out/cities.parquet"])
@pytest.mark.parametrize("times", [1, 9], ids=["once", "again and again"])
def test_a_table_that_is_published_anew_meanwhile_is_written_once_more(
    sending: SendingFromBigQuery,
    storage: Any,
    bigquery: BigQueryDouble,
    monkeypatch: pytest.MonkeyPatch,
    times: int,
    to: str,
) -> None:
    extract, published = bucket_writes.extract, list[int]()

    def extract_and_publish(*args: Any, **how: Any) -> int:
        written = extract(*args, **how)
        if len(published) < times:
            published.append(written)
            bigquery.catalog.table("a-project", "first", "cities").modified += 1
        return written

    monkeypatch.setattr(bucket_writes, "extract", extract_and_publish)
    sending.of(f"bucket:\n  to: gs://{storage.name}/{to}\n")
    assert sending.deliver("bucket").rows == 3
    assert len(extracts(bigquery)) == (2 if times == 1 else 3)
    assert names_in(storage) == ([to] if to.endswith("parquet") else [f"out/{STAMP}/cities.parquet", "out/latest.json"])


def test_an_answer_that_is_lost_extracts_nothing_twice(
    sending: SendingFromBigQuery, storage: Any, bigquery: BigQueryDouble
) -> None:
    bigquery.faults.drop_where(lambda request: request.about == "extract", after=True)
    sending.of(f"bucket:\n  to: gs://{storage.name}/out\n")
    assert sending.deliver("bucket").rows == 3
    assert len(extracts(bigquery)) == 1


def test_numbers_that_have_lost_digits_are_not_delivered(
    sending: SendingFromBigQuery, storage: Any, bigquery: BigQueryDouble
) -> None:
    bigquery.catalog.has_short_floats = True
    sending.of(f"bucket:\n  to: gs://{storage.name}/out\n", "select 0.1 as price")
    sending.deliver("bucket")
    assert len(extracts(bigquery)) == 1
    found = parquet.read_table(io.BytesIO(content_of(storage, f"out/{STAMP}/cities.parquet")))
    assert found.to_pylist() == [{"price": 0.1}]


def test_of_a_view_the_rows_are_in_a_table_for_a_while(
    sending: SendingFromBigQuery, storage: Any, bigquery: BigQueryDouble
) -> None:
    sending.of(f"bucket:\n  to: gs://{storage.name}/out\n", ROWS.format(last=2), "cities.sql", "mode = view")
    assert sending.deliver("bucket").rows == 3
    (job,) = extracts(bigquery)
    source = job["sourceTable"]
    assert (source["datasetId"], source["tableId"].startswith("extract_")) == ("_sqlmat", True)
    made = [each.query for each in bigquery.jobs.all() if source["tableId"] in each.query]
    assert [each.partition(" OPTIONS")[0] for each in made] == [f"CREATE TABLE `_sqlmat`.`{source['tableId']}`"]
    assert [each.name for each in bigquery.catalog.tables("a-project", "_sqlmat") if "extract" in each.name] == []
    found = parquet.read_table(io.BytesIO(content_of(storage, f"out/{STAMP}/cities.parquet")))
    assert found.num_rows == 3
