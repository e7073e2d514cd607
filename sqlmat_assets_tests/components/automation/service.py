"""The service on a folder of SQL, with a clock that a test moves: ticks as a code server evaluates them, and runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.definitions.sensor_definition import SensorExecutionData
from dagster._core.execution.execution_result import ExecutionResult
from dagster._core.remote_origin import InProcessCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.dagster_run import DagsterRun
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from sqlmat_assets.components.automation.sensor import build_freshness_sensor
from sqlmat_assets.components.automation.states import read_states
from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions, load_folder
from sqlmat_assets.project.model import Project
from sqlmat_assets.project.timings import State
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.components.running import execute

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class Service:
    """One project in one instance.

    Failures carry the real time, so the clock starts now and is only ever moved on.
    """

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.root = folder / "sql"
        self.warehouse = folder / "warehouse.duckdb"
        self.instance = instance
        self.now = datetime.now(UTC)
        self.cursor: str | None = None

    def write(self, **files: str) -> None:
        """Write files of the schema `first`, named as tables are (`people__1h`), and load the definitions again."""
        for name, text in files.items():
            path = self.root / "first" / f"{name.replace('__', ' - ')}.sql"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.load()

    def deliver(self, **files: str) -> None:
        """Write where tables of the schema `first` go, named as they are, and load the definitions again."""
        for name, text in files.items():
            (self.root / "first" / f"{name}.deliver.yaml").write_text(text)
        self.load()

    def load(self) -> None:
        """Load the definitions, as a code server does that is started again."""
        project = load_folder(self.root)
        resource = WarehouseResource(url=f"duckdb:///{self.warehouse}")
        self.project: Project = project
        self.definitions = dg.Definitions.merge(
            build_definitions(project, warehouse=resource), dg.Definitions(executor=thread_executor)
        )
        self.sensor = build_freshness_sensor(project, resource_key="warehouse", now=lambda: self.now)

    def tick(self, later: timedelta = timedelta(0)) -> SensorExecutionData:
        """Let the clock go on, and evaluate a tick."""
        self.now += later
        with dg.build_sensor_context(
            self.instance, cursor=self.cursor, definitions=self.definitions, resources=self.definitions.resources
        ) as context:
            told = self.sensor.evaluate_tick(context)
        self.cursor = told.cursor
        return told

    def run(self, request: dg.RunRequest) -> ExecutionResult:
        """Execute what a tick asks for, as the daemon has it done."""
        assets = [key.to_user_string() for key in request.asset_selection or ()]
        return execute(self.definitions, self.instance, assets=assets, tags=dict(request.tags))

    def queue(self, *names: str) -> DagsterRun:
        """A run of some tables that waits in the queue, as one that a person has asked for."""
        job = self.definitions.resolve_implicit_global_asset_job_def()
        keys = {dg.AssetKey(["first", name]) for name in names}
        target = LoadableTargetOrigin(python_file=str(self.root))
        origin = RemoteRepositoryOrigin(InProcessCodeLocationOrigin(target, "sqlmat"), "__repository__")
        return self.instance.create_run_for_job(
            job.get_subset(asset_selection=keys),
            status=dg.DagsterRunStatus.QUEUED,
            remote_job_origin=RemoteJobOrigin(origin, job.name),
        )

    def tick_and_run(self, later: timedelta = timedelta(0)) -> list[str]:
        """Evaluate a tick, execute what it asks for, and return the names of the tables."""
        requests = self.tick(later).run_requests or []
        for request in requests:
            self.run(request)
        return tables(requests)

    def state(self, name: str) -> State:
        """What has become of a table, read from nothing."""
        return read_states(self.instance, self.project).get(Relation.of(f"first.{name}"), State())


def tables(requests: Sequence[dg.RunRequest] | None) -> list[str]:
    """The names of the tables that are asked for, in their order."""
    return sorted(key.path[-1] for request in requests or [] for key in request.asset_selection or ())
