"""What the parser said about each text, kept between loads.

One JSON file per project folder and dialect. It is written whole to another name and then put in place, so that
loads at the same moment see one version or another and never half of one; the last to finish wins, and what it
did not have is parsed again.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parent.parent


class ParseCache:
    """Parsed texts by their content.

    Args:
        file: Where they are kept, or None to keep nothing.
        version: What was parsed by another one is thrown away.
    """

    def __init__(self, file: Path | None, version: str = "") -> None:
        self._file = file
        self._version = version
        self._stored: dict[str, Any] = {} if file is None else _read(file, version)
        self._used: dict[str, Any] = {}
        self._is_changed = False

    @classmethod
    def open(cls, folder: Path | None, root: Path, dialect: str) -> ParseCache:
        """Read what is kept for a project folder; anything unreadable there counts as nothing."""
        if folder is None:
            return cls(None)
        return cls(folder / f"parsed-{_digest(str(root.absolute()), dialect)}.json", _version())

    def find(self, kind: str, path: str, text: str) -> Any:
        """Give what was kept about a text, or None.

        Args:
            kind: What was asked about it.
            path: The file; it is in the messages, so it is part of the question.
            text: The whole file.
        """
        key = _digest(kind, path, text)
        found = self._stored.get(key)
        if found is not None:
            self._used[key] = found
        return found

    def keep(self, kind: str, path: str, text: str, parsed: Any) -> None:
        """Keep an answer, as JSON values, from the next `save` on."""
        self._used[_digest(kind, path, text)] = parsed
        self._is_changed = True

    def save(self) -> None:
        """Keep what this load used, if that is not what was there; do without where it cannot be written."""
        if self._file is None or not (self._is_changed or len(self._used) != len(self._stored)):
            return
        draft = self._file.with_suffix(f".{os.urandom(8).hex()}.tmp")
        content = {"version": self._version, "parsed": self._used}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")
            draft.replace(self._file)
        except OSError:
            with suppress(OSError):
                draft.unlink()


def _read(file: Path, version: str) -> dict[str, Any]:
    with suppress(OSError, ValueError, LookupError, TypeError, RecursionError):
        content = json.loads(file.read_bytes())
        if content["version"] == version and isinstance(content["parsed"], dict):
            return content["parsed"]
    return {}


def _digest(*parts: str) -> str:
    whole = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(whole, digest_size=16).hexdigest()


def _version() -> str:
    """Tell one state of the parser from another: its release and the source that uses it.

    Found without importing sqlglot, which takes longer than reading a thousand cached files.
    """
    state = hashlib.blake2b(digest_size=16)
    spec = importlib.util.find_spec("sqlglot")
    sources = [*(_PACKAGE / "project").glob("*.py"), *(_PACKAGE / "errors").glob("*.py"), _PACKAGE / "relation.py"]
    if spec is not None and spec.origin is not None:
        sources.append(Path(spec.origin).with_name("_version.py"))
    for source in sorted(sources):
        state.update(source.read_bytes())
    return state.hexdigest()
