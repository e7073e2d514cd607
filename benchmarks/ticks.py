"""Times and weighs the sensor's looks at a project whose tables are all built, in a real instance with SQLite.

`python benchmarks/ticks.py [TABLES]`, default 2000 in ten layers. Each tick is evaluated as a code server does it.
Prints the processor seconds of the first tick of a process, of ticks that find nothing, and of ticks that find 200
tables due, in one run and in a run for each group; then what the process weighs before and after 360 ticks.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.definitions.sensor_definition import SensorExecutionData
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._grpc.impl import get_external_sensor_execution
from generate import generate

from sqlmat_assets.components.events import translate_ended
from sqlmat_assets.components.home import FRESHNESS_SENSOR, open_instance
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions, load_folder
from sqlmat_assets.components.translation import translate_key
from sqlmat_assets.execution.events import CheckResult, Column, Published, Run
from sqlmat_assets.project.model import Model, Project
from sqlmat_assets.warehouses.duckdb import facts as duckdb_facts

DUE = 200
TICKS = 360
ORIGIN = InProcessCodeLocationOrigin(LoadableTargetOrigin(python_file=__file__))


def record(instance: dg.DagsterInstance, model: Model, decided_at: datetime) -> None:
    """Record that a table was built, with all that a real build tells."""
    columns = tuple(Column(column.name, "INTEGER", column.description) for column in model.columns)
    published = Published(model.relation, 100, columns, model.sql, decided_at, 0.1)
    results = [CheckResult(spec.name, True, True, 100, 0, "", "SELECT 1", 0.01) for spec in model.check_specs]
    lineage = {column.name: [(read, "id") for read in model.upstream] for column in columns}
    metadata = translate_ended(published, results, Run("benchmark", decided_at), lineage, model.version)
    instance.report_runless_asset_event(dg.AssetMaterialization(translate_key(model.relation), metadata=metadata))


def tick(repository: dg.RepositoryDefinition, instance: dg.DagsterInstance) -> tuple[float, SensorExecutionData]:
    """Processor seconds of one tick, and what it asks for."""
    start = time.process_time()
    told = get_external_sensor_execution(
        repository, ORIGIN, instance.get_ref(), FRESHNESS_SENSOR, None, None, None, None, None
    )
    seconds = time.process_time() - start
    if not isinstance(told, SensorExecutionData):
        sys.exit(told.error.to_string())
    return seconds, told


def load(project: Project) -> dg.RepositoryDefinition:
    warehouse = WarehouseResource(url="duckdb:///benchmark.duckdb")
    return build_definitions(project, warehouse=warehouse).get_repository_def()


@contextmanager
def many_writers() -> Iterator[None]:
    """Let the warehouse admit several writing processes, so that each group of tables is a run."""
    object.__setattr__(duckdb_facts.DUCKDB, "admits_many_writers", True)
    yield
    object.__setattr__(duckdb_facts.DUCKDB, "admits_many_writers", False)


def memory() -> float:
    """MB that this process holds."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def show(name: str, values: list[float], told: SensorExecutionData) -> None:
    low, middle, high = min(values), statistics.median(values), max(values)
    found = told.skip_message or f"{len(told.run_requests or [])} runs"
    print(f"{name:34} {low:.3f} {middle:.3f} {high:.3f} s  {found}")


def measure(name: str, project: Project, instance: dg.DagsterInstance, count: int) -> None:
    """Print how long a first tick and those after it take."""
    repository = load(project)
    RepositorySnap.from_def(repository)  # as a code server does before the first tick
    first, told = tick(repository, instance)
    show(f"{name}, first of a process", [first], told)
    ticks = [tick(repository, instance) for _ in range(count)]
    show(f"{name}, each after it", [seconds for seconds, _ in ticks], ticks[-1][1])


def main() -> None:
    """Print a line for each kind of tick, and one for memory."""
    tables = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "sql"
        generate(root, tables, tables // 10)
        project = load_folder(root)
        now = datetime.now(UTC)
        with open_instance(Path(folder) / "home") as instance:
            for model in project:
                record(instance, model, now)
            print(f"{tables} tables: processor time of a tick (min, median, max)")
            measure("nothing due", project, instance, 20)
            repository = load(project)
            tick(repository, instance)
            before = memory()
            for _ in range(TICKS):
                tick(repository, instance)
            print(f"memory: {before:.0f} MB before, {memory():.0f} MB after {TICKS} ticks")
            late = list(project)[:: max(tables // DUE, 1)][:DUE]
            for model in late:
                record(instance, model, now - timedelta(hours=25))
            measure(f"{len(late)} due, one run", project, instance, 5)
            with many_writers():
                measure(f"{len(late)} due, a run for each group", project, instance, 5)


if __name__ == "__main__":
    main()
