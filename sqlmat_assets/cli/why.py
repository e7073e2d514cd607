"""`sqlmat why`: why a table was built, why it was not, and when it will be."""

from __future__ import annotations

import gc
import json
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sqlmat_assets.cli import GOOD
from sqlmat_assets.cli.known import ask_in_silence
from sqlmat_assets.cli.place import (
    dagster_home,
    default_warehouse,
    env_option,
    find_root,
    folder_argument,
    read_project,
    warehouse_option,
)
from sqlmat_assets.components.garbage import no_garbage
from sqlmat_assets.errors import verdicts as wording
from sqlmat_assets.errors.usage import unknown_table
from sqlmat_assets.execution.environment import Environment, find_environment
from sqlmat_assets.execution.undo import Undone, find_undone
from sqlmat_assets.project.graph import ModelGraph
from sqlmat_assets.project.intervals import format_interval
from sqlmat_assets.project.model import Model, Project
from sqlmat_assets.project.partitions.ranges import ListRange, TimeRange
from sqlmat_assets.project.partitions.spec import TimePartitioning
from sqlmat_assets.project.reasons import Reason
from sqlmat_assets.project.timings import Verdict
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.config import open_warehouse

if TYPE_CHECKING:
    from sqlmat_assets.components.automation.explain import Explanation, LastBuild, Service

# The daemon leaves a sign of life every half a minute.
_DAEMON_IS_GONE = timedelta(minutes=3)


def _now() -> datetime:
    return datetime.now(UTC)


def _age(model: Model) -> str:
    """What asks for fresh rows of a table, in words."""
    calendar = model.settings.calendar
    if model.interval is None and calendar.cron is not None:
        return wording.scheduled_at(calendar.cron, calendar.timezone)
    if model.effective_interval is None:
        return wording.no_interval()
    return wording.interval(format_interval(model.effective_interval), is_own=model.interval is not None)


def say(verdict: Verdict, model: Model, now: datetime) -> str:
    """A verdict as a sentence."""
    if not verdict.reason.is_build:
        return _say_rest(verdict, model, now)
    said, ends = _say_build(verdict, model, now), _ends(verdict, model)
    if model.is_delivery:
        return wording.of_delivery(said)
    return said if ends is None else wording.partitions(said, *ends)


def _ends(verdict: Verdict, model: Model) -> tuple[str, str] | None:
    """The first and the last of the partitions to build, as people write them."""
    partitioning = model.settings.partition_by
    match verdict.range_:
        case TimeRange(start, end) if isinstance(partitioning, TimePartitioning):
            return partitioning.typed(start), partitioning.typed(partitioning.grain.step(end, -1))
        case ListRange(values):
            return str(values[0]), str(values[-1])
        case _:
            return None


def _say_build(verdict: Verdict, model: Model, now: datetime) -> str:
    match verdict.reason:
        case Reason.NEW:
            return wording.new()
        case Reason.CHANGED:
            return wording.changed()
        case Reason.READ:
            return wording.read_by_scheduled()
        case Reason.PUBLISHED:
            return wording.published()
        case Reason.RETRY:
            return wording.retried(verdict.failures)
        case _:
            return wording.due(verdict.due_at or now, now, _age(model))


def _say_rest(verdict: Verdict, model: Model, now: datetime) -> str:
    names = [str(relation) for relation in verdict.waits_for]
    match verdict.reason:
        case Reason.VIEW:
            return wording.view()
        case Reason.UNASKED:
            return wording.unasked()
        case Reason.FRESH if model.is_delivery and verdict.due_at is None:
            return wording.nothing_to_deliver()
        case Reason.RUNNING:
            return wording.running(verdict.run and verdict.run[:8])
        case Reason.WAITING:
            return wording.waiting(names)
        case Reason.OUTSIDE:
            return wording.outside(verdict.next_at, now)
        case Reason.BACKING_OFF:
            return wording.backing_off(verdict.failures, verdict.next_at, now)
        case Reason.HELD:
            return wording.held(names)
        case Reason.PUT_BACK:
            return wording.put_back(verdict.put_back_at or now, now)
        case Reason.QUARANTINED:
            return wording.quarantined()
        case _:
            return wording.fresh(verdict.due_at, now, _age(model))


def _blockers(found: Explanation, project: Project) -> Iterator[tuple[str, str]]:
    """What the table waits for, near and far, each with its own verdict; the nearest first."""
    seen = {found.relation}
    ahead = list(found.verdict.waits_for)
    for relation in ahead:
        if relation in seen:
            continue
        seen.add(relation)
        verdict = found.verdicts[relation]
        ahead += verdict.waits_for
        yield str(relation), say(verdict, project.models[relation], found.now)


def _last(last: LastBuild, now: datetime) -> Iterator[str]:
    yield wording.last_build(last.at, now, last.run)
    if (why := last.told.get("why")) is not None:
        yield f"why: {why}"
    if (outcome := last.told.get("outcome")) is not None:
        yield f"outcome: {outcome}"
    if (saved := last.told.get("saved")) is not None:
        yield f"saved: {saved}"
    if last.rows is not None and last.seconds is not None:
        yield f"{last.rows:,} row{'' if last.rows == 1 else 's'} in {last.seconds:.1f} s"


def _service(service: Service, now: datetime) -> str | None:
    """Why nothing is built by itself, if that is so."""
    if service.is_on is False:
        return wording.switched_off()
    if service.daemon_seen_at is None or now - service.daemon_seen_at > _DAEMON_IS_GONE:
        return wording.no_daemon(service.daemon_seen_at, now)
    return None


def _document(found: Explanation, project: Project) -> dict[str, Any]:
    """The same as one object for machines."""
    verdict, state = found.verdict, found.state
    moments = {"due_at": verdict.due_at, "next_at": verdict.next_at, "failed_at": state.failed_at}
    last = found.last
    return {
        "name": str(found.relation),
        "reason": verdict.reason.value,
        "why": say(verdict, project.models[found.relation], found.now),
        "is_built_at_next_tick": verdict.reason.is_build,
        **{key: value and value.isoformat() for key, value in moments.items()},
        "partitions": _ends(verdict, project.models[found.relation]),
        "waits_for": dict(_blockers(found, project)),
        "run": verdict.run,
        "failures": state.failures,
        "last_failure": found.failed
        and {"failed_at": found.failed.at.isoformat(), "run": found.failed.run, "said": found.failed.said},
        "last": last
        and {
            "decided_at": last.at.isoformat(),
            "run": last.run,
            "rows": last.rows,
            "seconds": last.seconds,
            **dict(last.told),
        },
        "service": _service(found.service, found.now) or "running",
    }


def _write(found: Explanation, project: Project) -> None:
    model = project.models[found.relation]
    click.echo(f"{found.relation}  {model.path}")
    click.echo(f"  {say(found.verdict, model, found.now)}")
    for problem in model.problems:
        if found.verdict.reason is Reason.QUARANTINED and not problem.is_warning:
            click.echo(textwrap.indent(str(problem), "    "))
    for name, its_verdict in _blockers(found, project):
        click.echo(f"    {name}: {its_verdict}")
    lines = iter([wording.never_built()]) if found.last is None else _last(found.last, found.now)
    click.echo(f"  {next(lines)}")
    for line in lines:
        click.echo(f"    {line}")
    if found.failed is not None:
        click.echo(f"  {wording.last_failure(found.failed.at, found.now, found.failed.run)}")
        if found.failed.said:
            click.echo(f"    {found.failed.said}")
    trouble = _service(found.service, found.now)
    if trouble is not None:
        click.echo(f"  {trouble}")


def _find_undone(project: Project, relation: Relation, url: str, environment: Environment | None) -> tuple[Undone, ...]:
    """What was put back, of which the instance may not have been told; only where a version can have been kept."""
    concerned = (relation, *ModelGraph(project).ancestors(relation))
    if not any(project.models[each].settings.keep_versions for each in concerned):
        return ()
    capabilities, name = open_warehouse(url).capabilities, environment and environment.name
    return ask_in_silence(url, lambda session: find_undone(session, name, capabilities)) or ()


def _explain(
    project: Project, relation: Relation, environment: Environment | None, ask_undone: Callable[[], tuple[Undone, ...]]
) -> Explanation:
    # Importing Dagster and its storages takes seconds, and a name that is mistyped needs nothing of it. None of it is
    # ever garbage: looking for that, here and when the process ends, would take a third as long again.
    with no_garbage():
        from sqlmat_assets.components.automation.explain import explain
        from sqlmat_assets.components.home import FRESHNESS_SENSOR, open_instance
        from sqlmat_assets.components.undone import tell_untold

        gc.freeze()
        # After that: the module of an engine that is never thrown away complains when the process ends.
        undone = ask_undone()
        instance = open_instance(dagster_home(project.root, environment))
        try:
            tell_untold(instance, project, undone, environment)
            return explain(
                instance,
                project,
                relation,
                sensor=FRESHNESS_SENSOR,
                now=_now(),
                is_on_by_default=environment is None,
            )
        finally:
            instance.dispose()


@click.command("why", short_help="Say why a table was built, or was not, and when it will be.")
@click.argument("table", metavar="TABLE")
@folder_argument
@warehouse_option
@env_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(table: str, folder: Path | None, warehouse: str | None, env: str | None, *, as_json: bool) -> int:
    """Say when TABLE (schema.table) is due, what it waits for, and why it was built last.

    Decides as the service does, from the Dagster instance in $DAGSTER_HOME, else in .sqlmat beside DIR (default: sql).
    Nothing is built. Where versions of tables are kept, the warehouse is asked which were put back, if nothing else
    holds it: `sqlmat undo` may have been ended before it could tell the instance, which is told now.
    """
    project = read_project(find_root(folder))
    found = {str(relation): relation for relation in project.models}.get(table)
    if found is None:
        raise unknown_table(table, [str(relation) for relation in project.models])
    environment = find_environment(env, project, None)
    url = warehouse or default_warehouse(project.root)
    explanation = _explain(project, found, environment, lambda: _find_undone(project, found, url, environment))
    if as_json:
        click.echo(json.dumps(_document(explanation, project), indent=2, ensure_ascii=False))
    else:
        _write(explanation, project)
    return GOOD
