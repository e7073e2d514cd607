"""Fixtures: one server of each kind for a test process, with buckets of their own for each test."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Generator
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import pytest
from gcp_storage_emulator.exceptions import NotFound

from sqlmat_assets_tests.connectors.http_double import WebServer, web_server
from sqlmat_assets_tests.postgres import free_port

S3_KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}


class S3Bucket:
    """An empty bucket of a server that answers as S3 does, which this process finds as it would find Amazon's."""

    def __init__(self, name: str, endpoint: str) -> None:
        import boto3

        self.name = name
        self.endpoint = endpoint
        self.client: Any = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        self.client.create_bucket(Bucket=name)

    def put(self, key: str, content: bytes | str) -> str:
        data = content.encode() if isinstance(content, str) else content
        self.client.put_object(Bucket=self.name, Key=key, Body=data)
        return f"s3://{self.name}/{key}"

    def remove(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)


class GCSBucket:
    """An empty bucket of a server that answers as Cloud Storage does."""

    def __init__(self, name: str) -> None:
        from google.cloud import storage

        client: Any = storage.Client()
        self.name = name
        self._bucket: Any = client.create_bucket(name)

    def put(self, key: str, content: bytes | str) -> str:
        data = content.encode() if isinstance(content, str) else content
        self._bucket.blob(key).upload_from_string(data)
        return f"gs://{self.name}/{key}"

    def remove(self, key: str) -> None:
        self._bucket.blob(key).delete()


@pytest.fixture
def s3_bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> S3Bucket:
    for name, value in S3_KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_server)
    return S3Bucket(f"bucket-{uuid.uuid4().hex[:12]}", s3_server)


@pytest.fixture(scope="session")
def gcs_server() -> Generator[str]:
    """The URL of a Cloud Storage that keeps its objects in memory."""
    from gcp_storage_emulator.server import create_server

    _refuse_other_generations()
    logging.getLogger("gcp_storage_emulator").setLevel(logging.ERROR)
    port = free_port()
    server: Any = create_server("127.0.0.1", port, in_memory=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()


def _refuse_other_generations() -> None:
    """Have the emulator do with `ifGenerationMatch` what the service does: https://cloud.google.com/storage/docs/request-preconditions."""
    from gcp_storage_emulator import server
    from gcp_storage_emulator.handlers import objects

    download: Any = objects.download

    def download_same(request: Any, response: Any, storage: Any, *args: Any, **kwargs: Any) -> None:
        wanted = request.query.get("ifGenerationMatch")
        with suppress(NotFound):
            found = storage.get_file_obj(request.params["bucket_name"], request.params["object_id"])
            if wanted and wanted[0] != found["generation"]:
                response.status = HTTPStatus.PRECONDITION_FAILED
                return
        download(request, response, storage, *args, **kwargs)

    routes: Any = server.HANDLERS
    for _, methods in routes:
        for method, handler in methods.items():
            if handler is download:
                methods[method] = download_same


@pytest.fixture
def gcs_bucket(gcs_server: str, monkeypatch: pytest.MonkeyPatch) -> GCSBucket:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_server)
    return GCSBucket(f"bucket-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def web() -> Generator[WebServer]:
    with web_server() as server:
        yield server
