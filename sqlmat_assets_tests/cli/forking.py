"""The command as a process of its own that has no imports ahead of it: a fork of one that has them behind it.

A hundred tests start `sqlmat`, and most of their time would go into the import of Dagster. Everything else is as in a
process that the shell starts: the file descriptors, the folder, the environment, the exit code. The tests of start-up,
of signals, of terminals and of the README start the real thing.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

# What Python reads before the first line of a program runs.
AT_START = ("PYTHON", "LANG", "LC_")


class Forker:
    """A process that waits, with everything imported, to become one `sqlmat` after the other."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sqlmat-fork-")
        self._path = str(Path(self._folder.name, "s"))
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, self._path], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def run(
        self, arguments: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run `sqlmat` with these arguments, as `subprocess.run` would.

        Raises:
            subprocess.TimeoutExpired: It took too long, and was killed.
        """
        request = json.dumps({"arguments": list(arguments), "cwd": str(cwd), "env": dict(env)}).encode()
        with (
            tempfile.TemporaryFile("w+") as out,
            tempfile.TemporaryFile("w+") as err,
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked,
        ):
            asked.connect(self._path)
            socket.send_fds(asked, [len(request).to_bytes(4, "big")], [out.fileno(), err.fileno()])
            asked.sendall(request)
            asked.settimeout(timeout)
            with asked.makefile("r") as told:
                process = int(told.readline())
                try:
                    code = int(told.readline())
                except TimeoutError as error:
                    os.kill(process, signal.SIGKILL)
                    raise subprocess.TimeoutExpired(["sqlmat", *arguments], timeout) from error
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(["sqlmat", *arguments], code, out.read(), err.read())

    def close(self) -> None:
        """End the process that waits."""
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()


def serve(path: str) -> NoReturn:
    """Wait for requests, and become each of them in a child of a child; the child between tells how it ended."""
    import sqlmat_assets

    for module in pkgutil.walk_packages(sqlmat_assets.__path__, "sqlmat_assets."):
        if not module.name.startswith(("sqlmat_assets.defs", "sqlmat_assets.definitions")):
            import_module(module.name)
    # A collection in a child would copy every page of it.
    gc.collect()
    gc.freeze()
    # Whoever forks once needs nobody to wait for it.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(path)
        listening.listen(16)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            asked, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _become(asked)
            asked.close()


def _become(asked: socket.socket) -> NoReturn:
    size, streams, _, _ = socket.recv_fds(asked, 4, 2)
    with asked.makefile("rb") as told:
        request = json.loads(told.read(int.from_bytes(size, "big")))
    child = os.fork()
    if child:
        asked.sendall(f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        asked.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    asked.close()
    for stream, number in zip(streams, (1, 2), strict=True):
        os.dup2(stream, number)
        os.close(stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    sys.argv = ["sqlmat", *request["arguments"]]
    from sqlmat_assets.cli import main

    try:
        main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
        code = 1
    else:
        code = 0
    # What an interpreter does at its end, but for tearing down what it has imported.
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage] - nothing public does it
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
