"""Runs every asset of a module in one run of this process: `dagster_run.py FILE-OR-MODULE [RUN CONFIG AS JSON]`.

It is what a daemon starts for a run, without the daemon: the definitions are loaded, a run is created in the instance
of `$DAGSTER_HOME`, and executed. Prints one line of JSON: the seconds of each part, and what the run recorded.
"""

from __future__ import annotations

import importlib
import json
import runpy
import sys
import time

BEGUN = time.perf_counter()

import dagster as dg  # noqa: E402 - its import is timed
from dagster._core.definitions.job_base import InMemoryJob  # noqa: E402 - as above
from dagster._core.execution.api import execute_run  # noqa: E402 - as above


def find_definitions(where: str) -> dg.Definitions:
    """The definitions of a module or of a file."""
    if where.endswith(".py"):
        return runpy.run_path(where)["defs"]
    found = importlib.import_module(where).defs
    return found if isinstance(found, dg.Definitions) else found()


def main(where: str, config: str = "{}") -> None:
    """Run, and print what came of it."""
    imported = time.perf_counter()
    job = find_definitions(where).resolve_implicit_global_asset_job_def()
    loaded = time.perf_counter()
    with dg.DagsterInstance.get() as instance:
        run = instance.create_run_for_job(job, run_config=json.loads(config))
        result = execute_run(InMemoryJob(job), run, instance)
        ended = time.perf_counter()
        events = list(result.all_events)
        evaluated = [each.event_specific_data for each in events if each.event_type_value == "ASSET_CHECK_EVALUATION"]
    told = {
        "import": imported - BEGUN,
        "load": loaded - imported,
        "run": ended - loaded,
        "success": result.success,
        "tables": sum(each.event_type_value == "ASSET_MATERIALIZATION" for each in events),
        "checks": sum(each.passed for each in evaluated),
        "failed_checks": sum(not each.passed for each in evaluated),
    }
    print(json.dumps(told), flush=True)
    if not result.success:
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
