"""A backfill as the daemon works on it, of a project that a code server has loaded."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.backfill import PartitionBackfill
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.backfill import execute_backfill_iteration
from dagster._time import get_current_timestamp

from sqlmat_assets_tests.components.running import open_instance

CODE = """\
from pathlib import Path
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions, load_folder

here = Path(__file__).parent
defs = build_definitions(load_folder(here / "sql"), warehouse=WarehouseResource(url=f"duckdb:///{here / 'w.duckdb'}"))
"""
TRIPS = dg.AssetKey(["first", "trips"])
MONTHS = [f"2019-{month:02}-01" for month in range(1, 6)]


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with open_instance(tmp_path / "home") as instance:
        yield instance


def asked_runs(place: Path, instance: dg.DagsterInstance, setting: str) -> list[tuple[str, ...]]:
    """The partitions of the runs that a backfill of January to May asks for, the earliest first."""
    (place / "sql" / "first").mkdir(parents=True)
    (place / "sql" / "first" / "trips - 24h.sql").write_text(
        f"-- partition_by: month(day) from 2019-01 to 2019-12\n{setting}SELECT DATE '2019-01-05' AS day\n"
    )
    (place / "code.py").write_text(CODE)
    origin = LoadableTargetOrigin(python_file=str(place / "code.py"), working_directory=str(place))
    target = InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(origin, "code"))
    with create_test_daemon_workspace_context(target, instance) as context:
        graph = context.create_request_context().asset_graph
        backfill = PartitionBackfill.from_asset_partitions(
            "months",
            asset_graph=graph,
            partition_names=MONTHS,
            asset_selection=[TRIPS],
            backfill_timestamp=get_current_timestamp(),
            tags={},
            dynamic_partitions_store=instance,
            all_partitions=False,
            title=None,
            description=None,
            run_config=None,
        )
        instance.add_backfill(backfill)
        for _ in execute_backfill_iteration(context, logging.getLogger(__name__)):
            pass
    ends = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
    found = [tuple(dict.fromkeys(run.tags[end] for end in ends)) for run in instance.get_runs()]
    return sorted(found)


# Dagster's own code calls what it has deprecated.
@pytest.mark.filterwarnings("ignore:Function `AssetSelection.sources`:DeprecationWarning")
@pytest.mark.parametrize(
    ("setting", "runs"),
    [
        ("", [("2019-01-01", "2019-05-01")]),
        ("-- partitions_per_run: 1\n", [(month,) for month in MONTHS]),
        (
            "-- partitions_per_run: 2\n",
            [("2019-01-01", "2019-02-01"), ("2019-03-01", "2019-04-01"), ("2019-05-01",)],
        ),
    ],
)
def test_a_backfill_is_one_run_or_as_many_as_the_setting_asks_for(
    setting: str, runs: list[tuple[str, ...]], tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    assert asked_runs(tmp_path, instance, setting) == runs
