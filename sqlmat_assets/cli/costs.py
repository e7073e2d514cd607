"""`sqlmat costs`: what was paid for builds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from sqlmat_assets.cli import GOOD
from sqlmat_assets.cli.patience import Patience
from sqlmat_assets.cli.place import find_root, folder_argument, open_for, read_project, warehouse_option
from sqlmat_assets.errors import costs as wording
from sqlmat_assets.project.model import Project
from sqlmat_assets.project.prices import Prices
from sqlmat_assets.warehouses.billing import Spent

# What people ask by, and the tag or part of it that tells.
_BY = {"table": "asset", "owner": "owner", "run": "run", "day": ""}
_NOT_TOLD = "-"


def _now() -> datetime:
    return datetime.now(UTC)


def _key(spent: Spent, by: str) -> str:
    return spent.day.isoformat() if by == "day" else spent.tags.get(_BY[by], _NOT_TOLD)


def _summed(found: Iterable[Spent], by: str) -> Mapping[str, tuple[int, int, int, float]]:
    """Statements, bytes read and billed, and seconds of slots, by what was asked for."""
    sums: dict[str, tuple[int, int, int, float]] = {}
    for each in found:
        count, read, billed, slots = sums.get(_key(each, by), (0, 0, 0, 0.0))
        more = count + each.statements, read + each.read_bytes, billed + each.billed_bytes, slots + each.slot_seconds
        sums[_key(each, by)] = more
    return sums


def _document(spent: Spent, prices: Prices) -> dict[str, Any]:
    return {
        "day": spent.day.isoformat(),
        **{name: spent.tags.get(tag) for name, tag in _BY.items() if tag},
        "statements": spent.statements,
        "read_bytes": spent.read_bytes,
        "billed_bytes": spent.billed_bytes,
        "slot_seconds": round(spent.slot_seconds, 3),
        "usd": prices.usd(spent.billed_bytes),
    }


def _write(found: Sequence[Spent], by: str, prices: Prices) -> None:
    from sqlmat_assets.cli.display import write_table

    sums = _summed(found, by)
    ordered = sorted(sums) if by == "day" else sorted(sums, key=lambda key: (-sums[key][2], key))
    total = tuple(map(sum, zip(*sums.values(), strict=True)))
    rows: list[tuple[str, ...]] = []
    for key, (count, read, billed, slots) in [*((key, sums[key]) for key in ordered), ("all", total)]:
        sizes = wording.size(read), wording.size(billed)
        rows.append((key, f"{count:,}", *sizes, f"{slots:,.1f}", wording.money(prices.usd(billed))))
    columns = (by, "statements", "read", "billed", "slot seconds", "USD")
    write_table(columns, rows, right=columns[1:])


def _known(project: Project) -> list[str]:
    owners = {owner for model in project for owner in model.settings.owner[:1]}
    return [*(str(model.relation) for model in project), *sorted(owners)]


@click.command("costs", short_help="Say what was paid for builds.")
@folder_argument
@click.option(
    "--by", type=click.Choice(list(_BY)), default="table", show_default=True, help="By what the costs are summed."
)
@click.option(
    "--days", metavar="N", type=click.IntRange(min=1, max=180), default=30, show_default=True, help="How far back."
)
@warehouse_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def command(folder: Path | None, by: str, days: int, warehouse: str | None, *, as_json: bool) -> int:
    """Sum what the queries of sqlmat were billed in the warehouse of DIR (default: sql), as the engine has it.

    Failed builds, checks and what is kept of tables count as well. BigQuery tells it for 180 days, to those who may
    see all jobs of the project (the role `BigQuery Resource Viewer`).

    With --json, standard output is a list, one object for each day, run and table: day, table, owner, run, statements,
    read_bytes, billed_bytes, slot_seconds and usd.
    """
    project = read_project(find_root(folder))
    opened = open_for(project, warehouse)
    if not opened.capabilities.estimates_at_once:
        click.echo("[]" if as_json else wording.bills_nothing(opened.label))
        return GOOD
    since = (_now() - timedelta(days=days - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    with opened.open_session(Patience(opened.label)) as session:
        costs = session.costs
        found = () if costs is None else costs.fetch_spent(since, _known(project))
    found = tuple(each for each in found if "asset" in each.tags)
    if as_json:
        click.echo(json.dumps([_document(each, project.prices) for each in found], indent=2, ensure_ascii=False))
    elif found:
        _write(found, by, project.prices)
    else:
        click.echo(wording.nothing_spent(days))
    return GOOD
