"""`sqlmat simulate`: what the intervals of a project come to, without a clock or a warehouse."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from sqlmat_assets.cli import GOOD, PROBLEMS
from sqlmat_assets.cli.check import counted, echo_problems
from sqlmat_assets.cli.place import default_warehouse, find_root, folder_argument, read_project, warehouse_option
from sqlmat_assets.errors import usage
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.errors.verdicts import span, view_age
from sqlmat_assets.project.due import Timetable
from sqlmat_assets.project.intervals import default_grace, format_interval, parse_interval
from sqlmat_assets.project.model import Model, Project
from sqlmat_assets.project.simulate import History, Outage, Scenario, Simulation, simulate
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.config import open_warehouse

_LONGEST_SECONDS = 10_000_000


def _midnight() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _find(name: str, project: Project) -> Relation:
    found = {str(relation): relation for relation in project.models}
    if name not in found:
        raise usage.unknown_table(name, list(found))
    return found[name]


def _read_stretch(text: str, start: datetime) -> tuple[datetime, datetime]:
    """Read `2h-5h`, counted from the start."""
    moments = [start if part in ("0", "0m", "0h") else start + parse_interval(part) for part in text.split("-")]
    if len(moments) != 2 or moments[0] >= moments[1]:
        raise usage.bad_stretch(text)
    return moments[0], moments[1]


def _read_stop(text: str, start: datetime) -> Outage:
    try:
        return Outage(*_read_stretch(text, start))
    except TextError as error:
        raise usage.bad_stretch(text) from error


def _read_failure(text: str, start: datetime, project: Project) -> Outage:
    name, at, stretch = text.rpartition("@")
    if not at:
        raise usage.bad_failure(text)
    relation = _find(name, project)
    try:
        return Outage(*_read_stretch(stretch, start), relation)
    except TextError as error:
        raise usage.bad_failure(text) from error


def _read_seconds(texts: Iterable[str], project: Project) -> tuple[float | None, Mapping[Relation, float]]:
    """Read `10` and `first.cities=120`: of all tables, and of one."""
    general: float | None = None
    own: dict[Relation, float] = {}
    for text in texts:
        name, equals, number = text.rpartition("=")
        try:
            seconds = float(number)
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds <= _LONGEST_SECONDS:
            raise usage.bad_seconds(text)
        if equals:
            own[_find(name, project)] = seconds
        else:
            general = seconds
    return general, own


def _read_period(text: str) -> timedelta:
    try:
        return parse_interval(text)
    except TextError as error:
        raise usage.bad_period(error.what, error.hint) from error


def _late(model: Model, history: History) -> float | None:
    """In which part of the time the table was older than it may be; None where no interval says how old."""
    interval = model.effective_interval
    if interval is None or model.settings.conditions:
        return None
    return history.share_older_than(interval + (model.settings.grace or default_grace(interval)))


def _describe(model: Model, history: History) -> dict[str, Any]:
    late = _late(model, history)
    return {
        "name": str(history.relation),
        "builds": len(history.builds),
        "failed": history.failed,
        "reasons": {reason.value: count for reason, count in history.reasons.items()},
        # A view has no age of its own.
        "oldest_seconds": None if model.is_view else history.oldest.total_seconds(),
        "mean_age_seconds": None if model.is_view else round(history.mean_age.total_seconds(), 3),
        "share_late": late,
    }


def _document(project: Project, found: Simulation) -> dict[str, Any]:
    return {
        "start": found.start.isoformat(),
        "end": found.end.isoformat(),
        "builds": found.builds,
        "runs": found.runs,
        "tables": [_describe(project.models[relation], history) for relation, history in found.tables.items()],
        "alerts": [{"table": str(alert.relation), "at": alert.at.isoformat()} for alert in found.alerts],
    }


def _row(model: Model, history: History) -> tuple[str, ...]:
    late = _late(model, history)
    return (
        str(history.relation),
        f"{len(history.builds):,}",
        f"{history.failed:,}",
        ", ".join(f"{reason} {count:,}" for reason, count in history.reasons.items()),
        view_age() if model.is_view else span(history.oldest),
        "" if late is None else f"{late:.1%}",
    )


def _write(project: Project, found: Simulation) -> None:
    from sqlmat_assets.cli.display import write_table

    columns = ("table", "builds", "failed", "why", "oldest", "late")
    rows = [_row(project.models[relation], history) for relation, history in found.tables.items()]
    write_table(columns, rows, right=("builds", "failed", "oldest", "late"))
    for alert in found.alerts:
        click.echo(f"{alert.relation} begins to fail after {span(alert.at - found.start)}")
    period = format_interval(found.end - found.start)
    builds = f"{found.builds:,} build{'' if found.builds == 1 else 's'}"
    click.echo(f"{builds} in {period}, {counted(len(found.tables), 'table')}")


@click.command("simulate", short_help="Say how often the tables would be built, and how old they would get.")
@folder_argument
@click.option("--period", metavar="TIME", default="24h", show_default=True, help="How long, such as 24h or 7d.")
@click.option(
    "--start",
    metavar="DATE",
    type=click.DateTime(("%Y-%m-%d", "%Y-%m-%dT%H:%M")),
    help="When it begins, such as 2026-02-01, UTC. [default: today]",
)
@click.option(
    "--seconds", multiple=True, metavar="[TABLE=]N", help="How long a build takes; may be repeated. [default: 10]"
)
@click.option("--fail", "failures", multiple=True, metavar="TABLE@FROM-UNTIL", help="A table fails; may be repeated.")
@click.option("--stop", "stops", multiple=True, metavar="FROM-UNTIL", help="The service stands still; may be repeated.")
@click.option("--runs", type=click.IntRange(min=1), help="Runs at a time. [default: as many as the warehouse admits]")
@warehouse_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(  # noqa: PLR0913 - one argument for each option
    folder: Path | None,
    period: str,
    start: datetime | None,
    seconds: tuple[str, ...],
    failures: tuple[str, ...],
    stops: tuple[str, ...],
    runs: int | None,
    warehouse: str | None,
    *,
    as_json: bool,
) -> int:
    """Let the service run over DIR (default: sql) for a while, without waiting for it and without a warehouse.

    It begins with nothing built. FROM and UNTIL count from the start: --fail first.cities@2h-5h --stop 0-30m. A table
    is late while it is older than its interval and grace.
    """
    project = read_project(find_root(folder))
    echo_problems(project.problems)
    if not project.models:
        raise usage.nothing_to_build(str(folder or project.root.name))
    begin = _midnight() if start is None else start.replace(tzinfo=UTC)
    general, own = _read_seconds(seconds, project)
    url = warehouse or default_warehouse(project.root)
    if runs is None and not open_warehouse(url).capabilities.admits_many_writers:
        runs = 1
    found = simulate(
        Timetable.of(project),
        Scenario(
            begin,
            _read_period(period),
            seconds=10 if general is None else general,
            seconds_of=own,
            runs=runs,
            failures=tuple(_read_failure(text, begin, project) for text in failures),
            stops=tuple(_read_stop(text, begin) for text in stops),
        ),
    )
    if as_json:
        click.echo(json.dumps(_document(project, found), indent=2, ensure_ascii=False))
    else:
        _write(project, found)
    return PROBLEMS if project.errors else GOOD
