"""BigQuery: tables of a `*.load.yaml` whose files are in Cloud Storage, which load jobs read."""

from __future__ import annotations

import gzip
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from sqlmat_assets.warehouses.bigquery.session import BigQuerySession
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.bigquery.fixtures import PROJECT
from sqlmat_assets_tests.bigquery.server import BigQueryDouble
from sqlmat_assets_tests.bigquery.wire import ApiError
from sqlmat_assets_tests.execution.loading import LoadProject

# A login that this machine has is none of BigQuery's: then objects are fetched.
LOGIN = {"SQLMAT_CONNECTION_HERE": "gs://"}
COLUMNS = "columns:\n  id: int64\n  name: string\n"
CSV = b'id,name\n1,"a,b"\n2,\n3,""\n'

Loading = Callable[..., LoadProject]
Put = Callable[[str, bytes | str], str]


@pytest.fixture
def put(storage: Any) -> Put:
    def put_there(name: str, content: bytes | str) -> str:
        storage.blob(name).upload_from_string(content)
        return f"gs://{storage.name}/{name}"

    return put_there


@pytest.fixture
def loading(tmp_path: Path, storage: Any, bigquery_url: str) -> Loading:
    """A project whose files are in the bucket, by a pattern."""

    def load(pattern: str, more: str = "", columns: str = COLUMNS, conf: str = "", folder: str = "a") -> LoadProject:
        text = f"files: gs://{storage.name}/{pattern}\n{more}{columns}"
        return LoadProject(tmp_path / folder, text, conf, open_warehouse(bigquery_url), LOGIN)

    return load


def was_fetched(project: LoadProject) -> bool:
    return (project.root / ".sqlmat" / "loading").exists()


def configurations(bigquery: BigQueryDouble, kind: str = "load") -> list[dict[str, Any]]:
    return [job.configuration[kind] for job in bigquery.jobs.all() if job.kind == kind]


def of_parquet(columns: Mapping[str, Any]) -> bytes:
    out = io.BytesIO()
    parquet.write_table(pa.table(dict(columns)), out)
    return out.getvalue()


EVERY_TYPE = """columns:
  i: int64
  f: float64
  b: bool
  s: string
  n: numeric(10, 2)
  d: date
  dt: datetime
  t: time
  ts: timestamp
  j: json
"""
TEXTS = """i,f,b,s,n,d,dt,t,ts,j
1,1.5,true,"a ""b""
c",1.25,2019-01-05,2019-01-05 10:11:12.5,10:11:12,2019-01-05T10:11:12Z,"{""a"": [1]}"
-2,-1e3,f, y ,-7,2020-02-29,2019-01-05T10:11:12,00:00:00,2019-01-05 10:11:12+02:00,null
,,,"",,,,,,
"""
NESTED = """columns:
  id: int64
  user:
    name: string
    address:
      city: string as town
  raw: json
"""
LINES: list[dict[str, Any]] = [
    {"id": 1, "user": {"name": "Joan", "address": {"city": "Oslo"}}, "raw": {"x": [1]}, "more": 1},
    {"id": 2, "user": {"name": ""}},
    {"id": 3, "user": None},
]
MONTHS = "partition_by = month(month) from 2019-01 to 2019-02\ncluster_by = id"
CASES: dict[str, tuple[dict[str, bytes | str], str, str, str, str]] = {
    "csv": ({"in/a.csv": CSV}, "in/*.csv", "", COLUMNS, ""),
    "every type": ({"in/a.csv": TEXTS}, "in/a.csv", "", EVERY_TYPE, ""),
    "every type, and file names": ({"in/a.csv": TEXTS, "in/b.csv": TEXTS}, "in/*.csv", "filename: x\n", EVERY_TYPE, ""),
    "packed": ({f"in/{n}.csv.gz": gzip.compress(CSV) for n in range(2)}, "in/*.csv.gz", "", COLUMNS, ""),
    "packed and not called so": (
        {"in/a.csv": gzip.compress(CSV), "in/b.csv": "id,name\n4,x\n"},
        "in/*.csv",
        "",
        COLUMNS,
        "",
    ),
    "other order": ({"in/a.csv": CSV, "in/b.csv": 'Name;ID\n"y;z";4\n'}, "in/*.csv", "", COLUMNS, ""),
    "other names": (
        {"in/a.csv": "Customer Id,Name\n1,x\n"},
        "in/*.csv",
        "",
        "columns:\n  Customer Id: int64 as id\n  Name: string\n",
        "",
    ),
    "a header alone": ({"in/a.csv": "id,name\n"}, "in/*.csv", "", COLUMNS, ""),
    "file names": (
        {"in/a/a.csv": CSV, "in/b/b's.csv": "id,name\n4,x\n"},
        "in/*/*.csv",
        "filename: file\n",
        COLUMNS,
        "",
    ),
    "folders": (
        {f"in/2019-01-0{n}/a.csv": f"id,name\n{n},x\n" for n in (1, 2)},
        "in/{day}/*.csv",
        "strategy: time_series\nfolder: day\n",
        COLUMNS,
        "",
    ),
    "partitions": (
        {f"in/2019-0{n}.csv": f"id,name\n{n},x\n" for n in (1, 2)},
        "in/{partition}.csv",
        "",
        COLUMNS,
        MONTHS,
    ),
    "json": (
        {"in/a.ndjson": "".join(json.dumps(each) + "\n" for each in LINES)},
        "in/*.ndjson",
        "",
        "columns:\n  id: int64\n  raw: json\n",
        "",
    ),
    "inside of others": (
        {"in/a.ndjson": "".join(json.dumps(each) + "\n" for each in LINES)},
        "in/*.ndjson",
        "",
        NESTED,
        "",
    ),
    "parquet": (
        {"in/a.parquet": of_parquet({"id": [1, 2, 3], "name": ["a", None, ""]})},
        "in/*.parquet",
        "",
        COLUMNS,
        "",
    ),
    "parquet of other columns": (
        {
            "in/a.parquet": of_parquet({"NAME": ["a"], "id": pa.array([1], pa.int32())}),
            "in/b.parquet": of_parquet({"id": [2], "NAME": pa.array(["b"]).dictionary_encode()}),
        },
        "in/*.parquet",
        "filename: file\n",
        "columns:\n  id: int64\n  name: string as title\n",
        "",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_rows_and_types_are_those_of_objects_that_are_fetched(
    loading: Loading, put: Put, bigquery: BigQueryDouble, case: str
) -> None:
    contents, pattern, more, columns, conf = CASES[case]
    for name, content in contents.items():
        put(name, content)
    found: list[object] = []
    for number, login in enumerate(("", "connection: here\n")):
        project = loading(pattern, more + login, columns, conf, folder=str(number))
        project.published()
        assert was_fetched(project) == bool(login)
        made = bigquery.catalog.table(PROJECT, "raw", "events")
        lies = {key: made.options.get(key) for key in ("timePartitioning", "clustering")}
        fields = [{key: each.get(key) for key in ("name", "type", "precision", "scale")} for each in made.fields]
        found.append((project.rows(), fields, lies))
        with project.place.open_session() as session:
            session.execute(verbatim("DROP TABLE IF EXISTS raw.events"))
            session.execute(verbatim("DROP TABLE IF EXISTS _sqlmat.loaded"))
            assert [name for name in session.fetch_kinds("raw") if "sqlmat" in name] == []
    assert found[0] == found[1]


def test_columns_of_the_table_are_one_job_that_costs_nothing(
    loading: Loading, put: Put, bigquery: BigQueryDouble
) -> None:
    urls = [put(f"in/{name}.csv", CSV) for name in "ab"]
    last = loading("in/*.csv").published()
    (job,) = configurations(bigquery)
    assert (job["sourceUris"], job["nullMarkers"], last.rows) == (urls, [""], 6)
    assert last.statement == f"-- load job into `raw`.`events__sqlmat_r1_new` from {urls[0]} and 1 more"
    assert not [each for each in configurations(bigquery, "query") if "CREATE TABLE" in each["query"]]


def test_a_manifest_loads_new_objects_alone(loading: Loading, put: Put, bigquery: BigQueryDouble) -> None:
    put("in/a.csv", CSV)
    project = loading("in/*.csv", "strategy: manifest\nfilename: file\n")
    assert project.published().rows == 3
    assert project.unchanged().statement is None
    url = put("in/b.csv", "id,name\n4,x\n")
    assert project.published().rows == 1
    assert configurations(bigquery)[-1]["sourceUris"] == [url]
    assert (4, "x", "b.csv") in project.rows()


def test_an_answer_that_is_lost_loads_nothing_twice(loading: Loading, put: Put, bigquery: BigQueryDouble) -> None:
    put("in/a.csv", CSV)
    put("in/b.csv", "name,id\nx,4\n")
    bigquery.faults.drop_where(lambda request: request.about == "load", after=True)
    project = loading("in/*.csv")
    assert project.published().rows == 4
    assert len(configurations(bigquery)) == 2


def test_the_first_bad_row_is_told(loading: Loading, put: Put) -> None:
    url = put("in/a.csv", "id,name\n1,x\nseven,y\n")
    assert loading("in/*.csv").refused() == (
        f"{url}: `seven` in the column `id`: Could not parse 'seven' as INT64 for field id (position 0) starting at "
        "location 12  with message 'Unable to parse'\n"
        "  hint: write a value of its type, or declare another type for `id`\n`raw.events` was never built"
    )


def test_a_bad_row_of_json(loading: Loading, put: Put) -> None:
    url = put("in/a.ndjson", '{"id":1,"name":2}\n')
    assert loading("in/*.ndjson").refused().splitlines()[0] == (
        f"{url}: `2` in the column `name`: JSON parsing error in row starting at position 0: "
        "Could not convert value to string"
    )


def test_some_bad_rows_are_left_out(loading: Loading, put: Put) -> None:
    url = put("in/a.csv", "id,name\n1,x\nseven,y\n2,z\n")
    other = put("in/b.csv", "name,id\ny,eight\n")
    project = loading("in/*.csv", "max_bad_rows: 2\n")
    last = project.published()
    assert last.left_out is not None
    assert (last.rows, last.left_out.count) == (2, 2)
    assert [each.partition(": ")[0] for each in last.left_out.first] == [url, other]
    # Each job could leave out as many, and together they are too many.
    put("in/b.csv", "name,id\ny,eight\ny,nine\n")
    assert project.refused().splitlines()[0] == "3 rows cannot be read, and `max_bad_rows` is 2:"
    put("in/a.csv", "id,name\na,\nb,\nc,\nd,\n")
    assert project.refused().splitlines()[0] == "4 rows cannot be read, and `max_bad_rows` is 2:"
    assert project.rows() == [(1, "x"), (2, "z")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id\n1\n", "there is no column `name`, which `columns` declares"),
        ("id,name,more\n", "there is a column `more`, which `columns` does not declare"),
    ],
)
def test_other_columns_are_refused_before_anything_is_loaded(
    loading: Loading, put: Put, bigquery: BigQueryDouble, content: str, said: str
) -> None:
    url = put("in/a.csv", content)
    assert loading("in/*.csv").refused().startswith(f"{url}: {said}")
    assert configurations(bigquery) == []


@pytest.mark.parametrize(
    "said",
    [
        "Access Denied: File gs://bucket/in/a.csv: Access Denied",
        "Cannot read and write in different locations: source: us-east1, destination: EU",
    ],
)
def test_a_bucket_that_is_out_of_its_reach_is_fetched(
    loading: Loading, put: Put, bigquery: BigQueryDouble, said: str
) -> None:
    put("in/a.csv", CSV)
    told = {"reason": "accessDenied", "message": said, "location": "gs://bucket/in/a.csv"}
    refusal = ApiError("accessDenied" if "Denied" in said else "invalid", said, more=[told])
    bigquery.jobs.refusals.append((lambda job: job.kind == "load", refusal))
    project = loading("in/*.csv")
    assert project.published().rows == 3
    assert was_fetched(project)


def test_what_may_not_be_written_is_no_matter_of_the_bucket(
    loading: Loading, put: Put, bigquery: BigQueryDouble
) -> None:
    put("in/a.csv", CSV)
    refusal = ApiError("accessDenied", "Access Denied: Dataset a-project:raw: Permission bigquery.tables.create denied")
    bigquery.jobs.refusals.append((lambda job: job.kind == "load", refusal))
    project = loading("in/*.csv")
    assert project.refused().startswith("Access Denied: Dataset a-project:raw")
    assert not was_fetched(project)


def test_an_object_that_changes_while_it_is_loaded(loading: Loading, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    url = put("in/a.csv", CSV)
    load = BigQuerySession.load_objects

    def load_and_write(self: BigQuerySession, *args: Any, **how: Any) -> Any:
        loaded = load(self, *args, **how)
        put("in/a.csv", "id,name\n9,x\n")
        return loaded

    monkeypatch.setattr(BigQuerySession, "load_objects", load_and_write)
    assert loading("in/*.csv").refused().startswith(f"`{url}` was changed while it was read, and nothing was loaded")


@pytest.mark.parametrize(
    ("contents", "pattern", "more", "columns"),
    [
        ({"in/a*.csv": CSV}, "in/*.csv", "", COLUMNS),
        ({f"in/{number}.csv": f"id,name\n{number},x\n" for number in range(21)}, "in/*.csv", "filename: f\n", COLUMNS),
        ({"in/a.csv": "id,name\n1,x\n"}, "in/*.csv", "", "columns:\n  id: int64\n  name: bytes\n"),
        ({"in/a.parquet": of_parquet({"id": [1.0], "name": ["a"]})}, "in/*.parquet", "", COLUMNS),
        ({"in/a.parquet": of_parquet({"id": [1], "name": ["a"]})}, "in/*.parquet", "max_bad_rows: 1\n", COLUMNS),
        ({"in/a.ndjson": '{"a b": {"c": 1}}\n'}, "in/*.ndjson", "", "columns:\n  a b: {c: int64 as id}\n"),
    ],
    ids=["a star", "many names", "bytes", "another type", "bad rows of Parquet", "no name of a column"],
)
def test_what_a_load_job_would_read_otherwise_is_fetched(
    loading: Loading, put: Put, contents: Mapping[str, bytes | str], pattern: str, more: str, columns: str
) -> None:
    for name, content in contents.items():
        put(name, content)
    project = loading(pattern, more, columns)
    assert project.published().rows in (1, 3, 21)
    assert was_fetched(project)


@pytest.mark.parametrize("seconds", [5, 0], ids=["waited for", "given up and tried again"])
def test_a_connection_that_is_lost_at_some_request(
    loading: Loading, put: Put, bigquery: BigQueryDouble, bigquery_url: str, seconds: int
) -> None:
    urls = [put(f"in/{name}.csv", "id,name\n0,x\n") for name in "ab"]
    project = loading("in/*.csv", "filename: file\n")
    project.warehouse = open_warehouse(bigquery_url.replace("wait=5", f"wait={seconds}"))
    project.published()
    bigquery.faults.count_anew()
    project.published()
    for cut in range(2, len(bigquery.faults.requests), 2):
        for name in "ab":
            put(f"in/{name}.csv", f"id,name\n{cut},{name}\n")
        before = len(bigquery.jobs.all())
        bigquery.faults.count_anew()
        bigquery.faults.drop_at(cut, after=cut % 4 == 0)
        last = project.build()
        assert project.rows() == [(cut, "a", "a.csv"), (cut, "b", "b.csv")], (cut, last)
        jobs = Counter(
            job.query or str(job.configuration["load"]["sourceUris"])
            for job in bigquery.jobs.all()[before:]
            if job.kind in ("query", "load") and job.error is None and "_sqlmat`" not in job.query
        )
        loads = [jobs[str([url])] for url in urls]
        # What was heard of a load that is free may be done once more; a query never is.
        assert max(loads) <= (1 if seconds else 2), (cut, jobs)
        assert max(count for query, count in jobs.items() if "CREATE TABLE" in query) == 1, (cut, jobs)
