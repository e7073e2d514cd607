"""Steps in threads: everything that Dagster's own executors honour."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.dagster_run import DagsterRunStatus

from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets_tests.components.running import events_of, execute, steps_with, stored_run

Type = dg.DagsterEventType


class Crowd:
    """How many are inside at once, at most."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._inside = 0
        self.most = 0

    def stay(self, seconds: float) -> None:
        with self._guard:
            self._inside += 1
            self.most = max(self.most, self._inside)
        time.sleep(seconds)
        with self._guard:
            self._inside -= 1


def make_asset(name: str, work: Callable[[], object], deps: tuple[str, ...] = (), **more: Any) -> dg.AssetsDefinition:
    def compute() -> None:
        work()

    return dg.asset(name=name, deps=list(deps), **more)(compute)


def define(*assets: dg.AssetsDefinition, **more: Any) -> dg.Definitions:
    return dg.Definitions(assets=list(assets), executor=thread_executor, **more)


def fail() -> None:
    raise ValueError("broken")


def config(**values: object) -> dict[str, object]:
    return {"execution": {"config": values}}


def test_steps_run_side_by_side(instance: dg.DagsterInstance) -> None:
    crowd = Crowd()
    assets = [make_asset(f"a{n}", lambda: crowd.stay(0.5)) for n in range(4)]
    assert execute(define(*assets), instance).success
    assert crowd.most == 4


def test_no_more_steps_at_a_time_than_allowed(instance: dg.DagsterInstance) -> None:
    crowd = Crowd()
    assets = [make_asset(f"a{n}", lambda: crowd.stay(0.2)) for n in range(6)]
    assert execute(define(*assets), instance, run_config=config(max_concurrent=2)).success
    assert crowd.most == 2


def test_upstream_comes_first(instance: dg.DagsterInstance) -> None:
    done: list[str] = []
    chain = [
        make_asset("c", lambda: done.append("c"), ("b",)),
        make_asset("b", lambda: (time.sleep(0.3), done.append("b")), ("a",)),
        make_asset("a", lambda: done.append("a")),
    ]
    assert execute(define(*chain), instance).success
    assert done == ["a", "b", "c"]


def test_what_depends_on_a_failure_is_not_run_and_strangers_are(instance: dg.DagsterInstance) -> None:
    done: list[str] = []
    result = execute(
        define(
            make_asset("bad", fail),
            make_asset("child", lambda: done.append("child"), ("bad",)),
            make_asset("grandchild", lambda: done.append("grandchild"), ("child",)),
            make_asset("stranger", lambda: done.append("stranger")),
        ),
        instance,
    )
    assert not result.success
    assert done == ["stranger"]
    assert steps_with(result, Type.STEP_FAILURE) == ["bad"]
    assert sorted(steps_with(result, Type.STEP_START)) == ["bad", "stranger"]
    assert stored_run(instance, result).status == DagsterRunStatus.FAILURE


def test_what_depends_on_a_missing_optional_output_is_skipped(instance: dg.DagsterInstance) -> None:
    @dg.asset(output_required=False)
    def maybe() -> Iterator[dg.MaterializeResult[None]]:
        yield from ()

    result = execute(define(maybe, make_asset("child", fail, ("maybe",))), instance)
    assert result.success
    assert steps_with(result, Type.STEP_SKIPPED) == ["child"]


def test_a_step_is_tried_again(instance: dg.DagsterInstance) -> None:
    tries: list[float] = []

    def work() -> None:
        tries.append(time.monotonic())
        if len(tries) < 3:
            raise ValueError("not yet")

    policy = dg.RetryPolicy(max_retries=3, delay=0.3)
    result = execute(
        define(make_asset("a", work, retry_policy=policy), make_asset("b", lambda: None, ("a",))), instance
    )
    assert result.success
    assert len(tries) == 3
    assert tries[1] - tries[0] >= 0.3
    assert steps_with(result, Type.STEP_RESTARTED) == ["a", "a"]


def test_retries_can_be_switched_off(instance: dg.DagsterInstance) -> None:
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        raise ValueError("never")

    asset = make_asset("a", work, retry_policy=dg.RetryPolicy(max_retries=3))
    assert not execute(define(asset), instance, run_config=config(retries={"disabled": {}})).success
    assert len(tries) == 1


def test_a_failure_that_allows_no_retries_is_not_tried_again(instance: dg.DagsterInstance) -> None:
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        raise dg.Failure("no use", allow_retries=False)

    assert not execute(define(make_asset("a", work, retry_policy=dg.RetryPolicy(max_retries=3))), instance).success
    assert len(tries) == 1


def test_a_pool_is_not_overfilled(instance: dg.DagsterInstance) -> None:
    crowd = Crowd()
    instance.event_log_storage.set_concurrency_slots("narrow", 1)
    assets = [make_asset(f"a{n}", lambda: crowd.stay(0.1), pool="narrow") for n in range(3)]
    assert execute(define(*assets), instance).success
    assert crowd.most == 1
    assert instance.event_log_storage.get_concurrency_info("narrow").active_slot_count == 0


def test_a_pool_is_freed_by_a_failure(instance: dg.DagsterInstance) -> None:
    instance.event_log_storage.set_concurrency_slots("narrow", 1)
    assert not execute(define(make_asset("a", fail, pool="narrow")), instance).success
    assert instance.event_log_storage.get_concurrency_info("narrow").active_slot_count == 0


def test_limits_by_tag(instance: dg.DagsterInstance) -> None:
    crowd = Crowd()
    assets = [make_asset(f"a{n}", lambda: crowd.stay(0.1), op_tags={"heavy": "yes"}) for n in range(4)]
    limits = [{"key": "heavy", "value": "yes", "limit": 2}]
    assert execute(define(*assets), instance, run_config=config(tag_concurrency_limits=limits)).success
    assert crowd.most == 2


def test_hooks(instance: dg.DagsterInstance) -> None:
    heard: list[str] = []

    @dg.success_hook
    def on_success(context: dg.HookContext) -> None:
        heard.append(f"{context.op.name} is done")

    @dg.failure_hook
    def on_failure(context: dg.HookContext) -> None:
        heard.append(f"{context.op.name}: {context.op_exception}")

    good = make_asset("good", lambda: None, hooks={on_success, on_failure})
    bad = make_asset("bad", fail, hooks={on_success, on_failure})
    result = execute(define(good, bad), instance)
    assert sorted(heard) == ["bad: broken", "good is done"]
    assert len(events_of(result, Type.HOOK_COMPLETED)) == 2


def test_what_steps_print_is_kept(instance: dg.DagsterInstance, capfd: pytest.CaptureFixture[str]) -> None:
    result = execute(define(make_asset("a", lambda: print("printed by a"))), instance)  # noqa: T201 - what is tested
    (captured,) = events_of(result, Type.LOGS_CAPTURED)
    log_key = [result.run_id, "compute_logs", captured.logs_captured_data.file_key]
    stdout = instance.compute_log_manager.get_log_data(log_key).stdout
    assert stdout is not None
    assert b"printed by a" in stdout
    capfd.readouterr()


class Slow(dg.ConfigurableResource["Slow"]):
    """Something that waits until it is cancelled."""

    seconds: float = 30

    def wait(self) -> None:
        assert CANCELLED.wait(self.seconds)
        raise dg.Failure("cancelled", allow_retries=False)

    def cancel(self) -> None:
        CANCELLED.set()


CANCELLED = threading.Event()


def interrupt_when(condition: Callable[[], bool]) -> None:
    """Send this process what "Terminate" sends to a run's process, once a condition holds."""

    def wait() -> None:
        while not condition():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def test_termination_cancels_through_the_resource(instance: dg.DagsterInstance) -> None:
    CANCELLED.clear()
    started, done = threading.Event(), list[str]()

    @dg.asset
    def waits(slow: Slow) -> None:
        started.set()
        slow.wait()

    definitions = define(
        waits, make_asset("child", lambda: done.append("child"), ("waits",)), resources={"slow": Slow()}
    )
    interrupt_when(started.is_set)
    began = time.monotonic()
    result = execute(definitions, instance)
    assert not result.success
    assert CANCELLED.is_set()
    assert time.monotonic() - began < 15
    assert done == []
    assert steps_with(result, Type.STEP_FAILURE) == ["waits"]


def test_termination_reaches_a_step_that_only_computes(instance: dg.DagsterInstance) -> None:
    started = threading.Event()

    def work() -> None:
        started.set()
        until = time.monotonic() + 30
        while time.monotonic() < until:
            time.sleep(0.01)

    interrupt_when(started.is_set)
    began = time.monotonic()
    result = execute(define(make_asset("a", work), make_asset("b", lambda: None, ("a",))), instance)
    assert not result.success
    assert time.monotonic() - began < 15
    assert steps_with(result, Type.STEP_START) == ["a"]


def test_a_terminated_run_is_canceled(instance: dg.DagsterInstance) -> None:
    started = threading.Event()

    def work() -> None:
        started.set()
        until = time.monotonic() + 30
        while time.monotonic() < until:
            time.sleep(0.01)

    def terminate() -> bool:
        if not started.is_set():
            return False
        (run,) = instance.get_runs()
        instance.report_run_canceling(run)
        return True

    interrupt_when(terminate)
    result = execute(define(make_asset("a", work)), instance)
    assert stored_run(instance, result).status == DagsterRunStatus.CANCELED
