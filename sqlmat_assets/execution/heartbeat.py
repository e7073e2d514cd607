"""Something that is done again and again, for as long as there is work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta

from sqlmat_assets.errors import MaterializeError


class Heartbeat:
    """Beats while anything runs in it; work that takes less than one interval never feels it."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval
        self._guard = threading.Lock()
        self._running = 0
        self._ended = threading.Event()

    @contextmanager
    def beating(self, beat: Callable[[], None]) -> Generator[None]:
        """Call `beat` after each interval, from a thread of its own; the first that enters brings it along.

        A beat that the warehouse refuses is left out.
        """
        with self._guard:
            self._running += 1
            if self._running == 1:
                self._ended = threading.Event()
                threading.Thread(
                    target=self._run, args=(beat, self._ended), name="sqlmat-heartbeat", daemon=True
                ).start()
        try:
            yield
        finally:
            with self._guard:
                self._running -= 1
                if self._running == 0:
                    self._ended.set()

    def _run(self, beat: Callable[[], None], ended: threading.Event) -> None:
        while not ended.wait(self._interval.total_seconds()):
            try:
                beat()
            except MaterializeError:
                # A lease outlasts two beats that fail.
                continue
