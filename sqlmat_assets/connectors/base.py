"""What every place with files offers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlmat_assets.connectors.databases import Database


@dataclass(frozen=True, slots=True)
class Found:
    """A file somewhere.

    `url` is where, without anything secret: what people see, and what is written down. `size` is in bytes. `etag` is
    the same for the same content, and another one when the content changes; `version` is of this very file, where that
    is told. Each is None where nobody says. One that is `is_told_only` stands for files that nobody has looked for.
    """

    url: str
    size: int | None = None
    etag: str | None = None
    version: str | None = None
    is_told_only: bool = False


class Store(Protocol):
    """A place with files. All methods may be called from several threads, and raise `SourceError`."""

    def find(self, pattern: str) -> list[Found]:
        """The files that a pattern means, in the order of their URLs; none is no error.

        Args:
            pattern: A URL or a path, in which `*` and `?` stand for parts of a name, `**` for folders too, and `[…]`
                for one letter of some.
        """
        ...

    def path_of(self, found: Found) -> Path | None:
        """Where a file lies on this machine; None where it has to be fetched."""
        ...

    def fetch(self, found: Found, into: Path) -> None:
        """Write a file to a path, all of it and as it was found; its bytes as they are, compressed or not.

        Raises:
            SourceError: It is another one by now, or some of it did not come.
        """
        ...

    def look(self, found: Found) -> Found | None:
        """The file as it is now; None where it is gone."""
        ...

    def read_start(self, found: Found, count: int) -> bytes:
        """The first bytes of a file, or all of them where it has fewer."""
        ...

    def read_end(self, found: Found, count: int) -> bytes:
        """The last bytes of a file, or all of them where it has fewer."""
        ...


class Openers(Protocol):
    """Opens the places that tables are loaded from."""

    def open_store(self, scheme: str | None, connection: str | None) -> Store:
        """The place with the files of a kind of URL.

        Args:
            scheme: What the URL begins with, in lower case; None for a path on this machine.
            connection: The name of a login; None for what the machine has.
        """
        ...

    def open_database(self, connection: str) -> Database:
        """A database, by the name of the login that leads to it."""
        ...
