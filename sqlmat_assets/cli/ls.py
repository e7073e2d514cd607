"""`sqlmat ls`: every table of a project."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from sqlmat_assets.cli import GOOD, PROBLEMS
from sqlmat_assets.cli.check import echo_problems
from sqlmat_assets.cli.place import find_root, folder_argument, read_project
from sqlmat_assets.cli.selecting import select, select_options
from sqlmat_assets.project.conditions import format_conditions
from sqlmat_assets.project.intervals import format_interval
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.partitions.notation import format_partition_by
from sqlmat_assets.project.settings import default_settings

_GAP = 2
# What long columns are cut to, one after the other, and what is left out when that is not enough.
_FLOORS = (("reads", 24), ("times", 12), ("table", 24), ("reads", 12))
_LEFT_OUT = ("times", "checks", "reads", "kind")


def _minutes(span: timedelta | None) -> int | float | None:
    if span is None:
        return None
    minutes = span.total_seconds() / 60
    return int(minutes) if minutes.is_integer() else minutes


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return _minutes(value)
    return value


def _settings(model: Model) -> dict[str, Any]:
    """The settings that somebody set: spans in minutes, tags and columns as objects, other lists as lists."""
    defaults = default_settings(model.dialect)
    told: dict[str, Any] = {}
    for field in dataclasses.fields(model.settings):
        value = getattr(model.settings, field.name)
        if value != getattr(defaults, field.name):
            told[field.name] = dict(value) if field.name in ("tags", "columns", "encode") else _plain(value)
    if model.settings.conditions:
        told["conditions"] = format_conditions(model.settings.conditions)
    if model.settings.partition_by is not None:
        told["partition_by"] = format_partition_by(model.settings.partition_by)
    if model.settings.sortkey != defaults.sortkey:
        key = model.settings.sortkey
        told["sortkey"] = list(key.columns) if key.style == "compound" else str(key)
    if model.settings.order_by:
        told["order_by"] = [f"{name} desc" if is_down else name for name, is_down in model.settings.order_by]
    return told


def describe(model: Model) -> dict[str, Any]:
    """One table as `ls --json` tells it."""
    return {
        "name": str(model.relation),
        "path": model.path,
        "kind": model.kind.value,
        "interval_minutes": _minutes(model.interval),
        "effective_interval_minutes": _minutes(model.effective_interval),
        "upstream": [str(relation) for relation in model.upstream],
        "sources": [str(relation) for relation in model.sources],
        "checks": [spec.name for spec in model.check_specs],
        "settings": _settings(model),
    }


def _age(model: Model) -> str:
    """How old a table may become; in brackets when it takes that from its readers."""
    if model.effective_interval is None:
        return ""
    text = format_interval(model.effective_interval)
    return text if model.interval is not None else f"({text})"


def _times(model: Model) -> str:
    """When a table is built by the calendar, and where its clock hangs."""
    calendar = model.settings.calendar
    parts = [calendar.cron or "", format_conditions(calendar.conditions)]
    if any(parts) and calendar.timezone != "UTC":
        parts.append(calendar.timezone)
    return "; ".join(part for part in parts if part)


def _write(models: Sequence[Model]) -> None:
    from sqlmat_assets.cli.display import write_table

    reads = [[str(relation) for relation in (*model.upstream, *model.sources)] for model in models]
    columns = {
        "table": [str(model.relation) for model in models],
        "kind": ["view" if model.is_view else model.kind.value for model in models],
        "age": [_age(model) for model in models],
        "times": [_times(model) for model in models],
        "checks": [str(len(model.check_specs)) for model in models],
        "reads": [", ".join(names) for names in reads],
    }
    if not any(columns["times"]):
        del columns["times"]
    if sys.stdout.isatty():
        columns = _fitted(columns, reads, shutil.get_terminal_size().columns)
    write_table(tuple(columns), list(zip(*columns.values(), strict=True)), right=("age", "checks"))


def _fitted(columns: dict[str, list[str]], reads: list[list[str]], width: int) -> dict[str, list[str]]:
    """The columns with one line for each table: long texts are cut, then what matters least is left out."""
    widths = {name: max(map(len, (name, *cells))) for name, cells in columns.items()}

    def over() -> int:
        return sum(widths.values()) + _GAP * (len(widths) - 1) - width

    for name, floor in _FLOORS:
        if name in widths:
            widths[name] = min(widths[name], max(floor, widths[name] - max(over(), 0)))
    for name in _LEFT_OUT:
        if over() > 0:
            widths.pop(name, None)
    texts = {
        "table": [_cut(cell, widths["table"]) for cell in columns["table"]],
        "times": [_cut(cell, widths.get("times", 0)) for cell in columns.get("times", ())],
        "reads": [_some(names, widths.get("reads", 0)) for names in reads],
    }
    return {name: texts.get(name, columns[name]) for name in widths}


def _some(names: Sequence[str], width: int) -> str:
    """As many names as there is room for, and how many more there are.

    Examples:
        >>> _some(["s.one", "s.two", "s.three"], 22)
        's.one, s.two, s.three'
        >>> _some(["s.one", "s.two", "s.three"], 16)
        's.one and 2 more'
        >>> _some(["s.a_long_name", "s.two"], 12)
        '2 tables'
    """
    for shown in range(len(names), 0, -1):
        more = f" and {len(names) - shown:,} more" if shown < len(names) else ""
        text = ", ".join(names[:shown]) + more
        if len(text) <= width:
            return text
    return f"{len(names):,} tables" if len(names) > 1 else _cut("".join(names), width)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


@click.command("ls", short_help="List every table.")
@folder_argument
@click.option("--dialect", metavar="NAME", help="Read the SQL in this dialect, whatever the settings say.")
@select_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, one object per table.")
def command(
    folder: Path | None, dialect: str | None, expressions: tuple[str, ...], since: str | None, *, as_json: bool
) -> int:
    """List every table of DIR (default: sql): what it is, how old it may become, what it reads.

    An age in brackets is taken from the tables that read this one. The times are a schedule and conditions, where
    there are any. A terminal shows one line for each table, shortened where it is too narrow; nothing is shortened in
    a pipe. With problems in the files, everything that loads is listed all the same, and the exit code is 1.
    """
    project = read_project(find_root(folder), dialect)
    echo_problems(project.problems)
    models = [project.models[relation] for relation in select(project, expressions, since, dialect).tables]
    if as_json:
        click.echo(json.dumps([describe(model) for model in models], indent=2, ensure_ascii=False))
    else:
        _write(models)
    return PROBLEMS if project.errors else GOOD
