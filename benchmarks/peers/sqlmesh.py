"""SQLMesh: a first plan, and the runs after it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from generate import ORDERS, Table

from peers.base import Ran, Work, copy_warehouse, run, write_files
from peers.environments import environment

MODEL = """\
MODEL (
    name {name},
    kind FULL,
    cron '@daily',
    audits (not_null(columns := (id)), unique_values(columns := (id)))
);

"""
VARIABLES = {"SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true", "NO_COLOR": "1", "COLUMNS": "200"}


def project_files(tables: list[Table], warehouse: Path, state: Path) -> dict[str, str]:
    """The files of a project: a model for each table, with two of the audits that come with SQLMesh.

    The state is kept in a DuckDB file of its own, as its documentation recommends where the warehouse is one; the
    connection to DuckDB admits one task at a time.
    """
    gateway = {
        "connection": {"type": "duckdb", "database": str(warehouse)},
        "state_connection": {"type": "duckdb", "database": str(state)},
    }
    config = {
        "gateways": {"local": gateway},
        "default_gateway": "local",
        "model_defaults": {"dialect": "duckdb", "start": "2026-01-01"},
    }
    columns = dict.fromkeys(("id", "customer", "amount", "day"), "BIGINT")
    files = {
        "config.yaml": yaml.safe_dump(config),
        "external_models.yaml": yaml.safe_dump([{"name": ORDERS, "columns": columns}]),
    }
    for table in tables:
        files[f"models/{table.schema}/{table.short}.sql"] = MODEL.format(name=table.name) + table.query()
    return files


class SqlMesh:
    """`sqlmesh plan --auto-apply` on a new warehouse."""

    name = "sqlmesh"
    label = "sqlmesh plan --auto-apply"

    def __init__(self, work: Work, folder: Path) -> None:
        self._work, self._folder = work, folder
        self.warehouse = folder / "warehouse.duckdb"
        self._state = folder / "state.duckdb"
        self._audits = 0

    @property
    def sqlmesh(self) -> Path:
        return environment("sqlmesh") / "sqlmesh"

    @property
    def python(self) -> Path:
        return environment("sqlmesh") / "python"

    def prepare(self) -> None:
        write_files(self._folder, project_files(list(self._work.tables), self.warehouse, self._state))
        run([self.sqlmesh, "info", "--skip-connection"], self._folder, VARIABLES)

    def reset(self) -> None:
        copy_warehouse(self._work, self.warehouse)
        for file in (self._state, self._state.with_name(self._state.name + ".wal")):
            file.unlink(missing_ok=True)

    def build(self) -> Ran:
        ran = self.plan()
        # Each model that was filled is a line that ends with how many of its audits held.
        self._audits = sum(map(int, re.findall(r"audits (?:✔|passed )\s*(\d+)", ran.output)))
        return ran

    def plan(self, *options: str) -> Ran:
        """Plan and apply."""
        return run([self.sqlmesh, "plan", "--auto-apply", "--no-prompts", *options], self._folder, VARIABLES)

    def run_due(self, *options: str) -> Ran:
        """Run what is due."""
        return run([self.sqlmesh, "run", *options], self._folder, VARIABLES)

    def run_days_later(self, days: int) -> Ran:
        """Run all models as if so many days had passed; the command line has no option for that."""
        moment = (datetime.now(UTC) + timedelta(days=days)).isoformat()
        script = f"from sqlmesh import Context; Context(paths='.').run(ignore_cron=True, execution_time='{moment}')"
        return run([self.python, "-c", script], self._folder, VARIABLES)

    def checks(self) -> int:
        return self._audits
