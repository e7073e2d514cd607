"""TLS to a real PostgreSQL that tables are loaded from."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from sqlmat_assets_tests.connectors.cutting import cutting
from sqlmat_assets_tests.connectors.sources import source_in_postgres
from sqlmat_assets_tests.execution.loading import LoadProject
from sqlmat_assets_tests.postgres import Server, find_binaries, serving
from sqlmat_assets_tests.redshift.certificates import make_certificate

TEXT = "connection: shop\ntable: orders\nstrategy: incremental\nkey: id\ncolumns:\n  id: bigint\n  name: varchar\n"
PASSWORD = "hunter2"


@pytest.fixture(scope="module")
def server(postgres_server: Server) -> Generator[Server]:
    """A server with TLS; it is looked for as the other is, and skipped with it."""
    assert find_binaries().is_dir()
    with serving(has_tls=True) as running:
        source = source_in_postgres(running.url("postgres"))
        source.send(
            "CREATE TABLE orders AS SELECT i AS id, 'x' AS name FROM generate_series(1, 5000) AS i",
            f"CREATE USER locked PASSWORD '{PASSWORD}'",
            "GRANT SELECT ON orders TO locked",
        )
        yield running


def a_project(root: Path, server: Server, parameters: str, host: str = "127.0.0.1") -> LoadProject:
    url = f"postgresql://locked:{PASSWORD}@{host}:{server.port}/postgres?{parameters}"
    return LoadProject(root, TEXT, variables={"SQLMAT_CONNECTION_SHOP": url})


def test_rows_come_by_tls(tmp_path: Path, server: Server) -> None:
    project = a_project(tmp_path, server, f"sslmode=verify-full&sslrootcert={server.authority}")
    assert project.published().rows == 5000
    assert project.unchanged().statement is None


@pytest.mark.parametrize(
    ("parameters", "host", "said"),
    [
        ("sslrootcert={other}", "127.0.0.1", "SSL error: certificate verify failed"),
        ("sslrootcert=/nothing.pem", "127.0.0.1", 'root certificate file "/nothing.pem" does not exist'),
        ("sslrootcert={own}", "localhost", "does not match host name"),
    ],
)
def test_who_is_not_trusted_is_told_nothing(
    tmp_path: Path, server: Server, parameters: str, host: str, said: str
) -> None:
    _, other = make_certificate(tmp_path / "other")
    told = f"sslmode=verify-full&{parameters.format(other=other, own=server.authority)}"
    refused = a_project(tmp_path, server, told, host).refused()
    first = refused.splitlines()[0]
    assert first.startswith(f"postgresql://{host}:{server.port}/postgres: the certificate of the server is refused: ")
    assert said in first
    assert "hint: name the certificate of its authority in `sslrootcert`" in refused
    assert PASSWORD not in refused


def test_a_server_without_tls(tmp_path: Path, postgres_server: Server) -> None:
    refused = a_project(tmp_path, postgres_server, "sslmode=require").refused()
    assert ": no TLS with the server: server does not support SSL, but SSL was required" in refused


@pytest.mark.parametrize("times", [1, 100])
def test_a_connection_that_is_lost_in_the_middle(tmp_path: Path, server: Server, times: int) -> None:
    with cutting(server.port, most=40_000, times=times) as way:
        url = f"postgresql://locked:{PASSWORD}@127.0.0.1:{way.port}/postgres?sslmode=verify-full"
        variables = {"SQLMAT_CONNECTION_SHOP": f"{url}&sslrootcert={server.authority}"}
        project = LoadProject(tmp_path, TEXT, variables=variables)
        if times == 1:
            assert project.published().rows == 5000
        else:
            assert " cannot be reached: " in project.refused()
    assert way.cut == min(times, 6)
