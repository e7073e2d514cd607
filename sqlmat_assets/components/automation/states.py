"""What has become of each table, from the event log of the instance."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg
from dagster._core.storage.event_log.base import AssetEventSummaryRecord, AssetRecord

from sqlmat_assets.components.automation.partitions import BuiltKeys
from sqlmat_assets.components.automation.reported import Reported
from sqlmat_assets.components.automation.runs import Attempt, Runs, fetch_runs, read_version
from sqlmat_assets.components.deliveries import read_delivered
from sqlmat_assets.components.events import read_decided_at, read_published_at
from sqlmat_assets.components.garbage import no_garbage
from sqlmat_assets.components.translation import translate_key
from sqlmat_assets.components.undone import read_held_code, read_undone_at
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.model import Project
from sqlmat_assets.project.timings import State
from sqlmat_assets.relation import Relation

_Type = dg.DagsterEventType
_LOGS = (_Type.ASSET_MATERIALIZATION_PLANNED, _Type.ASSET_MATERIALIZATION, _Type.ASSET_OBSERVATION)

# How much of the log's end each look compares with the last one. Rows are cheap; when all of them are new, everything
# is read again.
_WINDOW = 500
# How far back one statement looks for plans; what lies behind is asked for table by table.
_HISTORY = 20_000
# Back-off has long reached its limit behind so many.
_MAX_ATTEMPTS = 20
# A run of several partitions of a table has a plan for each.
_MANY_PARTITIONS = 100

# How many materializations are in memory at a time while they are read.
_RECORDS = 500

_Row = tuple[int, str, float]


@dataclass(frozen=True, slots=True)
class Reading:
    """What has become of the tables; `busy` are the unfinished runs that have to do with any of them."""

    states: Mapping[Relation, State]
    busy: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Plan:
    """A run that was to build a table; `storage_id` is the place of that in the log."""

    storage_id: int
    run_id: str
    at: float


@dataclass(frozen=True, slots=True)
class _Built:
    """The last materialization of a table; `storage_id` is its place in the log."""

    storage_id: int
    run_id: str
    decided_at: datetime
    version: CodeVersion | None
    put_back_at: datetime | None = None
    unwanted: CodeVersion | None = None
    published_at: datetime | None = None
    delivered: Mapping[Relation, datetime] = field(default_factory=dict[Relation, datetime])
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """The last build of a table: its place in the log, and why it was built, as a word."""

    relation: Relation
    storage_id: int
    why: str | None


class Ledger:
    """Reads what has become of the tables of a project, again and again.

    Everything is in the event log. Reading all of it takes most of a second for 2,000 tables, since a materialization
    carries much that is not asked for here; so each reading only takes in what is new. One that fails, or finds that it
    has missed something, begins again from nothing.

    Args:
        project: Its tables, and the code that they have now.
    """

    def __init__(self, project: Project) -> None:
        self._versions = {model.relation: model.version for model in project}
        self._keys = {translate_key(relation): relation for relation in self._versions}
        settings = {model.relation: model.settings for model in project}
        self._partitions = BuiltKeys(
            {relation: found.partition_by for relation, found in settings.items() if found.partition_by is not None}
        )
        self._runs = Runs(self._versions)
        self._reported = Reported(_MAX_ATTEMPTS)
        self._built: dict[Relation, _Built] = {}
        self._plans: dict[Relation, tuple[_Plan, ...]] = {}
        self._seen: dict[dg.DagsterEventType, set[_Row]] | None = None
        # A look that took too long may still be at work when the next one comes.
        self._lock = threading.Lock()

    def read(self, instance: dg.DagsterInstance) -> Reading:
        """Say what has become of each table."""
        with self._lock:
            # First: a run that ends while the rest is read counts as going on, and its tables are not asked for twice.
            self._runs.follow(instance)
            seen, self._seen = self._seen, None
            self._seen = self._refresh(instance, seen)
            self._runs.ask(instance, {plan.run_id for plans in self._plans.values() for plan in plans})
            pending = self._runs.pending()
            known = self._built.keys() | self._plans.keys() | pending.keys() | set(self._reported.relations)
            return Reading({r: self._state(r, pending.get(r)) for r in known}, self._runs.busy())

    def builds_since(self, storage_id: int) -> tuple[Build, ...]:
        """The tables whose last build stands behind a place in the log, in the order of those builds."""
        found = (Build(r, built.storage_id, built.why) for r, built in self._built.items())
        return tuple(sorted((b for b in found if b.storage_id > storage_id), key=lambda build: build.storage_id))

    def build_of(self, relation: Relation) -> Build | None:
        """The last build of a table."""
        built = self._built.get(relation)
        return None if built is None else Build(relation, built.storage_id, built.why)

    def last_attempt(self, relation: Relation) -> Attempt | None:
        """The last build of a table that failed, since the last that did not, and with the code that it has now."""
        return next(iter(self._attempts(relation)), None)

    def _state(self, relation: Relation, run: str | None) -> State:
        built = self._built.get(relation)
        tried = self._attempts(relation)
        return State(
            decided_at=None if built is None else built.decided_at,
            version=None if built is None else built.version,
            failures=len(tried),
            # The last by its place in the log: after a clock was set back, an earlier one has a later time.
            failed_at=tried[0].at if tried else None,
            run=run,
            partitions=self._partitions.found(relation),
            put_back_at=None if built is None else built.put_back_at,
            unwanted=None if built is None else built.unwanted,
            published_at=None if built is None else built.published_at,
            delivered={} if built is None else built.delivered,
        )

    def _attempts(self, relation: Relation) -> list[Attempt]:
        """Those with the code that the table has now, the latest first."""
        plans = {plan.run_id: plan.storage_id for plan in reversed(self._plans.get(relation, ()))}
        found = [(place, self._runs.attempts(run_id).get(relation)) for run_id, place in plans.items()]
        found += self._reported.of(relation)
        found.sort(key=lambda each: each[0], reverse=True)
        return [each for _, each in found if each is not None and self._is_present(relation, each.version)]

    def _is_present(self, relation: Relation, version: CodeVersion | None) -> bool:
        """Whether an attempt was one with the code that the table has now, as far as anybody knows."""
        present = self._versions[relation]
        return version is None or present is None or present.is_same(version)

    def _refresh(
        self, instance: dg.DagsterInstance, seen: Mapping[dg.DagsterEventType, set[_Row]] | None
    ) -> dict[dg.DagsterEventType, set[_Row]]:
        windows = {kind: instance.get_asset_event_summary_records(kind, limit=_WINDOW) for kind in _LOGS}
        rows = {
            kind: {(row.storage_id, row.run_id or "", row.timestamp) for row in window}
            for kind, window in windows.items()
        }
        if seen is None or any(not _overlap(rows[kind], seen[kind]) for kind in _LOGS):
            self._read_all(instance)
            return rows
        news: set[Relation] = set()
        observed: set[Relation] = set()
        for kind in _LOGS:
            for row in windows[kind]:
                relation = self._keys.get(row.asset_key)
                if relation is None or (row.storage_id, row.run_id or "", row.timestamp) in seen[kind]:
                    continue
                (observed if kind == _Type.ASSET_OBSERVATION else news).add(relation)
                if kind == _Type.ASSET_MATERIALIZATION_PLANNED:
                    self._plans[relation] = (_plan(row), *self._plans.get(relation, ()))
        self._read_built(instance, news)
        self._read_reported(instance, observed)
        there = set(instance.get_asset_keys())
        self._forget(relation for key, relation in self._keys.items() if key not in there)  # wiped in the UI
        return rows

    def _forget(self, relations: Iterable[Relation]) -> None:
        for relation in relations:
            self._built.pop(relation, None)
            self._plans.pop(relation, None)
            self._partitions.forget(relation)
            self._reported.forget(relation)

    def _read_reported(self, instance: dg.DagsterInstance, relations: Iterable[Relation]) -> None:
        """Read the attempts outside of runs since the last materialization of each table."""
        for relation in relations:
            self._reported.read(instance, relation, self._built_at(relation))

    def _read_all(self, instance: dg.DagsterInstance) -> None:
        self._built.clear()
        self._plans.clear()
        self._reported.clear()
        last_runs = self._read_built(instance, self._versions)
        tried = [
            relation
            for relation, run_id in last_runs.items()
            if relation not in self._built or self._built[relation].run_id != run_id
        ]
        if tried:
            self._read_plans(instance, tried)
        rows = instance.get_asset_event_summary_records(_Type.ASSET_OBSERVATION, limit=_HISTORY)
        begin = rows[-1].storage_id if len(rows) == _HISTORY else 0
        places = {self._keys.get(row.asset_key): row.storage_id for row in reversed(rows)}
        told = [relation for relation in self._versions if places.get(relation, begin) > self._built_at(relation)]
        self._read_reported(instance, told)

    def _read_plans(self, instance: dg.DagsterInstance, relations: Iterable[Relation]) -> None:
        """Find in which runs these tables were to be built since they were built last."""
        planned = _Type.ASSET_MATERIALIZATION_PLANNED
        rows = instance.get_asset_event_summary_records(planned, limit=_HISTORY)
        begin = rows[-1].storage_id if len(rows) == _HISTORY else 0
        found: dict[Relation, list[_Plan]] = {relation: [] for relation in relations}
        for row in rows:
            plans = found.get(self._keys.get(row.asset_key, Relation("", "")))
            if plans is not None:
                plans.append(_plan(row))
        for relation, plans in found.items():
            since = self._built_at(relation)
            if since < begin and len(plans) < _MAX_ATTEMPTS:
                key = translate_key(relation)
                limit = _MAX_ATTEMPTS * (_MANY_PARTITIONS if relation in self._partitions else 1)
                rows = instance.get_asset_event_summary_records(planned, asset_key=key, limit=limit)
                plans[:] = map(_plan, rows)
            self._plans[relation] = tuple(plans)
            self._trim(relation)

    def _read_built(self, instance: dg.DagsterInstance, relations: Iterable[Relation]) -> dict[Relation, str]:
        """Read the last materializations, and return the last run of each table that has one."""
        keys = [translate_key(relation) for relation in relations]
        last_runs: dict[Relation, str] = {}
        for start in range(0, len(keys), _RECORDS):
            with no_garbage():
                records = instance.get_asset_records(keys[start : start + _RECORDS])
            starts = _fetch_starts(instance, records)
            for record in records:
                relation = self._keys[record.asset_entry.asset_key]
                if record.asset_entry.last_run_id:
                    last_runs[relation] = record.asset_entry.last_run_id
                built = _built(record, starts)
                if built is None:
                    self._built.pop(relation, None)
                else:
                    self._built[relation] = built
                self._partitions.read(instance, relation, None if built is None else built.storage_id)
                self._trim(relation, _wiped_at(record))
        return last_runs

    def _trim(self, relation: Relation, wiped_at: float = 0.0) -> None:
        """Keep the plans since the last materialization, and since the last wipe in the UI; the latest first."""
        since = self._built_at(relation)
        self._reported.trim(relation, since, wiped_at)
        known = self._plans.pop(relation, ())
        present = sorted(
            (plan for plan in known if plan.storage_id > since and plan.at > wiped_at),
            key=lambda plan: plan.storage_id,
            reverse=True,
        )
        plans = tuple({plan.run_id: plan for plan in present}.values())[:_MAX_ATTEMPTS]
        if plans:
            self._plans[relation] = plans

    def _built_at(self, relation: Relation) -> int:
        built = self._built.get(relation)
        return 0 if built is None else built.storage_id


def read_states(instance: dg.DagsterInstance, project: Project) -> Mapping[Relation, State]:
    """Say once what has become of each table."""
    return Ledger(project).read(instance).states


def _overlap(rows: set[_Row], seen: set[_Row]) -> bool:
    """Whether rows that were not seen before are all that have come since."""
    return len(rows) < _WINDOW or not rows.isdisjoint(seen)


def _built(record: AssetRecord, starts: Mapping[str, datetime]) -> _Built | None:
    last = record.asset_entry.last_materialization_record
    if last is None or last.asset_materialization is None:
        return None
    metadata = last.asset_materialization.metadata
    decided_at = read_decided_at(metadata) or starts.get(last.run_id) or datetime.fromtimestamp(last.timestamp, UTC)
    put_back = read_undone_at(metadata), read_held_code(metadata)
    delivery = read_published_at(metadata), read_delivered(metadata)
    why = metadata.get("why")
    reason = None if why is None else str(why.value)
    return _Built(last.storage_id, last.run_id, decided_at, read_version(metadata), *put_back, *delivery, reason)


def _wiped_at(record: AssetRecord) -> float:
    details = record.asset_entry.asset_details
    return 0.0 if details is None else details.last_wipe_timestamp or 0.0


def _plan(row: AssetEventSummaryRecord) -> _Plan:
    return _Plan(row.storage_id, row.run_id or "", row.timestamp)


def _fetch_starts(instance: dg.DagsterInstance, records: Iterable[AssetRecord]) -> dict[str, datetime]:
    """When the runs began whose materializations do not say when they were decided."""
    lasts = (record.asset_entry.last_materialization_record for record in records)
    told = ((last, last.asset_materialization) for last in lasts if last is not None and last.run_id)
    silent = {last.run_id for last, event in told if event is not None and read_decided_at(event.metadata) is None}
    return {
        run.dagster_run.run_id: datetime.fromtimestamp(run.start_time, UTC)
        for run in fetch_runs(instance, silent)
        if run.start_time is not None
    }
