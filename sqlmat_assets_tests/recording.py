"""A DuckDB warehouse that writes down what it is sent, and fails when it is told to."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Capabilities, ObjectKind, Pause, Session
from sqlmat_assets.warehouses.design import NO_DESIGN, Design
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets.warehouses.duckdb.cursor import Cursor
from sqlmat_assets.warehouses.duckdb.facts import DUCKDB
from sqlmat_assets.warehouses.duckdb.files import open_cursor
from sqlmat_assets.warehouses.duckdb.session import DuckDBSession
from sqlmat_assets.warehouses.source_files import Contents, SourceFile


class Killed(BaseException):
    """Stands for the end of the process: nothing is cleaned up after it."""


def refuse(sql: str) -> None:
    raise duckdb.IOException(f"IO Error: no, not {sql[:20]}")


def conflict(sql: str) -> None:
    raise duckdb.TransactionException("TransactionContext Error: Catalog write-write conflict")


def kill(sql: str) -> None:
    raise Killed


@dataclass
class RecordingWarehouse:
    """A real DuckDB file behind a counter.

    `fails` is asked before each statement, with its number from 1 and its text, and raises or not; after a `Killed`
    every further statement is `Killed` too, and so is whatever would clean up.
    """

    path: Path
    fails: Callable[[int, str], None] = lambda _number, _sql: None
    sent: list[str] = field(default_factory=list[str])

    @property
    def capabilities(self) -> Capabilities:
        return DUCKDB

    @property
    def label(self) -> str:
        return "recording"

    @contextmanager
    def open_session(self, pause: Pause = time.sleep) -> Generator[Session]:
        with open_cursor(self.path, DuckDBWarehouse(self.path).wait, pause) as cursor:
            yield DuckDBSession(_RecordingCursor(cursor, self))

    def render(self, statement: exp.Expr) -> str:
        return DuckDBWarehouse(self.path).render(statement)

    def render_swap(
        self,
        target: Relation,
        intermediate: Relation,
        backup: Relation,
        in_place: ObjectKind | None,
        becomes: ObjectKind = "table",
    ) -> list[str]:
        return DuckDBWarehouse(self.path).render_swap(target, intermediate, backup, in_place, becomes)

    def render_replace_rows(
        self, target: Relation, intermediate: Relation, columns: Sequence[str], where: exp.Expr
    ) -> list[str]:
        return DuckDBWarehouse(self.path).render_replace_rows(target, intermediate, columns, where)

    def render_merge_rows(
        self,
        target: Relation,
        intermediate: Relation,
        columns: Sequence[str],
        key: Sequence[str] = (),
        *,
        updates: bool = False,
        where: exp.Expr | None = None,
    ) -> list[str]:
        return DuckDBWarehouse(self.path).render_merge_rows(
            target, intermediate, columns, key, updates=updates, where=where
        )

    def render_load(
        self, target: Relation, path: Path, columns: Sequence[tuple[str, str]], *, design: Design = NO_DESIGN
    ) -> list[str]:
        return DuckDBWarehouse(self.path).render_load(target, path, columns, design=design)

    def render_load_files(
        self, target: Relation, files: Sequence[SourceFile], contents: Contents, *, design: Design = NO_DESIGN
    ) -> list[str]:
        return DuckDBWarehouse(self.path).render_load_files(target, files, contents, design=design)

    def render_grants(self, relation: Relation, grantees: Sequence[str]) -> list[str]:
        return DuckDBWarehouse(self.path).render_grants(relation, grantees)

    def render_unload(self, query: str, path: Path) -> list[str]:
        return DuckDBWarehouse(self.path).render_unload(query, path)


class _RecordingCursor:
    def __init__(self, cursor: Cursor, warehouse: RecordingWarehouse) -> None:
        self._cursor = cursor
        self._warehouse = warehouse
        self._is_dead = False

    @property
    def description(self) -> Sequence[Sequence[Any]] | None:
        return self._cursor.description

    def execute(self, query: str, /) -> Cursor:
        self._note(query)
        return self._cursor.execute(query)

    def table(self, table_name: str, /) -> duckdb.DuckDBPyRelation:
        self._note(f"SELECT * FROM {table_name} LIMIT 0")
        return self._cursor.table(table_name)

    def _note(self, query: str) -> None:
        if self._is_dead:
            raise Killed
        self._warehouse.sent.append(query)
        try:
            self._warehouse.fails(len(self._warehouse.sent), query)
        except Killed:
            self._is_dead = True
            raise

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._cursor.fetchall()

    def interrupt(self) -> None:
        self._cursor.interrupt()

    def register(self, view_name: str, python_object: object) -> Any:
        return self._cursor.register(view_name, python_object)

    def unregister(self, view_name: str) -> Any:
        return self._cursor.unregister(view_name)


def failing_at(number: int, how: Callable[[str], None], *, times: int = 1) -> Callable[[int, str], None]:
    """Fail at the n-th statement, and at those after it as often as told."""

    def fails(sent: int, sql: str) -> None:
        if number <= sent < number + times:
            how(sql)

    return fails
