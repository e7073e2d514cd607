"""What the runs of an instance do with the tables that they were asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES

from sqlmat_assets.components.events import CODE_VERSION
from sqlmat_assets.components.op_names import op_name
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.relation import Relation

_Type = dg.DagsterEventType
_STEPS = {_Type.STEP_START, _Type.STEP_SUCCESS, _Type.STEP_FAILURE, _Type.STEP_SKIPPED}
_NOT_BEGUN = frozenset({dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.QUEUED})
# SQLite admits a limited number of values in one statement.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Attempt:
    """A build that failed or was ended.

    `version` is the code that it ran, None where nobody noted it; `run` is short, and `said` what went wrong. `run_id`
    is that of a run of Dagster's; a build from the command line is none.
    """

    at: datetime
    version: CodeVersion | None = None
    run: str = ""
    said: str = ""
    run_id: str | None = None


class Runs:
    """The unfinished runs, and those finished ones that somebody asks about.

    Of an unfinished run, each look reads the events since the last one. What a finished run did stays so, and is kept.

    Args:
        relations: The tables of the project.
    """

    def __init__(self, relations: Iterable[Relation]) -> None:
        self._steps = {op_name(relation): relation for relation in relations}
        self._keys = {dg.AssetKey(list(relation.key)): relation for relation in self._steps.values()}
        self._unfinished: dict[str, _Run] = {}
        self._attempts: dict[str, Mapping[Relation, Attempt]] = {}

    def follow(self, instance: dg.DagsterInstance) -> None:
        """Look at all unfinished runs, and at those that have ended since the last look."""
        records = list(instance.get_run_records(dg.RunsFilter(statuses=NOT_FINISHED_STATUSES)))
        listed = {record.dagster_run.run_id for record in records}
        ended = [run_id for run_id in self._unfinished if run_id not in listed]
        self._take(instance, [*records, *fetch_runs(instance, ended)])
        for run_id in ended:
            self._unfinished.pop(run_id, None)  # deleted, if it is still there

    def ask(self, instance: dg.DagsterInstance, run_ids: Collection[str]) -> None:
        """Look at these runs as well, and forget all other finished ones."""
        unknown = [r for r in run_ids if r not in self._attempts and r not in self._unfinished]
        self._take(instance, fetch_runs(instance, unknown))
        deleted: dict[str, Mapping[Relation, Attempt]] = {run_id: {} for run_id in unknown}
        self._attempts = {r: found for r, found in (deleted | self._attempts).items() if r in run_ids}

    def attempts(self, run_id: str) -> Mapping[Relation, Attempt]:
        """The tables that a run tried to build and did not, so far."""
        run = self._unfinished.get(run_id)
        return self._attempts.get(run_id, {}) if run is None else run.failed

    def pending(self) -> dict[Relation, str]:
        """The tables that an unfinished run has yet to build, each with its run."""
        return {relation: run_id for run_id, run in self._unfinished.items() for relation in run.pending}

    def busy(self) -> tuple[str, ...]:
        """The unfinished runs that were asked for a table of the project, or for its checks."""
        return tuple(run_id for run_id, run in self._unfinished.items() if run.is_ours)

    def _take(self, instance: dg.DagsterInstance, records: Iterable[dg.RunRecord]) -> None:
        for record in records:
            run_id = record.dagster_run.run_id
            run = self._unfinished.pop(run_id, None) or _Run(run_id)
            run.read(instance, record, self._steps, self._keys)
            if record.dagster_run.is_finished:
                self._attempts[run_id] = run.ended(record)
            else:
                self._unfinished[run_id] = run


class _Run:
    """One run, as far as its events have been read."""

    def __init__(self, run_id: str) -> None:
        self.failed: dict[Relation, Attempt] = {}
        self.is_ours = False
        self._id = run_id
        self._cursor: str | None = None
        self._planned: frozenset[Relation] = frozenset()
        self._is_planned = False
        self._has_begun = False
        self._started: set[Relation] = set()
        self._through: set[Relation] = set()

    @property
    def pending(self) -> frozenset[Relation]:
        """What it was asked to build, without what is built, failed or skipped."""
        return self._planned - self._through - self.failed.keys()

    def read(
        self,
        instance: dg.DagsterInstance,
        record: dg.RunRecord,
        steps: Mapping[str, Relation],
        keys: Mapping[dg.AssetKey, Relation],
    ) -> None:
        """Read on.

        Args:
            instance: Whose run it is.
            record: What the instance knows of it now.
            steps: The tables by the names of their steps.
            keys: The tables by their keys.
        """
        run = record.dagster_run
        if not self._is_planned:
            rows = instance.get_asset_event_summary_records(_Type.ASSET_MATERIALIZATION_PLANNED, run_id=self._id)
            self._planned = frozenset(keys[row.asset_key] for row in rows if row.asset_key in keys)
            # What it is to build is written when it is made, which may be going on right now.
            self._is_planned = run.status not in _NOT_BEGUN
            checked = {check.asset_key for check in run.asset_check_selection or ()}
            self.is_ours = bool(self._planned) or not checked.isdisjoint(keys)
        if run.status in _NOT_BEGUN:
            return
        told = instance.get_records_for_run(self._id, cursor=self._cursor, of_type=_STEPS)
        self._cursor = told.cursor
        self._has_begun |= bool(told.records)
        for entry in told.records:
            relation = steps.get(entry.event_log_entry.step_key or "")
            if relation is not None:
                self._note(relation, entry.event_log_entry)

    def ended(self, record: dg.RunRecord) -> dict[Relation, Attempt]:
        """The tables that it tried to build and did not, now that it is finished."""
        left = self.pending
        if record.dagster_run.status == dg.DagsterRunStatus.CANCELED:
            tried = left  # a person who ends a run does not want any of it again in ten seconds
        elif self._has_begun:
            tried = left & self._started
        else:
            tried = left  # a run that does not even start must not be asked for again and again
        end = record.create_timestamp.timestamp() if record.end_time is None else record.end_time
        attempt = Attempt(datetime.fromtimestamp(end, UTC), run=self._id[:8], run_id=self._id)
        return self.failed | dict.fromkeys(tried, attempt)

    def _note(self, relation: Relation, entry: dg.EventLogEntry) -> None:
        event = entry.get_dagster_event()
        match event.event_type:
            case _Type.STEP_START:
                self._started.add(relation)
            case _Type.STEP_FAILURE:
                at = datetime.fromtimestamp(entry.timestamp, UTC)
                self.failed[relation] = Attempt(at, _failed_version(event), self._id[:8], _said(event), self._id)
            case _:
                self._through.add(relation)


def read_version(metadata: Mapping[str, dg.MetadataValue[Any]]) -> CodeVersion | None:
    """The code version that metadata tells, if it does."""
    value = metadata.get(CODE_VERSION)
    return CodeVersion.parse(value.text) if isinstance(value, dg.TextMetadataValue) and value.text else None


def _failed_version(event: dg.DagsterEvent) -> CodeVersion | None:
    described = event.step_failure_data.user_failure_data
    return None if described is None else read_version(described.metadata)


def _said(event: dg.DagsterEvent) -> str:
    described = event.step_failure_data.user_failure_data
    return "" if described is None else (described.description or "").partition("\n")[0]


def fetch_runs(instance: dg.DagsterInstance, run_ids: Collection[str]) -> list[dg.RunRecord]:
    """What the instance knows of these runs; nothing of those that somebody has deleted."""
    wanted = list(run_ids)
    records: list[dg.RunRecord] = []
    for start in range(0, len(wanted), _AT_ONCE):
        records += instance.get_run_records(dg.RunsFilter(run_ids=wanted[start : start + _AT_ONCE]))
    return records


def fetch_failure(instance: dg.DagsterInstance, run_id: str, relation: Relation) -> str | None:
    """Why a run did not build a table, as its step says it; None where it says nothing."""
    step = op_name(relation)
    for record in reversed(instance.get_records_for_run(run_id, of_type=_Type.STEP_FAILURE).records):
        entry = record.event_log_entry
        if entry.step_key == step:
            failure = entry.get_dagster_event().step_failure_data
            described = failure.user_failure_data
            if described is not None and described.description:
                return described.description
            return None if failure.error is None else failure.error.message.strip()
    return None
