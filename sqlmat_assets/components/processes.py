"""Which process executes a run, told so that another process can find out whether it is still there."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

PROCESS_TAG = "sqlmat/process"
"""A run's tag: the process that executes it, as `Process` writes itself."""

_ENDED = ("Z", "X")


@dataclass(frozen=True, slots=True)
class Process:
    """One process among all that ever run.

    `run` is the run that it executes: a run that is started again has the tags of the first one. `boot` is the start
    of its machine, `namespace` says which processes are visible to each other, `born` is when it was started; these
    three are empty where there is no `/proc`.
    """

    run: str
    host: str
    pid: int
    boot: str = ""
    namespace: str = ""
    born: str = ""

    def __str__(self) -> str:
        return "/".join((self.host, str(self.pid), self.run, self.boot, self.namespace, self.born))

    @classmethod
    def parse(cls, written: str) -> Process | None:
        """Read what `str` has written; None for anything else."""
        try:
            host, pid, run, boot, namespace, born = written.split("/")
            return cls(run, host, int(pid), boot, namespace, born)
        except ValueError:
            return None

    @classmethod
    def current(cls, run: str) -> Process:
        """This process, which executes a run."""
        pid = os.getpid()
        return cls(run, socket.gethostname(), pid, _boot(), _namespace(), _born(pid) or "")

    def is_gone(self) -> bool:
        """Whether it has certainly ended. Of what runs elsewhere nothing is certain."""
        if self.host != socket.gethostname():
            return False
        if self.boot != _boot():
            return True
        if self.namespace != _namespace():
            return False  # of another container that calls itself the same
        if self.born:
            return _born(self.pid) != self.born
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False


def _boot() -> str:
    return _read(Path("/proc/sys/kernel/random/boot_id")).strip()


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        return ""


def _born(pid: int) -> str | None:
    """When a process was started, in ticks since its machine was; None when there is none that runs.

    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the second field is a name and may hold anything.
    """
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return None if len(fields) < 20 or fields[0] in _ENDED else fields[19]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
