"""Runs a command and writes what it took as JSON: `timed.py FILE COMMAND ...`.

The most memory that a process held counts what held it before it became another program. Started by this small
process and not by the large one that compares, a small program is not taken for a large one.
"""

import json
import os
import signal
import sys
import time


def main(file: str, command: list[str]) -> int:
    """Write seconds, seconds of the processor and MB, and return the command's own exit code."""
    begun = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - begun
    told = {"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss / 1024}
    with open(file, "w") as opened:  # noqa: PTH123 - a module less to hold
        json.dump(told, opened)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code  # as a shell tells of a signal


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
