"""Servers on this machine in place of those that a service uses."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from sqlmat_assets_tests.deploy.service import free_ports, wait_for
from sqlmat_assets_tests.postgres import Server, serving

PASSWORD = "not-to-be-seen/@:%2F#?&+"
DATABASE = "dagster"
USER = "locked"
"""Of the users of the server, the one that needs a password."""


@contextmanager
def postgres() -> Generator[Server]:
    """A PostgreSQL server with a database for Dagster, whose owner has a password."""
    with serving() as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'".encode())
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {USER}".encode())
        yield server


def told_of(server: Server) -> dict[str, str]:
    """What a service is told of the server."""
    place = {"DAGSTER_PG_PORT": str(server.port), "DAGSTER_PG_DB": DATABASE}
    return {**place, "DAGSTER_PG_USER": USER, "DAGSTER_PG_PASSWORD": PASSWORD}


def rows(port: int, query: str, *values: object) -> list[tuple[Any, ...]]:
    """What a query on the database of Dagster returns; the server listens at `port`."""
    with psycopg.connect(f"postgresql://dev@127.0.0.1:{port}/{DATABASE}") as connection:
        return connection.execute(query.encode(), values).fetchall()


@contextmanager
def s3(folder: Path) -> Generator[str]:
    """A server that answers as S3 does; its URL."""
    with _server(folder, "moto_server", "-H", "127.0.0.1", "-p") as url:
        yield url


@contextmanager
def cloud_storage(folder: Path, bucket: str) -> Generator[str]:
    """A server that answers as Google Cloud Storage does, with a bucket; its URL."""
    program = ("gcp-storage-emulator", "start", "-M", "--host", "127.0.0.1", "--default-bucket", bucket, "--port")
    with _server(folder, *program) as url:
        yield url


@contextmanager
def _server(folder: Path, program: str, *arguments: str) -> Generator[str]:
    """A program of this environment that listens at the port which is its last argument."""
    (port,) = free_ports(1)
    command = [Path(sys.executable).with_name(program), *arguments, str(port)]
    with (folder / f"{program}.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        wait_for(program, lambda: _listens(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
