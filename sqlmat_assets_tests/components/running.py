"""Runs as the daemon starts them: of a job, of some of its assets, of some of their checks."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.execution.execution_result import ExecutionResult
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.dagster_run import DagsterRun

Event = dg.DagsterEvent


@contextmanager
def open_instance(folder: Path) -> Generator[dg.DagsterInstance]:
    """An instance with SQLite storage in a folder, with the event log that `sqlmat dev` sets."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dagster.yaml").write_text(
        "event_log_storage: {module: sqlmat_assets.components.event_log, class: EventLog, config: {}}\n"
    )
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder))) as instance:
        yield instance


def execute(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    *,
    assets: Iterable[str] | None = None,
    checks: Iterable[str] | None = None,
    tags: dict[str, str] | None = None,
    run_config: dict[str, object] | None = None,
) -> ExecutionResult:
    """Run all assets, or `assets` (`schema/name`) with `checks` (`schema/name:check`) as the UI selects them."""
    job = definitions.resolve_implicit_global_asset_job_def()
    if assets is not None or checks is not None:
        job = job.get_subset(
            asset_selection=frozenset(map(dg.AssetKey.from_user_string, assets or ())),
            asset_check_selection=None if checks is None else frozenset(map(_check_key, checks)),
        )
    run = instance.create_run_for_job(job, run_config=run_config, tags=tags)
    return execute_run(InMemoryJob(job), run, instance)


def events_of(result: ExecutionResult, type_: dg.DagsterEventType, step: str | None = None) -> list[Event]:
    """The events of one type, of one step or of all, in their order."""
    return [e for e in result.all_events if e.event_type == type_ and (step is None or e.step_key == step)]


def steps_with(result: ExecutionResult, type_: dg.DagsterEventType) -> list[str]:
    """The steps that have an event of a type, in the order of those events."""
    return [str(event.step_key) for event in events_of(result, type_)]


def stored_run(instance: dg.DagsterInstance, result: ExecutionResult) -> DagsterRun:
    """The run as the instance has it now."""
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    return run


def _check_key(text: str) -> dg.AssetCheckKey:
    asset, _, name = text.partition(":")
    return dg.AssetCheckKey(dg.AssetKey.from_user_string(asset), name)
