"""A PostgreSQL server on a socket, from the binaries of this machine."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from peers.base import FailedError

# As a server is run in production, but for its port: writes reach the disk before a commit returns.
SETTINGS = ("-c", "listen_addresses=", "-c", "max_connections=100")


def find_binaries() -> Path:
    """Where `initdb` and `postgres` are: on the path, or where Debian puts them."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        raise FailedError("no PostgreSQL here: neither `initdb` on the path nor /usr/lib/postgresql")
    return found[-1]


class Server:
    """A server with an empty cluster, in a folder that goes with it."""

    def __init__(self) -> None:
        # The path of a socket has at most 107 bytes, so it is not below the folder of the benchmark.
        self._folder = Path(tempfile.mkdtemp(prefix="pg"))
        self._binaries = find_binaries()
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        # PostgreSQL refuses to run as root.
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None

    @property
    def pid(self) -> int:
        """The process of the server."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Make the cluster, start the server, and wait until it answers.

        Raises:
            FailedError: It does not.
        """
        if self._user is not None:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        data = self._folder / "data"
        self._run("initdb", "-D", str(data), "-U", "dagster", "-A", "trust")
        log = (self._folder / "log").open("wb")
        command = [self._binaries / "postgres", "-D", data, "-k", self._folder, *SETTINGS]
        self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder, **self._as_user())
        for _ in range(300):
            if self._run("pg_isready", "-h", str(self._folder), "-U", "dagster", is_needed=False):
                return
            time.sleep(0.1)
        raise FailedError((self._folder / "log").read_text())

    def new_database(self) -> str:
        """The URL of a database in which there is nothing."""
        self._databases += 1
        name = f"dagster_{self._databases}"
        self._run("createdb", "-h", str(self._folder), "-U", "dagster", name)
        return f"postgresql+psycopg2://dagster@/{name}?host={self._folder}"

    def stop(self) -> None:
        """End the server and remove what it kept."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=60)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _as_user(self) -> dict[str, Any]:
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}

    def _run(self, program: str, *arguments: str, is_needed: bool = True) -> bool:
        done = subprocess.run(
            [self._binaries / program, *arguments],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            **self._as_user(),
        )
        if is_needed and done.returncode:
            raise FailedError(f"{program}: {done.stdout}{done.stderr}")
        return done.returncode == 0
