"""The sensor that looks at all tables every few seconds, and requests runs of what is due."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import cast

import dagster as dg
from dagster._core.storage.tags import PRIORITY_TAG

from sqlmat_assets.components.assets import DECIDED_AT_TAG, WHY_TAG
from sqlmat_assets.components.automation.alerts import find_alerts
from sqlmat_assets.components.automation.states import Ledger, Reading
from sqlmat_assets.components.home import FRESHNESS_SENSOR
from sqlmat_assets.components.lost_runs import report_lost_runs
from sqlmat_assets.components.partitions import partition_tags
from sqlmat_assets.components.reload import reload_if_edited
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.translation import translate_key
from sqlmat_assets.errors import ticks as wording
from sqlmat_assets.project.due import Timetable
from sqlmat_assets.project.model import Project
from sqlmat_assets.project.reasons import Reason, Reasons
from sqlmat_assets.project.timings import Decision, State, Verdict
from sqlmat_assets.relation import Relation

# The daemon looks every five seconds, and just misses what is due in ten.
_SECONDS = 9
# A person who clicks does not wait behind what runs by itself.
_BEHIND_PEOPLE = "-1"
# PostgreSQL keeps tags in an index, and refuses what is longer than a third of a page there.
_LONGEST_TAG = 2000
_WAITING = {
    Reason.RUNNING: "running",
    Reason.WAITING: "waiting",
    Reason.HELD: "held",
    Reason.PUT_BACK: "put back by hand (edit or build to go on)",
    Reason.BACKING_OFF: "backing off",
    Reason.OUTSIDE: "outside their hours",
    Reason.QUARANTINED: "quarantined",
}


def _now() -> datetime:
    return datetime.now(UTC)


def build_freshness_sensor(
    project: Project,
    *,
    resource_key: str,
    name: str = FRESHNESS_SENSOR,
    now: Callable[[], datetime] = _now,
    is_on: bool = True,
) -> dg.SensorDefinition:
    """A sensor that keeps the tables of a project as fresh as they ask.

    Args:
        project: The tables.
        resource_key: The name of the resource that is their warehouse.
        name: Under which it can be switched on and off in the UI.
        now: The clock.
        is_on: Whether it runs until somebody switches it.
    """
    tick = _Tick(project, resource_key, now)
    buildable = [model.relation for model in project if not model.is_quarantined]
    return dg.SensorDefinition(
        name,
        evaluation_fn=tick,
        minimum_interval_seconds=_SECONDS,
        description="Builds the tables when they are due, new or changed.",
        default_status=dg.DefaultSensorStatus.RUNNING if is_on else dg.DefaultSensorStatus.STOPPED,
        asset_selection=dg.AssetSelection.assets(*map(translate_key, buildable)),
        required_resource_keys={resource_key} if buildable else set(),
    )


class _Tick:
    """One project's looks at its tables; what it keeps from one to the next can all be read again."""

    def __init__(self, project: Project, resource_key: str, now: Callable[[], datetime]) -> None:
        self._project = project
        self._resource_key = resource_key
        self._now = now
        self._has_looked = False

    # Made by the first tick: every process that loads the definitions makes a sensor, and one runs it.
    @cached_property
    def _ledger(self) -> Ledger:
        return Ledger(self._project)

    @cached_property
    def _timetable(self) -> Timetable:
        return Timetable.of(self._project)

    def __call__(self, context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = self._now()
        for lost in report_lost_runs(context.instance, now):
            context.log.warning(lost)
        # A file that is written every few seconds would have each process replaced before it builds anything.
        has_looked, self._has_looked = self._has_looked, True
        if has_looked and (edited := reload_if_edited(context, self._project)) is not None:
            context.log.info(edited)
            return dg.SensorResult(skip_reason=edited)
        reading = self._ledger.read(context.instance)
        decision = self._timetable.decide(reading.states, now)
        cursor = self._tell(context, decision, reading.states)
        groups, waits = self._groups(context, decision, reading)
        requests = [_request(group, decision, self._project) for group in groups]
        return dg.SensorResult(requests, None if requests else waits or _nothing_due(decision), cursor=cursor)

    def _groups(
        self, context: dg.SensorEvaluationContext, decision: Decision, reading: Reading
    ) -> tuple[Sequence[Sequence[Relation]], str | None]:
        """What each run is to build; without any although tables are due, why."""
        if not decision.groups or self._admits_many_writers(context):
            return decision.groups, None
        # Two processes would wait for each other's file, and the one that waits too long would fail.
        if reading.busy:
            due = sum(map(len, decision.groups))
            return [], wording.one_at_a_time(due, [run_id[:8] for run_id in reading.busy])
        return [self._timetable.first_run(decision)], None

    def _admits_many_writers(self, context: dg.SensorEvaluationContext) -> bool:
        resource = cast(WarehouseResource, getattr(context.resources, self._resource_key))
        return resource.open().capabilities.admits_many_writers

    def _tell(self, context: dg.SensorEvaluationContext, decision: Decision, states: Mapping[Relation, State]) -> str:
        """Say which tables have begun to fail, and which do no longer; the cursor holds those that fail."""
        alerts = find_alerts(decision, states, _read_cursor(context.cursor))
        for relation in alerts.begun:
            again = decision.verdicts[relation].next_at
            is_built = states.get(relation, State()).decided_at is not None
            context.log.warning(wording.begins_to_fail(str(relation), again, is_built=is_built))
        for relation in alerts.recovered:
            context.log.info(wording.recovered(str(relation)))
        return json.dumps([str(relation) for relation in sorted({*alerts.begun, *alerts.still})])


def _read_cursor(cursor: str | None) -> set[Relation]:
    return {Relation.of(name) for name in json.loads(cursor or "[]")}


def _partition_tags(group: Sequence[Relation], decision: Decision, project: Project) -> Mapping[str, str]:
    """What tells the run of a group which partitions it is about; all of its tables have the same."""
    first = group[0]
    partitioning, range_ = project.models[first].settings.partition_by, decision.verdicts[first].range_
    return {} if partitioning is None or range_ is None else partition_tags(partitioning, range_)


def _request(group: Sequence[Relation], decision: Decision, project: Project) -> dg.RunRequest:
    reasons = {relation: decision.verdicts[relation].reason for relation in group}
    return dg.RunRequest(
        asset_selection=[translate_key(relation) for relation in group],
        tags={
            DECIDED_AT_TAG: decision.now.isoformat(),
            WHY_TAG: why_tag(reasons),
            PRIORITY_TAG: _BEHIND_PEOPLE,
            **_partition_tags(group, decision, project),
        },
    )


def why_tag(reasons: Mapping[Relation, Reason]) -> str:
    """Why each table of a run is built, as a tag."""
    text = str(Reasons.of(reasons))
    if len(text) <= _LONGEST_TAG:
        return text
    # Nobody reads it as reasons then, and so nothing of this run is left out as unchanged.
    return wording.reasons_in_short({str(r): count for r, count in Counter(reasons.values()).most_common()})


def _nothing_due(decision: Decision) -> str:
    verdicts = decision.verdicts
    counts = Counter(verdict.reason for verdict in verdicts.values())
    coming = min(((at, relation) for relation, verdict in verdicts.items() for at in _next(verdict)), default=None)
    tried = [v.next_at for v in verdicts.values() if v.reason is Reason.BACKING_OFF and v.next_at is not None]
    return wording.nothing_due(
        None if coming is None else (str(coming[1]), coming[0] - decision.now),
        {words: counts[reason] for reason, words in _WAITING.items()},
        min(tried, default=None),
    )


def _next(verdict: Verdict) -> Iterable[datetime]:
    """When a table that is left alone for now will be due."""
    match verdict.reason:
        case Reason.FRESH:
            at = verdict.due_at
        case Reason.OUTSIDE:
            at = verdict.next_at
        case _:
            at = None
    return () if at is None else (at,)
