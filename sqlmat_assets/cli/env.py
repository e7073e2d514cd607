"""`sqlmat env`: what is built in environments, and how to be rid of it."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from sqlmat_assets.cli import GOOD
from sqlmat_assets.cli.patience import Patience
from sqlmat_assets.cli.place import (
    default_warehouse,
    environment_folders,
    find_root,
    folder_argument,
    own_folders,
    read_project,
    warehouse_option,
)
from sqlmat_assets.components.home import find_running
from sqlmat_assets.errors import environments as wording
from sqlmat_assets.execution.environment import Environment, read_name
from sqlmat_assets.execution.environment_tables import Dropped, drop_environment, find_environments
from sqlmat_assets.execution.events import Run
from sqlmat_assets.execution.records import Record
from sqlmat_assets.execution.retries import Retries
from sqlmat_assets.project.model import Project
from sqlmat_assets.warehouses.config import is_there, open_warehouse


def _now() -> datetime:
    return datetime.now(UTC)


def _find(root: Path, url: str, patience: Patience) -> dict[str, tuple[Record, ...]]:
    """The tables of every environment; none of one that only has an instance."""
    found: dict[str, tuple[Record, ...]] = {folder.name: () for folder in environment_folders(root)}
    if is_there(url):
        with open_warehouse(url).open_session(patience) as session:
            found |= find_environments(session)
    return dict(sorted(found.items()))


@click.group("env", short_help="List environments, or drop one.")
def command() -> None:
    """List what is built in environments (`sqlmat build --env NAME`), or drop all of one."""


def _document(name: str, records: Sequence[Record]) -> dict[str, Any]:
    return {
        "name": name,
        "tables": [
            {
                "name": str(record.relation),
                "rows": record.rows,
                "published_at": record.published_at.isoformat(),
                "commit": record.commit,
            }
            for record in records
        ],
    }


def _lines(found: Mapping[str, Sequence[Record]]) -> Iterator[tuple[str, str, str, str, str]]:
    for name, records in found.items():
        if not records:
            yield name, "", "", "", ""
        for record in records:
            published = f"{record.published_at:%Y-%m-%d %H:%M} UTC"
            rows = "view" if record.rows is None else f"{record.rows:,}"
            yield name, str(record.relation), rows, published, (record.commit or "")[:8]


@command.command("list", short_help="List every environment with its tables.")
@folder_argument
@warehouse_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def list_command(folder: Path | None, warehouse: str | None, *, as_json: bool) -> int:
    """List the environments of the warehouse, and those of DIR (default: sql) that have an instance only.

    With --json, standard output is a list, one object for each: name, and tables, each with name, rows, published_at
    and commit.
    """
    root = find_root(folder)
    url = warehouse or default_warehouse(root)
    label = open_warehouse(url).label
    found = _find(root, url, Patience(label))
    if as_json:
        documents = [_document(name, records) for name, records in found.items()]
        click.echo(json.dumps(documents, indent=2, ensure_ascii=False))
    elif not found:
        click.echo(wording.none_found(label))
    else:
        from sqlmat_assets.cli.display import write_table

        columns = ("environment", "table", "rows", "last published", "commit")
        write_table(columns, list(_lines(found)), right=("rows",))
        click.echo(wording.how_to_drop(), err=True)
    return GOOD


def _drop(project: Project, environment: Environment, url: str, patience: Patience) -> Dropped:
    opened = open_warehouse(url)
    if not is_there(url):
        return Dropped()
    own = {opened.capabilities.fold(model.relation.schema) for model in project}
    schemas = {environment.relation(model.relation).schema for model in project}
    # A project may have got such a schema since; what is in there is production then.
    schemas = {schema for schema in schemas if opened.capabilities.fold(schema) not in own}
    now = _now()
    run = Run(uuid.uuid4().hex[:8], now)
    with opened.open_session(patience) as session:
        return Retries().run(
            lambda: drop_environment(session, environment, schemas, run, now, opened.capabilities), time.sleep
        )


@command.command("drop", short_help="Drop all tables of an environment, and its instance.")
@click.argument("name", metavar="NAME")
@folder_argument
@warehouse_option
def drop_command(name: str, folder: Path | None, warehouse: str | None) -> int:
    """Drop the environment NAME: its tables, all that is recorded of them, its schemas and its Dagster instance.

    Production is left alone, and so is what sqlmat has not made. DIR is the project folder (default: sql).
    """
    environment = read_name(name)
    project = read_project(find_root(folder))
    url = warehouse or default_warehouse(project.root)
    patience = Patience(open_warehouse(url).label)
    known = _find(project.root, url, patience)
    if environment.name not in known:
        raise wording.unknown(environment.name, list(known))
    folders = own_folders(project.root, environment)
    for home in folders:
        running = find_running(home)
        if running is not None:
            raise wording.is_open(environment.name, running)
    done = _drop(project, environment, url, patience)
    for home in folders:
        try:
            shutil.rmtree(home)
        except FileNotFoundError:
            continue
        except OSError as error:
            click.echo(wording.folder_stays(str(home), error.strerror or str(error)), err=True)
    click.echo(wording.dropped(environment.name, list(map(str, done.tables)), open_warehouse(url).label))
    for schema, names in done.left.items():
        click.echo(wording.left(schema, names), err=True)
    return GOOD
