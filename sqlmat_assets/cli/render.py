"""`sqlmat render`: the exact statements of one table."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from sqlmat_assets.cli import GOOD
from sqlmat_assets.cli.place import default_warehouse, find_root, folder_argument, read_project, warehouse_option
from sqlmat_assets.errors.usage import unknown_table
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Run
from sqlmat_assets.execution.render import render
from sqlmat_assets.warehouses.config import open_warehouse


def _now() -> datetime:
    return datetime.now(UTC)


@click.command("render", short_help="Print the statements that would build a table.")
@click.argument("table", metavar="TABLE")
@folder_argument
@warehouse_option
def command(table: str, folder: Path | None, warehouse: str | None) -> int:
    """Print the statements that would build TABLE (schema.table) for the first time, in their order.

    No warehouse is opened; --warehouse only says which engine they are for. In the names of what is written
    aside, `render` stands where a build has its run. DIR is the project folder (default: sql).
    """
    project = read_project(find_root(folder))
    found = {str(relation): relation for relation in project.models}.get(table)
    if found is None:
        raise unknown_table(table, [str(relation) for relation in project.models])
    context = Context(
        warehouse=open_warehouse(warehouse or default_warehouse(project.root)),
        names=project.names,
        run=Run("render", _now()),
        now=_now,
        root=project.root,
    )
    for statement in render(project.models[found], context):
        click.echo(f"{statement};\n")
    return GOOD
