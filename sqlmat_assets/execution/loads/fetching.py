"""Files that are elsewhere, on this machine for a while."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from sqlmat_assets.connectors.base import Found, Store
from sqlmat_assets.errors import CancelledError
from sqlmat_assets.errors import sources as wording
from sqlmat_assets.errors.failures import cancelled
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.loads.finding import Wanted
from sqlmat_assets.execution.processor.files import passing_folder
from sqlmat_assets.project.loads import path_of
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.source_files import SourceFile

# Most of the time of a small object is waiting.
_THREADS = 16
_GZIP = b"\x1f\x8b"


class _Stop:
    """Ends the fetching; any thread may ask."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def cancel(self) -> None:
        self._asked.set()

    def check(self) -> None:
        if self._asked.is_set():
            raise CancelledError(cancelled())

    def pause(self, seconds: float) -> None:
        self._asked.wait(seconds)
        self.check()


@contextmanager
def fetched(
    files: Sequence[Wanted], store: Store, session: Session, context: Context, name: str
) -> Generator[tuple[SourceFile, ...]]:
    """Give files on this machine, in their order, while they are read; those that had to be fetched go afterwards.

    Args:
        files: Those that are wanted.
        store: Where they are.
        session: The one whose statements end together with the fetching.
        context: The run.
        name: What tells the folder for them from others.

    Raises:
        SourceError: One of them did not come whole, or, at the end, is not the one any more that was found.
        CancelledError: The end was asked for.
    """
    here = [store.path_of(each.found) for each in files]
    if None not in here:
        yield tuple(
            SourceFile(path, each.constants, each.found.url, is_here=False)
            if each.found.is_told_only
            else SourceFile(path, each.constants)
            for path, each in zip(here, files, strict=True)
            if path is not None
        )
        for each in files:
            _refuse_changed(each.found, store)
        return
    stop = _Stop()
    with (
        context.cancellation.along(session, stop),
        passing_folder(context.own / "loading", name, stop.pause) as folder,
    ):
        paths = _fetch_all([each.found for each in files], store, folder, context, stop)
        yield tuple(
            SourceFile(path, each.constants, label=each.found.url) for path, each in zip(paths, files, strict=True)
        )


def with_urls(statement: str, files: Sequence[SourceFile]) -> str:
    """A statement with the names of files as people know them, instead of those that they have for a while."""
    urls = {str(file.path): file.label for file in files if file.label is not None}
    if not urls:
        return statement
    folder = re.escape(str(files[0].path.parent))
    return re.sub(rf"{folder}/[^'/]+", lambda found: urls.get(found[0], found[0]), statement)


def _fetch_all(found: Sequence[Found], store: Store, folder: Path, context: Context, stop: _Stop) -> list[Path]:
    def fetch(number: int, each: Found) -> Path:
        stop.check()
        path = folder / f"{number}{_ending(each)}"
        context.retries.run(lambda: store.fetch(each, path), stop.pause)
        return _named_as_packed(path)

    with ThreadPoolExecutor(_THREADS, "sqlmat-fetch") as pool:
        futures = [pool.submit(fetch, number, each) for number, each in enumerate(found)]
        return _first_failure_ends(futures, stop.cancel)


def _first_failure_ends(futures: Sequence[Future[Path]], cancel: Callable[[], None]) -> list[Path]:
    try:
        for future in as_completed(futures):
            future.result()
    except BaseException:
        cancel()
        for future in futures:
            future.cancel()
        raise
    return [future.result() for future in futures]


def _ending(found: Found) -> str:
    """All endings of a file's name."""
    name = path_of(found.url).rpartition("/")[2]
    return name[name.index(".") :].lower() if "." in name else ""


def _named_as_packed(path: Path) -> Path:
    """Some servers keep a file compressed that is not called so."""
    with path.open("rb") as file:
        is_packed = file.read(2) == _GZIP
    if is_packed and path.suffix in (".csv", ".ndjson"):
        return path.rename(path.with_name(f"{path.name}.gz"))
    return path


def _refuse_changed(found: Found, store: Store) -> None:
    now = store.look(found)
    if now is None:
        raise wording.is_gone(found.url)
    if now.etag != found.etag:
        raise wording.changed_meanwhile(found.url)
