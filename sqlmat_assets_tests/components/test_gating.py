import logging

import pytest

from sqlmat_assets.components.gating import gates_itself

_LOGGER = logging.getLogger("dagster._core.execution.plan.active")


def _say(step: str) -> str:
    return (
        f"Blocking asset check 'first/cities:unique_city' emitted no result in step {step!r}; "
        "downstream step 'first__shops' will proceed without gating on it."
    )


def test_only_steps_that_gate_themselves_are_not_missed(caplog: pytest.LogCaptureFixture) -> None:
    gates_itself("first__gated")
    _LOGGER.warning(_say("first__gated"))
    _LOGGER.warning(_say("somebody_elses"))
    _LOGGER.warning("anything else about step 'first__gated'")
    assert [record.getMessage() for record in caplog.records] == [
        _say("somebody_elses"),
        "anything else about step 'first__gated'",
    ]
