"""A project of one load, for tests of what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlmat_assets.connectors.config import Connectors
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Discarded, Event, Published, Unchanged
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.piece import WHOLE, Piece
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Model
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets_tests.tables import a_context

EVENTS = Relation("raw", "events")


@dataclass
class LoadProject:
    """The table `raw.events` in a folder of its own, built into a warehouse: a DuckDB file beside it by default."""

    root: Path
    text: str
    conf: str = ""
    warehouse: Warehouse | None = None
    variables: dict[str, str] = field(default_factory=dict[str, str])
    runs: int = 0

    def __post_init__(self) -> None:
        (self.root / "sql" / "raw").mkdir(parents=True, exist_ok=True)
        self.write(self.text, self.conf)

    def write(self, text: str, conf: str | None = None) -> None:
        self.text = text
        (self.root / "sql" / "raw" / "events.load.yaml").write_text(text)
        if conf is not None:
            (self.root / "sql" / "raw" / "events.conf").write_text(conf)

    @property
    def place(self) -> Warehouse:
        return self.warehouse or DuckDBWarehouse(self.root / "w.duckdb")

    def model(self) -> Model:
        dialect = self.place.capabilities.dialect
        project = load_project(self.root / "sql", dialect=dialect)
        assert project.problems == (), [str(problem) for problem in project.problems]
        return project.models[EVENTS]

    def context(self, run: str | None = None, **more: Any) -> Context:
        self.runs += 1
        return a_context(
            self.place,
            run or f"r{self.runs}",
            root=self.root / "sql",
            connectors=Connectors.of(self.variables),
            sleep=list[float]().append,
            **more,
        )

    def build(self, piece: Piece = WHOLE, **more: Any) -> Event:
        return list(materialize(self.model(), self.context(**more), piece))[-1]

    def published(self, piece: Piece = WHOLE, **more: Any) -> Published:
        last = self.build(piece, **more)
        assert isinstance(last, Published), last
        return last

    def unchanged(self, piece: Piece = WHOLE, **more: Any) -> Unchanged:
        last = self.build(piece, **more)
        assert isinstance(last, Unchanged), last
        return last

    def refused(self, piece: Piece = WHOLE, **more: Any) -> str:
        last = self.build(piece, **more)
        assert isinstance(last, Discarded), last
        return str(last.error).replace(f"{self.root}/", "")

    def rows(self, columns: str = "*", table: str = "raw.events") -> list[tuple[Any, ...]]:
        """The rows of the table, in an order."""
        from sqlmat_assets.warehouses.statements import verbatim

        with self.place.open_session() as session:
            found = session.fetch_rows(verbatim(f"SELECT {columns} FROM {table}")).rows
        return sorted((tuple(row) for row in found), key=repr)


Fails = Callable[[int, str], None]
