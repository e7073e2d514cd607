"""Rows that are fetched while those before them are written."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress

from sqlmat_assets.connectors.databases import Batch

# So many are in memory at most, beside the one that is being written and the one that is being fetched.
_WAITING = 4
_POLL_SECONDS = 0.1


@contextmanager
def reading_ahead(parts: Sequence[Iterator[Batch]]) -> Generator[Iterator[Batch]]:
    """Have a thread for each part fetch its batches; what it fails with is raised where they are taken."""
    waiting: queue.Queue[Batch | BaseException | None] = queue.Queue(_WAITING)
    ended = threading.Event()

    def put(item: Batch | BaseException | None) -> None:
        while not ended.is_set():
            with suppress(queue.Full):
                waiting.put(item, timeout=_POLL_SECONDS)
                return

    def fetch(batches: Iterator[Batch]) -> None:
        try:
            for batch in batches:
                put(batch)
                if ended.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised in the other thread
            put(error)
        else:
            put(None)

    def take() -> Iterator[Batch]:
        left = len(parts)
        while left:
            item = waiting.get()
            if item is None:
                left -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                yield item

    threads = [threading.Thread(target=fetch, args=(each,), name="sqlmat-rows", daemon=True) for each in parts]
    for thread in threads:
        thread.start()
    try:
        yield take()
    finally:
        ended.set()
        for thread in threads:
            thread.join()
