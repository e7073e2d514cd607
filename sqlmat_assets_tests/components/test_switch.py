"""What `sqlmat dev` mends of a sensor before its daemon starts."""

from __future__ import annotations

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import SensorInstigatorData

from sqlmat_assets.components.switch import forget_tick_ahead, is_on, switch_off

NOW = 1_800_000_000.0


@pytest.mark.parametrize(("ahead", "is_forgotten"), [(3600.0, True), (-10.0, False)])
def test_a_tick_ahead_of_the_clock_is_forgotten(instance: dg.DagsterInstance, ahead: float, is_forgotten: bool) -> None:
    switch_off(instance, "fresh")
    (state,) = instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
    ticked = SensorInstigatorData(last_tick_timestamp=NOW + ahead, cursor="[]")
    instance.update_instigator_state(state.with_data(ticked))
    forget_tick_ahead(instance, "fresh", NOW)
    (state,) = instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
    assert isinstance(state.instigator_data, SensorInstigatorData)
    assert (state.instigator_data.last_tick_timestamp is None) == is_forgotten
    assert state.instigator_data.cursor == "[]"
    assert not is_on(instance, "fresh")


def test_a_sensor_that_never_looked_has_nothing_to_forget(instance: dg.DagsterInstance) -> None:
    forget_tick_ahead(instance, "fresh", NOW)
    assert is_on(instance, "fresh")
