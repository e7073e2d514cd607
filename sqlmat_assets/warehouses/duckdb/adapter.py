"""DuckDB: a file, no server, no account."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements
from sqlmat_assets.warehouses.base import Capabilities, ObjectKind, Pause, Session
from sqlmat_assets.warehouses.design import NO_DESIGN, Design
from sqlmat_assets.warehouses.duckdb.facts import DUCKDB
from sqlmat_assets.warehouses.duckdb.files import open_cursor
from sqlmat_assets.warehouses.duckdb.loading import DeclaredFiles
from sqlmat_assets.warehouses.duckdb.reading import DataFile
from sqlmat_assets.warehouses.duckdb.rendering import DIALECT, sql, swap
from sqlmat_assets.warehouses.duckdb.session import DuckDBSession
from sqlmat_assets.warehouses.duckdb.unloading import unload_statement
from sqlmat_assets.warehouses.source_files import Contents, SourceFile


@dataclass(frozen=True, slots=True)
class DuckDBWarehouse:
    """A DuckDB file; another process that holds it is waited for, at most for `wait`.

    `memory_limit` (`4GB`) is what DuckDB takes at most of the memory, for all sessions of the process together.
    """

    path: Path
    wait: timedelta = timedelta(seconds=60)
    memory_limit: str | None = None

    @property
    def capabilities(self) -> Capabilities:
        return DUCKDB

    @property
    def label(self) -> str:
        return f"duckdb://{self.path}"

    @contextmanager
    def open_session(self, pause: Pause = time.sleep) -> Generator[Session]:
        with open_cursor(self.path, self.wait, pause, self.memory_limit) as cursor:
            yield DuckDBSession(cursor)

    def render(self, statement: exp.Expr) -> str:
        return statement.sql(DIALECT)

    def render_swap(
        self,
        target: Relation,
        intermediate: Relation,
        backup: Relation,
        in_place: ObjectKind | None,
        becomes: ObjectKind = "table",
    ) -> list[str]:
        del backup  # one transaction needs none
        return [sql(statement) for statement in swap(target, intermediate, in_place, becomes)]

    def render_replace_rows(
        self, target: Relation, intermediate: Relation, columns: Sequence[str], where: exp.Expr
    ) -> list[str]:
        return [sql(each) for each in row_statements.replace_rows(target, intermediate, columns, where)]

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
        return [
            sql(each)
            for each in row_statements.merge_rows(target, intermediate, columns, key, updates=updates, where=where)
        ]

    def render_load(
        self, target: Relation, path: Path, columns: Sequence[tuple[str, str]], *, design: Design = NO_DESIGN
    ) -> list[str]:
        del design  # there is nothing to choose
        return [sql(DataFile(path, columns, DUCKDB).create_table(target))]

    def render_load_files(
        self, target: Relation, files: Sequence[SourceFile], contents: Contents, *, design: Design = NO_DESIGN
    ) -> list[str]:
        del design  # there is nothing to choose
        declared = DeclaredFiles(files, contents, DUCKDB)
        if not contents.required:
            return [sql(declared.create_table(target))]
        return ["BEGIN", *map(sql, declared.create_and_fill(target)), "COMMIT"]

    def render_grants(self, relation: Relation, grantees: Sequence[str]) -> list[str]:
        del relation, grantees  # who can read the file can read all of it
        return []

    def render_unload(self, query: str, path: Path) -> list[str]:
        return [sql(unload_statement(query, path))]
