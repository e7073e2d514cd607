"""Whether the service builds tables by itself, as the UI shows and changes it."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.definitions.sensor_definition import SensorType
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, SensorInstigatorData
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from sqlmat_assets.components.home import LOCATION


def is_on(
    instance: dg.DagsterInstance, sensor: str, location: str = LOCATION, *, is_on_by_default: bool = True
) -> bool:
    """Whether a sensor runs, which depends on how it was defined until somebody switches it."""
    stored = _stored(instance, _off(sensor, location))
    if stored is None or stored.status is InstigatorStatus.DECLARED_IN_CODE:
        return is_on_by_default
    return stored.is_running


def switch_off(instance: dg.DagsterInstance, sensor: str, location: str = LOCATION) -> None:
    """Switch a sensor off until somebody switches it on in the UI."""
    off = _off(sensor, location)
    stored = _stored(instance, off)
    if stored is None:
        instance.add_instigator_state(off)
    else:
        instance.update_instigator_state(stored.with_status(InstigatorStatus.STOPPED))


def forget_tick_ahead(instance: dg.DagsterInstance, sensor: str, now: float, location: str = LOCATION) -> None:
    """Let a sensor look again although the clock was set back since its last tick.

    The daemon would else wait until the moment of that tick has come again.
    """
    stored = _stored(instance, _off(sensor, location))
    data = None if stored is None else stored.instigator_data
    if stored is None or not isinstance(data, SensorInstigatorData):
        return
    if max(data.last_tick_timestamp or 0.0, data.last_tick_start_timestamp or 0.0) > now:
        fresh = SensorInstigatorData(min_interval=data.min_interval, cursor=data.cursor, sensor_type=data.sensor_type)
        instance.update_instigator_state(stored.with_data(fresh))


def _stored(instance: dg.DagsterInstance, state: InstigatorState) -> InstigatorState | None:
    return instance.get_instigator_state(state.instigator_origin_id, state.selector_id)


def _off(sensor: str, location: str) -> InstigatorState:
    # States are found by the names of location, repository and sensor; how the location is loaded makes no difference.
    loaded_as = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(), location)
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(loaded_as, SINGLETON_REPOSITORY_NAME), sensor)
    data = SensorInstigatorData(sensor_type=SensorType.STANDARD)
    return InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.STOPPED, data)
