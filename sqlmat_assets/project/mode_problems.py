"""Settings that say how a table is built, and do not go together or with its query."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import modes as wording
from sqlmat_assets.errors import partitions as partition_wording
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.intervals import format_interval
from sqlmat_assets.project.model import Kind, Model
from sqlmat_assets.project.multi_statement import split_query
from sqlmat_assets.project.narrowing.markers import END, START, marker_problems
from sqlmat_assets.project.parse import statement_text
from sqlmat_assets.project.partitions.spec import TimePartitioning
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.settings import ModelSettings, Place, Settings
from sqlmat_assets.project.validate import Draft

LAST_BUILT = "last_built"
_NEAR = 0.75
# The same as other tools call it.
_MEANT: Mapping[str, str] = {
    **{f"start_{unit}": START for unit in ("ds", "dt", "ts", "date")},
    **{f"end_{unit}": END for unit in ("ds", "dt", "ts", "date")},
    "last_run": LAST_BUILT,
    "last_success": LAST_BUILT,
}
_MODE_KEYS = ("mode", "unique_key", "on_match", "order_by")
_ALL_KEYS = (*_MODE_KEYS, "partition_by", "partitions_per_run", "on_change", "on_schema_change")
# What a file of such a kind says of its table, whatever the settings that it inherits.
_NOT_FOR = {
    Kind.DATA: _ALL_KEYS,
    Kind.PROCESSED: _ALL_KEYS,
    Kind.DELIVERY: _ALL_KEYS,
    Kind.LOAD: (*_MODE_KEYS, "columns"),
}
# It has no rows of its own, so it is not built by the clock, in parts, or laid out in any way.
_NOT_FOR_VIEWS = (
    *(key for key in _ALL_KEYS if key != "mode"),
    "schedule",
    "conditions",
    "grace",
    "skip_unchanged",
    "snapshots_interval",
    "snapshots_stored_for",
    "distkey",
    "sortkey",
    "diststyle",
    "cluster_by",
    "partitions_stored_for",
    "labels",
    "encode",
)


def keep_what_fits(
    settings: ModelSettings, own: Iterable[Settings], kind: Kind
) -> tuple[ModelSettings, tuple[Problem, ...]]:
    """Leave out what a table of a kind cannot have: in silence where it is inherited, else with a problem.

    Args:
        settings: Those of a table, after inheritance.
        own: What its own files set.
        kind: What it is.
    """
    is_view = kind is Kind.QUERY and settings.mode == "view"
    keys = _NOT_FOR_VIEWS if is_view else _NOT_FOR.get(kind, ())
    plain = ModelSettings()
    changed = {key: getattr(plain, key) for key in keys if getattr(settings, key) != getattr(plain, key)}
    problems = tuple(
        _at(wording.not_for_view(line.key) if is_view else wording.not_for_kind(line.key, kind.value), line.place)
        for file in own
        for line in file.lines
        if line.key in changed and line.value is not None
    )
    return (replace(settings, **changed) if changed else settings), problems


def mode_problems(draft: Draft) -> Iterator[Problem]:
    """Say what does not go together in how a table is built.

    Args:
        draft: The table.
    """
    yield from _column_problems(draft)
    yield from _without_partitions(draft)
    if draft.model.kind is Kind.QUERY:
        yield from _several_statements(draft)
        names = tuple(_names(draft.model.sql, draft.model.dialect))
        if draft.model.is_view:
            yield from _view_problems(draft)
        else:
            yield from _missing(draft, {name for name, _, _ in names})
            yield from _idle(draft)
        yield from _name_problems(draft, names) if names else ()


def future_starts(models: Iterable[Model], now: datetime) -> Iterator[Problem]:
    """Warn of tables that have no partition yet.

    Args:
        models: Some tables.
        now: The moment.
    """
    for model in models:
        by = model.settings.partition_by
        if isinstance(by, TimePartitioning) and by.start > now and not model.is_quarantined:
            yield wording.starts_in_future(model.path, by.typed(by.start))


def _several_statements(draft: Draft) -> Iterator[Problem]:
    """What statements before the SELECT do not go together with: all that puts the query into another one."""
    model = draft.model
    settings = model.settings
    used = [
        *(["mode"] if settings.mode != "replace" else []),
        *(["partition_by"] if settings.partition_by is not None else []),
    ]
    if used and split_query(statement_text(model), model.dialect)[0]:
        for key in used:
            error = wording.several_statements(key)
            yield _at(error, draft.places[key]) if key in draft.places else error.at(model.path)


def _view_problems(draft: Draft) -> Iterator[Problem]:
    """What a view cannot be, beside the settings that it cannot have."""
    model = draft.model
    if model.interval is not None:
        yield wording.view_with_interval(format_interval(model.interval)).at(model.path, is_warning=True)
    if draft.reads_itself:
        yield wording.view_of_itself(model.relation).at(model.path)
    for query in model.checks:
        if query.on_result:
            spec = query.specs[0]
            yield wording.view_on_result().at(spec.path, spec.line, 1)


def _missing(draft: Draft, names: set[str]) -> Iterator[Problem]:
    """What a mode needs and does not have."""
    settings = draft.model.settings
    if settings.unique_key or not draft.refused.isdisjoint({"mode", "unique_key"}) or "mode" not in draft.places:
        return
    place = draft.places["mode"]
    if settings.mode == "merge":
        yield _at(wording.merge_without_key(), place)
    elif settings.mode == "append" and LAST_BUILT not in names and not draft.reads_itself:
        yield _at(wording.append_without_end(), place)


def _idle(draft: Draft) -> Iterator[Problem]:
    """What the table's own files set and nothing uses; what it inherits is meant for others."""
    settings = draft.model.settings
    own = {key: draft.places[key] for key in draft.own if key in draft.places}
    if "mode" in draft.refused:
        return
    if settings.mode == "replace" and "unique_key" in own:
        yield _at(wording.key_without_mode(), own["unique_key"])
    for key in ("on_match", "order_by"):
        if settings.mode != "merge" and key in own:
            yield _at(wording.only_with_merge(key), own[key])
    is_whole = settings.mode == "replace" and settings.partition_by is None and "partition_by" not in draft.refused
    for key in ("on_change", "on_schema_change"):
        if is_whole and key in own:
            yield _at(wording.only_in_parts(key), own[key])


def _without_partitions(draft: Draft) -> Iterator[Problem]:
    """How partitions are built, of a table that has none."""
    key = "partitions_per_run"
    if draft.model.is_view:
        return  # which cannot have it at all
    if draft.model.settings.partition_by is None and "partition_by" not in draft.refused and key in draft.own:
        yield _at(wording.only_with_partitions(key), draft.places[key])


def _column_problems(draft: Draft) -> Iterator[Problem]:
    by = draft.model.settings.partition_by
    if by is None or not draft.has_all_columns:
        return
    columns = [column.name for column in draft.model.columns]
    if by.column.casefold() not in {column.casefold() for column in columns}:
        near = difflib.get_close_matches(by.column, columns, n=1)
        error = partition_wording.missing_column(by.column, near[0] if near else None, columns)
        yield _at(error, draft.places["partition_by"])


def _name_problems(draft: Draft, names: Iterable[tuple[str, int, int]]) -> Iterator[Problem]:
    """What is wrong with the `@names` of a query; those of other things stay what they are."""
    model = draft.model
    is_known = "partition_by" not in draft.refused
    yield from marker_problems(model.sql, model.dialect, model.path, model.settings.partition_by, is_known=is_known)
    positions = Positions(model.sql, model.path)
    for name, start, end in names:
        if name == LAST_BUILT:
            if model.settings.mode in ("replace", "view") and "mode" not in draft.refused:
                yield wording.last_built_without_mode(positions.place(start))
        elif not name.startswith("partition") and (meant := _meant(name)) is not None:
            # BigQuery's own parameters may be called so.
            is_warning = model.dialect == "bigquery"
            place = positions.place(start)
            yield wording.unknown_name(place, model.sql[start:end], f"@{meant}", is_warning=is_warning)


def _meant(name: str) -> str | None:
    near = difflib.get_close_matches(name, (START, END, LAST_BUILT), n=1, cutoff=_NEAR)
    return _MEANT.get(name) or (near[0] if near else None)


def _names(text: str, dialect: str) -> Iterator[tuple[str, int, int]]:
    """Every `@name` outside of strings and comments: the name in lower case, and where it begins and ends."""
    if "@" not in text:
        return
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(text)
    except SqlglotError:
        return
    for sign, name in pairwise(tokens):
        if sign.token_type is TokenType.PARAMETER and sign.text == "@" and name.start == sign.end + 1:
            yield name.text.lower(), sign.start, name.end + 1


def _at(error: TextError, place: Place) -> Problem:
    return error.at(place.path, place.line, place.column)
