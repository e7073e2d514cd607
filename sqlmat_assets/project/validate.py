"""The rules that no single file can break: they need the whole project."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import project as wording
from sqlmat_assets.project.conditions import format_conditions
from sqlmat_assets.project.graph import ModelGraph
from sqlmat_assets.project.intervals import is_interval
from sqlmat_assets.project.model import Kind, Model
from sqlmat_assets.project.settings import Place, nearest
from sqlmat_assets.project.spelling import Speller
from sqlmat_assets.relation import Relation

# What a file or another system gives is as old as it is; nobody has to say how often to build it.
_NEEDS_NO_INTERVAL = frozenset({Kind.DATA, Kind.LOAD, Kind.DELIVERY})
# `FROM cities.sql` reads no file.
_FILE_ENDINGS = frozenset({"sql", "csv", "parquet", "ndjson"})
_COLUMN_KEYS = ("distkey", "sortkey", "encode", "cluster_by", "unique", "not_null", "unique_key", "order_by")


@dataclass(frozen=True, slots=True)
class Read:
    """A table that a query reads, where it says so; it may be one of the project or from outside."""

    relation: Relation
    place: Place


@dataclass(frozen=True, slots=True)
class Bare:
    """A name without a schema that is no table of the project; `name` is folded, `written` is as written."""

    name: str
    written: str
    place: Place


@dataclass(frozen=True, slots=True)
class Draft:
    """A model that knows nothing of the others, and where things stand in its files.

    `places` are those of its settings, `refused` the keys of those that cannot be read, `own` of those that its own
    files set. `has_all_columns`: the model's columns are all that the table has.
    """

    model: Model
    reads: tuple[Read, ...] = ()
    check_reads: tuple[Read, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict[str, Place])
    refused: frozenset[str] = frozenset()
    has_all_columns: bool = False
    bare: tuple[Bare, ...] = ()
    check_bare: tuple[Bare, ...] = ()
    own: frozenset[str] = frozenset()
    reads_itself: bool = False


def find_problems(
    drafts: Iterable[Draft],
    graph: ModelGraph,
    effective: Mapping[Relation, timedelta],
    fold: Callable[[Relation], Relation],
) -> dict[Relation, list[Problem]]:
    """Say what is wrong between tables, for each table that it concerns.

    A cycle is one problem, found at all of its members.

    Args:
        drafts: All tables.
        graph: Who reads whom.
        effective: The intervals of those that have one.
        fold: Gives the name by which the engine knows a table.
    """
    drafts = tuple(drafts)
    models = {draft.model.relation: draft.model for draft in drafts}
    found: dict[Relation, list[Problem]] = {relation: [] for relation in models}
    reads = {read.relation for draft in drafts for read in draft.reads}
    bare = {read.name for draft in drafts for read in draft.bare}
    by_name: dict[str, list[Relation]] = {}
    for relation in models:
        by_name.setdefault(fold(relation).name, []).append(relation)
        by_name[str(fold(relation))] = [relation]
    speller = Speller(models)
    for draft in drafts:
        problems = found[draft.model.relation]
        problems.extend(_interval_problems(draft, graph, effective, models))
        problems.extend(_calendar_problems(draft))
        problems.extend(_column_problems(draft))
        problems.extend(_design_problems(draft))
        problems.extend(_name_problems(draft.model, draft.places))
        problems.extend(_source_problems(draft, models, speller))
        problems.extend(_check_problems(draft, models, reads, speller))
        problems.extend(_bare_problems(draft, bare, by_name, speller))
    for relation, problem in _cycle_problems(graph, {draft.model.relation: draft for draft in drafts}):
        found[relation].append(problem)
    return found


def _interval_problems(
    draft: Draft, graph: ModelGraph, effective: Mapping[Relation, timedelta], models: Mapping[Relation, Model]
) -> Iterator[Problem]:
    model = draft.model
    relation = model.relation
    if model.kind in _NEEDS_NO_INTERVAL or (model.processor is not None and not model.processor.definition):
        return  # without its CREATE TABLE a processed table has no file that could name the interval
    if model.is_view or model.settings.schedule is not None or "schedule" in draft.refused:
        return
    if relation not in effective and not _is_read_by_table(relation, graph, models):
        checked = _meant_to_check(relation, models)
        if checked is not None:
            yield wording.checks_called_table(relation, f"{checked.name}_test.sql", checked).at(model.path)
            return
        stem, dot, ending = model.path.rpartition("/")[2].rpartition(".")
        table, _, last = stem.rpartition("_")
        name = f"{table} - {last}" if table and is_interval(last) else f"{stem} - 24h"
        yield wording.root_without_interval(relation, f"{name}{dot}{ending}").at(model.path)


def _is_read_by_table(relation: Relation, graph: ModelGraph, models: Mapping[Relation, Model]) -> bool:
    """Whether a table reads it, be it by way of views; a view, or a delivery, asks for nothing by itself."""
    seen: set[Relation] = set()
    ahead = list(graph.downstream(relation))
    for reader in ahead:
        if not models[reader].is_view and not models[reader].is_delivery:
            return True
        if reader not in seen:
            seen.add(reader)
            ahead += graph.downstream(reader)
    return False


def _calendar_problems(draft: Draft) -> Iterator[Problem]:
    """Find a schedule whose every time the conditions leave out; each by itself has been read as possible."""
    calendar = draft.model.settings.calendar
    if calendar.cron is not None and calendar.conditions and not calendar.comes_ever:
        error = wording.conditions_leave_nothing(calendar.cron, format_conditions(calendar.conditions))
        places = (draft.places.get(key) for key in ("schedule", "conditions"))
        place = max((place for place in places if place is not None), key=lambda place: place.path == draft.model.path)
        yield _at(error, place)


def _meant_to_check(relation: Relation, models: Mapping[Relation, Model]) -> Relation | None:
    """Give the table whose checks a file called `cities_tests.sql` or `test_cities.sql` seems to hold."""
    name = relation.name.lower()
    for start, end in (("test_", ""), ("tests_", ""), ("", "_tests"), ("", "_check"), ("", "_checks"), ("", "test")):
        if name.startswith(start) and name.endswith(end):
            checked = Relation(relation.schema, relation.name[len(start) : len(relation.name) - len(end)])
            if checked in models:
                return checked
    return None


def _cycle_problems(graph: ModelGraph, drafts: Mapping[Relation, Draft]) -> Iterator[tuple[Relation, Problem]]:
    for cycle in graph.cycles:
        first, second = cycle.way[:2]
        place = next(read.place for read in drafts[first].reads if read.relation == second)
        steps = [(relation, drafts[relation].model.path) for relation in cycle.way]
        problem = wording.cycle(steps, len(cycle.members)).at(place.path, place.line, place.column)
        for relation in sorted(cycle.members):
            yield relation, problem


def _column_problems(draft: Draft) -> Iterator[Problem]:
    if not draft.has_all_columns:
        return
    names = [column.name for column in draft.model.columns]
    known = {name.casefold() for name in names}
    for key in _COLUMN_KEYS:
        missing = [column for column in _columns_of(draft.model, key) if column.casefold() not in known]
        for column in dict.fromkeys(missing):
            place = draft.places[key]
            error = wording.key_column_missing(key, column, draft.model.relation, names, nearest(column, names))
            yield error.at(place.path, place.line, place.column)


def _design_problems(draft: Draft) -> Iterator[Problem]:
    """Find what a table cannot be told together of how its rows are distributed."""
    settings = draft.model.settings
    key, style = settings.distkey, settings.diststyle
    if style == "key" and key is None:
        yield _at(wording.no_distkey(), draft.places["diststyle"])
    elif style in ("even", "all", "auto") and key is not None:
        yield _at(wording.distkey_of_no_use(style, key), draft.places["diststyle"])


def _columns_of(model: Model, key: str) -> Iterator[str]:
    settings = model.settings
    match key:
        case "distkey":
            yield from () if settings.distkey is None else (settings.distkey,)
        case "unique":
            yield from (column for group in settings.unique for column in group)
        case "sortkey":
            yield from settings.sortkey.columns
        case "cluster_by":
            yield from settings.cluster_by
        case "encode":
            yield from (column for column, _ in settings.encode)
        case "unique_key":
            yield from settings.unique_key
        case "order_by":
            yield from (column for column, _ in settings.order_by)
        case _:
            yield from settings.not_null


def _name_problems(model: Model, places: Mapping[str, Place]) -> Iterator[Problem]:
    """Find checks of one name: rules beside the file's and each other, and checks of two files."""
    taken: dict[str, tuple[str, int]] = {}
    for query in model.checks:
        for spec in query.specs:
            path, line = taken.setdefault(spec.name, (spec.path, spec.line))
            # Within one file the parser of the checks has said so already.
            if path != spec.path:
                yield wording.rule_name_taken(spec.name, model.relation, path, line).at(spec.path, spec.line, 1)
    for rule in model.rules:
        place = places[rule.kind.value]
        if rule.spec.name in taken:
            path, line = taken[rule.spec.name]
            error = wording.rule_name_taken(rule.spec.name, model.relation, path, line)
            yield error.at(place.path, place.line, place.column)
        taken[rule.spec.name] = (place.path, place.line)


def _source_problems(draft: Draft, models: Mapping[Relation, Model], speller: Speller) -> Iterator[Problem]:
    seen: set[Relation] = set()
    for read in draft.reads:
        if read.relation in models or read.relation.catalog is not None or read.relation in seen:
            continue
        seen.add(read.relation)
        near = speller.nearest(read.relation)
        if near is None and read.relation.name in _FILE_ENDINGS:
            near = min(speller.nearest_names(read.relation.schema), default=None)
        if near is not None:
            error = wording.source_like_table(read.relation, near)
            yield error.at(read.place.path, read.place.line, read.place.column, is_warning=True)


def _check_problems(
    draft: Draft, models: Mapping[Relation, Model], reads: set[Relation], speller: Speller
) -> Iterator[Problem]:
    """Find tables that only a check reads."""
    for read in draft.check_reads:
        if read.relation not in models and read.relation not in reads:
            error = wording.check_reads_unknown(read.relation, speller.nearest(read.relation))
            yield error.at(read.place.path, read.place.line, read.place.column)


def _bare_problems(
    draft: Draft, read_bare: set[str], by_name: Mapping[str, Sequence[Relation]], speller: Speller
) -> Iterator[Problem]:
    """Find names without a schema that are, or are nearly, those of tables of the project."""
    own = draft.model.relation
    for name, read in _first_by_name(draft.bare):
        # A staging table is often called like the outside table that it reads.
        near = [relation for relation in _named(name, by_name, speller) if relation != own]
        if near:
            yield _at(wording.source_without_schema(read.written, near), read.place, is_warning=True)
    for name, read in _first_by_name(draft.check_bare):
        near = by_name.get(name) or (() if name in read_bare else _named(name, by_name, speller))
        # What has a dot may be a file.
        if near or (name not in read_bare and "." not in name):
            yield _at(wording.check_without_schema(read.written, near), read.place)


def _named(name: str, by_name: Mapping[str, Sequence[Relation]], speller: Speller) -> Sequence[Relation]:
    return by_name.get(name) or (() if "." in name else speller.nearest_names(name))


def _first_by_name(bare: Iterable[Bare]) -> Iterable[tuple[str, Bare]]:
    found: dict[str, Bare] = {}
    for read in bare:
        found.setdefault(read.name, read)
    return found.items()


def _at(error: wording.TextError, place: Place, *, is_warning: bool = False) -> Problem:
    return error.at(place.path, place.line, place.column, is_warning=is_warning)
