"""Folders for the files of one build, and locks on them that end with their process."""

from __future__ import annotations

import fcntl
import secrets
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

_POLL_SECONDS = 0.1
_LOCK = ".lock"


@contextmanager
def locked(path: Path, pause: Callable[[float], None], *, is_shared: bool = False) -> Generator[None]:
    """Hold a lock that one thread of one process has at a time; it is free again when that process has ended.

    Args:
        path: A file that is made for it.
        pause: Waits a moment while another one has it, and may raise to give up.
        is_shared: Whether others may share it; whoever wants it alone waits for all of them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        while not _take(file.fileno(), is_shared=is_shared):
            pause(_POLL_SECONDS)
        yield


@contextmanager
def locked_if_free(path: Path) -> Generator[bool]:
    """Hold such a lock alone if nobody has it, and tell whether it is held."""
    with path.open("a") as file:
        yield _take(file.fileno())


@contextmanager
def passing_folder(home: Path, name: str, pause: Callable[[float], None]) -> Generator[Path]:
    """Give an empty folder that is gone afterwards, and remove those of processes that have ended.

    Args:
        home: Where such folders are.
        name: What its name begins with.
        pause: See `locked`.
    """
    with locked(home / _LOCK, pause):
        for other in home.iterdir():
            if other.is_dir():
                _remove_left(other)
        folder = home / f"{name}.{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700)
        held = (folder / _LOCK).open("a")
        _take(held.fileno())
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        held.close()


def _remove_left(folder: Path) -> None:
    # It may go by itself meanwhile.
    with suppress(FileNotFoundError), (folder / _LOCK).open("a") as file:
        if _take(file.fileno()):
            shutil.rmtree(folder, ignore_errors=True)


def _take(file: int, *, is_shared: bool = False) -> bool:
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
