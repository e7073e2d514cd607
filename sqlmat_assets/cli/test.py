"""`sqlmat test`: the queries on a few rows, and whether they give what is expected."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click

from sqlmat_assets.cli import GOOD, PROBLEMS
from sqlmat_assets.cli.check import counted, echo_problems
from sqlmat_assets.cli.place import find_root, folder_argument, read_project
from sqlmat_assets.cli.selecting import select, select_options
from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import unit_tests as wording
from sqlmat_assets.execution.differences import Pair, Row
from sqlmat_assets.execution.unit_tests import CaseResult, Verdict, run_cases
from sqlmat_assets.project.files import Role, read_folder
from sqlmat_assets.project.model import Project
from sqlmat_assets.project.unit_tests.cases import read_cases
from sqlmat_assets.warehouses.base import Session

_MOST_SHOWN = 20
_COLORS = {Verdict.PASSED: "green", Verdict.FAILED: "red", Verdict.NOT_RUN: "red"}


def _open_memory() -> AbstractContextManager[Session]:
    # Its driver is not loaded where no case can be run.
    from sqlmat_assets.warehouses.duckdb.memory import open_memory

    return open_memory()


def _strays(project: Project) -> list[Problem]:
    """What is wrong with folders of unit tests that belong to no table: nothing in them is run."""
    return [problem for problem in project.problems if problem.path.endswith("_unit")]


def _cells(row: Row, columns: Sequence[str]) -> dict[str, str | None]:
    return dict(zip(columns, row.shown, strict=True))


def _pair_document(pair: Pair, columns: Sequence[str]) -> dict[str, Any]:
    return {
        "line": pair.expected.line or None,
        "expected": _cells(pair.expected, columns),
        "found": _cells(pair.found, columns),
        "columns": [columns[index] for index in pair.columns],
    }


def _document(result: CaseResult) -> dict[str, Any]:
    case, differences, columns = result.case, result.differences, result.columns
    disorder = differences.disorder
    return {
        "table": str(case.relation),
        "case": case.path,
        "verdict": result.verdict.value,
        "seconds": round(result.seconds, 6),
        "problems": list(result.said),
        "notes": list(case.notes),
        "missing_rows": len(differences.missing),
        "unexpected_rows": len(differences.unexpected),
        "different_rows": len(differences.different),
        "missing": [_cells(row, columns) for row in differences.missing[:_MOST_SHOWN]],
        "unexpected": [_cells(row, columns) for row in (*differences.unexpected, *result.rows)[:_MOST_SHOWN]],
        "different": [_pair_document(pair, columns) for pair in differences.different[:_MOST_SHOWN]],
        "order": None if disorder is None else {"row": disorder[0], **_pair_document(disorder[1], columns)},
    }


def _write(result: CaseResult) -> Iterator[str]:
    """One line for a case, and below it what is wrong."""
    verdict = click.style(result.verdict.value, fg=_COLORS[result.verdict])
    yield f"{verdict}  {result.case.path}"
    if result.verdict is not Verdict.PASSED:
        from sqlmat_assets.cli.differences import lines_of

        yield from lines_of(result)
    yield from (f"  note: {note}" for note in result.case.notes)


def _summary(results: Sequence[CaseResult]) -> str:
    counts = [(verdict, sum(result.verdict is verdict for result in results)) for verdict in Verdict]
    parts = [f"{count:,} {verdict.value}" for verdict, count in counts if count]
    seconds = sum(result.seconds for result in results)
    return f"{counted(len(results), 'case')}: {', '.join(parts)} in {seconds:.2f} s"


@click.command("test", short_help="Run queries on a few rows, and compare what they give.")
@folder_argument
@select_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list, one object per case.")
def command(folder: Path | None, expressions: tuple[str, ...], since: str | None, *, as_json: bool) -> int:
    """Run the unit tests of the tables of DIR (default: sql).

    Beside the file of a table, `cities_unit/` holds the rows of each table that its query reads, such as
    cities_raw.csv, and the rows that it should give, expected.csv. Folders inside of it are further cases. They run in
    memory, in DuckDB's SQL whatever that of the project is; no warehouse is asked.

    The exit code is 1 when a case fails or cannot be run.
    """
    root = find_root(folder)
    project = read_project(root)
    found = [file for file in read_folder(root).files if file.role is Role.UNIT]
    strays = [] if expressions else _strays(project)
    if expressions or since is not None:
        selected = select(project, expressions, since)
        chosen = {project.names.fold(relation) for relation in selected.tables}
        # To `changed` belong the cases that are new or other ones, whatever has become of their table.
        edited = {file.path for file in found if any(path.startswith(f"{file.path}/") for path in selected.edited)}
        found = [file for file in found if file.path in edited or project.names.fold(file.relation) in chosen]
    echo_problems(strays)
    results: list[CaseResult] = []
    for result in run_cases(read_cases(project, found), root, _open_memory, time.monotonic):
        results.append(result)
        if not as_json:
            for line in _write(result):
                click.echo(line)
    if as_json:
        click.echo(json.dumps([_document(result) for result in results], indent=2, ensure_ascii=False))
    elif results:
        click.echo(_summary(results))
    elif not strays:
        click.echo(wording.no_cases_selected() if expressions else wording.no_cases(str(folder or "sql")), err=True)
    return PROBLEMS if strays or any(result.verdict is not Verdict.PASSED for result in results) else GOOD
