"""S3, over a socket."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from sqlmat_assets.connectors.base import Found, Store
from sqlmat_assets.connectors.config import Connectors
from sqlmat_assets.connectors.s3 import S3Place, S3Store, read_place
from sqlmat_assets.errors import SourceError, TransientSourceError, UsageError
from sqlmat_assets_tests.connectors.contract import FetchingContract, Place
from sqlmat_assets_tests.connectors.fixtures import S3Bucket
from sqlmat_assets_tests.postgres import free_port


@pytest.fixture
def place(s3_bucket: S3Bucket) -> Place:
    return s3_bucket


@pytest.fixture
def store(s3_bucket: S3Bucket) -> Store:
    del s3_bucket  # which sets the environment
    return S3Store(S3Place())


class TestS3(FetchingContract):
    """The contract."""


def test_more_objects_than_one_page_has(s3_bucket: S3Bucket) -> None:
    urls = [s3_bucket.put(f"many/{number}.csv", "x") for number in range(7)]
    assert [each.url for each in S3Store(S3Place(), page=3).find(f"s3://{s3_bucket.name}/many/*.csv")] == urls


def test_a_bucket_that_nobody_has(store: Store) -> None:
    with pytest.raises(SourceError) as caught:
        store.find("s3://no-such-bucket/*.csv")
    assert str(caught.value) == "there is no bucket `s3://no-such-bucket`\n  hint: check its name in `files`"


def test_a_login_of_a_connection(s3_bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    url = s3_bucket.put("a.csv", "x")
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    host = s3_bucket.endpoint.removeprefix("http://")
    variables = {"SQLMAT_CONNECTION_MINIO": f"s3://key:se%2Fcret@{host}?region=eu-west-1&tls=false"}
    store = Connectors.of(variables).open_store("s3", "minio")
    assert [each.url for each in store.find(url)] == [url]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://k:s%2B@minio:9000?region=r", S3Place("k", "s+", "r", "https://minio:9000")),
        ("s3://k:s@", S3Place("k", "s", None, None)),
        ("s3://minio?tls=false", S3Place(None, None, None, "http://minio")),
    ],
)
def test_urls_of_connections(url: str, expected: S3Place) -> None:
    assert read_place("minio", url) == expected


@pytest.mark.parametrize("url", ["gs://x", "s3://k:secret@minio/bucket", "s3://k:secret@minio?what=1"])
def test_a_url_that_is_none_is_not_repeated(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_place("minio", url)
    assert str(caught.value) == (
        "the URL of the connection `minio` cannot be used here\n"
        "  hint: write it like `s3://KEY:SECRET@minio.example.com:9000?region=eu-central-1`"
    )


def test_nobody_there() -> None:
    store = S3Store(S3Place("k", "s", "us-east-1", f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(TransientSourceError, match="`s3://b` cannot be reached: "):
        store.find("s3://b/*.csv")


def test_a_body_that_is_cut_off(s3_bucket: S3Bucket, tmp_path: Path) -> None:
    """A server between that loses the end of an answer."""
    found = S3Store(S3Place()).find(s3_bucket.put("a.csv", "x" * 10_000))[0]
    with socket.create_server(("127.0.0.1", 0)) as between:
        between.settimeout(10)
        store = S3Store(S3Place("k", "s", "us-east-1", f"http://127.0.0.1:{between.getsockname()[1]}"))
        import threading

        def answer() -> None:
            with between.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n" + b"x" * 4000)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(TransientSourceError):
            store.fetch(found, tmp_path / "fetched")
        thread.join()


def test_an_object_that_is_shorter_than_it_was_listed(s3_bucket: S3Bucket, tmp_path: Path, store: Store) -> None:
    url = s3_bucket.put("a.csv", "four")
    with pytest.raises(TransientSourceError) as caught:
        store.fetch(Found(url, 5), tmp_path / "fetched")
    assert str(caught.value) == f"`{url}` was cut off: 4 of 5 bytes came"
