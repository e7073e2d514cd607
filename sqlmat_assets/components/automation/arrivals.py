"""The sensor that looks at the places of files, has loaded what comes, and says when nothing does.

What has come stands as observations in the event log. The cursor has what was there at the last look.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import dagster as dg

from sqlmat_assets.components.assets import DECIDED_AT_TAG, WHY_TAG
from sqlmat_assets.components.automation.sensor import why_tag
from sqlmat_assets.components.automation.states import Ledger
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.translation import translate_key
from sqlmat_assets.connectors.base import Openers
from sqlmat_assets.errors import SqlmatError
from sqlmat_assets.errors import arrivals as wording
from sqlmat_assets.execution.loads.batches import mark_of
from sqlmat_assets.execution.loads.finding import Finder
from sqlmat_assets.project.canonical import hash_text
from sqlmat_assets.project.intervals import parse_interval
from sqlmat_assets.project.loads import Load, scheme_of
from sqlmat_assets.project.model import Model, Project
from sqlmat_assets.project.reasons import Reason

CHECK = "arrival"
"""The name of the check that fails when nothing has come."""

_SECONDS = 29
_ARRIVED = "files"


def _now() -> datetime:
    return datetime.now(UTC)


def find_awaited(project: Project) -> tuple[Model, ...]:
    """The tables that are loaded when something comes."""
    return tuple(
        model
        for model in project
        if model.load is not None and model.load.arrival is not None and not model.is_quarantined
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was there at the last look: a hash of it, when it came, and whether it was said that nothing comes."""

    mark: str
    at: datetime
    is_late: bool = False


def build_arrivals_sensor(
    project: Project,
    connectors: Openers,
    *,
    resource_key: str,
    name: str,
    now: Callable[[], datetime] = _now,
    is_on: bool = True,
) -> dg.SensorDefinition:
    """A sensor that has tables loaded when files come.

    Args:
        project: The tables.
        connectors: Open the places of the files.
        resource_key: The name of the resource that is their warehouse.
        name: Under which it can be switched on and off in the UI.
        now: The clock.
        is_on: Whether it runs until somebody switches it.
    """
    models = find_awaited(project)
    return dg.SensorDefinition(
        name,
        evaluation_fn=_Look(project, models, connectors, resource_key, now),
        minimum_interval_seconds=_SECONDS,
        description="Loads tables when files come, and says when none do.",
        default_status=dg.DefaultSensorStatus.RUNNING if is_on else dg.DefaultSensorStatus.STOPPED,
        asset_selection=dg.AssetSelection.assets(*(translate_key(model.relation) for model in models)),
        required_resource_keys={resource_key},
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at the places of all tables."""

    project: Project
    models: Sequence[Model]
    connectors: Openers
    resource_key: str
    now: Callable[[], datetime]

    def __call__(self, context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now, before = self.now(), _read(context.cursor)
        after: dict[str, _Seen] = {}
        come: list[Model] = []
        events: list[dg.AssetObservation | dg.AssetCheckEvaluation] = []
        for model in self.models:
            name = str(model.relation)
            last = before.get(name)
            try:
                count, mark = self._find(model)
            except SqlmatError as error:
                context.log.warning(wording.cannot_look(name, str(error)))
                count, mark = 0, None if last is None else last.mark
            is_new = bool(count) and (last is None or last.mark != mark)
            if is_new:
                come.append(model)
                context.log.info(wording.arrived(name, count))
                events.append(dg.AssetObservation(translate_key(model.relation), metadata={_ARRIVED: count}))
            seen = _Seen(mark or "", now if is_new or last is None else last.at, last is not None and last.is_late)
            after[name] = self._judge(model, seen, now, events)
        busy = self._busy(context) if come else None
        if busy is not None:
            # The same is found at the next look.
            return dg.SensorResult(skip_reason=busy, cursor=context.cursor)
        if not come:
            skipped = wording.nothing_new(len(self.models))
            return dg.SensorResult(skip_reason=skipped, cursor=_written(after), asset_events=events)
        return dg.SensorResult([_request(come, now)], cursor=_written(after), asset_events=events)

    def _find(self, model: Model) -> tuple[int, str]:
        """How many files are there, and what tells them from others."""
        load = cast("Load", model.load)
        folder = (self.project.root / model.path).absolute().parent
        store = self.connectors.open_store(scheme_of(load.files), load.connection)
        found = Finder(load, folder, store).find()
        return len(found), hash_text("\n".join(sorted(f"{w.found.url} {mark_of(w.found)}" for w in found)))

    def _judge(
        self, model: Model, seen: _Seen, now: datetime, events: list[dg.AssetObservation | dg.AssetCheckEvaluation]
    ) -> _Seen:
        """Say it once when nothing comes, and once when something does again."""
        limit, waited = _limit_of(model), now - seen.at
        is_late = waited > limit
        if is_late != seen.is_late:
            events.append(_evaluation(model, waited, limit))
        return _Seen(seen.mark, seen.at, is_late)

    def _busy(self, context: dg.SensorEvaluationContext) -> str | None:
        """Why nothing can be loaded now, where one process at a time has the warehouse."""
        resource = cast(WarehouseResource, getattr(context.resources, self.resource_key))
        if resource.open().capabilities.admits_many_writers:
            return None
        busy = Ledger(self.project).read(context.instance).busy
        return wording.waits_for(busy[0][:8]) if busy else None


def build_arrival_check(model: Model, now: Callable[[], datetime] = _now) -> dg.AssetChecksDefinition:
    """The check that fails when nothing has come for a table; the sensor tells it by itself."""
    key = translate_key(model.relation)
    limit = _limit_of(model)

    def look(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        last = context.instance.fetch_observations(key, limit=1).records
        if not last:
            return dg.AssetCheckResult(passed=False, check_name=CHECK, description=wording.never_looked())
        waited = now() - datetime.fromtimestamp(last[0].timestamp, UTC)
        told = _evaluation(model, waited, limit)
        return dg.AssetCheckResult(
            passed=told.passed, check_name=CHECK, severity=told.severity, description=told.description
        )

    op_name = f"arrival_of_{hash_text(str(model.relation))[:12]}"
    decorated = dg.asset_check(asset=key, name=CHECK, description=wording.asked(limit))
    look.__name__ = op_name
    # Dagster takes no annotation that is a text, as all of this module are.
    look.__annotations__ = {"context": dg.AssetCheckExecutionContext}
    return decorated(look)


def _limit_of(model: Model) -> timedelta:
    return parse_interval(cast("str", cast("Load", model.load).arrival))


def _evaluation(model: Model, waited: timedelta, limit: timedelta) -> dg.AssetCheckEvaluation:
    is_late = waited > limit
    said = wording.late(str(model.relation), waited, limit) if is_late else wording.in_time(waited)
    return dg.AssetCheckEvaluation(
        asset_key=translate_key(model.relation),
        check_name=CHECK,
        passed=not is_late,
        severity=dg.AssetCheckSeverity.WARN,
        description=said,
        blocking=False,
    )


def _request(models: Sequence[Model], now: datetime) -> dg.RunRequest:
    return dg.RunRequest(
        asset_selection=[translate_key(model.relation) for model in models],
        tags={
            DECIDED_AT_TAG: now.isoformat(),
            WHY_TAG: why_tag({model.relation: Reason.ARRIVED for model in models}),
        },
    )


def _read(cursor: str | None) -> dict[str, _Seen]:
    found: dict[str, list[object]] = json.loads(cursor or "{}")
    return {
        name: _Seen(str(mark), datetime.fromisoformat(str(at)), bool(late)) for name, (mark, at, late) in found.items()
    }


def _written(seen: Mapping[str, _Seen]) -> str:
    return json.dumps({name: [each.mark, each.at.isoformat(), each.is_late] for name, each in seen.items()})
