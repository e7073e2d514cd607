"""`sqlmat diff`: how two tables of the warehouse differ."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from sqlmat_assets.cli import GOOD, PROBLEMS, WRONG_USAGE
from sqlmat_assets.cli.diff_lines import lines_of
from sqlmat_assets.cli.patience import Patience
from sqlmat_assets.cli.place import default_warehouse, find_root, read_project, warehouse_option
from sqlmat_assets.errors import WarehouseError
from sqlmat_assets.errors import diffs as wording
from sqlmat_assets.execution.diff import ChangedRow, Diff, LoneRow, compare, key_in_both
from sqlmat_assets.execution.environment import find_environment
from sqlmat_assets.project.model import Project
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Capabilities, Session
from sqlmat_assets.warehouses.config import is_there, open_warehouse
from sqlmat_assets.warehouses.diff_statements import Column


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command line names: one or two tables, and the folder."""

    before: Relation
    after: Relation | None
    folder: Path | None
    env: str | None


@dataclass(frozen=True, slots=True)
class _Key:
    columns: tuple[str, ...] = ()
    source: str = ""


def _read_arguments(table: str, rest: Sequence[str], env: str | None, *, is_env_typed: bool) -> _Asked:
    """Tell the second table from the folder.

    Raises:
        UsageError: It is not clear what is meant.
    """
    before = _relation(table)
    if len(rest) > 2:
        raise wording.too_many_names(rest)
    names_table = bool(rest) and _may_be_table(rest[0])
    if env is not None and is_env_typed and names_table and not Path(rest[0]).is_dir():
        raise wording.table_and_environment(rest[0], env)
    if env is not None and (is_env_typed or not names_table):
        if len(rest) > 1:
            raise wording.too_many_names(rest)
        return _Asked(before, None, Path(rest[0]) if rest else None, env)
    if not rest or (len(rest) == 1 and not names_table and Path(rest[0]).is_dir()):
        raise wording.nothing_to_compare_with(table)
    return _Asked(before, _relation(rest[0]), Path(rest[1]) if len(rest) > 1 else None, None)


def _relation(name: str) -> Relation:
    try:
        return Relation.of(name)
    except ValueError:
        raise wording.not_a_table_name(name) from None


def _may_be_table(name: str) -> bool:
    return "/" not in name and len(name.split(".")) in (2, 3) and all(name.split("."))


def _fetch_columns(
    session: Session, asked: _Asked, after: Relation, project: Project, label: str
) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    """The columns of both tables.

    Raises:
        UsageError: One of them is not there.
    """
    found = session.fetch_columns(asked.before), session.fetch_columns(after)
    for relation, columns in zip((asked.before, after), found, strict=True):
        if columns:
            continue
        if relation is after and asked.env is not None:
            raise wording.not_built_there(str(relation), str(asked.before), asked.env, label)
        known = {str(each) for each in project.models} - {str(relation)}
        known |= {f"{relation.schema}.{name}" for name in session.fetch_kinds(relation.schema)}
        raise wording.no_such_table(str(relation), sorted(known), label)
    return found


def _typed_key(text: str, tables: Sequence[tuple[Relation, Sequence[Column]]], capabilities: Capabilities) -> _Key:
    """The key of `--key`.

    Raises:
        UsageError: It has a column that one of the tables lacks.
    """
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not names:
        raise wording.empty_key()
    for relation, columns in tables:
        known = {capabilities.fold_column(name) for name, _ in columns}
        for name in names:
            if capabilities.fold_column(name) not in known:
                raise wording.key_not_in_both(name, str(relation), [known for known, _ in columns])
    return _Key(names, wording.from_option())


def _own_key(project: Project, tables: Sequence[tuple[Relation, Sequence[Column]]], capabilities: Capabilities) -> _Key:
    """The key that the settings of one of the tables name and that both have; else none."""
    by_name = {project.names.fold(model.relation): model for model in project}
    (_, before), (_, after) = tables
    for relation, _ in tables:
        model = by_name.get(project.names.fold(relation))
        if model is None:
            continue
        settings = model.settings
        candidates = [("unique_key", settings.unique_key), *(("unique", columns) for columns in settings.unique)]
        for setting, columns in candidates:
            if columns and key_in_both(columns, before, after, capabilities):
                return _Key(columns, wording.from_setting(setting, str(model.relation)))
    return _Key()


def _changed(row: ChangedRow, diff: Diff) -> dict[str, Any]:
    return {
        "key": dict(zip(diff.key, row.key, strict=True)),
        "values": {name: {"before": before, "after": after} for name, before, after in row.values},
    }


def _lone(row: LoneRow, diff: Diff) -> dict[str, Any]:
    return {"values": dict(zip(diff.shared, row.values, strict=True)), "times": row.times}


def _document(diff: Diff, before: Relation, after: Relation, key: _Key) -> dict[str, Any]:
    columns = diff.columns
    return {
        "before": str(before),
        "after": str(after),
        "equal": diff.is_equal,
        "key": list(diff.key),
        "key_from": key.source.replace("`", "") or None,
        "columns": {
            "added": [{"name": name, "type": kind} for name, kind in columns.added],
            "dropped": [{"name": name, "type": kind} for name, kind in columns.dropped],
            "retyped": [{"name": name, "before": old, "after": new} for name, old, new in columns.retyped],
            "reordered": columns.is_reordered,
        },
        "rows": {
            "before": diff.before.rows,
            "after": diff.after.rows,
            "added": diff.rows.added,
            "removed": diff.rows.removed,
            "changed": diff.rows.changed,
            "matching": diff.matching,
        },
        "repeated_keys": {"before": diff.before.repeated_keys, "after": diff.after.repeated_keys},
        "null_keys": {"before": diff.before.null_rows, "after": diff.after.null_rows},
        "changed_columns": [
            {"name": name, "rows": count, "share": count / diff.matching}
            for name, count in diff.rows.by_column
            if count
        ],
        "sample": {
            "changed": [_changed(row, diff) for row in diff.changed],
            "added": [_lone(row, diff) for row in diff.added],
            "removed": [_lone(row, diff) for row in diff.removed],
        },
    }


@click.command("diff", short_help="Say how two tables of the warehouse differ.")
@click.argument("table", metavar="A")
@click.argument("rest", metavar="[B] [DIR]", nargs=-1)
@click.option(
    "--key", metavar="COLUMNS", help="What tells rows apart: one column, or several with commas between them."
)
@click.option(
    "--limit", metavar="N", type=click.IntRange(min=0), default=5, show_default=True, help="Rows of each kind to show."
)
@click.option(
    "--env",
    metavar="NAME",
    envvar="SQLMAT_ENV",
    help="Compare A with itself in this environment. [default: $SQLMAT_ENV]",
)
@warehouse_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(
    context: click.Context,
    table: str,
    rest: tuple[str, ...],
    key: str | None,
    limit: int,
    env: str | None,
    warehouse: str | None,
    *,
    as_json: bool,
) -> int:
    """Say how the table B differs from the table A, or, with --env, A of the environment from A of production.

    For example: `sqlmat diff first.cities first.cities_old`, or `sqlmat diff first.cities --env joan`.

    Columns that were added, dropped or retyped; how many rows were added, removed and changed; how often each column
    differs; and some rows. Rows are told apart by --key, else by the `unique_key` of the table, else by its first
    `unique`; without any of them, whole rows are compared. All of it happens in the warehouse, which is only read.
    DIR is the project folder (default: sql).

    Exit codes: 0 equal, 1 they differ, 2 wrong usage, or they could not be compared.

    With --json, standard output is one object: before, after, equal, key, key_from, columns, rows, repeated_keys,
    null_keys, changed_columns and sample, where values are text.
    """
    is_env_typed = context.get_parameter_source("env") is ParameterSource.COMMANDLINE
    asked = _read_arguments(table, rest, env, is_env_typed=is_env_typed)
    project = read_project(find_root(asked.folder))
    url = warehouse or default_warehouse(project.root)
    opened = open_warehouse(url)
    capabilities = opened.capabilities
    environment = find_environment(asked.env, project, capabilities)
    after = asked.after if environment is None else environment.relation(asked.before)
    if after is None:  # `--env ""`
        raise wording.nothing_to_compare_with(table)
    if tuple(map(capabilities.fold_column, asked.before.key)) == tuple(map(capabilities.fold_column, after.key)):
        raise wording.same_table(str(after))
    if not is_there(url):
        raise wording.no_warehouse(opened.label)
    try:
        with opened.open_session(Patience(opened.label)) as session:
            columns = _fetch_columns(session, asked, after, project, opened.label)
            tables = [(asked.before, columns[0]), (after, columns[1])]
            chosen = _own_key(project, tables, capabilities) if key is None else _typed_key(key, tables, capabilities)
            diff = compare(session, capabilities, tables[0], tables[1], key=chosen.columns, limit=limit)
    except WarehouseError as error:
        # Not the answer "they differ".
        click.echo(str(error), err=True)
        return WRONG_USAGE
    if as_json:
        click.echo(json.dumps(_document(diff, asked.before, after, chosen), indent=2, ensure_ascii=False))
    else:
        for line in lines_of(diff, asked.before, after, chosen.source):
            click.echo(line)
    return GOOD if diff.is_equal else PROBLEMS
