"""`sqlmat plan`: what a build would do, and why."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from sqlmat_assets.cli import GOOD
from sqlmat_assets.cli.check import echo_problems
from sqlmat_assets.cli.known import ask_warehouse
from sqlmat_assets.cli.pieces import choose_pieces
from sqlmat_assets.cli.place import (
    default_warehouse,
    env_option,
    find_root,
    folder_argument,
    read_project,
    warehouse_option,
)
from sqlmat_assets.cli.selecting import select_options, select_tables
from sqlmat_assets.errors import outlooks as wording
from sqlmat_assets.errors.partitions import prevented
from sqlmat_assets.execution.environment import find_environment
from sqlmat_assets.execution.foresee import Known, Outlook, foresee, read_known
from sqlmat_assets.project.due import Timetable
from sqlmat_assets.project.graph import ModelGraph
from sqlmat_assets.project.mode_problems import future_starts
from sqlmat_assets.project.model import Project
from sqlmat_assets.project.partitions.spec import ListPartitioning
from sqlmat_assets.project.timings import State
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.config import open_warehouse

_WIDTH = 80


def _now() -> datetime:
    return datetime.now(UTC)


def _reasons(project: Project, known: Known, now: datetime) -> Mapping[Relation, str]:
    """Why each table without partitions would be built by itself, or would not."""
    states = {
        relation: State(record.decided_at, record.version)
        for relation in project.models
        if (record := known.records.get(project.names.fold(relation))) is not None
    }
    verdicts = Timetable.of(project).decide(states, now).verdicts
    return {relation: verdict.reason.value for relation, verdict in verdicts.items()}


def _status(outlook: Outlook, reasons: Mapping[Relation, str] | None) -> str | None:
    """Whether it is new, changed, due or fresh; None where the warehouse was not asked."""
    if reasons is None:
        return None
    if outlook.record is None:
        return "new"
    if outlook.is_changed:
        return "changed"
    if outlook.missing is not None:
        return "due" if outlook.missing else "fresh"
    return wording.due(reasons[outlook.model.relation])


def _lines(outlook: Outlook, status: str | None) -> Iterator[str]:
    settings = outlook.model.settings
    if outlook.model.is_quarantined:
        yield wording.quarantined()
        return
    if outlook.what == "partitions":
        yield wording.builds_partitions(len(outlook.partitions), outlook.stretches)
    elif outlook.what == "view":
        yield wording.builds_view()
    else:
        yield wording.builds_all() if outlook.what == "all rows" else wording.builds_batch(settings.mode)
    if status == "new":
        yield wording.new()
    elif status == "changed":
        yield wording.changed()
        if outlook.what not in ("all rows", "view") or settings.mode not in ("replace", "view"):
            yield wording.rebuilds() if settings.on_change == "rebuild" else wording.keeps_rows()
    elif status is not None and outlook.missing is None:
        yield status
    if status != "new" and outlook.missing is not None:
        yield wording.missing(len(outlook.missing), outlook.gaps)
    yield from _scans(outlook)


def _fitted(line: str) -> str:
    return textwrap.fill(
        line,
        _WIDTH,
        initial_indent=" " * 2,
        subsequent_indent=" " * 4,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _scans(outlook: Outlook) -> Iterator[str]:
    """What is read of which table."""
    narrowed = outlook.narrowed
    if narrowed is None:
        return
    if narrowed.is_marked:
        yield wording.marked()
    for table in narrowed.tables:
        yield wording.narrows(str(table.relation), table.column)
    for obstacle in narrowed.obstacles:
        if outlook.read_in_full:
            yield prevented(outlook.read_in_full, obstacle)


def _document(outlook: Outlook, status: str | None) -> dict[str, Any]:
    settings, narrowed = outlook.model.settings, outlook.narrowed
    return {
        "name": str(outlook.model.relation),
        "mode": settings.mode,
        "builds": None if outlook.model.is_quarantined else outlook.what,
        "partitions": list(outlook.partitions),
        "status": status,
        "missing": None if outlook.missing is None else list(outlook.missing),
        "on_change": settings.on_change,
        "names_bounds": narrowed is not None and narrowed.is_marked,
        "narrowed": [] if narrowed is None else [str(table.relation) for table in narrowed.tables],
        "read_in_full": [str(relation) for relation in outlook.read_in_full],
        "obstacles": [] if narrowed is None else [str(obstacle) for obstacle in narrowed.obstacles],
    }


@click.command("plan", short_help="Say what a build would do, and why.")
@folder_argument
@select_options
@click.option("--partition", "partitions", metavar="A..B", multiple=True, help="Which partitions, as for a build.")
@click.option("--full-refresh", is_flag=True, help="As for a build.")
@warehouse_option
@env_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def command(
    folder: Path | None,
    expressions: tuple[str, ...],
    since: str | None,
    partitions: tuple[str, ...],
    warehouse: str | None,
    env: str | None,
    *,
    full_refresh: bool,
    as_json: bool,
) -> int:
    """Say for each table of DIR (default: sql) what a build would do with it, and why, without doing it.

    The warehouse is only read, and only if it is there and nothing else holds it; otherwise it is not known what is
    new, changed or due. How far a range is taken into a query also depends on the types of the columns that it reads.

    With --json, standard output is a list, one object for each table, upstream first: name, mode, builds (all rows,
    partitions, next batch; null for a table with problems), partitions, status (new, changed, due, fresh and the like;
    null where the warehouse was not asked), missing (partitions that have ended and are not there), on_change,
    names_bounds, narrowed, read_in_full and obstacles.
    """
    project = read_project(find_root(folder))
    selected = select_tables(project, expressions, since)
    partitions = partitions if selected else ()
    now = _now()
    echo_problems(future_starts((project.models[each] for each in selected), now))
    pieces = choose_pieces(project, selected, partitions, now, is_full_refresh=full_refresh)
    url = warehouse or default_warehouse(project.root)
    environment = find_environment(env, project, open_warehouse(url).capabilities)
    known = ask_warehouse(url, lambda session: read_known(session, project, selected, environment))
    reasons = None if known is None else _reasons(project, known, now)
    ordered = [relation for relation in ModelGraph(project).order() if relation in pieces]
    outlooks = [foresee(project.models[each], pieces[each], known, project.names, now) for each in ordered]
    if as_json:
        documents = [_document(outlook, _status(outlook, reasons)) for outlook in outlooks]
        click.echo(json.dumps(documents, indent=2, ensure_ascii=False))
        return GOOD
    for outlook in outlooks:
        by = outlook.model.settings.partition_by
        parts = "" if by is None else f" by {by.column}" if isinstance(by, ListPartitioning) else f" by {by.grain}"
        click.echo(f"{outlook.model.relation}  {outlook.model.settings.mode}{parts}")
        for line in _lines(outlook, _status(outlook, reasons)):
            click.echo(_fitted(line))
    return GOOD
