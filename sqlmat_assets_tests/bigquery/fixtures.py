"""Fixtures: a double a test process; each test gets it empty."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Generator
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials

from sqlmat_assets_tests.bigquery.server import BigQueryDouble, bigquery_double
from sqlmat_assets_tests.postgres import free_port

PROJECT = "a-project"


@pytest.fixture(scope="session")
def shared_bigquery() -> Generator[BigQueryDouble]:
    """The double of this test process, which each test gets empty."""
    with bigquery_double() as running:
        yield running


@pytest.fixture
def bigquery(shared_bigquery: BigQueryDouble) -> Generator[BigQueryDouble]:
    """A BigQuery with nothing in it."""
    yield shared_bigquery
    shared_bigquery.reset()


@pytest.fixture(scope="session")
def storage_server() -> Generator[str]:
    """The URL of a Cloud Storage that keeps its objects in memory."""
    from gcp_storage_emulator.server import create_server

    logging.getLogger("gcp_storage_emulator").setLevel(logging.ERROR)
    port = free_port()
    server: Any = create_server("127.0.0.1", port, in_memory=True)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def storage(bigquery: BigQueryDouble, storage_server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty bucket of a Cloud Storage that the double of BigQuery reads and writes."""
    from google.cloud import storage

    monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage_server)
    bigquery.read_objects_at(storage_server)
    client: Any = storage.Client(project=PROJECT, credentials=AnonymousCredentials())
    return client.create_bucket(f"bucket-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def bigquery_url(bigquery: BigQueryDouble) -> str:
    """The URL of a warehouse there."""
    return f"bigquery://{PROJECT}?location=EU&wait=5&endpoint={bigquery.url}"
