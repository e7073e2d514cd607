"""A program in a process group of its own, which can be ended from another thread."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlmat_assets.errors import CancelledError
from sqlmat_assets.errors.failures import cancelled

_SUPERVISE = Path(__file__).with_name("supervise.py")
# What is asked to end and does not is ended.
_GRACE_SECONDS = 2.0
_KEPT_BYTES = 64 * 1024
# A process that left the group may keep its end of the pipe for ever.
_SECONDS_FOR_THE_REST = 2.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit code, or minus the signal, and what it printed, of which `text` is the end."""

    code: int
    text: str
    is_cut: bool


class Stop:
    """Ends what runs for one table, whatever it is at the moment; any thread may ask."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._guard = threading.Lock()
        self._group: int | None = None
        self._asked_at: float | None = None

    def cancel(self) -> None:
        """Ask the running program to end; asked again after a while, it is ended."""
        self._asked.set()
        with self._guard:
            if self._group is None:
                return
            now = time.monotonic()
            if self._asked_at is None:
                self._asked_at = now
                _signal(self._group, signal.SIGTERM)
            elif now - self._asked_at > _GRACE_SECONDS:
                _signal(self._group, signal.SIGKILL)

    def check(self) -> None:
        """Raise `CancelledError` where the end was asked for."""
        if self._asked.is_set():
            raise CancelledError(cancelled())

    def pause(self, seconds: float) -> None:
        """Wait, and raise `CancelledError` as soon as the end is asked for."""
        self._asked.wait(seconds)
        self.check()

    def run(self, command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Ended:
        """Run a program to its end; nothing that it has started is left running.

        Args:
            command: The program and its arguments.
            folder: Where it runs.
            variables: Its environment.

        Raises:
            CancelledError: Its end was asked for.
        """
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as told:
            try:
                running = self._start(command, folder, variables, writing)
            finally:
                os.close(writing)
            printed = _Printed(running.stdout)
            try:
                code = told.read()
            finally:
                self._end(running)
                text, is_cut = printed.end()
        self.check()
        # Without a word the one that waits for the program was killed, and the program with it.
        return Ended(int(code) if code else running.returncode, text, is_cut)

    def _start(
        self, command: Sequence[str], folder: Path, variables: Mapping[str, str], told: int
    ) -> subprocess.Popen[bytes]:
        with self._guard:
            self.check()
            running = subprocess.Popen(  # noqa: S603 - the user's own script, and the tools that install its packages
                [sys.executable, "-I", "-S", str(_SUPERVISE), str(told), *command],
                cwd=folder,
                env=dict(variables),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(told,),
            )
            self._group, self._asked_at = running.pid, None
        return running

    def _end(self, running: subprocess.Popen[bytes]) -> None:
        # Under the guard, so that nobody signals a group whose number another one may have by now.
        with self._guard:
            self._group = None
            _signal(running.pid, signal.SIGKILL)
            running.wait()
        if running.stdin is not None:
            running.stdin.close()


class _Printed:
    """Reads what a program prints, and keeps the end of it."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        self._stream = stream
        self._kept = bytearray()
        self._is_cut = False
        self._thread = threading.Thread(target=self._read, name="sqlmat-printed", daemon=True)
        self._thread.start()

    def end(self) -> tuple[str, bool]:
        """What was printed, and whether its beginning is missing."""
        self._thread.join(_SECONDS_FOR_THE_REST)
        if self._stream is not None and not self._thread.is_alive():
            self._stream.close()
        kept = bytes(self._kept)
        if self._is_cut:
            kept = kept.partition(b"\n")[2] or kept
        return kept.decode(errors="replace"), self._is_cut

    def _read(self) -> None:
        while self._stream is not None and (chunk := os.read(self._stream.fileno(), _KEPT_BYTES)):
            self._kept += chunk
            if len(self._kept) > _KEPT_BYTES:
                self._is_cut = True
                del self._kept[:-_KEPT_BYTES]


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
