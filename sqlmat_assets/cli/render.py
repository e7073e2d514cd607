"""`sqlmat render`: the exact statements of one table."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from sqlmat_assets.cli import GOOD
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
from sqlmat_assets.errors.deliveries import no_statements
from sqlmat_assets.errors.usage import unknown_table
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.environment import find_environment
from sqlmat_assets.execution.events import Run
from sqlmat_assets.execution.render import read_around, render


def _now() -> datetime:
    return datetime.now(UTC)


@click.command("render", short_help="Print the statements that would build a table.")
@click.argument("table", metavar="TABLE")
@folder_argument
@click.option("--partition", "partitions", metavar="A..B", multiple=True, help="Which partitions, as for a build.")
@warehouse_option
@dialect_option
@env_option
def command(
    table: str,
    folder: Path | None,
    partitions: tuple[str, ...],
    warehouse: str | None,
    dialect: str | None,
    env: str | None,
) -> int:
    """Print the statements that would build TABLE (schema.table), in their order.

    Without --partition they are those of its first build, of all that there is; with it those that replace these
    partitions of a table that has others too.

    Nothing is written. Only in an environment, and for a table with partitions, is the warehouse asked something, if
    it is there and nothing else holds it: what is built there, and which types the columns have that it reads. In the
    names of what is written aside, `render` stands where a build has its run. DIR is the project folder (default:
    sql).
    """
    project = read_project(find_root(folder), dialect)
    found = {str(relation): relation for relation in project.models}.get(table)
    if found is None:
        raise unknown_table(table, [str(relation) for relation in project.models])
    model, now = project.models[found], _now()
    if model.is_delivery:
        raise no_statements(table)
    piece = choose_pieces(project, [found], partitions, now, is_full_refresh=False)[found]
    url = warehouse or default_warehouse(project.root)
    opened = open_for(project, warehouse, dialect)
    context = Context(
        warehouse=opened,
        names=project.names,
        run=Run("render", now),
        now=_now,
        root=project.root,
        environment=find_environment(env, project, opened.capabilities),
    )
    is_asked = model.settings.partition_by is not None or context.environment is not None
    around = None
    if is_asked and not model.is_quarantined:
        around = ask_warehouse(url, lambda session: read_around(session, model, context))
    types, records = around or (None, ())
    for statement in render(model, context, piece, types, records):
        click.echo(f"{statement};\n")
    return GOOD
