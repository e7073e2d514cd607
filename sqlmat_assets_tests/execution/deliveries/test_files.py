"""Tables delivered as files: what is in them, when they are there, and which go."""

from __future__ import annotations

import gzip
import json
import urllib.request
from pathlib import Path

import pyarrow.parquet as pq

from sqlmat_assets_tests.connectors.servers import SECRET_KEY
from sqlmat_assets_tests.execution.deliveries.sending import Sending
from sqlmat_assets_tests.redshift.objects import s3_client

CSV = 'id,name\n0,city 0\n1,city 1\n2,""\n'


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_one_file_beside_the_project(sending: Sending) -> None:
    sending.write("disk:\n  to: ../../exports/cities.csv\n")
    event = sending.deliver("disk")
    assert (event.rows, event.is_new, event.shown) == (3, True, "../../exports/cities.csv")
    assert event.details == (("place", f"{sending.root}/exports/cities.csv"),)
    assert (sending.root / "exports" / "cities.csv").read_text() == CSV
    assert files_in(sending.root / "exports") == ["cities.csv"]


def test_a_folder_says_which_delivery_is_the_newest(sending: Sending) -> None:
    sending.write("disk:\n  to: ../../exports\n  format: csv\n  rows_per_file: 2\n  delimiter: ';'\n  header: false\n")
    sending.deliver("disk")
    folder = sending.root / "exports"
    stamp = "20260102T040405Z-r1"
    names = [f"{stamp}/cities-00000-of-00002.csv.gz", f"{stamp}/cities-00001-of-00002.csv.gz"]
    assert files_in(folder) == [*names, "latest.json"]
    assert [gzip.decompress((folder / name).read_bytes()).decode() for name in names] == [
        "0;city 0\n1;city 1\n",
        '2;""\n',
    ]
    assert json.loads((folder / "latest.json").read_text()) == {
        "table": "first.cities",
        "published_at": "2026-01-02T04:04:05+00:00",
        "delivery": stamp,
        "rows": 3,
        "columns": [{"name": "id", "type": "BIGINT"}, {"name": "name", "type": "VARCHAR"}],
        "files": [
            {"name": name, "url": f"{folder}/{name}", "rows": rows, "bytes": (folder / name).stat().st_size}
            for name, rows in zip(names, (2, 1), strict=True)
        ],
    }


def test_parquet_keeps_the_types(sending: Sending) -> None:
    sending.write("disk:\n  to: ../../exports/cities.parquet\n  compression: zstd\n")
    sending.deliver("disk")
    table = pq.read_table(sending.root / "exports" / "cities.parquet")
    assert [str(field.type) for field in table.schema] == ["int64", "string"]
    assert table.to_pylist()[2] == {"id": 2, "name": ""}
    written = pq.ParquetFile(sending.root / "exports" / "cities.parquet").metadata
    assert written.row_group(0).column(0).compression == "ZSTD"


def test_a_table_without_rows_is_a_file_with_a_header(sending: Sending) -> None:
    sending.write("disk:\n  to: ../../exports\n  format: csv\n  compression: none\n  rows_per_file: 2\n", count=0)
    assert sending.deliver("disk").rows == 0
    found = [path.read_text() for path in (sending.root / "exports").rglob("*.csv")]
    assert found == ["id,name\n"]


def test_of_earlier_deliveries_the_last_ones_stay(sending: Sending) -> None:
    for count in range(1, 5):
        sending.write("disk:\n  to: ../../exports\n  keep: 2\n", count=count)
        sending.deliver("disk")
    assert files_in(sending.root / "exports") == [
        "20260102T060405Z-r3/cities.parquet",
        "20260102T070405Z-r4/cities.parquet",
        "latest.json",
    ]


def test_what_others_have_put_there_stays(sending: Sending) -> None:
    mine = sending.root / "exports" / "mine" / "note.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    for count in range(1, 4):
        sending.write("disk:\n  to: ../../exports\n  keep: 1\n", count=count)
        sending.deliver("disk")
    assert mine.read_text() == "mine"
    assert files_in(sending.root / "exports")[-1] == "mine/note.txt"


def test_a_delivery_of_the_last_hour_stays_whatever_is_kept(sending: Sending) -> None:
    recent = sending.root / "exports" / "20260102T043000Z-other" / "cities.parquet"
    recent.parent.mkdir(parents=True)
    recent.write_text("being written")
    sending.write("disk:\n  to: ../../exports\n  keep: 1\n")
    sending.deliver("disk")
    sending.write("disk:\n  to: ../../exports\n  keep: 1\n", count=4)
    sending.deliver("disk")
    assert recent.exists()


def test_too_many_files(sending: Sending) -> None:
    sending.write("disk:\n  to: ../../exports\n  rows_per_file: 1\n", count=501)
    assert sending.refused("disk") == (
        "501 rows in files of 1 are more than 500 files\n  hint: write `rows_per_file: 2` or more\n"
        "`first.cities__deliver__disk` has delivered nothing yet"
    )


def test_s3_with_links(sending: Sending, s3_bucket: str, s3_server: str) -> None:
    sending.secrets = {"EXPORTS": s3_bucket}
    sending.write('bucket:\n  to: "s3://{{ env.EXPORTS }}/cities"\n  format: csv\n  links: 4h\n')
    event = sending.deliver("bucket")
    listed = s3_client(s3_server).list_objects_v2(Bucket=s3_bucket)["Contents"]
    assert [each["Key"] for each in listed] == ["cities/20260102T040405Z-r1/cities.csv.gz", "cities/latest.json"]
    ((name, link),) = event.links
    assert name == "20260102T040405Z-r1/cities.csv.gz"
    with urllib.request.urlopen(link) as answer:
        assert gzip.decompress(answer.read()).decode() == CSV
    assert str(event.links_until) == "2026-01-02 08:04:05+00:00"
    assert event.shown == "s3://{{ env.EXPORTS }}/cities"
    # The bucket is named in the environment alone, so nothing but the links tells of it.
    told = repr([getattr(event, name) for name in event.__slots__ if name != "links"])
    assert s3_bucket not in told
    assert SECRET_KEY not in told + link


def test_one_file_in_s3(sending: Sending, s3_bucket: str, s3_server: str) -> None:
    sending.write(f"bucket:\n  to: s3://{s3_bucket}/cities.csv.gz\n")
    sending.deliver("bucket")
    found = s3_client(s3_server).get_object(Bucket=s3_bucket, Key="cities.csv.gz")["Body"].read()
    assert gzip.decompress(found).decode() == CSV


def test_cloud_storage(sending: Sending, gcs_bucket: str, gcs_server: str) -> None:
    sending.write(f"bucket:\n  to: gs://{gcs_bucket}/cities\n  format: csv\n  links: 7d\n  endpoint: {gcs_server}\n")
    event = sending.deliver("bucket")
    with urllib.request.urlopen(event.links[0][1]) as answer:
        assert gzip.decompress(answer.read()).decode() == CSV
    assert event.details[1] == ("files", "1")


def test_a_bucket_that_is_not_there(sending: Sending, s3_bucket: str) -> None:
    del s3_bucket
    sending.write("bucket:\n  to: s3://no-such-bucket/cities\n")
    assert sending.refused("bucket").splitlines()[0].startswith("S3 refuses: ")
    assert sending.pauses == []


def test_a_value_that_is_not_set(sending: Sending) -> None:
    sending.write('bucket:\n  to: "s3://{{ env.EXPORTS }}/cities"\n')
    assert sending.refused("bucket") == (
        "`{{ env.EXPORTS }}` has no value\n  hint: set the variable `EXPORTS` where this runs\n"
        "`first.cities__deliver__bucket` has delivered nothing yet"
    )
