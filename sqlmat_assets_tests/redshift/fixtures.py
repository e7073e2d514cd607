"""Fixtures: an S3 server and a cluster a test process; each test gets the cluster empty."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from sqlmat_assets_tests.postgres import Server
from sqlmat_assets_tests.redshift import catalog
from sqlmat_assets_tests.redshift.backend import Address
from sqlmat_assets_tests.redshift.clients import with_psycopg2
from sqlmat_assets_tests.redshift.cluster import RedshiftDouble, redshift_double
from sqlmat_assets_tests.redshift.objects import ObjectStore


@pytest.fixture(scope="session")
def redshift_server(postgres_server: Server) -> Address:
    """The PostgreSQL behind all clusters of this test process, with what a cluster's databases are copied from."""
    address = Address("127.0.0.1", postgres_server.port, "dev")
    catalog.install(address)
    return address


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


@pytest.fixture(scope="session")
def shared_cluster(redshift_server: Address, s3_server: str) -> Generator[RedshiftDouble]:
    """The cluster of this test process, which each test gets empty."""
    with redshift_double(redshift_server, s3=s3_server) as running:
        yield running


@pytest.fixture
def cluster(shared_cluster: RedshiftDouble) -> Generator[RedshiftDouble]:
    """A cluster with serializable isolation and nothing in it."""
    yield shared_cluster
    shared_cluster.reset()


@pytest.fixture(scope="session")
def shared_snapshot_cluster(redshift_server: Address, s3_server: str) -> Generator[RedshiftDouble]:
    """One with snapshot isolation."""
    with redshift_double(redshift_server, s3=s3_server, isolation="snapshot") as running:
        yield running


@pytest.fixture
def snapshot_cluster(shared_snapshot_cluster: RedshiftDouble) -> Generator[RedshiftDouble]:
    """A cluster with snapshot isolation and nothing in it."""
    yield shared_snapshot_cluster
    shared_snapshot_cluster.reset()


@contextmanager
def moto_server() -> Generator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture
def client(cluster: RedshiftDouble) -> Generator[Any]:
    """A connection of psycopg2 in which each statement is a transaction."""
    connection = with_psycopg2(cluster)
    connection.autocommit = True
    yield connection
    connection.close()
