"""What a session needs of DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import duckdb


class Cursor(Protocol):
    """What a session needs of a DuckDB connection."""

    @property
    def description(self) -> Sequence[Sequence[Any]] | None: ...

    def execute(self, query: str, /) -> Cursor: ...

    def fetchall(self) -> list[tuple[Any, ...]]: ...

    def interrupt(self) -> None: ...

    def table(self, table_name: str, /) -> duckdb.DuckDBPyRelation: ...

    def register(self, view_name: str, python_object: object, /) -> Any: ...

    def unregister(self, view_name: str, /) -> Any: ...
