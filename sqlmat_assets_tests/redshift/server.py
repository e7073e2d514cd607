"""The real PostgreSQL that stands behind the double: a process of its own on a free loopback port."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlmat_assets_tests.redshift.backend import Address, Backend

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "timezone": "UTC",
    "autovacuum": "off",
}


@contextmanager
def postgres_server() -> Generator[Address]:
    """Start a server with an empty cluster and stop it at the end."""
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="sqlmat-redshift-"))
    account = _account()
    if account:
        os.chown(folder, account["user"], account["group"])
    data = folder / "data"
    command = [binaries / "initdb", "-D", data, "-U", "rdsdb", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", **account)
    port = free_port()
    options = [argument for name, value in SETTINGS.items() for argument in ("-c", f"{name}={value}")]
    log = folder.parent / f"{folder.name}.log"
    with log.open("w") as words:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-p", str(port), *options],
            stdout=subprocess.DEVNULL,
            stderr=words,
            cwd="/",
            **account,
        )
    address = Address("127.0.0.1", port, "rdsdb")
    try:
        _wait_for(address, server)
        yield address
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
        log.unlink(missing_ok=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _wait_for(address: Address, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            Backend(address, "postgres", {}).close()
        except (OSError, Exception):
            if server.poll() is not None:
                raise
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("PostgreSQL did not start in 30 seconds")


def _binaries() -> Path:
    found = shutil.which("postgres")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name))
    folders = [folder for folder in folders if (folder / "postgres").exists() and (folder / "initdb").exists()]
    if found is None and not folders:
        raise FileNotFoundError("no PostgreSQL server binaries: apt-get install postgresql")
    return folders[0] if folders else Path(found or "").resolve().parent


def _account() -> dict[str, int]:
    """Return whom the server runs as: PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}
