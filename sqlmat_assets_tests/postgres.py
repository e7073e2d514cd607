"""A real PostgreSQL server for tests: one for each process of pytest, a database of its own for each test."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO

import psycopg

from sqlmat_assets_tests.redshift.certificates import make_certificate

_FOLDERS = Path("/usr/lib/postgresql")
# What is lost when the machine stops is of no interest here.
_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum=off", "max_connections=60")
_HBA = "host all locked 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
_names = count(1)


def find_binaries() -> Path:
    """The folder with `initdb` and `postgres`: the newest version that is installed.

    Raises:
        FileNotFoundError: There is none.
    """
    folders = [each for each in _FOLDERS.glob("*/bin") if (each / "initdb").exists()]
    if folders:
        return max(folders, key=lambda each: float(each.parent.name))
    found = shutil.which("initdb")
    if found is None:
        raise FileNotFoundError("the tests need a PostgreSQL server: install one, as with `apt-get install postgresql`")
    return Path(found).resolve().parent


class Server:
    """A server on this machine alone, whose user `dev` may do all and needs no password.

    `authority` is the certificate by which a client knows it, as 127.0.0.1, where it has TLS.
    """

    def __init__(self, folder: Path, *, has_tls: bool = False) -> None:
        self._data = folder / "data"
        self._log = folder / "log"
        self._binaries = find_binaries()
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.chmod(0o755)
        self._data.mkdir(mode=0o700)
        # As root it does not run.
        self._account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if self._account is not None:
            os.chown(self._data, self._account.pw_uid, self._account.pw_gid)
        options = ["-U", "dev", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"]
        self._run("initdb", "-D", str(self._data), *options)
        (self._data / "pg_hba.conf").write_text(_HBA)
        self.authority, self._tls = folder / "root.crt", tuple[str, ...]()
        if has_tls:
            self._tls = self._make_certificate(folder)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def url(self, database: str, user: str = "dev") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        settings = (*_FAST, *self._tls, "listen_addresses=127.0.0.1", "unix_socket_directories=", f"port={self.port}")
        command = [str(self._binaries / "postgres"), "-D", str(self._data), *(x for s in settings for x in ("-c", s))]
        with self._log.open("ab") as log:
            self._process = self._start(command, log)
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.Error:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise AssertionError(self._log.read_text()) from None
                time.sleep(0.02)
            else:
                return

    def _make_certificate(self, folder: Path) -> tuple[str, ...]:
        make_certificate(folder)
        key = folder / "server.key"
        key.chmod(0o600)
        if self._account is not None:
            os.chown(key, self._account.pw_uid, self._account.pw_gid)
        return "ssl=on", f"ssl_cert_file={self.authority}", f"ssl_key_file={key}"

    def stop(self, *, at_once: bool = True) -> None:
        """End it: connections are cut off at once, as in a fast shutdown; else as by a crash."""
        if self._process is not None:
            self._process.send_signal(2 if at_once else 3)
            self._process.wait(timeout=60)
            self._process = None

    def make_database(self) -> str:
        name = f"t{os.getpid()}_{next(_names)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        return name

    def drop_database(self, name: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def _start(self, command: list[str], log: IO[bytes] | int) -> subprocess.Popen[bytes]:
        account = self._account
        if account is None:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        return subprocess.Popen(
            command, stdout=log, stderr=log, cwd="/", user=account.pw_uid, group=account.pw_gid, extra_groups=[]
        )

    def _run(self, program: str, *arguments: str) -> None:
        process = self._start([str(self._binaries / program), *arguments], subprocess.DEVNULL)
        assert process.wait(timeout=60) == 0


@contextmanager
def serving(*, has_tls: bool = False) -> Generator[Server]:
    """A server for a while."""
    folder = Path(tempfile.mkdtemp(prefix="sqlmat-postgres-"))
    server = Server(folder, has_tls=has_tls)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
