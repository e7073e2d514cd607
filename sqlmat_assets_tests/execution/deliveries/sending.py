"""A project with one table and its deliveries, built again and again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmat_assets.execution.build import build
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Delivered, Discarded, Event, Run
from sqlmat_assets.execution.secrets import Secrets
from sqlmat_assets.project.deliveries import delivery_of
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Project
from sqlmat_assets.project.references import Names
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets_tests.folders import write_files

CITIES = Relation("first", "cities")
START = datetime.fromisoformat("2026-01-02T03:04:05+00:00")


@dataclass
class Sending:
    """The project, and the clock of its runs: each is an hour after the one before, `r1` at 04:04:05."""

    root: Path
    warehouse: Warehouse = field(init=False)
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    pauses: list[float] = field(default_factory=list[float])
    runs: int = 0

    def __post_init__(self) -> None:
        self.warehouse = DuckDBWarehouse(self.root / "warehouse.duckdb")

    def write(self, deliveries: str, count: int = 3, more: Mapping[str, str] | None = None) -> None:
        """Put the files there: `count` rows, the last of which has a NULL and an empty text."""
        rows = (
            f"select i as id, case when i < {count - 1} then 'city ' || i else '' end as name from range({count}) r(i)"
        )
        files = {"first/cities - 24h.sql": rows, "first/cities.deliver.yaml": deliveries}
        write_files(self.root / "sql", files | dict(more or {}))

    @property
    def project(self) -> Project:
        found = load_project(self.root / "sql")
        assert found.errors == (), "\n".join(map(str, found.errors))
        return found

    def context(self, **of_run: Any) -> Context:
        self.runs += 1
        now = START + timedelta(hours=self.runs)
        return Context(
            self.warehouse,
            Names("duckdb"),
            Run(f"r{self.runs}", now, **of_run),
            now=lambda: now,
            root=self.root / "sql",
            sleep=self.pauses.append,
            secrets=Secrets(self.secrets.get),
            deliveries=self.project.deliveries,
        )

    def build(self, *only: str, **of_run: Any) -> dict[str, Event]:
        """Build all, or the deliveries of these names, and give what became of each table in the end."""
        context, project = self.context(**of_run), self.project
        selected = [delivery_of(CITIES, name) for name in only] or list(project.models)
        return {event.relation.name: event for event in build(project, selected, context)}

    def deliver(self, name: str, **of_run: Any) -> Delivered:
        """Build all, and give the delivery of this name, which has arrived."""
        event = self.build(**of_run)[f"cities__deliver__{name}"]
        assert isinstance(event, Delivered), getattr(event, "error", event)
        return event

    def refused(self, name: str, **of_run: Any) -> str:
        """Build all, and give why the delivery of this name has not arrived."""
        event = self.build(**of_run)[f"cities__deliver__{name}"]
        assert isinstance(event, Discarded)
        return str(event.error)
