"""`sqlmat check`: everything that is wrong with a project."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from sqlmat_assets.cli import GOOD, PROBLEMS
from sqlmat_assets.cli.place import find_root, folder_argument, read_project
from sqlmat_assets.cli.verdict_lines import verdict_lines
from sqlmat_assets.errors import Problem, UsageError
from sqlmat_assets.errors import transpiling as wording
from sqlmat_assets.project.mode_problems import future_starts
from sqlmat_assets.project.model import Project
from sqlmat_assets.project.transpiling.file_verdict import FileVerdict
from sqlmat_assets.project.transpiling.pairs import can_translate
from sqlmat_assets.project.transpiling.verdicts import Verdict


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


def _judge(project: Project, on: str) -> tuple[FileVerdict, ...]:
    """The verdicts on the files; where the engine reads them as they are there is nothing to judge.

    Raises:
        UsageError: Nothing is known of that.
    """
    if on == project.dialect:
        return ()
    if not can_translate(project.dialect, on):
        raise UsageError(wording.no_pair(project.dialect, on))
    # The parser takes a while to load, and files that did not change are not parsed again.
    from sqlmat_assets.project.transpiling.files import judge_project

    return judge_project(project, on)


def _document(file: FileVerdict) -> dict[str, Any]:
    problems = [dataclasses.asdict(problem) for problem in file.problems]
    return {"path": file.path, "verdict": file.verdict.value, "emulated": list(file.emulated), "unsupported": problems}


@click.command("check", short_help="Say everything that is wrong with the files.")
@folder_argument
@click.option("--dialect", metavar="NAME", help="Read the SQL in this dialect, whatever the settings say.")
@click.option("--on", metavar="ENGINE", help="Say also how well each file can be transpiled for this engine: duckdb.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document: counts, problems, files.")
def command(folder: Path | None, dialect: str | None, on: str | None, *, as_json: bool) -> int:
    """Say everything that is wrong with the files of DIR (default: sql).

    Problems go to standard error as path:line:column, and end with exit code 1; warnings alone do not.

    With --on duckdb, each file of a project in the SQL of another engine has a verdict: exact where DuckDB has the
    same, emulated where another expression gives the same, unsupported where nothing is known that would; that is a
    problem, and a build refuses the table. docs/bigquery-on-duckdb.md lists what is known.
    """
    project = read_project(find_root(folder), dialect)
    ahead = tuple(future_starts(project, datetime.now(UTC)))
    project = replace(project, problems=(*project.problems, *ahead))
    files = () if on is None else _judge(project, on)
    project = replace(project, problems=(*project.problems, *(each for file in files for each in file.problems)))
    echo_problems(project.problems)
    if as_json:
        document: dict[str, Any] = {
            "tables": sum(not model.is_delivery for model in project),
            "deliveries": sum(model.is_delivery for model in project),
            "checks": sum(len(model.check_specs) for model in project),
            "problems": [dataclasses.asdict(problem) for problem in project.problems],
        }
        if on is not None:
            document["files"] = [_document(file) for file in files]
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        for line in verdict_lines(files):
            click.echo(line)
        click.echo(_summary(project))
        if on is not None:
            counts = [(verdict.value, sum(file.verdict is verdict for file in files)) for verdict in Verdict]
            click.echo(wording.summary(counts, on))
    return PROBLEMS if project.errors else GOOD
