"""A folder on this machine."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlmat_assets.errors import deliveries as wording


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """Files that are written beside their name, and then given it."""

    folder: Path

    def close(self) -> None:
        pass  # nothing is held

    def put(self, file: Path, name: str) -> None:
        self._write(name, lambda draft: shutil.copyfile(file, draft))

    def put_text(self, text: str, name: str) -> None:
        self._write(name, lambda draft: draft.write_text(text, encoding="utf-8"))

    def fetch_names(self, folder: str) -> list[str]:
        with self._refused():
            found = (path for path in (self.folder / folder).rglob("*") if path.is_file())
            return sorted(path.relative_to(self.folder).as_posix() for path in found)

    def remove(self, names: Iterable[str]) -> None:
        with self._refused():
            for name in names:
                path = self.folder / name
                path.unlink(missing_ok=True)
                # The folder of a delivery goes with its last file.
                with suppress(OSError):
                    path.parent.rmdir()

    def url(self, name: str) -> str:
        return str(self.folder / name)

    def sign(self, name: str, seconds: int) -> str | None:
        del name, seconds

    def _write(self, name: str, fill: Callable[[Path], object]) -> None:
        path = self.folder / name
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with self._refused():
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                fill(draft)
                with draft.open("rb") as written:
                    os.fsync(written.fileno())
                draft.replace(path)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise

    @contextmanager
    def _refused(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise wording.folder_refused(str(self.folder), error.strerror or str(error)) from error
