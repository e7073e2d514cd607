"""A run in threads records what a run of Dagster's in-process executor records, event for event."""

# Dagster reads the annotation of `context` from the function, so this module keeps annotations as objects.
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.events import EngineEventData
from dagster._core.execution.api import execute_run

from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets_tests.components.running import open_instance

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`")

Told = tuple[object, ...]
Run = list[tuple[str | None, Told]]

# What differs from one run to the next, of any executor.
_VARYING = re.compile(r"\b\d+(\.\d+)?(ms|s)\b|pid: \d+|[0-9a-f]{8}-[0-9a-f-]{27}|0x[0-9a-f]+|line \d+|[\d.]+ seconds")
_DAYS = dg.StaticPartitionsDefinition(["one", "two", "three"])


@dg.success_hook
def tell_success(context: dg.HookContext) -> None:
    context.log.info(f"hook: {context.op.name} is done")


@dg.failure_hook
def tell_failure(context: dg.HookContext) -> None:
    context.log.info(f"hook: {context.op.name} failed: {context.op_exception}")


@dg.failure_hook
def break_down(context: dg.HookContext) -> None:
    raise ValueError("the hook is broken")


def asset(name: str, work: Callable[[dg.AssetExecutionContext], Any], **more: Any) -> dg.AssetsDefinition:
    def compute(context: dg.AssetExecutionContext) -> None:
        work(context)

    return dg.asset(name=name, **more)(compute)


def checked(name: str, *results: tuple[str, bool, dg.AssetCheckSeverity, bool], **more: Any) -> dg.AssetsDefinition:
    """An asset with checks: name, outcome, severity, and whether it keeps others from reading."""
    specs = [dg.AssetCheckSpec(check, asset=name, blocking=blocks) for check, _, _, blocks in results]

    @dg.multi_asset(name=name, specs=[dg.AssetSpec(name, deps=more.get("deps", ()))], check_specs=specs)
    def compute() -> Iterator[Any]:
        yield dg.MaterializeResult(asset_key=name, metadata={"rows": 3}, tags={"made": "here"})
        for check, passed, severity, _ in results:
            yield dg.AssetCheckResult(
                asset_key=name, check_name=check, passed=passed, severity=severity, metadata={"failed rows": 1}
            )

    return compute


def fail_until(tries: int) -> Callable[[dg.AssetExecutionContext], None]:
    def work(context: dg.AssetExecutionContext) -> None:
        context.log.info(f"attempt {context.retry_number}")
        if context.retry_number < tries:
            raise ValueError("not yet")

    return work


def leave(_context: dg.AssetExecutionContext) -> None:
    raise SystemExit(3)


def nothing(_context: dg.AssetExecutionContext) -> None:
    pass


def say(context: dg.AssetExecutionContext) -> None:
    context.log.info("something was done")
    context.log.warning("and something is odd")
    context.add_output_metadata({"rows": 7})


def fail(_context: dg.AssetExecutionContext) -> None:
    raise ValueError("broken")


def fail_for_good(_context: dg.AssetExecutionContext) -> None:
    raise dg.Failure("no use", metadata={"why": "that"}, allow_retries=False)


def keep() -> dg.AssetsDefinition:
    @dg.asset(deps=["said"])
    def kept() -> dict[str, int]:
        return {"a": 1}

    return kept


def make_maybe() -> dg.AssetsDefinition:
    @dg.asset(output_required=False)
    def maybe() -> Iterator[dg.MaterializeResult[None]]:
        yield from ()

    return maybe


def all_well() -> list[dg.AssetsDefinition]:
    warn, error = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
    hooks = {tell_success, tell_failure}
    return [
        asset("said", say, hooks=hooks),
        keep(),
        checked("good", ("fits", True, error, True), ("odd", False, warn, False), deps=["kept"]),
        asset("last", nothing, deps=["good"]),
        asset("late", fail_until(2), retry_policy=dg.RetryPolicy(max_retries=2)),
    ]


def much_fails() -> list[dg.AssetsDefinition]:
    error, retry = dg.AssetCheckSeverity.ERROR, dg.RetryPolicy(max_retries=1)
    return [
        asset("bad", fail, hooks={tell_success, tell_failure}),
        asset("child", nothing, deps=["bad"]),
        asset("grandchild", nothing, deps=["child"]),
        asset("stranger", nothing),
        asset("tired", fail_until(9), retry_policy=retry),
        asset("hopeless", fail_for_good, retry_policy=retry, hooks={break_down}),
        asset("gone", leave),
        asset("after_gone", nothing, deps=["gone"]),
        make_maybe(),
        asset("after_maybe", nothing, deps=["maybe"]),
        asset("after_after_maybe", nothing, deps=["after_maybe"]),
        checked("blocked", ("fits", False, error, True)),
        asset("after_blocked", nothing, deps=["blocked"]),
        checked("loose", ("fits", False, error, False)),
        asset("after_loose", nothing, deps=["loose"]),
    ]


def in_parts() -> list[dg.AssetsDefinition]:
    parts = {"partitions_def": _DAYS, "backfill_policy": dg.BackfillPolicy.single_run()}
    return [asset("first", say, **parts), asset("second", nothing, deps=["first"], **parts)]


CASES: dict[str, tuple[Callable[[], list[dg.AssetsDefinition]], dict[str, str], set[str]]] = {
    "all well": (
        all_well,
        {},
        {
            "STEP_RESTARTED",
            "STEP_UP_FOR_RETRY",
            "HOOK_COMPLETED",
            "HOOK_SKIPPED",
            "ASSET_CHECK_EVALUATION",
            "PIPELINE_SUCCESS",
        },
    ),
    "much fails": (
        much_fails,
        {},
        {"STEP_FAILURE", "STEP_SKIPPED", "HOOK_ERRORED", "HOOK_COMPLETED", "STEP_RESTARTED", "PIPELINE_FAILURE"},
    ),
    "a range of partitions": (
        in_parts,
        {"dagster/asset_partition_range_start": "one", "dagster/asset_partition_range_end": "three"},
        {"ASSET_MATERIALIZATION", "PIPELINE_SUCCESS"},
    ),
    "a partition": (in_parts, {"dagster/partition": "two"}, {"ASSET_MATERIALIZATION", "PIPELINE_SUCCESS"}),
}


def run(folder: Path, case: str, executor: dg.ExecutorDefinition, config: dict[str, Any]) -> Run:
    """What a run has stored: the step and what is told, in the order of the log."""
    make, tags, _ = CASES[case]
    job = dg.Definitions(assets=make(), executor=executor).resolve_implicit_global_asset_job_def()
    with open_instance(folder) as instance:
        started = instance.create_run_for_job(job, tags=tags, run_config={"execution": {"config": config}})
        execute_run(InMemoryJob(job), started, instance)
        return [(entry.step_key, told_by(entry, folder)) for entry in instance.all_logs(started.run_id)]


def told_by(entry: dg.EventLogEntry, folder: Path) -> Told:
    """What an entry tells, without what differs from run to run."""
    event = entry.dagster_event
    if event is None:
        return ("LOG", entry.level, plain(entry.user_message.replace(str(folder), "…")))
    data = event.event_specific_data
    if isinstance(data, EngineEventData):
        return (event.event_type_value, entry.level, data.error is not None)
    if event.event_type in {dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_CHECK_EVALUATION}:
        return (event.event_type_value, entry.level, plain(event.message or ""), *told_of_asset(event, entry.run_id))
    if event.is_step_failure:
        failed = event.step_failure_data
        said = failed.error_display_string.splitlines()[0]
        return (event.event_type_value, entry.level, said, failed.error_source, failed.user_failure_data)
    if event.event_type == dg.DagsterEventType.STEP_OUTPUT:
        output = event.step_output_data
        return (event.event_type_value, output.output_name, dict(output.metadata), plain(event.message or ""))
    return (event.event_type_value, entry.level, plain(event.message or ""))


def told_of_asset(event: dg.DagsterEvent, run_id: str) -> Told:
    if event.is_step_materialization:
        made = event.step_materialization_data.materialization
        own_tags = {key: value for key, value in (made.tags or {}).items() if not key.startswith("dagster/")}
        metadata = {key: value for key, value in made.metadata.items() if key != "path"}
        return (made.asset_key, made.partition, metadata, own_tags, sorted(made.tags or {}))
    found = event.asset_check_evaluation_data
    target = found.target_materialization_data
    return (
        *(found.asset_key, found.check_name, found.passed, found.severity, found.blocking, found.partition),
        *(dict(found.metadata), found.description, target is not None and target.run_id == run_id),
    )


def plain(text: str) -> str:
    before, failed, steps = _VARYING.sub("…", text).partition("Steps failed: [")
    # In the order in which they failed.
    return before + failed + ", ".join(sorted(steps.removesuffix("].").split(", ")))


def by_step(told: Run) -> dict[str | None, list[Told]]:
    """The events of each step in their order, those of its hooks, which are a set, in any."""
    found: dict[str | None, list[Told]] = defaultdict(list)
    for step, each in told:
        found[step].append(each)
    return {step: [*_without_hooks(each), *sorted(filter(_is_of_hook, each), key=repr)] for step, each in found.items()}


def _without_hooks(told: list[Told]) -> list[Told]:
    return [each for each in told if not _is_of_hook(each)]


def _is_of_hook(told: Told) -> bool:
    return "hook" in repr(told).lower()


@pytest.fixture(scope="module")
def recorded(empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """What the in-process executor records of each case."""
    found: dict[str, Run] = {}
    for case in CASES:
        folder = tmp_path_factory.mktemp("stock") / "home"
        shutil.copytree(empty_home, folder)
        found[case] = run(folder, case, dg.in_process_executor, {})
    return found


@pytest.mark.parametrize("case", CASES)
def test_the_case_shows_what_it_is_for(recorded: dict[str, Run], case: str) -> None:
    assert CASES[case][2] <= {str(told[0]) for _, told in recorded[case]}


@pytest.mark.parametrize("at_once", [1, 4])
@pytest.mark.parametrize("case", CASES)
def test_each_step_and_the_run_record_the_same(
    recorded: dict[str, Run], case: str, at_once: int, empty_home: Path, tmp_path: Path
) -> None:
    shutil.copytree(empty_home, tmp_path / "home")
    told = run(tmp_path / "home", case, thread_executor, {"max_concurrent": at_once})
    stock, threads = by_step(recorded[case]), by_step(told)
    assert stock.keys() == threads.keys()
    for step in stock:
        assert threads[step] == stock[step], step
