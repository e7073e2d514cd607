"""Something that is done again and again, for as long as there is work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta

from sqlmat_assets.errors import MaterializeError

# A beat that is under way may wait for the warehouse; nobody waits for it longer than this.
_SECONDS_TO_END = 2.0


class Heartbeat:
    """Beats while anything runs in it; work that takes less than one interval never feels it."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval
        self._guard = threading.Lock()
        self._running = 0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def beating(self, beat: Callable[[], None]) -> Generator[None]:
        """Call `beat` after each interval, from a thread of its own; the first that enters brings it along.

        A beat that the warehouse refuses is left out.
        """
        with self._guard:
            self._running += 1
            if self._running == 1:
                self._ended = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(beat, self._ended), name="sqlmat-heartbeat", daemon=True
                )
                self._thread.start()
        try:
            yield
        finally:
            thread = None
            with self._guard:
                self._running -= 1
                if self._running == 0:
                    self._ended.set()
                    thread = self._thread
            if thread is not None:
                # A thread that is there when Python ends keeps the driver's objects, and the driver says so at length.
                thread.join(_SECONDS_TO_END)

    def _run(self, beat: Callable[[], None], ended: threading.Event) -> None:
        while not ended.wait(self._interval.total_seconds()):
            try:
                beat()
            except MaterializeError:
                # A lease outlasts two beats that fail.
                continue
