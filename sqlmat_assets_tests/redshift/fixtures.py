"""Fixtures: a PostgreSQL server and an S3 server a test process, a cluster a test."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from moto.server import ThreadedMotoServer

from sqlmat_assets_tests.redshift import catalog
from sqlmat_assets_tests.redshift.backend import Address
from sqlmat_assets_tests.redshift.cluster import RedshiftDouble, redshift_double
from sqlmat_assets_tests.redshift.objects import ObjectStore
from sqlmat_assets_tests.redshift.server import postgres_server


@pytest.fixture(scope="session")
def redshift_server() -> Generator[Address]:
    """The PostgreSQL behind all clusters of this test process."""
    with postgres_server() as address:
        catalog.install(address)
        yield address


@pytest.fixture(scope="session")
def s3_server() -> Generator[str]:
    """The URL of an S3 that keeps its objects in memory."""
    with moto_server() as url:
        yield url


@pytest.fixture
def bucket(s3_server: str) -> str:
    """The name of an empty bucket."""
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    ObjectStore(s3_server).client.create_bucket(Bucket=name)
    return name


@pytest.fixture
def cluster(redshift_server: Address, s3_server: str) -> Generator[RedshiftDouble]:
    """A cluster with serializable isolation."""
    with redshift_double(redshift_server, s3=s3_server) as running:
        yield running


@contextmanager
def moto_server() -> Generator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()
