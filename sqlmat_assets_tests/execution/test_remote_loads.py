"""Tables that are loaded from files elsewhere: in S3, in Cloud Storage, behind a web server."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sqlmat_assets.cli import run as run_command
from sqlmat_assets.components.events import translate_ended
from sqlmat_assets.execution.events import Published, Run, Unchanged
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.render import render
from sqlmat_assets.project.loads import LoadColumn
from sqlmat_assets.project.reasons import Reason, Reasons
from sqlmat_assets_tests.connectors.fixtures import GCSBucket, S3Bucket
from sqlmat_assets_tests.connectors.http_double import WebServer
from sqlmat_assets_tests.execution.loading import EVENTS, LoadProject

COLUMNS = "columns:\n  id: bigint\n  name: varchar\n"
Put = Callable[[str, bytes], str]


@pytest.fixture(params=["s3", "gcs"])
def put(request: pytest.FixtureRequest) -> Put:
    bucket: S3Bucket | GCSBucket = request.getfixturevalue(f"{request.param}_bucket")
    return bucket.put


def csv(*rows: str, header: str = "id,name") -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def parquet(folder: Path, query: str) -> bytes:
    file = folder / "made.parquet"
    duckdb.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet)")
    return file.read_bytes()


def test_all_objects_of_a_pattern(tmp_path: Path, put: Put) -> None:
    base = put("ev/a.csv", csv("1,x", "2,")).removesuffix("ev/a.csv")
    put("ev/b.csv", csv("y;3", header="name;id"))
    put("ev_old/c.csv", csv("4,z"))
    project = LoadProject(tmp_path, f"files: {base}ev/*.csv\nfilename: file\n{COLUMNS}")
    built = project.published()
    assert project.rows() == [(1, "x", "a.csv"), (2, None, "a.csv"), (3, "y", "b.csv")]
    assert f"{base}ev/a.csv" in built.statement
    assert str(tmp_path) not in built.statement
    assert [path.name for path in (tmp_path / ".sqlmat" / "loading").iterdir()] == [".lock"]


def test_every_format(tmp_path: Path, put: Put) -> None:
    made = {
        "a.csv.gz": gzip.compress(csv("1,x")),
        "a.ndjson": b'{"name":"x","id":1}\n',
        "a.ndjson.gz": gzip.compress(b'{"id":1,"name":"x","other":[]}\n'),
        "a.parquet": parquet(tmp_path, "SELECT 'x' AS name, 1::INTEGER AS id"),
    }
    for name, content in made.items():
        url = put(f"f/{name}", content)
        (tmp_path / name).mkdir()
        project = LoadProject(tmp_path / name, f"files: {url}\n{COLUMNS}")
        assert project.published().rows == 1
        assert project.rows() == [(1, "x")]


def test_a_file_that_is_packed_and_not_called_so(tmp_path: Path, put: Put) -> None:
    project = LoadProject(tmp_path, f"files: {put('a.csv', gzip.compress(csv('1,x')))}\n{COLUMNS}")
    assert project.published().rows == 1


NESTED = """files: {url}
filename: file
columns:
  id: bigint # which one
  user:
    name: varchar
    address:
      city: varchar as town # where they live
      "zip.code": varchar
  tags: varchar[]
  raw: json
"""


def test_values_inside_of_others(tmp_path: Path, put: Put) -> None:
    lines: list[Any] = [
        {"id": 1, "user": {"name": "Joan", "address": {"city": "Oslo", "zip.code": "0150"}}, "tags": ["a", "b"]},
        {"id": 2, "user": {"name": "Jo", "age": 7}, "raw": {"x": [1]}},
        {"id": 3, "user": None},
    ]
    url = put("ev/a.ndjson", "".join(json.dumps(line) + "\n" for line in lines).encode())
    project = LoadProject(tmp_path, NESTED.format(url=url))
    load = project.model().load
    assert load is not None
    assert load.columns == (
        LoadColumn("id", "bigint", "which one"),
        LoadColumn("user_name", "varchar", None, ("user", "name")),
        LoadColumn("town", "varchar", "where they live", ("user", "address", "city")),
        LoadColumn("user_address_zip.code", "varchar", None, ("user", "address", "zip.code")),
        LoadColumn("tags", "varchar[]"),
        LoadColumn("raw", "json"),
    )
    project.published()
    assert project.rows() == [
        (1, "Joan", "Oslo", "0150", ["a", "b"], None, "a.ndjson"),
        (2, "Jo", None, None, None, '{"x":[1]}', "a.ndjson"),
        (3, None, None, None, None, None, "a.ndjson"),
    ]


def test_values_inside_of_others_in_parquet(tmp_path: Path, put: Put) -> None:
    content = parquet(tmp_path, "SELECT 1 AS id, {'name': 'Joan', 'address': {'city': 'Oslo'}} AS user")
    text = "columns:\n  id: bigint\n  user:\n    name: varchar\n    address: {city: varchar}\n"
    project = LoadProject(tmp_path, f"files: {put('a.parquet', content)}\n{text}")
    project.published()
    assert project.rows() == [(1, "Joan", "Oslo")]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id":"x"}', '`"x"` in the column `id` is no `BIGINT`'),
        ('{"id":1,"user":3}', "`3` in the column `user` is no `OBJECT`"),
        ('{"id":1,"user":{"address":[]}}', "`[]` in the column `user.address` is no `OBJECT`"),
        ('{"id":1,"tags":"a"}', '`"a"` in the column `tags` is no `VARCHAR[]`'),
        ("[1]", "the line is no JSON object"),
        ('{"id":1', "the line is no JSON object"),
    ],
)
def test_the_line_with_a_bad_value_is_named_by_its_url(
    s3_bucket: S3Bucket, tmp_path: Path, line: str, said: str
) -> None:
    url = s3_bucket.put("ev/a.ndjson", f'{{"id":1}}\n\n{line}\n')
    project = LoadProject(tmp_path, NESTED.format(url=url))
    assert project.refused().splitlines()[0] == f"{url}:3: {said}"


def test_a_header_of_csv_with_other_names(tmp_path: Path, put: Put) -> None:
    url = put("a.csv", csv("1,x", header="Customer Id,Name"))
    project = LoadProject(tmp_path, f"files: {url}\ncolumns:\n  Customer Id: bigint as id\n  Name: varchar\n")
    project.published()
    assert project.rows("id, Name") == [(1, "x")]


def test_a_bad_value_in_parquet_is_named_by_its_row(tmp_path: Path, put: Put) -> None:
    url = put("a.parquet", parquet(tmp_path, "SELECT unnest(['1', 'x']) AS id, 'y' AS name"))
    assert LoadProject(tmp_path, f"files: {url}\n{COLUMNS}").refused() == (
        f"{url}: `x` in the column `id` of row 2 is no `BIGINT`\n"
        "  hint: write a value of that type, or declare another type for `id`\n`raw.events` was never built"
    )


def test_partitions_in_a_bucket(tmp_path: Path, put: Put) -> None:
    base = put("ev/2019/01/a.csv", csv("1,x")).removesuffix("2019/01/a.csv")
    put("ev/2019/02/b.csv", csv("2,y"))
    text = f"files: {base}{{partition:%Y/%m}}/*.csv\nfilename: file\n{COLUMNS}"
    project = LoadProject(tmp_path, text, "partition_by = month(month) from 2019-01 to 2019-02")
    project.published()
    assert project.rows("id, file") == [(1, "2019/01/a.csv"), (2, "2019/02/b.csv")]
    project.write(text, "partition_by = month(month) from 2019-01 to 2019-03")
    assert project.refused() == (
        f"1 file is missing, nothing was loaded:\n  {base}2019/03/*.csv\n`raw.events` still holds its previous rows"
    )


@pytest.mark.parametrize("kind", ["s3", "gcs"])
def test_each_object_is_fetched_once(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    bucket: S3Bucket | GCSBucket = request.getfixturevalue(f"{kind}_bucket")
    base = bucket.put("ev/1/a.csv", csv("1,x")).removesuffix("1/a.csv")
    bucket.put("ev/2/b.csv", csv("2,y"))
    project = LoadProject(tmp_path, f"files: {base}*/*.csv\nstrategy: manifest\nfilename: file\n{COLUMNS}")
    assert project.published().rows == 2
    # The same content again is the same object.
    bucket.put("ev/2/b.csv", csv("2,y"))
    assert project.unchanged().statement is None
    bucket.put("ev/2/b.csv", csv("3,z"))
    bucket.put("ev/10/c.csv", csv("4,w"))
    assert project.published().rows == 2
    bucket.remove("ev/1/a.csv")
    project.unchanged()
    assert project.rows() == [(1, "x", "1/a.csv"), (3, "z", "2/b.csv"), (4, "w", "10/c.csv")]


def test_folders_of_days_and_hours(tmp_path: Path, put: Put) -> None:
    base = put("ev/2019-01-01/a.csv", csv("1,x")).removesuffix("2019-01-01/a.csv")
    put("ev/2019-01-02/05/a.csv", csv("2,x"))
    put("ev/2019-01-02/17/a.csv", csv("3,x"))
    put("ev/2019-13-02/a.csv", csv("98,x"))
    put("ev/2019-01-03_old/a.csv", csv("99,x"))
    text = f"files: {base}{{hour}}/*.csv\nstrategy: time_series\nfolder: hour\n{COLUMNS}"
    project = LoadProject(tmp_path, text)
    project.published()
    assert project.rows("id, hour::varchar") == [
        (1, "2019-01-01 00:00:00"),
        (2, "2019-01-02 05:00:00"),
        (3, "2019-01-02 17:00:00"),
    ]
    put("ev/2019-01-02/05/b.csv", csv("4,x"))
    assert project.published().rows == 2
    (tmp_path / "days").mkdir()
    by_day = LoadProject(
        tmp_path / "days", text.replace("{hour}", "{day:%Y-%m-%d/17}").replace("hour", "day") + "from: 2019-01-02\n"
    )
    by_day.published()
    assert by_day.rows("id, day::varchar") == [(3, "2019-01-02")]


def test_a_bulk_load_of_what_is_there_already_fetches_nothing(tmp_path: Path, web: WebServer) -> None:
    url = web.put("/a.csv", csv("1,x"))
    project = LoadProject(tmp_path, f"files: {url}\n{COLUMNS}", "min_rows = 1")
    run = Run("d1", datetime.now(UTC), reasons=Reasons.of({EVENTS: Reason.DUE}))
    for number, fetched in enumerate((1, 1, 2), 1):
        if number == 3:
            web.put("/a.csv", csv("2,x"))
        context = replace(project.context(), run=replace(run, id=f"d{number}"))
        last = list(materialize(project.model(), context))[-1]
        assert isinstance(last, Unchanged if number == 2 else Published)
        assert web.asked.count("GET /a.csv") == fetched
    # Whoever asks for it gets it.
    project.build()
    assert web.asked.count("GET /a.csv") == 3


def test_a_file_behind_a_web_server(tmp_path: Path, web: WebServer) -> None:
    url = web.put("/files/a.csv", csv("1,x"))
    project = LoadProject(tmp_path, f"files: {url}?token=1\nfilename: file\n{COLUMNS}")
    project.published()
    assert project.rows() == [(1, "x", "a.csv")]
    web.files.clear()
    assert project.refused() == f"no file matches `{url}?token=1`\n`raw.events` still holds its previous rows"


def test_what_is_cut_off_replaces_nothing(tmp_path: Path, web: WebServer) -> None:
    url = web.put("/a.csv", csv("1,x"))
    project = LoadProject(tmp_path, f"files: {url}\n{COLUMNS}")
    project.published()
    web.put("/a.csv", csv(*(f"{number},x" for number in range(100))))
    # In the middle of a file, between two rows, nothing but the count of bytes tells.
    web.cut["/a.csv"] = len(csv(*(f"{number},x" for number in range(50))))
    assert project.refused() == (
        f"`{url}` was cut off: {web.cut['/a.csv']:,} of {len(web.files['/a.csv']):,} bytes came\n"
        "`raw.events` still holds its previous rows"
    )
    assert project.rows() == [(1, "x")]
    # Each answer was asked for again.
    assert web.asked.count("GET /a.csv") == 1 + 6


def test_a_file_that_is_written_to_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlmat_assets.warehouses.duckdb.session import DuckDBSession

    file = tmp_path / "a.csv"
    file.write_bytes(csv("1,x"))
    project = LoadProject(tmp_path, f"files: {file}\n{COLUMNS}")
    project.published()
    load_files = DuckDBSession.load_files

    def load_and_write(self: DuckDBSession, *args: Any, **how: Any) -> Any:
        loaded = load_files(self, *args, **how)
        with file.open("ab") as more:
            more.write(b"2,y\n")
        return loaded

    monkeypatch.setattr(DuckDBSession, "load_files", load_and_write)
    file.write_bytes(csv("3,z"))
    assert project.refused().startswith("`a.csv` was changed while it was read, and nothing was loaded")
    assert project.rows() == [(1, "x")]


def test_rows_that_are_left_out_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_bytes(csv("1,x", "seven,y"))
    text = f"files: {tmp_path}/a.csv\nmax_bad_rows: 1\n{COLUMNS}"
    project = LoadProject(tmp_path, text, "schedule = 0 9 1 * *")
    command = ["build", str(tmp_path / "sql"), "--no-record", "--warehouse", f"duckdb:///{tmp_path}/w.duckdb"]
    assert run_command(command) == 0
    told = f"{tmp_path}/a.csv:3: `seven` in the column `id` is no `BIGINT`"
    assert f"  warning: 1 row could not be read and was left out\n    {told}\n" in capsys.readouterr().out
    assert run_command([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tables"][0]["left_out"] == {"rows": 1, "first": [told]}
    (tmp_path / "a.csv").write_bytes(csv("2,x", "seven,y"))
    published = project.published()
    metadata = translate_ended(published, (), Run("r1", datetime.now(UTC)))
    assert metadata["rows left out"].value == 1
    assert metadata["first rows left out"].value == f"```text\n{told}\n```"


def test_render_fetches_nothing(tmp_path: Path) -> None:
    project = LoadProject(tmp_path, f"files: s3://nobody/ev/*.csv\n{COLUMNS}")
    sent = render(project.model(), project.context())
    assert any("READ_CSV('s3://nobody/ev/*.csv'" in statement for statement in sent)


def test_a_login_comes_from_the_environment(
    tmp_path: Path, web: WebServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = web.put("/a.csv", csv("1,x"))
    web.lock("joan", "s3cret")
    LoadProject(tmp_path, f"files: {url}\nconnection: shop\n{COLUMNS}", "schedule = 0 9 1 * *")
    command = ["build", str(tmp_path / "sql"), "--no-record", "--warehouse", f"duckdb:///{tmp_path}/w.duckdb"]
    monkeypatch.delenv("SQLMAT_CONNECTION_SHOP", raising=False)
    assert run_command(command) == 1
    assert "hint: put its URL into `SQLMAT_CONNECTION_SHOP`" in capsys.readouterr().out
    monkeypatch.setenv("SQLMAT_CONNECTION_SHOP", web.url.replace("//", "//joan:s3cret@"))
    assert run_command(command) == 0
    out = capsys.readouterr()
    assert "s3cret" not in out.out + out.err


def test_many_files_have_their_own_names(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(150):
        (folder / f"{number}'s.csv").write_bytes(csv(f"{number},x"))
    project = LoadProject(tmp_path, f"files: {folder}/*.csv\nfilename: file\n{COLUMNS}")
    assert project.published().rows == 150
    assert project.rows("count(*)", "raw.events WHERE file = id || '''s.csv'") == [(150,)]
