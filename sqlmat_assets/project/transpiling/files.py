"""A verdict on each file of a project whose SQL another engine is to read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import transpiling as wording
from sqlmat_assets.errors.sql import Place
from sqlmat_assets.project.model import Model, Project
from sqlmat_assets.project.parse import read_spans, statement_text
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.references import Names
from sqlmat_assets.project.transpiling.file_verdict import FileVerdict
from sqlmat_assets.project.transpiling.translation import Translated, translate
from sqlmat_assets.project.transpiling.types import spoken_type
from sqlmat_assets.project.transpiling.verdicts import Verdict, worst
from sqlmat_assets.relation import Relation


def judge_project(project: Project, spoken: str) -> tuple[FileVerdict, ...]:
    """Give a verdict on each file that has SQL, or names types, in the order of the tables.

    Args:
        project: Its files; those with problems of their own are left out.
        spoken: The dialect of the engine.
    """
    models = [model for model in project if not model.is_quarantined]
    found = [verdict for model in models for verdict in judge(model, project.names, spoken)]
    doubles = dict(_doubles(models, spoken))
    return tuple(
        FileVerdict(each.path, Verdict.UNSUPPORTED, each.emulated, (doubles.pop(each.path), *each.problems))
        if each.path in doubles
        else each
        for each in found
    )


def judge(model: Model, names: Names, spoken: str) -> tuple[FileVerdict, ...]:
    """Give a verdict on each file of a table: its query, its checks, the types of its columns."""
    found: dict[str, list[FileVerdict]] = {}
    for verdict in (*_query(model, names, spoken), *_checks(model, names, spoken), *_columns(model, spoken)):
        found.setdefault(verdict.path, []).append(verdict)
    return tuple(_joined(path, verdicts) for path, verdicts in found.items())


def unsupported(model: Model, names: Names, spoken: str) -> tuple[Problem, ...]:
    """What keeps a table from being built on another engine."""
    return tuple(problem for verdict in judge(model, names, spoken) for problem in verdict.problems)


def _joined(path: str, verdicts: Iterable[FileVerdict]) -> FileVerdict:
    verdicts = tuple(verdicts)
    emulated = dict.fromkeys(name for verdict in verdicts for name in verdict.emulated)
    problems = dict.fromkeys(problem for verdict in verdicts for problem in verdict.problems)
    return FileVerdict(path, worst(each.verdict for each in verdicts), tuple(emulated), tuple(problems))


def _query(model: Model, names: Names, spoken: str) -> Iterator[FileVerdict]:
    if not model.sql:
        return
    path = model.path if model.processor is None else model.processor.query or model.path
    start, _ = model.statement or next(iter(read_spans(model.sql, model.dialect)), (0, 0))
    translated = translate(statement_text(model), names, spoken)
    yield _judged(translated, path, Positions(model.sql, path), start, spoken)


def _checks(model: Model, names: Names, spoken: str) -> Iterator[FileVerdict]:
    for query in model.checks:
        path = query.specs[0].path
        positions = Positions("\n" * (query.line - 1) + query.sql, path)
        translated = translate(query.sql, names, spoken)
        yield _judged(translated, path, positions, query.line - 1, spoken)


def _judged(translated: Translated, path: str, positions: Positions, start: int, spoken: str) -> FileVerdict:
    emulated = sorted({each.name for each in translated.findings if each.verdict is Verdict.EMULATED})
    problems = tuple(
        wording.unsupported(positions.place(start + each.start), each.name, spoken, each.why)
        for each in translated.refused
    )
    return FileVerdict(path, translated.verdict, tuple(emulated), problems)


def _columns(model: Model, spoken: str) -> Iterator[FileVerdict]:
    """The types that a file declares."""
    declared = _declared(model)
    if not declared:
        return
    unknown = [kind for kind in dict.fromkeys(declared.values()) if spoken_type(kind) is None]
    problems = tuple(wording.unsupported(Place(model.path, 0, 0), f"the type {kind}", spoken) for kind in unknown)
    yield FileVerdict(model.path, Verdict.UNSUPPORTED if unknown else Verdict.EXACT, (), problems)


def _declared(model: Model) -> Mapping[str, str]:
    found = dict(model.settings.columns)
    if model.load is not None:
        found |= {column.name: column.type for column in model.load.columns}
    if model.processor is not None:
        found |= {column.name: column.type for column in model.processor.columns}
    return found


def _doubles(models: Iterable[Model], spoken: str) -> Iterator[tuple[str, Problem]]:
    """Tables whose names are told apart by their letters only, which DuckDB takes for the same."""
    known: dict[str, Relation] = {}
    for model in models:
        other = known.setdefault(str(model.relation).lower(), model.relation)
        if other != model.relation:
            yield model.path, wording.two_by_case(Place(model.path, 0, 0), str(model.relation), str(other), spoken)
