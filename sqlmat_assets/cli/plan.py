"""`sqlmat plan`: what a build would do, and why."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from sqlmat_assets.cli import GOOD
from sqlmat_assets.cli.check import echo_problems
from sqlmat_assets.cli.display import write_table
from sqlmat_assets.cli.known import ask_warehouse
from sqlmat_assets.cli.pieces import choose_pieces
from sqlmat_assets.cli.place import (
    default_warehouse,
    dialect_option,
    env_option,
    find_root,
    folder_argument,
    open_for,
    read_project,
    warehouse_option,
)
from sqlmat_assets.cli.plan_costs import PlanCosts
from sqlmat_assets.cli.plan_lines import plan_lines
from sqlmat_assets.cli.selecting import find_named, leave_deliveries, select_options, select_tables
from sqlmat_assets.errors import outlooks as wording
from sqlmat_assets.errors.costs import priced
from sqlmat_assets.execution.environment import Environment, find_environment
from sqlmat_assets.execution.estimates import Foreseen, estimate_costs
from sqlmat_assets.execution.foresee import Known, Outlook, foresee, read_known
from sqlmat_assets.execution.piece import Piece
from sqlmat_assets.project.due import Timetable
from sqlmat_assets.project.graph import ModelGraph
from sqlmat_assets.project.mode_problems import future_starts
from sqlmat_assets.project.model import Model, Project
from sqlmat_assets.project.reasons import Reason
from sqlmat_assets.project.timings import State
from sqlmat_assets.project.transpiling.types import written_type
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Capabilities


def _now() -> datetime:
    return datetime.now(UTC)


def _reasons(project: Project, known: Known, named: Collection[Relation], now: datetime) -> Mapping[Relation, str]:
    """Why each table without partitions would be built by itself, or would not."""
    states = {
        relation: State(
            record.decided_at,
            record.version,
            put_back_at=None if relation in named else record.put_back_at,
            unwanted=record.unwanted,
            published_at=None if record.is_view else record.published_at,
        )
        for relation in project.models
        if (record := known.records.get(project.names.fold(relation))) is not None
    }
    for relation, note in known.notes.items():
        delivered = {Relation.of(name): datetime.fromisoformat(at) for name, at in note.inputs.items()}
        states[relation] = State(note.delivered_at, note.version, published_at=note.delivered_at, delivered=delivered)
    verdicts = Timetable.of(project).decide(states, now).verdicts
    return {relation: verdict.reason.value for relation, verdict in verdicts.items()}


def _status(outlook: Outlook, reasons: Mapping[Relation, str] | None) -> str | None:
    """Whether it is new, changed, due or fresh; None where the warehouse was not asked."""
    if reasons is None:
        return None
    if outlook.is_new:
        return "new"
    if outlook.put_back_at is not None:
        return Reason.PUT_BACK.value
    if outlook.is_changed:
        return "changed"
    if outlook.missing is not None:
        return "due" if outlook.missing else "fresh"
    return wording.due(reasons[outlook.model.relation])


def _group(outlook: Outlook, piece: Piece, reasons: Mapping[Relation, str] | None) -> str:
    """Under which heading a table stands: one that is always shown, or its reason to rest."""
    if outlook.model.is_quarantined:
        return "problems"
    status = _status(outlook, reasons)
    if status is None:
        return "unknown"
    if reasons and reasons[outlook.model.relation] == Reason.HELD:
        return "held"
    if status in ("new", "changed", Reason.PUT_BACK):
        return status
    if outlook.missing is None:
        reason = Reason(reasons[outlook.model.relation]) if reasons else Reason.FRESH
        status = "due" if reason.is_build else reason.value
    is_asked = piece.ranges is not None or piece.is_full_refresh
    if status != "due" and (is_asked or outlook.changes_grants):
        return "asked" if is_asked else "grants"
    return status


def _document(outlook: Outlook, status: str | None, costs: PlanCosts) -> dict[str, Any]:
    settings, narrowed = outlook.model.settings, outlook.narrowed
    return {
        "name": str(outlook.model.relation),
        "mode": settings.mode,
        "builds": None if outlook.model.is_quarantined or outlook.put_back_at else outlook.what,
        "delivers_to": None if outlook.model.delivery is None else outlook.model.delivery.shown,
        "partitions": list(outlook.partitions),
        "status": status,
        "put_back_at": outlook.put_back_at and outlook.put_back_at.isoformat(),
        "missing": None if outlook.missing is None else list(outlook.missing),
        "on_change": settings.on_change,
        "grants_to": list(outlook.grants_to),
        "revokes_from": list(outlook.revokes_from),
        "names_bounds": narrowed is not None and narrowed.is_marked,
        "narrowed": [] if narrowed is None else [str(table.relation) for table in narrowed.tables],
        "read_in_full": [str(relation) for relation in outlook.read_in_full],
        "obstacles": [] if narrowed is None else [str(obstacle) for obstacle in narrowed.obstacles],
        **costs.document(outlook.model),
    }


def _ask_costs(
    url: str,
    outlooks: Sequence[Outlook],
    project: Project,
    known: Known | None,
    capabilities: Capabilities,
    now: datetime,
    environment: Environment | None,
) -> Mapping[Relation, Foreseen]:
    """What each table costs; nothing where that is not asked, or the engine bills for nothing."""
    if known is None or not capabilities.estimates_at_once:
        return {}
    given = project, known, capabilities, now, environment
    return ask_warehouse(url, lambda session: estimate_costs(outlooks, session, *given)) or {}


def _write_costs(costs: PlanCosts, models: Sequence[Model]) -> None:
    if not costs.found:
        return
    click.echo(f"\n{priced(costs.prices.usd_per_tib)}")
    columns = ("owner", "tables", "reads", "USD", "USD a day")
    write_table(columns, costs.rows(models), right=columns[1:])
    for line in costs.ends():
        click.echo(line)


@click.command("plan", short_help="Say what a build would do, and why.")
@folder_argument
@select_options
@click.option("--partition", "partitions", metavar="A..B", multiple=True, help="Which partitions, as for a build.")
@click.option("--full-refresh", is_flag=True, help="As for a build.")
@warehouse_option
@dialect_option
@env_option
@click.option("-v", "--verbose", is_flag=True, help="Show also each table that is not due.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def command(  # noqa: PLR0913 - one for each option
    folder: Path | None,
    expressions: tuple[str, ...],
    since: str | None,
    partitions: tuple[str, ...],
    warehouse: str | None,
    dialect: str | None,
    env: str | None,
    *,
    full_refresh: bool,
    verbose: bool,
    as_json: bool,
) -> int:
    """Say for each table of DIR (default: sql) what a build would do with it, and why, without doing it.

    What is new, changed, due or asked for with --partition is shown table by table. What a build writes although
    nothing asks for it, such as a fresh table, is only counted, unless --verbose is given.

    The warehouse is only read, and only if it is there and nothing else holds it; otherwise it is not known what is
    new, changed or due. How far a range is taken into a query also depends on the types of the columns that it reads.

    With --json, standard output is a list, one object for each table, upstream first: name, mode, builds (all rows,
    partitions, next batch, view, delivery; null for one with problems, or a table that was put back), delivers_to,
    partitions, status (new, changed,
    due, fresh, put back and the like; null where the warehouse was not asked), put_back_at (of one that is left alone
    for that), missing (partitions that have ended and are not there), on_change, grants_to and revokes_from (who may
    read it only now, and no more), names_bounds, narrowed, read_in_full and obstacles. On BigQuery also read_bytes, usd
    and usd_per_day (of queries, by dry runs), is_above_budget, guessed (what it reads that is not built yet, and counts
    as it was last, or with all that its own query reads) and costs_unknown (why there are none).
    """
    project = read_project(find_root(folder), dialect)
    opened = open_for(project, warehouse, dialect)
    selected = select_tables(project, expressions, since)
    partitions = partitions if selected else ()
    now = _now()
    echo_problems(future_starts((project.models[each] for each in selected), now))
    url = warehouse or default_warehouse(project.root)
    environment = find_environment(env, project, opened.capabilities)
    if environment is not None:
        selected = leave_deliveries(project, selected, environment)
    pieces = choose_pieces(project, selected, partitions, now, is_full_refresh=full_refresh)
    spell = str if opened.capabilities.dialect == project.dialect else written_type
    known = ask_warehouse(url, lambda session: read_known(session, project, selected, environment, spell))
    if known is not None:
        known = replace(known, has_grants=opened.capabilities.has_grants and environment is None)
    named = find_named(project, expressions)
    reasons = None if known is None else _reasons(project, known, named, now)
    ordered = [relation for relation in ModelGraph(project).order() if relation in pieces]
    outlooks = [
        foresee(project.models[each], pieces[each], known, project.names, now, is_named=each in named)
        for each in ordered
    ]
    costs = PlanCosts(_ask_costs(url, outlooks, project, known, opened.capabilities, now, environment), project.prices)
    if as_json:
        documents = [_document(outlook, _status(outlook, reasons), costs) for outlook in outlooks]
        click.echo(json.dumps(documents, indent=2, ensure_ascii=False))
        return GOOD
    told = [(outlook, _group(outlook, pieces[outlook.model.relation], reasons)) for outlook in outlooks]
    for line in plan_lines(told, is_verbose=verbose, costs=costs):
        click.echo(line)
    _write_costs(costs, [outlook.model for outlook in outlooks])
    granting = sum(bool(outlook.model.settings.grant_select) for outlook in outlooks)
    if granting and not opened.capabilities.has_grants:
        click.echo(wording.no_grants(granting, opened.capabilities.why_no_grants))
    return GOOD
