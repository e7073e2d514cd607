"""Files on this machine."""

from __future__ import annotations

import glob
import shutil
from pathlib import Path

from sqlmat_assets.connectors.base import Found


class LocalFiles:
    """The file system; URLs are absolute paths."""

    def find(self, pattern: str) -> list[Found]:
        paths = (Path(path) for path in sorted(glob.glob(pattern, recursive=True)))  # noqa: PTH207 - a pattern is no path
        return [_found(path) for path in paths if path.is_file()]

    def path_of(self, found: Found) -> Path | None:
        return Path(found.url)

    def fetch(self, found: Found, into: Path) -> None:
        shutil.copyfile(found.url, into)

    def read_start(self, found: Found, count: int) -> bytes:
        with Path(found.url).open("rb") as file:
            return file.read(count)

    def read_end(self, found: Found, count: int) -> bytes:
        path = Path(found.url)
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - count, 0))
            return file.read(count)

    def look(self, found: Found) -> Found | None:
        path = Path(found.url)
        return _found(path) if path.is_file() else None


def _found(path: Path) -> Found:
    told = path.stat()
    return Found(str(path), told.st_size, f"{told.st_mtime_ns:x}-{told.st_size:x}")
