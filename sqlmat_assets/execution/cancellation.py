"""Ending running statements from another thread: because somebody asks, or because a time limit passed."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

from sqlmat_assets.errors import CancelledError
from sqlmat_assets.errors.failures import cancelled, time_limit_passed
from sqlmat_assets.warehouses.base import Session

# An engine forgets an interruption that arrives just before a statement starts, so it is repeated until it is felt.
_REPEAT_SECONDS = 0.05


class Cancellable(Protocol):
    """What can be ended from another thread; asked again and again until it has ended."""

    def cancel(self) -> None: ...


class Cancellation:
    """Ends what one run has running, once and for all; any thread may ask."""

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._guard = threading.Lock()
        self._watched: set[Session] = set()
        self._along: dict[Session, Cancellable] = {}

    @property
    def is_requested(self) -> bool:
        return self._requested.is_set()

    def cancel(self) -> None:
        """End the running statements, and start no more."""
        if not self._requested.is_set():
            self._requested.set()
            threading.Thread(target=self._interrupt_all, name="sqlmat-cancel", daemon=True).start()

    def check(self) -> None:
        """Raise `CancelledError` where the end was asked for."""
        if self.is_requested:
            raise CancelledError(cancelled())

    def pause(self, seconds: float) -> None:
        """Wait, and raise `CancelledError` as soon as the end is asked for."""
        self._requested.wait(seconds)
        self.check()

    @contextmanager
    def watch(self, session: Session, limit: timedelta | None) -> Generator[None]:
        """Let the statements of a session be ended while the block runs, at the latest after `limit`.

        What comes after the block is not interrupted: cleaning up has to go through.

        Raises:
            CancelledError: The end was asked for, or the limit passed.
        """
        self.check()
        ended, passed = threading.Event(), threading.Event()
        timer = threading.Thread(
            target=self._interrupt_late, args=(session, limit, ended, passed), name="sqlmat-time-limit", daemon=True
        )
        if limit is not None:
            timer.start()
        with self._guard:
            self._watched.add(session)
        try:
            yield
        except CancelledError:
            self.check()
            if limit is not None and passed.is_set():
                raise CancelledError(time_limit_passed(limit)) from None
            raise
        finally:
            with self._guard:
                self._watched.discard(session)
                ended.set()
            if timer.ident is not None:
                timer.join()
        self.check()

    @contextmanager
    def along(self, session: Session, other: Cancellable) -> Generator[None]:
        """End something else too, whenever the statements of a session are ended."""
        with self._guard:
            self._along[session] = other
        try:
            yield
        finally:
            with self._guard:
                del self._along[session]

    def _cancel(self, session: Session) -> None:
        session.cancel()
        if session in self._along:
            self._along[session].cancel()

    def _interrupt_all(self) -> None:
        pause = threading.Event()
        while self._watched:
            with self._guard:
                for session in self._watched:
                    self._cancel(session)
            pause.wait(_REPEAT_SECONDS)

    def _interrupt_late(
        self, session: Session, limit: timedelta, ended: threading.Event, passed: threading.Event
    ) -> None:
        wait = limit.total_seconds()
        while not ended.wait(wait):
            wait = _REPEAT_SECONDS
            with self._guard:
                if not ended.is_set():
                    passed.set()
                    self._cancel(session)
