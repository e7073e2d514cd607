"""The job that builds every table, whatever partitions they have."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from sqlmat_assets.components.everything import build_everything_job
from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.tables import a_project, a_table, ask

SQL = "SELECT DATE '2019-02-03' AS day, 1 AS n"


def test_tables_of_different_partitions_and_of_none_are_built_in_one_run(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    months = {"partition_by": parse_partition_by("month(day) from 2019-01 to 2019-03")}
    days = {"partition_by": parse_partition_by("day(day) from 2019-02-01 to 2019-02-03")}
    trips = Relation.of("first.trips")
    tables = (
        a_table(SQL, name="first.trips", settings=months),
        a_table("SELECT * FROM first.trips", name="first.days", settings=days, upstream=(trips,)),
        a_table("SELECT sum(n) AS n FROM first.days", name="first.total", upstream=(Relation.of("first.days"),)),
    )
    warehouse = tmp_path / "w.duckdb"
    resource = WarehouseResource(url=f"duckdb:///{warehouse}")
    definitions = dg.Definitions.merge(
        build_definitions(a_project(*tables), warehouse=resource),
        dg.Definitions(jobs=[build_everything_job()], executor=thread_executor),
    )
    job = definitions.resolve_job_def("everything")
    assert job.partitions_def is None
    run = instance.create_run_for_job(job)
    assert execute_run(InMemoryJob(job), run, instance).success
    built = {name: instance.get_materialized_partitions(dg.AssetKey(["first", name])) for name in ("trips", "days")}
    assert built == {
        "trips": {"2019-01-01", "2019-02-01", "2019-03-01"},
        "days": {"2019-02-01", "2019-02-02", "2019-02-03"},
    }
    assert ask(warehouse, "FROM first.total") == [(1,)]
