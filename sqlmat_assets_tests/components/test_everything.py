"""The job that builds every table, whatever partitions they have."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from sqlmat_assets.components.everything import with_everything_job
from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.tables import a_project, a_table, ask

SQL = "SELECT DATE '2019-02-03' AS day, 'FR' AS country, 1 AS n"
MONTHS = {"2019-01-01", "2019-02-01", "2019-03-01"}
DAYS = {"2019-02-01", "2019-02-02", "2019-02-03"}
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


def define(warehouse: Path, executor: dg.ExecutorDefinition) -> dg.Definitions:
    """Months, days and countries that read each other, and a table without partitions behind them."""

    def parts(text: str) -> dict[str, object]:
        return {"partition_by": parse_partition_by(text)}

    trips, days = Relation.of("first.trips"), Relation.of("first.days")
    tables = (
        a_table(SQL, name="first.trips", settings=parts("month(day) from 2019-01 to 2019-03")),
        a_table(
            "SELECT * FROM first.trips",
            name="first.days",
            settings=parts("day(day) from 2019-02-01 to 2019-02-03"),
            upstream=(trips,),
        ),
        a_table(
            "SELECT * FROM first.days",
            name="first.countries",
            settings=parts("country in (FR, DE, IT)"),
            upstream=(days,),
        ),
        a_table("SELECT sum(n) AS n FROM first.days", name="first.total", upstream=(days,)),
    )
    resource = WarehouseResource(url=f"duckdb:///{warehouse}")
    made = dg.Definitions.merge(
        build_definitions(a_project(*tables), warehouse=resource), dg.Definitions(executor=executor)
    )
    return with_everything_job(made)


def run(
    definitions: dg.Definitions, instance: dg.DagsterInstance, *assets: str, tags: dict[str, str] | None = None
) -> bool:
    job = definitions.resolve_job_def("everything")
    if assets:
        job = job.get_subset(asset_selection={dg.AssetKey(["first", name]) for name in assets})
    stored = instance.create_run_for_job(job, tags=tags)
    return execute_run(InMemoryJob(job), stored, instance).success


def partitions(instance: dg.DagsterInstance, *names: str) -> dict[str, set[str]]:
    return {name: instance.get_materialized_partitions(dg.AssetKey(["first", name])) for name in names}


@pytest.mark.parametrize("executor", [thread_executor, dg.in_process_executor], ids=["threads", "in_process"])
def test_tables_of_different_partitions_and_of_none_are_built_in_one_run(
    instance: dg.DagsterInstance, tmp_path: Path, executor: dg.ExecutorDefinition
) -> None:
    warehouse = tmp_path / "w.duckdb"
    definitions = define(warehouse, executor)
    assert definitions.resolve_job_def("everything").executor_def is executor
    # Twice: what is read has been built before, and has versions that Dagster compares.
    for _ in range(2):
        assert run(definitions, instance)
    assert partitions(instance, "trips", "days", "countries") == {
        "trips": MONTHS,
        "days": DAYS,
        "countries": {"FR", "DE", "IT"},
    }
    assert ask(warehouse, "FROM first.total") == [(1,)]


@pytest.mark.parametrize("executor", [thread_executor, dg.in_process_executor], ids=["threads", "in_process"])
def test_tables_without_partitions_are_built_by_the_same_job(
    instance: dg.DagsterInstance, tmp_path: Path, executor: dg.ExecutorDefinition
) -> None:
    one, two = a_table("SELECT 1 AS n", name="first.one"), Relation.of("first.one")
    tables = a_project(one, a_table("SELECT n + 1 AS n FROM first.one", name="first.two", upstream=(two,)))
    resource = WarehouseResource(url=f"duckdb:///{tmp_path / 'w.duckdb'}")
    made = dg.Definitions.merge(build_definitions(tables, warehouse=resource), dg.Definitions(executor=executor))
    definitions = with_everything_job(made)
    assert definitions.resolve_job_def("everything").executor_def is executor
    assert run(definitions, instance)
    assert ask(tmp_path / "w.duckdb", "FROM first.two") == [(2,)]


def test_the_assets_of_the_deployment_keep_their_partitions(tmp_path: Path) -> None:
    repository = define(tmp_path / "w.duckdb", thread_executor).get_repository_def()
    graph = repository.asset_graph
    assert [graph.get(dg.AssetKey(["first", name])).is_partitioned for name in ("trips", "days", "total")] == [
        True,
        True,
        False,
    ]
    assert repository.get_job("everything").partitions_def is None


@pytest.mark.parametrize(
    ("before", "table", "tags", "built"),
    [
        ((), "trips", {"dagster/partition": "2019-02-01"}, {"2019-02-01"}),
        (("trips",), "days", {RANGE_START: "2019-02-02", RANGE_END: "2019-02-03"}, {"2019-02-02", "2019-02-03"}),
        (("trips", "days"), "countries", {RANGE_START: "DE", RANGE_END: "IT"}, {"DE", "IT"}),
    ],
)
def test_partitions_that_a_run_of_it_names_are_all_that_is_built(
    instance: dg.DagsterInstance,
    tmp_path: Path,
    before: tuple[str, ...],
    table: str,
    tags: dict[str, str],
    built: set[str],
) -> None:
    definitions = define(tmp_path / "w.duckdb", thread_executor)
    assert not before or run(definitions, instance, *before)
    assert run(definitions, instance, table, tags=tags)
    assert partitions(instance, table) == {table: built}
