"""The texts of the files, each read once."""

from __future__ import annotations

from pathlib import Path

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import project as wording

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Texts:
    """Reads files below a folder. A file that cannot be read is a problem and has the text None."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._texts: dict[str, str | None] = {}
        self._problems: dict[str, Problem] = {}
        self._gone: set[str] = set()

    def read(self, path: str) -> str | None:
        """Give the text of a file without its byte order mark; None where there is none or it is no UTF-8."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def file(self, path: str) -> Path:
        """Give where a file is."""
        return self._root / path

    def problem(self, path: str) -> Problem | None:
        """Say why a file has no text; None where it has one."""
        return self._problems.get(path)

    def is_gone(self, path: str) -> bool:
        """Whether the file was deleted after it was listed."""
        self.read(path)
        return path in self._gone

    def _read(self, path: str) -> str | None:
        try:
            # open() and not Path: over thousands of files the difference shows.
            with open(f"{self._root}/{path}", "rb") as file:  # noqa: PTH123
                content = file.read().removeprefix(_BYTE_ORDER_MARK)
            return content.decode()
        except FileNotFoundError:
            # Gone since it was listed, unless it is a link to nothing.
            if (self._root / path).is_symlink():
                self._problems[path] = wording.cannot_read("it is a link to nothing").at(path)
            else:
                self._gone.add(path)
        except OSError as error:
            self._problems[path] = wording.cannot_read(error.strerror or str(error)).at(path)
        except UnicodeDecodeError as error:
            before = error.object[: error.start]
            column = len(before.rpartition(b"\n")[2].decode()) + 1
            problem = wording.not_text(error.object[error.start]).at(path, before.count(b"\n") + 1, column)
            self._problems[path] = problem
        return None
