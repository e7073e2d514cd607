"""Places that nobody looks at, because statements are only shown."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlglot import exp

from sqlmat_assets.connectors.base import Found, Store
from sqlmat_assets.connectors.databases import Asked, Database, SourceColumn, Stream
from sqlmat_assets.connectors.local import LocalFiles


class NotedConnectors:
    """Finds files on this machine, and takes a pattern of files elsewhere for the one file that it means."""

    def open_store(self, scheme: str | None, connection: str | None) -> Store:
        del connection
        return LocalFiles() if scheme is None else _Noted()

    def open_database(self, connection: str) -> Database:
        return _NotedDatabase(connection)


class _Noted:
    def find(self, pattern: str) -> list[Found]:
        return [Found(pattern, is_told_only=True)]

    def path_of(self, found: Found) -> Path | None:
        return Path("/", found.url.rpartition("/")[2])

    def fetch(self, found: Found, into: Path) -> None:
        raise NotImplementedError

    def look(self, found: Found) -> Found | None:
        return found

    def read_start(self, found: Found, count: int) -> bytes:
        raise NotImplementedError

    def read_end(self, found: Found, count: int) -> bytes:
        raise NotImplementedError


class _NotedDatabase:
    is_told_only = True

    def __init__(self, connection: str) -> None:
        self.label = connection

    def describe(self, asked: Asked) -> tuple[SourceColumn, ...]:
        raise NotImplementedError

    def find_greatest(self, asked: Asked) -> str | None:
        raise NotImplementedError

    @contextmanager
    def open_rows(self, asked: Asked) -> Generator[Stream]:
        import pyarrow as pa

        statement = exp.select("*").from_(asked.source("")).sql()
        yield Stream(pa.schema([]), (), lambda: None, f"-- in {self.label}: {statement}")
