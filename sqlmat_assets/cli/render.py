"""`sqlmat render`: the exact statements of one table."""

from __future__ import annotations

from pathlib import Path

import click

from sqlmat_assets.cli import GOOD
from sqlmat_assets.cli.place import find_root, folder_argument, read_project
from sqlmat_assets.errors.usage import unknown_table


@click.command("render")
@click.argument("table", metavar="TABLE")
@folder_argument
def command(table: str, folder: Path | None) -> int:
    """Print the statements that would build TABLE (schema.table), in their order.

    No warehouse is opened. DIR is the project folder (default: sql).
    """
    project = read_project(find_root(folder))
    found = {str(relation): relation for relation in project.models}.get(table)
    if found is None:
        raise unknown_table(table, [str(relation) for relation in project.models])
    raise NotImplementedError
    return GOOD
