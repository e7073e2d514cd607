"""Many steps at a time in the run's own process, each in a thread.

Steps that wait for a warehouse need no processes of their own: starting one costs more than most tables, and a
DuckDB file admits a single process. Skips, retries, pools and limits are decided by Dagster's `ActiveExecution`, as
in its own executors; this module starts the threads and hands their events to the run's main thread.

Each step, and the run itself, records the same events as with Dagster's in-process executor, in the same order. What
differs: the events of different steps alternate, also where one step runs at a time, since the main thread tells what
is skipped while the next step begins; and two events of the engine say that steps run in threads.
"""

from __future__ import annotations

import contextvars
import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Protocol, cast, runtime_checkable

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.events import DagsterEvent, EngineEventData
from dagster._core.execution.api import ExecuteRunWithPlanIterable
from dagster._core.execution.compute_logs import create_compute_log_file_key
from dagster._core.execution.context.system import (
    PlanExecutionContext,
    PlanOrchestrationContext,
    StepExecutionContext,
)
from dagster._core.execution.context_creation_job import PlanExecutionContextManager
from dagster._core.execution.plan.active import ActiveExecution
from dagster._core.execution.plan.execute_plan import (
    _trigger_hook,  # pyright: ignore[reportPrivateUsage] - hooks have no other way in
    dagster_event_sequence_for_step,
)
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.plan.step import ExecutionStep
from dagster._core.execution.retries import RetryMode, get_retries_config
from dagster._core.execution.step_dependency_config import StepDependencyConfig, get_step_dependency_config_field
from dagster._core.execution.tags import get_tag_concurrency_limits_config
from dagster._utils.error import serializable_error_info_from_exc_info

from sqlmat_assets.components.processes import PROCESS_TAG, Process

DEFAULT_MAX_CONCURRENT = 8

# How long an interruption, or a step that becomes ready by waiting, may go unnoticed.
_POLL_SECONDS = 0.2


@runtime_checkable
class Cancellable(Protocol):
    """A resource that can end what its steps are waiting for."""

    def cancel(self) -> None:
        """End it, from any thread; the steps then fail by themselves."""
        ...


@dataclass(slots=True)
class _Running:
    """One step in its thread; `events` are what it has told so far, for the hooks, `again` the request for a retry."""

    context: StepExecutionContext
    thread: threading.Thread
    events: list[DagsterEvent] = field(default_factory=list[DagsterEvent])
    again: DagsterEvent | None = None


@dataclass(frozen=True, slots=True)
class _Ended:
    """A step's thread is through; `error` is what Dagster lets pass instead of turning it into an event."""

    error: BaseException | None = None


class ThreadExecutor(dg.Executor):
    """Runs steps in threads of the run's process.

    Args:
        retries: Whether steps are tried again, as for Dagster's own executors.
        max_concurrent: How many steps run at a time.
        tag_concurrency_limits: How many of those with a certain tag.
        step_dependency_config: What a step waits for.
    """

    def __init__(
        self,
        retries: RetryMode,
        max_concurrent: int,
        tag_concurrency_limits: list[dict[str, Any]] | None,
        step_dependency_config: StepDependencyConfig,
    ) -> None:
        self._retries = retries
        self._max_concurrent = max_concurrent
        self._tag_concurrency_limits = tag_concurrency_limits
        self._step_dependency_config = step_dependency_config

    @property
    def retries(self) -> RetryMode:
        """Whether steps are tried again."""
        return self._retries

    @property
    def step_dependency_config(self) -> StepDependencyConfig:
        """What a step waits for."""
        return self._step_dependency_config

    def execute(self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan) -> Iterator[DagsterEvent]:
        """Run the steps of a plan, and yield their events in the order in which they arrive."""
        process = Process.current(plan_context.run_id)
        plan_context.instance.add_run_tags(plan_context.run_id, {PROCESS_TAG: str(process)})
        in_process = EngineEventData.in_process(os.getpid(), execution_plan.step_keys_to_execute)
        said = f"Executing up to {self._max_concurrent} steps at a time in threads (pid: {os.getpid()})"
        yield DagsterEvent.engine_event(plan_context, said, in_process)
        resources = PlanExecutionContextManager(
            job=plan_context.job,
            retry_mode=plan_context.retry_mode,
            execution_plan=execution_plan,
            run_config=plan_context.run_config,
            dagster_run=plan_context.dagster_run,
            instance=plan_context.instance,
            raise_on_error=plan_context.raise_on_error,
            output_capture=plan_context.output_capture,
            step_dependency_config=self._step_dependency_config,
        )
        yield from ExecuteRunWithPlanIterable(execution_plan, self._iterate, resources)
        yield DagsterEvent.engine_event(plan_context, f"Finished steps in threads (pid: {os.getpid()})", in_process)

    def _iterate(self, job_context: PlanExecutionContext, execution_plan: ExecutionPlan) -> Iterator[DagsterEvent]:
        captured = ExitStack()
        try:
            yield from _capture_logs(job_context, execution_plan, captured)
            with ExitStack() as stack:
                pools = stack.enter_context(InstanceConcurrencyContext(job_context.instance, job_context.dagster_run))
                active = stack.enter_context(
                    ActiveExecution(
                        execution_plan,
                        retry_mode=self._retries,
                        max_concurrent=self._max_concurrent,
                        tag_concurrency_limits=self._tag_concurrency_limits,
                        instance_concurrency_context=pools,
                        step_dependency_config=self._step_dependency_config,
                    )
                )
                yield from _Threads(job_context, active).run()
        finally:
            trouble = _keep_logs(captured)
        if trouble is not None:
            yield DagsterEvent.engine_event(job_context, "What the run has printed could not be kept", trouble)


class _Threads:
    """The steps of one run that are in threads now."""

    def __init__(self, job_context: PlanExecutionContext, active: ActiveExecution) -> None:
        self._job_context = job_context
        self._active = active
        self._running: dict[str, _Running] = {}
        self._told: SimpleQueue[tuple[str, DagsterEvent | _Ended]] = SimpleQueue()
        self._error: BaseException | None = None

    @property
    def _is_stopping(self) -> bool:
        return self._error is not None

    def run(self) -> Iterator[DagsterEvent]:
        """Start steps as they become ready, until none is left or one breaks the run.

        Raises:
            DagsterExecutionInterruptedError: Somebody ended the run.
        """
        try:
            while self._running or not (self._is_stopping or self._active.is_complete):
                if self._active.check_for_interrupts():
                    yield from self._interrupt()
                if not self._is_stopping:
                    yield from self._start_ready()
                yield from self._take()
        finally:
            # Only where the one who reads the events goes away: no thread may outlive its resources.
            self._stop_all()
            for running in self._running.values():
                running.thread.join()
        if self._error is not None:
            raise self._error

    def _start_ready(self) -> Iterator[DagsterEvent]:
        for step in self._active.get_steps_to_execute():
            self._start(step)
        yield from self._active.concurrency_event_iterator(self._job_context)
        yield from self._active.plan_events_iterator(self._job_context)

    def _start(self, step: ExecutionStep) -> None:
        context = self._job_context.for_step(step, self._active.get_known_state())
        surroundings = contextvars.copy_context()
        thread = threading.Thread(
            target=surroundings.run, args=(self._work, step.key, context), name=f"step {step.key}", daemon=True
        )
        self._running[step.key] = _Running(context, thread)
        thread.start()

    def _work(self, key: str, context: StepExecutionContext) -> None:
        """Run one step, in its own thread."""
        error: BaseException | None = None
        try:
            for event in dagster_event_sequence_for_step(context):
                self._told.put((key, event))
        except BaseException as raised:  # noqa: BLE001 - raised again in the main thread
            error = raised
        self._told.put((key, _Ended(error)))

    def _take(self) -> Iterator[DagsterEvent]:
        """Handle the next thing that a step tells, or come back in a moment."""
        # An exception from `_stop_all` can hit a thread in its last words. What it said before is in the queue.
        silent = [key for key, running in self._running.items() if not running.thread.is_alive()]
        try:
            key, told = self._told.get(timeout=0 if silent else _POLL_SECONDS)
        except Empty:
            if not silent:
                return
            key, told = silent[0], _Ended(self._error)
        running = self._running[key]
        if isinstance(told, DagsterEvent):
            running.events.append(told)
            yield told
            if told.is_step_up_for_retry:
                # Taken up when the thread has ended: without a delay the step would be started beside itself.
                running.again = told
            else:
                self._active.handle_event(told)
            return
        running.thread.join()
        del self._running[key]
        if running.again is not None:
            self._active.handle_event(running.again)
        self._active.verify_complete(self._job_context, key)
        if told.error is not None and self._error is None:
            self._error = told.error
            self._stop_all()
        if not self._is_stopping:
            yield from self._active.plan_events_iterator(self._job_context)
        yield from _trigger_hook(running.context, running.events)

    def _interrupt(self) -> Iterator[DagsterEvent]:
        keys = list(self._running)
        self._active.mark_interrupted()
        self._error = DagsterExecutionInterruptedError()
        self._stop_all()
        yield DagsterEvent.engine_event(
            self._job_context, "Termination asked for: ending the running steps", EngineEventData.interrupted(keys)
        )

    def _stop_all(self) -> None:
        """Ask the running steps to end: through their resource where it can, else by an exception in their thread."""
        for running in self._running.values():
            resources = running.context.resources
            used = (getattr(resources, key) for key in running.context.required_resource_keys)
            cancellable = [resource for resource in used if isinstance(resource, Cancellable)]
            for resource in cancellable:
                resource.cancel()
            if not cancellable and running.thread.ident is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(running.thread.ident), ctypes.py_object(DagsterExecutionInterruptedError)
                )


def _capture_logs(
    job_context: PlanExecutionContext, execution_plan: ExecutionPlan, stack: ExitStack
) -> Iterator[DagsterEvent]:
    """Capture what the process prints until the stack is closed; a run goes on without."""
    manager = job_context.instance.compute_log_manager
    keys = [step.key for step in execution_plan.get_steps_to_execute_in_topo_order()]
    log_key = manager.build_log_key_for_run(job_context.run_id, create_compute_log_file_key())
    try:
        log_context = stack.enter_context(manager.capture_logs(log_key))
    except Exception:  # noqa: BLE001 - whatever a log manager raises, no table has to wait for it
        error = EngineEventData(error=serializable_error_info_from_exc_info(sys.exc_info()))
        yield DagsterEvent.engine_event(job_context, "Exception while setting up compute log capture", error)
    else:
        yield DagsterEvent.capture_logs(job_context, keys, log_key, log_context)


def _keep_logs(captured: ExitStack) -> EngineEventData | None:
    """End the capture, which is when logs are uploaded; what went wrong. The tables are built, whatever becomes of it.

    Dagster's log managers upload nothing where an exception passes through them, such as that of a termination.
    """
    try:
        captured.close()
    except Exception:  # noqa: BLE001 - as above
        return EngineEventData(error=serializable_error_info_from_exc_info(sys.exc_info()))
    return None


@dg.executor(
    name="threads",
    config_schema={
        "max_concurrent": dg.Field(
            int, default_value=DEFAULT_MAX_CONCURRENT, description="How many steps run at a time."
        ),
        "tag_concurrency_limits": get_tag_concurrency_limits_config(),
        "retries": get_retries_config(),
        "step_dependency_config": get_step_dependency_config_field(),
    },
)
def thread_executor(init_context: dg.InitExecutorContext) -> ThreadExecutor:
    """Runs steps in threads of the run's process, several at a time."""
    config = cast(dict[str, Any], init_context.executor_config)
    return ThreadExecutor(
        retries=RetryMode.from_config(config["retries"]) or RetryMode.ENABLED,
        max_concurrent=config["max_concurrent"],
        tag_concurrency_limits=config.get("tag_concurrency_limits"),
        step_dependency_config=StepDependencyConfig.from_config(config.get("step_dependency_config"))
        or StepDependencyConfig.default(),
    )
