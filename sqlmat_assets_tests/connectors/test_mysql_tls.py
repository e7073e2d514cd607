"""TLS to a real MariaDB: who is trusted, and that nothing is said where nobody is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sqlmat_assets.connectors.mysql_tls import read_tls
from sqlmat_assets.errors import SourceError
from sqlmat_assets_tests.connectors.cutting import cutting
from sqlmat_assets_tests.connectors.sources import Source
from sqlmat_assets_tests.execution.loading import LoadProject
from sqlmat_assets_tests.mariadb import MariaDB
from sqlmat_assets_tests.redshift.certificates import make_certificate

TEXT = "connection: shop\ntable: orders\nstrategy: incremental\nkey: id\ncolumns:\n  id: bigint\n  name: varchar\n"
PASSWORD = "hunter2"


@pytest.fixture
def url(mariadb: Source, mariadb_server: MariaDB) -> Generator[str]:
    """The URL of somebody who is let in by TLS alone, without its parameters."""
    mariadb.send("CREATE TABLE orders AS SELECT seq AS id, 'x' AS name FROM seq_1_to_50000")
    mariadb_server.send(
        "",
        f"CREATE USER careful@'127.0.0.1' IDENTIFIED BY '{PASSWORD}' REQUIRE SSL",
        "GRANT SELECT ON *.* TO careful@'127.0.0.1'",
        user="root",
    )
    name = mariadb.url.rpartition("/")[2]
    yield f"mysql://careful:{PASSWORD}@127.0.0.1:{mariadb_server.port}/{name}"
    mariadb_server.send("", "DROP USER careful@'127.0.0.1'", user="root")


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], LoadProject]:
    return lambda url: LoadProject(tmp_path, TEXT, variables={"SQLMAT_CONNECTION_SHOP": url})


def refused(project: LoadProject) -> str:
    """Why it is not loaded; the password is in nothing that is said."""
    said = project.refused()
    assert PASSWORD not in said
    return said


def test_rows_come_by_tls(
    load: Callable[[str], LoadProject], url: str, mariadb: Source, mariadb_server: MariaDB
) -> None:
    assert "may not be read: Access denied for user 'careful'" in refused(load(url))
    project = load(f"{url}?ssl-ca={mariadb_server.authority}")
    assert project.published().rows == 50_000
    mariadb.send("INSERT INTO orders VALUES (50001, 'y')")
    built = project.published()
    assert built.rows == 1
    assert PASSWORD not in built.statement
    assert project.rows("count(*), count(DISTINCT id)") == [(50_001, 50_001)]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("ssl-mode=VERIFY_IDENTITY", "the certificate of the server is refused: self-signed certificate"),
        ("ssl-ca={other}", "the certificate of the server is refused: self-signed certificate"),
        ("ssl-mode=verify_ca&ssl-ca={other}", "the certificate of the server is refused: self-signed certificate"),
        ("ssl_ca=/nothing.pem", "a certificate cannot be read: No such file or directory"),
        ("ssl-mode=VERIFY", "`ssl-mode` is none of DISABLED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY"),
        ("sslmode=VERIFY_CA", "nothing reads the parameter `sslmode`\n  hint: it has ssl-mode, ssl-ca\n"),
    ],
)
def test_who_is_not_trusted_is_told_nothing(
    tmp_path: Path, load: Callable[[str], LoadProject], url: str, parameters: str, said: str
) -> None:
    _, other = make_certificate(tmp_path / "other")
    told = refused(load(f"{url}?{parameters.format(other=other)}"))
    place = url.replace(f"careful:{PASSWORD}@", "")
    assert told.startswith(f"{place}: {said}")
    assert told.endswith("`raw.events` was never built")


def test_a_certificate_of_another_name(load: Callable[[str], LoadProject], url: str, mariadb_server: MariaDB) -> None:
    by_name = url.replace("@127.0.0.1:", "@localhost:")
    ca = f"ssl-ca={mariadb_server.authority}"
    said = refused(load(f"{by_name}?{ca}"))
    assert "Hostname mismatch, certificate is not valid for 'localhost'" in said
    assert "hint: name the certificate of its authority in `ssl-ca`, and the server as its certificate does" in said
    assert load(f"{by_name}?{ca}&ssl-mode=VERIFY_CA").published().rows == 50_000
    assert load(f"{by_name}?ssl-mode=REQUIRED").unchanged().rows == 50_000


def test_who_says_that_there_is_no_tls_is_not_believed(
    load: Callable[[str], LoadProject], url: str, mariadb_server: MariaDB
) -> None:
    with stripping(mariadb_server.port) as (port, heard):
        way = url.replace(f":{mariadb_server.port}/", f":{port}/")
        said = refused(load(f"{way}?ssl-ca={mariadb_server.authority}"))
    assert ": the server offers no TLS\n  hint: set it up there, or take `ssl-mode`" in said
    assert heard == []


def test_a_wrong_password_and_nobody_there(
    load: Callable[[str], LoadProject], url: str, mariadb_server: MariaDB
) -> None:
    ca = f"?ssl-ca={mariadb_server.authority}"
    assert "Access denied for user 'careful'@" in refused(load(url.replace(PASSWORD, "other") + ca))
    nobody = refused(load(url.replace(f":{mariadb_server.port}/", ":1/") + ca))
    assert " cannot be reached: " in nobody
    assert "Connection refused" in nobody


@pytest.mark.parametrize("times", [1, 100])
def test_a_connection_that_is_lost_in_the_middle(
    load: Callable[[str], LoadProject], url: str, mariadb_server: MariaDB, times: int
) -> None:
    with cutting(mariadb_server.port, most=200_000, times=times) as way:
        project = load(url.replace(f":{mariadb_server.port}/", f":{way.port}/") + f"?ssl-ca={mariadb_server.authority}")
        if times == 1:
            assert project.published().rows == 50_000
        else:
            assert " cannot be reached: " in refused(project)
    assert way.cut == min(times, 6)


def test_parameters() -> None:
    assert read_tls("x", "") is None
    assert read_tls("x", "charset=utf8mb4") is None
    assert read_tls("x", "ssl-mode=disabled") is None
    assert read_tls("x", "ssl-mode=required") is not None
    with pytest.raises(SourceError):
        read_tls("x", "ssl-mode=")


@contextmanager
def stripping(port: int) -> Generator[tuple[int, list[bytes]]]:
    """Somebody between who tells that the server has no TLS; the port, and what is said after that."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client, socket.create_connection(("127.0.0.1", port)) as server:
                    greeting = bytearray(server.recv(1 << 16))
                    at = greeting.index(0, 5) + 15
                    greeting[at] &= ~(0x0800 >> 8) & 0xFF
                    client.sendall(greeting)
                    if said := client.recv(1 << 16):
                        heard.append(said)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield int(listener.getsockname()[1]), heard
    finally:
        listener.close()
