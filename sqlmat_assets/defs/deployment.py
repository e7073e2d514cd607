"""The tables of one folder, built in one warehouse; the environment says which."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from sqlmat_assets.components.everything import with_everything_job
from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions, find_named, load_folder

PROJECT = dg.EnvVar("SQLMAT_PROJECT")
"""The project folder; `sql` beside this package without it."""

WAREHOUSE = dg.EnvVar("SQLMAT_WAREHOUSE")
"""The URL of the warehouse; the DuckDB file `sqlmat.duckdb` beside the project folder without it."""

ENVIRONMENT = dg.EnvVar("SQLMAT_ENV")
"""The environment in which a change is tried; production is built without it."""


def build_deployment() -> dg.Definitions:
    """Everything that Dagster loads: the tables, the warehouse, a job for all tables."""
    root = Path(PROJECT.get_value() or Path(__file__).parents[2] / "sql").resolve()
    # Handed on by name where it is set: the UI then shows the name, and never a password.
    url = WAREHOUSE if WAREHOUSE.get_value() else f"duckdb:///{root.parent / 'sqlmat.duckdb'}"
    project = load_folder(root)
    environment = find_named(ENVIRONMENT.get_value(), project, WAREHOUSE.get_value() or str(url))
    tables = dg.Definitions.merge(
        build_definitions(project, warehouse=WarehouseResource(url=url), environment=environment),
        dg.Definitions(executor=thread_executor),
    )
    return with_everything_job(tables)
