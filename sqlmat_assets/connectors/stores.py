"""What a place for files offers, wherever it is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, runtime_checkable


class Store(Protocol):
    """A folder on a disk or in a bucket; names in it are written with `/`. All raise `ConnectorError`."""

    def close(self) -> None:
        """Let go of the connections to it."""
        ...

    def put(self, file: Path, name: str) -> None:
        """Have a file there under a name; whoever looks sees all of it or what was there before."""
        ...

    def put_text(self, text: str, name: str) -> None:
        """The same with a short text."""
        ...

    def fetch_names(self, folder: str) -> list[str]:
        """The names of all files below a folder, in their order."""
        ...

    def remove(self, names: Iterable[str]) -> None:
        """Remove files; those that are gone already are none the less removed."""
        ...

    def url(self, name: str) -> str:
        """Where a file is."""
        ...

    def sign(self, name: str, seconds: int) -> str | None:
        """A link by which anybody can read a file for so long; None where there is no such thing."""
        ...


@runtime_checkable
class SharedStore(Store, Protocol):
    """A place that others write into as well, such as an engine; in it files are looked at without being fetched."""

    def fetch_size(self, name: str) -> int:
        """How many bytes a file has."""
        ...

    def read_end(self, name: str, count: int) -> bytes:
        """The last bytes of a file, or all of them where it has fewer."""
        ...

    def rename(self, name: str, new: str) -> None:
        """Have a file be there under another name, in the place of what is there, at once."""
        ...
