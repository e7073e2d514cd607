"""Why a table last ran, why it has not, and when it will: what the instance and the decision know together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import SensorInstigatorData

from sqlmat_assets.components.automation.runs import Attempt
from sqlmat_assets.components.automation.states import Ledger
from sqlmat_assets.components.translation import translate_key
from sqlmat_assets.project.due import Timetable
from sqlmat_assets.project.model import Project
from sqlmat_assets.project.timings import State, Verdict
from sqlmat_assets.relation import Relation

_DAEMON = "SENSOR"


@dataclass(frozen=True, slots=True)
class LastBuild:
    """The last materialization; `run` is short, `told` is what it said of itself, such as why it ran."""

    at: datetime
    run: str
    rows: int | None
    seconds: float | None
    told: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Service:
    """What runs the project by itself.

    `is_on` is None where the sensor was never switched, which means on; `looked_at` is its last tick, `daemon_seen_at`
    the last sign of life of the daemon that gives it its ticks.
    """

    is_on: bool | None
    looked_at: datetime | None
    daemon_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of one table at one moment; the verdicts are of all tables.

    `failed` is the last attempt, where that came to nothing with the code that the table has now.
    """

    relation: Relation
    now: datetime
    state: State
    verdicts: Mapping[Relation, Verdict]
    last: LastBuild | None
    failed: Attempt | None
    service: Service

    @property
    def verdict(self) -> Verdict:
        """What is decided of the table itself."""
        return self.verdicts[self.relation]


def explain(
    instance: dg.DagsterInstance,
    project: Project,
    relation: Relation,
    *,
    sensor: str,
    now: datetime,
    is_on_by_default: bool = True,
) -> Explanation:
    """Decide as the sensor would, and find what was recorded of the table's last build.

    Args:
        instance: Where runs are recorded.
        project: The tables.
        relation: One of them.
        sensor: The name of the sensor that runs them.
        now: The moment.
        is_on_by_default: Whether that sensor runs until somebody switches it.
    """
    ledger = Ledger(project)
    states = ledger.read(instance).states
    decision = Timetable.of(project).decide(states, now)
    state = states.get(relation, State())
    service = _service(instance, sensor)
    if service.is_on is None and not is_on_by_default:
        service = replace(service, is_on=False)
    last, failed = _last_build(instance, relation, state), ledger.last_attempt(relation)
    return Explanation(relation, now, state, decision.verdicts, last, failed, service)


def _last_build(instance: dg.DagsterInstance, relation: Relation, state: State) -> LastBuild | None:
    event = instance.get_latest_materialization_event(translate_key(relation))
    if event is None or event.asset_materialization is None or state.decided_at is None:
        return None
    metadata = event.asset_materialization.metadata
    told = {
        key: str(value.value)
        for key, value in metadata.items()
        if key in ("why", "outcome", "saved", "commit") and value.value is not None
    }
    run, rows = metadata.get("run"), _number(metadata.get("dagster/row_count"))
    return LastBuild(
        at=state.decided_at,
        run=str(run.value) if run is not None else event.run_id[:8],
        rows=None if rows is None else int(rows),
        seconds=_number(metadata.get("seconds")),
        told=told,
    )


def _number(value: dg.MetadataValue[Any] | None) -> float | None:
    return value.value if isinstance(value, (dg.IntMetadataValue, dg.FloatMetadataValue)) else None


def _service(instance: dg.DagsterInstance, sensor: str) -> Service:
    found = [s for s in instance.all_instigator_state(instigator_type=InstigatorType.SENSOR) if s.name == sensor]
    state = found[0] if found else None
    data = None if state is None else state.instigator_data
    ticked = data.last_tick_timestamp if isinstance(data, SensorInstigatorData) else None
    heartbeat = instance.get_daemon_heartbeats().get(_DAEMON)
    return Service(
        is_on=None if state is None else state.is_running,
        looked_at=None if ticked is None else datetime.fromtimestamp(ticked, UTC),
        daemon_seen_at=None if heartbeat is None else datetime.fromtimestamp(heartbeat.timestamp, UTC),
    )
