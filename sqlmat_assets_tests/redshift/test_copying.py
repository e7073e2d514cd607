"""COPY from S3 and UNLOAD to it, over real sockets."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sqlmat_assets_tests.redshift.clients import ask, fails, with_psycopg2, with_redshift_connector
from sqlmat_assets_tests.redshift.cluster import RedshiftDouble

ROLE = "iam_role 'arn:aws:iam::123456789012:role/load'"
LOADED = "select pg_last_copy_count()"


@pytest.fixture
def put(cluster: RedshiftDouble, bucket: str) -> Callable[[str, bytes | str], str]:
    """Write an object and return its URL."""

    def write(key: str, data: bytes | str) -> str:
        assert cluster.store is not None
        url = f"s3://{bucket}/{key}"
        cluster.store.write(url, data.encode() if isinstance(data, str) else data)
        return url

    return write


@pytest.fixture
def get(cluster: RedshiftDouble) -> Callable[[str], dict[str, bytes]]:
    """Return the objects of a prefix, by what stands behind it."""

    def read(url: str) -> dict[str, bytes]:
        assert cluster.store is not None
        return {found.removeprefix(url): cluster.store.read(found) for found in cluster.store.list(url)}

    return read


def table(client: Any) -> None:
    ask(client, "create table t (a int, b varchar(5), c date)")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("1|one|2026-01-02\n2||\n", ""),
        ("1,one,2026-01-02\n2,,\n", "csv"),
        ('a,b,c\n1,"one",2026-01-02\n2,,\n', "format as csv ignoreheader 1"),
        ("1\tone\t2026-01-02\n2\tNONE\tNONE\n", "delimiter '\\t' null as 'NONE'"),
        ("1;one;02/01/2026\n2;;\n", "delimiter as ';' dateformat as 'DD/MM/YYYY' emptyasnull"),
    ],
)
def test_text_is_loaded(client: Any, put: Callable[[str, str], str], text: str, options: str) -> None:
    table(client)
    ask(client, f"copy t from '{put('in/x', text)}' {ROLE} {options}")
    empty = None if "null" in options else ""
    assert ask(client, "select * from t order by a") == [(1, "one", dt.date(2026, 1, 2)), (2, empty, None)]
    assert ask(client, LOADED) == [(2,)]


def test_all_objects_of_a_prefix_are_loaded_with_gzip(client: Any, put: Callable[[str, bytes], str]) -> None:
    table(client)
    for number in range(3):
        put(f"in/part{number}.gz", gzip.compress(f"{number},x,2026-01-01\n".encode()))
    url = put("in/part9.gz", gzip.compress(b"9,'y',\n"))
    ask(client, f"copy t (a, b, c) from '{url[:-4]}' {ROLE} csv gzip")
    assert ask(client, "select a, b from t order by a") == [(0, "x"), (1, "x"), (2, "x"), (9, "'y'")]
    found = ask(client, "select lines_scanned from stl_load_commits where query = pg_last_copy_id() order by filename")
    assert found == [(1,)] * 4


def test_a_manifest_names_the_objects(client: Any, put: Callable[[str, str], str]) -> None:
    table(client)
    one, _ = put("in/one", "1|x|\n"), put("in/one_more", "2|x|\n")
    manifest = put(
        "m/manifest",
        json.dumps({"entries": [{"url": one, "mandatory": True}, {"url": one + "_lost", "mandatory": False}]}),
    )
    ask(client, f"copy t from '{manifest}' {ROLE} manifest")
    assert ask(client, "select a from t") == [(1,)]
    missing = put("m/missing", json.dumps({"entries": [{"url": one + "_lost", "mandatory": True}]}))
    assert "is mandatory but does not exist" in fails(client, f"copy t from '{missing}' {ROLE} manifest")[1]


def test_values_of_json_are_found_by_their_paths(client: Any, put: Callable[[str, bytes | str], str]) -> None:
    ask(client, "create table t (a int, b varchar(5), c boolean)")
    paths = put("m/paths", json.dumps({"jsonpaths": ["$['x']", "$['in']['it\\'s']", "$['c']"]}))
    lines = '{"x": 1, "in": {"it\'s": "one"}, "c": true}\n\n{"x": "2", "in": 3, "more": []}\n'
    url = put("in/x.gz", gzip.compress(lines.encode()))
    ask(client, f"copy t from '{url}' {ROLE} format as json '{paths}' gzip")
    assert ask(client, "select * from t order by a") == [(1, "one", True), (2, None, None)]
    bad = put("in/bad", '{"x": 1}\n{"x": "y"}\n{\n')
    ask(client, f"copy t from '{bad}' {ROLE} json '{paths}' maxerror 3")
    found = ask(client, "select line_number, trim(colname), err_code from stl_load_errors order by 1")
    assert found == [(2, "a", 1207), (3, "", 1216)]


def parquet(**columns: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def test_parquet_is_loaded_by_the_place_of_columns(client: Any, put: Callable[[str, bytes], str]) -> None:
    table(client)
    data = parquet(x=pa.array([1, 2], pa.int32()), y=["it's \\N", None], z=pa.array([dt.date(2026, 1, 2), None]))
    ask(client, "create table wide (a int, b varchar(9), c date)")
    ask(client, f"copy wide from '{put('p', data)}' {ROLE} format as parquet")
    assert ask(client, "select * from wide order by a") == [(1, "it's \\N", dt.date(2026, 1, 2)), (2, None, None)]


@pytest.mark.parametrize(
    "columns",
    [
        {"a": pa.array([1], pa.int64()), "b": ["x"], "c": [dt.date(2026, 1, 1)]},
        {"a": pa.array([1], pa.int32()), "b": ["x"]},
        {"a": pa.array([1], pa.int32()), "b": ["too long"], "c": [dt.date(2026, 1, 1)]},
    ],
    ids=["a wider type", "a column less", "a longer text"],
)
def test_parquet_that_does_not_fit_is_refused(
    client: Any, put: Callable[[str, bytes], str], columns: dict[str, Any]
) -> None:
    table(client)
    assert fails(client, f"copy t from '{put('p', parquet(**columns))}' {ROLE} parquet") == (
        "XX000",
        "Spectrum Scan Error",
    )


def test_bad_lines_are_told_and_nothing_is_loaded(cluster: RedshiftDouble, put: Callable[[str, str], str]) -> None:
    connection = with_psycopg2(cluster)
    table(connection)
    connection.commit()
    url = put("in/bad.csv", "1,one,2026-01-01\nx1,one,2026-01-01\n")
    message = "Load into table 't' failed.  Check 'stl_load_errors' system table for details."
    assert fails(connection, f"copy t from '{url}' {ROLE} csv") == ("XX000", message)
    assert ask(connection, "select count(*) from t") == [(0,)]
    found = ask(
        connection,
        (
            "select line_number, trim(colname), err_code, trim(err_reason), trim(raw_line), "
            "trim(raw_field_value) from stl_load_errors"
        ),
    )
    assert found == [(2, "a", 1207, "Invalid digit, Value 'x', Pos 0, Type: Integer", "x1,one,2026-01-01", "x1")]
    assert ask(connection, "select file_name, column_type, error_code from sys_load_error_detail") == [
        (url, "int4", 1207)
    ]
    connection.close()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("1,one", 1214),
        ("1,one,2026-01-01,more", 1202),
        ("9999999999,one,", 1204),
        ("1,toolong,", 1204),
        ("1,ééé,", 1204),
        ("1,one,01.02.2026", 1205),
        ("1.5,one,", 1207),
    ],
)
def test_maxerror_lets_bad_lines_pass(client: Any, put: Callable[[str, str], str], line: str, code: int) -> None:
    table(client)
    url = put("in/x", f"1,one,\n{line}\n3,x,\n")
    ask(client, f"copy t from '{url}' {ROLE} csv maxerror 2")
    assert ask(client, "select a from t order by a") == [(1,), (3,)]
    assert ask(client, "select err_code from stl_load_errors where query = pg_last_copy_id()") == [(code,)]
    assert any("could not be loaded" in notice for notice in client.notices)
    assert fails(client, f"copy t from '{url}' {ROLE} csv maxerror 1")[0] == "XX000"


def test_null_in_a_column_that_has_none(client: Any, put: Callable[[str, str], str]) -> None:
    ask(client, "create table n (a int not null)")
    assert fails(client, f"copy n from '{put('x', 'NONE' + chr(10))}' {ROLE} csv null 'NONE'")[0] == "XX000"
    assert ask(client, "select err_code from stl_load_errors") == [(1213,)]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("copy t from 's3://{bucket}/nothing' iam_role default", "The specified S3 prefix 'nothing' does not exist"),
        (
            "copy t from 's3://no-such-bucket-here/x' iam_role default",
            "S3ServiceException:The specified bucket does not exist",
        ),
        ("copy t from 's3://{bucket}/x'", "CREDENTIALS argument is required but was not specified"),
        ("copy missing from 's3://{bucket}/x' iam_role default", 'relation "missing" does not exist'),
        ("copy t (nothing) from 's3://{bucket}/x' iam_role default", 'column "nothing" of relation "t" does not exist'),
        ("copy t from 's3://{bucket}/x' iam_role default colour 'red'", 'syntax error at or near "colour"'),
        (
            "copy t from 's3://{bucket}/x' iam_role default json 'auto'",
            "the double of Redshift does not emulate JSON 'auto'",
        ),
    ],
)
def test_a_copy_that_cannot_be(
    client: Any, bucket: str, put: Callable[[str, str], str], sql: str, message: str
) -> None:
    table(client)
    put("x", "1|a|\n")
    assert message in fails(client, sql.format(bucket=bucket))[1]


def test_a_copy_is_part_of_its_transaction(cluster: RedshiftDouble, put: Callable[[str, str], str]) -> None:
    connection = with_redshift_connector(cluster)
    ask(connection, "create table t (a int)")
    connection.commit()
    ask(connection, f"copy t from '{put('x', chr(10).join('123') + chr(10))}' {ROLE}")
    assert ask(connection, "select count(*) from t") == [(3,)]
    connection.rollback()
    assert ask(connection, "select count(*) from t") == [(0,)]
    connection.close()


SOURCE = (
    "create table t as select 1::smallint as a, 'it''s'::varchar(9) as b, 1.50::numeric(10, 2) as c, "
    "'2026-01-02 03:04:05'::timestamp as d, true as e"
)


def test_what_is_unloaded_can_be_loaded(client: Any, bucket: str) -> None:
    ask(client, SOURCE + " union all select null, null, null, null, null")
    for form in ("csv", "parquet", "csv gzip", "csv header"):
        url = f"s3://{bucket}/out/{form.replace(' ', '_')}/"
        ask(
            client, f"unload ('select * from t where b = ''it\\\\''s'' or b is null') to '{url}' {ROLE} {form} manifest"
        )
        assert ask(client, "select pg_last_unload_count()") == [(2,)]
        ask(client, "create table u (like t)")
        load = form.replace("header", "ignoreheader 1")
        ask(client, f"copy u from '{url}manifest' {ROLE} {load} manifest emptyasnull")
        assert ask(client, "select * from u order by a") == ask(client, "select * from t order by a")
        ask(client, "drop table u")


def test_unloaded_parquet_keeps_the_types(client: Any, bucket: str, get: Callable[[str], dict[str, bytes]]) -> None:
    ask(client, SOURCE)
    url = f"s3://{bucket}/out/"
    ask(client, f"unload ($$select * from t$$) to '{url}' {ROLE} parquet parallel off")
    found = get(url)
    assert list(found) == ["000.parquet"]
    rows = pq.read_table(io.BytesIO(found["000.parquet"]))
    assert [str(kind) for kind in rows.schema.types] == [
        "int16",
        "string",
        "decimal128(10, 2)",
        "timestamp[us]",
        "bool",
    ]
    assert rows.to_pylist() == [
        {"a": 1, "b": "it's", "c": Decimal("1.50"), "d": dt.datetime.fromisoformat("2026-01-02 03:04:05"), "e": True}
    ]


def test_unload_does_not_overwrite_unless_it_is_told_to(
    client: Any, bucket: str, get: Callable[[str], dict[str, bytes]]
) -> None:
    url = f"s3://{bucket}/out/"
    ask(client, f"unload ('select 1, null') to '{url}' {ROLE} delimiter ';' null 'NONE' parallel off")
    sqlstate, message = fails(client, f"unload ('select 2') to '{url}' {ROLE}")
    assert sqlstate == "XX000"
    assert message.startswith("Specified unload destination on S3 is not empty.")
    assert get(url) == {"000": b"1;NONE\n"}
    ask(client, f"unload ('select 2') to '{url}' {ROLE} allowoverwrite parallel off")
    assert get(url) == {"000": b"2\n"}
    ask(client, f"unload ('select 3 as x') to '{url}' {ROLE} cleanpath csv header")
    assert get(url) == {"0000_part_00": b"x\n3\n"}
    assert fails(client, f"unload ('select nothing') to '{url}' {ROLE} allowoverwrite")[0] == "42703"


def test_append_moves_the_rows(client: Any) -> None:
    ask(client, "create table t as select 1 as a; create table s as select 2 as a")
    ask(client, "alter table t append from s")
    assert ask(client, "select a from t order by a") == [(1,), (2,)]
    assert ask(client, "select * from s") == []
    assert fails(client, "begin; alter table t append from s")[0] == "25001"
