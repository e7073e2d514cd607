"""From a folder to a project."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlmat_assets.errors import Problem, UsageError
from sqlmat_assets.errors import project as wording
from sqlmat_assets.errors.usage import with_hint
from sqlmat_assets.project.cache import ParseCache
from sqlmat_assets.project.companions import group_files
from sqlmat_assets.project.delivery_drafts import draft_deliveries, outlast
from sqlmat_assets.project.draft import Drafter
from sqlmat_assets.project.files import Role, Scan, SharedConf, read_folder
from sqlmat_assets.project.graph import ModelGraph, effective_intervals, versions_through_views
from sqlmat_assets.project.histories import connect_histories, history_problems
from sqlmat_assets.project.keys import KEYS
from sqlmat_assets.project.mode_problems import mode_problems
from sqlmat_assets.project.model import Model, Project
from sqlmat_assets.project.parsed import ParsedFiles
from sqlmat_assets.project.prices import Prices
from sqlmat_assets.project.references import Names
from sqlmat_assets.project.settings import Setting, Settings, nearest, parse_conf
from sqlmat_assets.project.texts import Texts
from sqlmat_assets.project.validate import Draft, find_problems
from sqlmat_assets.relation import Relation

_DEFAULT_DIALECT = "duckdb"
# Known without asking sqlglot, whose import takes a while.
_DIALECTS = frozenset({"bigquery", "duckdb", "postgres", "redshift"})
_TEXT_ROLES = frozenset({Role.SQL, Role.CHECKS, Role.CONF})


def load_project(
    root: Path, *, dialect: str | None = None, cache_dir: Path | None = None, cached_as: Path | None = None
) -> Project:
    """Read a folder of SQL files. What is wrong in it is in the result: one broken file never hides another.

    Args:
        root: The folder.
        dialect: The SQL dialect; else the one that `global.conf` says, else DuckDB's.
        cache_dir: Where parsed files are kept between loads; None to keep nothing.
        cached_as: The folder whose files they are kept as, where that is another one than the root.

    Raises:
        UsageError: The root is no folder, or there is no such dialect.
    """
    if not root.is_dir():
        raise UsageError(wording.not_a_folder(str(root)))
    if dialect is not None:
        try:
            check_dialect(dialect)
        except wording.TextError as error:
            raise UsageError(with_hint(error.what, error.hint)) from error
    return _load(root, dialect, cache_dir, cached_as or root)


def _load(root: Path, dialect: str | None, cache_dir: Path | None, cached_as: Path) -> Project:
    texts = Texts(root)
    scan = _without_gone(read_folder(root), texts)
    confs = {conf.path: _read_conf(conf, texts) for conf in scan.confs}
    own = [confs[conf.path] for conf in scan.confs if conf.schema is None]
    names, problems = _choose_names(own, dialect)
    grouped = group_files(scan, names.fold)
    cache = ParseCache.open(cache_dir, cached_as, names.dialect)
    known = {names.fold(table.relation): table.relation for table in grouped.tables}
    parsed = ParsedFiles(cache, names.dialect)
    drafter = Drafter(texts, parsed, names, known)
    shared = [Settings(problems=tuple(problems)), *own]
    drafts: list[Draft] = []
    for table in grouped.tables:
        of_schema = grouped.schema_confs.get(names.fold(table.relation).schema, ())
        drafts.append(drafter.draft(table, [*shared, *(confs[path] for path in of_schema)]))
    sent, loose = draft_deliveries(grouped.tables, drafts, texts, parsed)
    drafts = sorted([*drafts, *sent], key=lambda draft: draft.model.relation)
    problems += loose
    cache.save()
    models = _finish(drafts, names)
    for found in (scan.problems, grouped.problems, *(conf.problems for conf in confs.values())):
        problems += found
    for model in models.values():
        problems += model.problems
    if not models and not any(not problem.is_warning for problem in problems):
        problems.append(wording.no_tables().at(".", is_warning=True))
    return Project(root, names.dialect, MappingProxyType(models), _sorted(problems), names, _choose_prices(own))


def _without_gone(scan: Scan, texts: Texts) -> Scan:
    """Leave out what was deleted between listing and reading, as if it had gone a moment earlier."""
    files = tuple(file for file in scan.files if file.role not in _TEXT_ROLES or not texts.is_gone(file.path))
    confs = tuple(conf for conf in scan.confs if not texts.is_gone(conf.path))
    return replace(scan, files=files, confs=confs)


def _read_conf(conf: SharedConf, texts: Texts) -> Settings:
    text = texts.read(conf.path)
    if text is None:
        problem = texts.problem(conf.path)
        return Settings(problems=() if problem is None else (problem,))
    return parse_conf(text, conf.path, is_global=conf.schema is None)


def _choose_names(confs: Iterable[Settings], dialect: str | None) -> tuple[Names, list[Problem]]:
    """Take the dialect and the catalog from `global.conf`; a dialect that the caller names wins."""
    found = _global_lines(confs)
    values: dict[str, Any] = {key: line.value for key, line in found.items() if line.value is not None}
    problems: list[Problem] = []
    chosen = dialect or values.get("dialect", _DEFAULT_DIALECT)
    if dialect is None and "dialect" in values:
        try:
            check_dialect(chosen)
        except wording.TextError as error:
            place = found["dialect"].place
            problems.append(error.at(place.path, place.line, place.column))
            chosen = _DEFAULT_DIALECT
    return Names(chosen, values.get("catalog"), values.get("catalog_aliases", ())), problems


def _choose_prices(confs: Iterable[Settings]) -> Prices:
    found = _global_lines(confs)
    given: dict[str, Any] = {key: found[key].value for key in ("usd_per_tib", "daily_budget") if key in found}
    return Prices(**{key: value for key, value in given.items() if value is not None})


def _global_lines(confs: Iterable[Settings]) -> dict[str, Setting]:
    return {line.key: line for conf in confs for line in conf.lines if KEYS[line.key].is_global}


def check_dialect(name: str) -> None:
    """Refuse what sqlglot has no dialect for.

    Raises:
        TextError: There is no such dialect.
    """
    if name in _DIALECTS:
        return
    from sqlglot.dialects.dialect import Dialects

    known = sorted(dialect.value for dialect in Dialects if dialect.value)
    if name not in known:
        raise wording.unknown_dialect(name, nearest(name, known), known)


def _finish(drafts: Iterable[Draft], names: Names) -> dict[Relation, Model]:
    """Add to each model what follows from the others."""
    drafts = connect_histories(tuple(drafts), names.fold)
    models = [draft.model for draft in drafts]
    graph = ModelGraph(models)
    effective = effective_intervals(models)
    versions = versions_through_views(models, graph)
    found = find_problems(drafts, graph, effective, names.fold)
    for relation, problem in history_problems(drafts, names.fold):
        found[relation].append(problem)
    return {
        model.relation: replace(
            model,
            effective_interval=None if model.is_view else effective.get(outlast(model)),
            version=versions[model.relation],
            problems=_sorted([*model.problems, *found[model.relation], *mode_problems(draft)]),
        )
        for draft, model in zip(drafts, models, strict=True)
    }


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(set(problems), key=lambda p: (p.path, p.line, p.column, p.what, p.hint or "")))
