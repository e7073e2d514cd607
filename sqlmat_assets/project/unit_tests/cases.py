"""The folders of unit tests: which rows each case gives to a query, and which it expects."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import project as project_wording
from sqlmat_assets.errors import unit_tests as wording
from sqlmat_assets.errors.unit_tests import CONF, EXPECTED
from sqlmat_assets.project.files import FoundFile, Role
from sqlmat_assets.project.model import Kind, Model, Project
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.references import Reference, resolve
from sqlmat_assets.project.spelling import Speller
from sqlmat_assets.project.texts import Texts
from sqlmat_assets.project.unit_tests.conf import CaseSettings, parse_case
from sqlmat_assets.project.unit_tests.query import UnitQuery, read_unit_query, stand_in
from sqlmat_assets.relation import Relation

_CSV = ".csv"


@dataclass(frozen=True, slots=True)
class CaseInput:
    """The rows of one table that a query reads.

    `relation` is what the table is called while the case runs. `types` are those of its columns as far as the project
    states them, in its dialect. Without a path the table is empty, and has the columns that are expected.
    """

    relation: Relation
    path: str | None
    types: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class UnitCase:
    """One case; paths are relative to the project folder. One with problems cannot be run."""

    path: str
    relation: Relation
    query: UnitQuery | None = None
    inputs: tuple[CaseInput, ...] = ()
    expected: str = ""
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Files:
    """What lies in one folder; `problems` says what could not be listed."""

    csv: list[str] = field(default_factory=list[str])
    confs: list[str] = field(default_factory=list[str])
    folders: list[str] = field(default_factory=list[str])
    expected: str | None = None
    problems: list[Problem] = field(default_factory=list[Problem])


def read_cases(project: Project, found: Iterable[FoundFile]) -> Iterator[UnitCase]:
    """Read the cases of a project's tables.

    Args:
        project: The project.
        found: The files of its folder; those that are no unit tests, or of no table, are passed over.
    """
    by_name = {project.names.fold(model.relation): model for model in project}
    for file in found:
        model = by_name.get(project.names.fold(file.relation)) if file.role is Role.UNIT else None
        if model is not None:
            yield from _Folder(project, model).read(file.path, (), None)


class _Folder:
    """The cases of one table."""

    def __init__(self, project: Project, model: Model) -> None:
        self._project = project
        self._names = project.names
        self._model = model
        self._known = {project.names.fold(relation): relation for relation in project.models}
        self._texts = Texts(project.root)

    def read(self, folder: str, above: Sequence[str], conf: str | None) -> Iterator[UnitCase]:
        """Read a folder and those inside of it.

        Args:
            folder: Its path.
            above: The CSV files of the folders that it is in, the innermost first: for tables that it has none of.
            conf: The settings that it has from there.
        """
        make = partial(UnitCase, folder, self._model.relation)
        refused = self._untestable(folder)
        if refused is not None:
            yield make(problems=(refused,))
            return
        files = _list(self._project.root, folder)
        confs = [path for path in files.confs if path.endswith(f"/{CONF}")]
        conf = confs[0] if confs else conf
        others = [path for path in files.confs if path not in confs]
        problems = [*files.problems, *(wording.other_conf(path.rpartition("/")[2]).at(path) for path in others)]
        csv = (*files.csv, *above)
        if files.expected is not None and not problems:
            yield self._case(folder, files, above, conf)
        elif problems:
            yield make(problems=tuple(problems))
        elif not files.folders:
            is_empty = not (files.csv or files.confs)
            error = wording.empty_case() if is_empty and not above else wording.no_expected(folder)
            yield make(problems=(error.at(folder),))
        for inner in files.folders:
            yield from self.read(inner, csv, conf)

    def _untestable(self, folder: str) -> Problem | None:
        model = self._model
        if model.kind not in (Kind.QUERY, Kind.PROCESSED):
            return wording.nothing_to_test(model.relation, model.kind.value).at(folder)
        if model.kind is Kind.PROCESSED and (model.processor is None or model.processor.query is None):
            return wording.no_query(model.relation).at(folder)
        return None

    def _case(self, folder: str, files: _Files, above: Sequence[str], conf: str | None) -> UnitCase:
        model = self._model
        path = model.path if model.processor is None else model.processor.query or model.path
        settings, problems = self._settings(conf)
        known = (*model.upstream, *model.sources, model.relation)
        query = read_unit_query(model, self._names, path, settings, folder, known)
        if query.reads is None:
            # What the case lacks cannot be told of a query that cannot be read.
            return UnitCase(folder, model.relation, problems=query.problems)
        read = self._places(query.reads)
        inputs = self._inputs(files.csv, read, problems)
        for relation, one in self._inputs([each for each in above if each not in files.csv], read, problems).items():
            inputs.setdefault(relation, one)
        problems += self._missing(folder, path, read, inputs)
        if model.relation in read and model.relation not in inputs:
            inputs[model.relation] = CaseInput(stand_in(model.relation), None)
        notes = query.notes
        if model.processor is not None:
            notes = (*notes, wording.script_not_run(model.processor.script))
        return UnitCase(
            folder,
            model.relation,
            query.query,
            tuple(inputs.values()),
            files.expected or "",
            tuple(dict.fromkeys((*problems, *query.problems))),
            notes,
        )

    def _settings(self, conf: str | None) -> tuple[CaseSettings, list[Problem]]:
        if conf is None:
            return CaseSettings(), []
        text = self._texts.read(conf)
        if text is None:
            problem = self._texts.problem(conf)
            return CaseSettings(), [] if problem is None else [problem]
        settings, problems = parse_case(text, conf)
        return settings, list(problems)

    def _places(self, references: Iterable[Reference]) -> dict[Relation, Reference]:
        """Where each table is read first."""
        read: dict[Relation, Reference] = {}
        for reference in references:
            if not reference.is_wildcard:
                for relation in resolve(reference, self._names, self._known):
                    read.setdefault(relation, reference)
        return read

    def _inputs(
        self, files: Iterable[str], read: Mapping[Relation, Reference], problems: list[Problem]
    ) -> dict[Relation, CaseInput]:
        """Find the table of each CSV file."""
        found: dict[Relation, CaseInput] = {}
        first: dict[Relation, str] = {}
        for path in files:
            name = path.rpartition("/")[2][: -len(_CSV)]
            relations = self._named(name, read)
            if len(relations) > 1:
                problems.append(wording.ambiguous_input(name, relations).at(path))
            elif not relations:
                problems.append(self._unread(name, read).at(path))
            elif relations[0] in found:
                if path.rpartition("/")[0] == first[relations[0]].rpartition("/")[0]:
                    problems.append(wording.doubled_input(relations[0], first[relations[0]]).at(path))
            else:
                relation = relations[0]
                first[relation] = path
                found[relation] = CaseInput(stand_in(relation), path, self._types(relation))
        return found

    def _named(self, name: str, read: Iterable[Relation]) -> list[Relation]:
        parts = name.split(".")
        if len(parts) == 1:
            return sorted(
                each
                for each in read
                if self._names.fold(Relation(each.schema, name)).name == self._names.fold(each).name
            )
        try:
            wanted = self._names.fold(Relation.of(name))
        except ValueError:
            return []
        return [each for each in read if self._names.fold(each) == wanted]

    def _unread(self, name: str, read: Iterable[Relation]) -> project_wording.TextError:
        known = sorted(read)
        speller = Speller(known)
        if "." in name:
            schema, _, table = name.rpartition(".")
            near = speller.nearest(Relation(schema, table))
        else:
            near = min(speller.nearest_names(name), default=None)
        return wording.unread_input(name, known, near)

    def _missing(
        self, folder: str, path: str, read: Mapping[Relation, Reference], inputs: Mapping[Relation, CaseInput]
    ) -> Iterator[Problem]:
        positions = Positions(self._model.sql, path)
        for relation, reference in read.items():
            if relation not in inputs and relation != self._model.relation:
                yield wording.missing_input(positions.place(reference.start), relation, folder)

    def _types(self, relation: Relation) -> tuple[tuple[str, str], ...]:
        """The types of a table's columns that the project states."""
        model = self._project.models.get(relation)
        if model is None:
            return ()
        if model.load is not None:
            return tuple((column.name, column.type) for column in model.load.columns)
        if model.processor is not None:
            return tuple((column.name, column.type) for column in model.processor.columns)
        return model.settings.columns


def _list(root: Path, folder: str) -> _Files:
    files = _Files()
    try:
        with os.scandir(root / folder) as entries:
            listed = sorted(
                (entry.name, entry.is_dir(follow_symlinks=False))
                for entry in entries
                if not entry.name.startswith((".", "__pycache__"))
            )
    except OSError as error:
        files.problems.append(project_wording.cannot_read(error.strerror or str(error)).at(folder))
        return files
    for name, is_folder in listed:
        path = f"{folder}/{name}"
        if is_folder:
            files.folders.append(path)
        elif name.lower() == EXPECTED:
            files.expected = path
        elif name.lower().endswith(_CSV):
            files.csv.append(path)
        elif name.lower().endswith(".conf"):
            files.confs.append(path)
    return files
