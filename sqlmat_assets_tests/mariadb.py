"""A real MariaDB server for tests: one for each process of pytest, a database of its own for each test."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import IO, Any

import pymysql

from sqlmat_assets_tests.postgres import free_port
from sqlmat_assets_tests.redshift.certificates import make_certificate

USER, PASSWORD = "dev", "se/cr@t"
_PROGRAMS = ("mariadbd", "mariadb-install-db", "my_print_defaults")
# What is lost when the machine stops is of no interest here.
_FAST = ("--innodb-flush-log-at-trx-commit=0", "--skip-log-bin", "--skip-name-resolve", "--innodb-buffer-pool-size=64M")
_names = count(1)


def find_binaries() -> None:
    """Look for the programs.

    Raises:
        FileNotFoundError: One is missing.
    """
    if any(shutil.which(each, path=f"{os.environ['PATH']}:/usr/sbin") is None for each in _PROGRAMS):
        raise FileNotFoundError(
            "the tests need a MariaDB server: install one, as with `apt-get install mariadb-server-core "
            "mariadb-client-core`"
        )


class MariaDB:
    """A server on this machine alone, whose user `dev` may do all with a password.

    `authority` is the certificate by which a client knows it, as 127.0.0.1, where it asks for TLS.
    """

    def __init__(self, folder: Path) -> None:
        self._data = folder / "data"
        self._log = folder / "log"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.chmod(0o755)
        self._data.mkdir(mode=0o700)
        # As root it does not run.
        self._account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if self._account is not None:
            os.chown(self._data, self._account.pw_uid, self._account.pw_gid)
        _, self.authority = make_certificate(folder)
        self._tls = [f"--ssl-cert={self.authority}", f"--ssl-key={folder / 'server.key'}"]
        self._own = ["--no-defaults", f"--datadir={self._data}"]
        made = ["mariadb-install-db", *self._own, "--auth-root-authentication-method=normal", "--skip-test-db"]
        assert self._launch(made, subprocess.DEVNULL).wait(timeout=120) == 0

    def start(self) -> None:
        program = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program is not None
        files = [f"--socket={self._data}/s", f"--pid-file={self._data}/pid"]
        command = [program, *self._own, *files, *self._tls, f"--port={self.port}", "--bind-address=127.0.0.1", *_FAST]
        with self._log.open("ab") as log:
            process = self._launch(command, log)
        self._process = process
        deadline = time.monotonic() + 60
        while True:
            try:
                self.connect("root", "").close()
            except pymysql.Error:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise AssertionError(self._log.read_text()) from None
                time.sleep(0.02)
            else:
                break
        self.send("", f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'", user="root")
        self.send("", f"GRANT ALL ON *.* TO {USER}@'127.0.0.1'", user="root")

    def _launch(self, command: list[str], log: IO[bytes] | int) -> subprocess.Popen[bytes]:
        account = self._account
        if account is None:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        return subprocess.Popen(
            command, stdout=log, stderr=log, cwd="/", user=account.pw_uid, group=account.pw_gid, extra_groups=[]
        )

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=60)
            self._process = None

    def url(self, database: str, password: str = "se%2Fcr%40t") -> str:
        return f"mysql://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def make_database(self) -> str:
        name = f"t{os.getpid()}_{next(_names)}"
        self.send("", f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    def connect(self, user: str = USER, password: str = PASSWORD, database: str = "") -> Any:
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user=user, password=password, database=database or None, autocommit=True
        )

    def send(self, database: str, *statements: str, user: str = USER) -> list[tuple[Any, ...]]:
        """Execute statements, and give what the last one returns."""
        password = "" if user == "root" else PASSWORD
        with closing(self.connect(user, password, database)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())


@contextmanager
def serving() -> Generator[MariaDB]:
    """A server for a while."""
    folder = Path(tempfile.mkdtemp(prefix="sqlmat-mariadb-"))
    server = MariaDB(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
