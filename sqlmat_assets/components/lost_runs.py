"""Runs whose process was killed: they are reported as failed, so that their tables are free again."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import dagster as dg
from dagster._core.storage.dagster_run import DagsterRun, RunRecord

from sqlmat_assets.components.processes import PROCESS_TAG, Process
from sqlmat_assets.errors import service as wording

_WAITING = (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED)
_WORKING = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
_LONGEST_START = timedelta(minutes=5)
# A code server looks once a second after the processes that it has started, and knows more of how they ended.
_SECONDS_FOR_THE_CODE_SERVER = 2.0


def report_lost_runs(instance: dg.DagsterInstance, now: datetime) -> list[str]:
    """End the runs that nobody executes any more.

    A run that the executor of threads has taken up is lost when its process is gone, and canceled when it was being
    canceled. A run that nothing has taken up is lost after some minutes, unless its launcher can tell what became of
    it. Nothing is known of the processes of other machines, and of other executors.

    Args:
        instance: That of the runs.
        now: An aware moment.

    Returns:
        What to say in a log of each run that was ended.
    """
    records = instance.get_run_records(dg.RunsFilter(statuses=[*_WAITING, *_WORKING]))
    found = [(record.dagster_run, why) for record in records if (why := _why_lost(instance, record, now)) is not None]
    if not found:
        return []
    time.sleep(_SECONDS_FOR_THE_CODE_SERVER)
    return [said for run, why in found if (said := _report(instance, run, why)) is not None]


def _why_lost(instance: dg.DagsterInstance, record: RunRecord, now: datetime) -> str | None:
    run = record.dagster_run
    if run.status in _WORKING:
        process = Process.parse(run.tags.get(PROCESS_TAG, ""))
        is_own = process is not None and process.run == run.run_id
        return wording.worker_gone(process.host, process.pid) if process and is_own and process.is_gone() else None
    if now - record.update_timestamp < _LONGEST_START or instance.run_launcher.supports_check_run_worker_health:
        return None
    return wording.never_started(round(_LONGEST_START.total_seconds() / 60))


def _report(instance: dg.DagsterInstance, seen: DagsterRun, why: str) -> str | None:
    run = instance.get_run_by_id(seen.run_id)
    # Its process may have come to its end, or the run have been taken up, since it was listed.
    if run is None or run.status is not seen.status:
        return None
    if run.status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, why)
    else:
        instance.report_run_failed(run, why)
    return wording.run_ended(run.run_id[:8], why)
