"""Servers on this machine in place of those that a service uses."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from sqlmat_assets_tests.deploy.service import free_ports, wait_for

PASSWORD = "not-to-be-seen"


def _binaries() -> Path:
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    assert found, "no PostgreSQL here: neither `initdb` on the path nor /usr/lib/postgresql"
    return found[-1]


@contextmanager
def postgres(folder: Path) -> Generator[int]:
    """A PostgreSQL server with a database `dagster`, whose owner has a password; its port."""
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    as_user: dict[str, Any] = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    folder.mkdir(mode=0o700)
    (folder / "password").write_text(PASSWORD)
    if user is not None:
        for path in (folder, folder / "password"):
            os.chown(path, user.pw_uid, user.pw_gid)
        for above in folder.parents:
            above.chmod(above.stat().st_mode | 0o001)
    (port,) = free_ports(1)
    initdb = [_binaries() / "initdb", "-D", folder / "data", "-U", "dagster", f"--pwfile={folder / 'password'}", "-N"]
    subprocess.run([*initdb, "-A", "scram-sha-256"], check=True, stdout=subprocess.DEVNULL, cwd=folder, **as_user)
    settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"]
    command = [_binaries() / "postgres", "-D", folder / "data", "-p", str(port)]
    command += [word for setting in settings for word in ("-c", setting)]
    with (folder.parent / "postgres.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **as_user)
    try:
        with closing(wait_for("PostgreSQL", lambda: _connect(port, "postgres"))) as connection:
            connection.autocommit = True
            connection.cursor().execute("CREATE DATABASE dagster")
        yield port
    finally:
        server.terminate()
        server.wait()


def rows(port: int, query: str, *values: object) -> list[tuple[Any, ...]]:
    """What a query on the database `dagster` returns."""
    connection = _connect(port, "dagster")
    assert connection is not None
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _connect(port: int, database: str) -> Any:
    try:
        return psycopg2.connect(host="127.0.0.1", port=port, user="dagster", password=PASSWORD, dbname=database)
    except psycopg2.OperationalError:
        return None


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
