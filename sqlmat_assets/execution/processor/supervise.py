"""A program of its own: runs one command, and ends all that it has started when it is over or nobody waits for it.

The arguments are the number of an open file, into which the exit code is written, and the command. It leads its process
group. Its standard input is a pipe that nobody writes to: when that ends, whoever started this is gone, even by
`kill -9`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from types import FrameType


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Leave a request to end to the command; unlike SIG_IGN, this is not inherited by it."""


def _watch() -> None:
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Run the command."""
    told = int(sys.argv[1])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _ignore)
    threading.Thread(target=_watch, daemon=True).start()
    with subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL) as command:  # noqa: S603 - that is what this is for
        code = command.wait()
    os.write(told, str(code).encode())
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
