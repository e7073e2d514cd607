"""`sqlmat check`: everything that is wrong with a project."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from sqlmat_assets.cli import GOOD, PROBLEMS
from sqlmat_assets.cli.place import find_root, folder_argument, read_project
from sqlmat_assets.errors import Problem
from sqlmat_assets.project.mode_problems import future_starts
from sqlmat_assets.project.model import Project


def echo_problems(problems: Iterable[Problem]) -> None:
    """Write problems to standard error, each as `path:line:column: what` and its hint."""
    for problem in problems:
        click.echo(str(problem), err=True)


def counted(count: int, noun: str) -> str:
    """A count with its noun: `1 table`, `2 tables`, `no problems`."""
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"


def _summary(project: Project) -> str:
    errors = len(project.errors)
    warnings = len(project.problems) - errors
    checks = sum(len(model.check_specs) for model in project)
    sent = sum(model.is_delivery for model in project)
    parts = [counted(len(project) - sent, "table"), counted(checks, "check"), counted(errors, "problem")]
    if sent:
        parts.insert(1, "1 delivery" if sent == 1 else f"{sent} deliveries")
    return ", ".join([*parts, *([counted(warnings, "warning")] if warnings else [])])


@click.command("check", short_help="Say everything that is wrong with the files.")
@folder_argument
@click.option("--dialect", metavar="NAME", help="Read the SQL in this dialect, whatever the settings say.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document: tables, deliveries, checks, problems.")
def command(folder: Path | None, dialect: str | None, *, as_json: bool) -> int:
    """Say everything that is wrong with the files of DIR (default: sql).

    Problems go to standard error as path:line:column, and end with exit code 1; warnings alone do not.
    """
    project = read_project(find_root(folder), dialect)
    ahead = tuple(future_starts(project, datetime.now(UTC)))
    project = replace(project, problems=(*project.problems, *ahead))
    echo_problems(project.problems)
    if as_json:
        document = {
            "tables": sum(not model.is_delivery for model in project),
            "deliveries": sum(model.is_delivery for model in project),
            "checks": sum(len(model.check_specs) for model in project),
            "problems": [dataclasses.asdict(problem) for problem in project.problems],
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo(_summary(project))
    return PROBLEMS if project.errors else GOOD
