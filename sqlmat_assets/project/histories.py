"""The histories of tables with snapshots: who reads them, and what does not go together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import snapshots as wording
from sqlmat_assets.project.intervals import format_interval
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.validate import Draft, Read
from sqlmat_assets.relation import Relation

STAMP = "snapshot_timestamp"
"""The column of a history with the moment of the snapshot."""

_ENDING = "_history"
_INTERVAL, _STORED_FOR = "snapshots_interval", "snapshots_stored_for"

Fold = Callable[[Relation], Relation]


def history_of(relation: Relation) -> Relation:
    """The table with the snapshots of another.

    Examples:
        >>> str(history_of(Relation("first", "cities")))
        'first.cities_history'
    """
    return replace(relation, name=relation.name + _ENDING)


def base_of(history: Relation) -> Relation:
    """The table whose snapshots are in a table that is called like one with snapshots."""
    return replace(history, name=history.name[: -len(_ENDING)])


def may_be_history(relation: Relation) -> bool:
    """Whether a table is called like one with snapshots."""
    return relation.name.lower().endswith(_ENDING)


def connect_histories(drafts: Sequence[Draft], fold: Fold) -> tuple[Draft, ...]:
    """Have tables that read the history of another come after that, so that they see the snapshot of the same run.

    One that is read by the table of the history, near or far, sees the snapshots of earlier runs: both cannot be last.

    Args:
        drafts: All tables.
        fold: Gives the name by which the engine knows a table.
    """
    bases = _bases(drafts, fold)
    readers = [draft for draft in drafts if any(fold(read.relation) in bases for read in _reads(draft))]
    if not readers:
        return tuple(drafts)
    upstream = {draft.model.relation: list(draft.model.upstream) for draft in drafts}
    for draft in sorted(readers, key=lambda draft: draft.model.relation):
        own = draft.model.relation
        for read in draft.reads:
            base = bases.get(fold(read.relation))
            if base is not None and base not in upstream[own] and not _depends(base, own, upstream):
                upstream[own].append(base)
    changed = {draft.model.relation: _connected(draft, bases, fold, upstream) for draft in readers}
    return tuple(changed.get(draft.model.relation, draft) for draft in drafts)


def history_problems(drafts: Iterable[Draft], fold: Fold) -> Iterator[tuple[Relation, Problem]]:
    """Say what does not go together with snapshots, for each table that it concerns.

    Args:
        drafts: All tables.
        fold: Gives the name by which the engine knows a table.
    """
    drafts = tuple(drafts)
    models = {fold(draft.model.relation): draft.model for draft in drafts}
    kept = {draft.model.relation: draft.model for draft in drafts if _has_any(draft.model)}
    for draft in drafts:
        for problem in (*_problems(draft, models, fold), *_early_reads(draft, kept)):
            yield draft.model.relation, problem


def _early_reads(draft: Draft, kept: Mapping[Relation, Model]) -> Iterator[Problem]:
    """Say which histories a table reads that begin only after it: those of tables that depend on it."""
    own = draft.model.relation
    for read in draft.reads:
        base = kept.get(read.relation)
        if base is not None and base.relation != own and base.relation not in draft.model.upstream:
            names = (str(own), str(history_of(base.relation)), str(base.relation))
            place = read.place
            yield wording.history_begins_later(*names, STAMP).at(place.path, place.line, place.column, is_warning=True)


def _bases(drafts: Iterable[Draft], fold: Fold) -> dict[Relation, Relation]:
    """The tables with snapshots by the names of their histories, but for those whose place is taken."""
    taken = {fold(draft.model.relation) for draft in drafts}
    found = {fold(history_of(draft.model.relation)): draft.model.relation for draft in drafts if _has_any(draft.model)}
    return {history: base for history, base in found.items() if history not in taken}


def _has_any(model: Model) -> bool:
    return model.settings.snapshots_interval is not None and not model.is_view


def _reads(draft: Draft) -> tuple[Read, ...]:
    return (*draft.reads, *draft.check_reads)


def _depends(relation: Relation, on: Relation, upstream: Mapping[Relation, Sequence[Relation]]) -> bool:
    """Whether a table is another, or reads it, near or far."""
    seen, ahead = {relation}, [relation]
    while ahead:
        each = ahead.pop()
        if each == on:
            return True
        new = [read for read in upstream.get(each, ()) if read not in seen]
        seen.update(new)
        ahead += new
    return False


def _connected(
    draft: Draft, bases: Mapping[Relation, Relation], fold: Fold, upstream: Mapping[Relation, Sequence[Relation]]
) -> Draft:
    def based(reads: Iterable[Read]) -> tuple[Read, ...]:
        return tuple(replace(read, relation=bases.get(fold(read.relation), read.relation)) for read in reads)

    model = replace(draft.model, upstream=tuple(upstream[draft.model.relation]))
    return replace(draft, model=model, reads=based(draft.reads), check_reads=based(draft.check_reads))


def _problems(draft: Draft, models: Mapping[Relation, Model], fold: Fold) -> Iterator[Problem]:
    model, settings = draft.model, draft.model.settings
    own = {key: draft.places[key] for key in (_INTERVAL, _STORED_FOR) if key in draft.own and key in draft.places}
    if model.is_view:
        return
    interval, stored_for = settings.snapshots_interval, settings.snapshots_stored_for
    if interval is None:
        if _STORED_FOR in own and _INTERVAL not in draft.refused:
            place = own[_STORED_FOR]
            yield wording.stored_without_interval().at(place.path, place.line, place.column)
        return
    place, history = draft.places[_INTERVAL], history_of(model.relation)
    other = models.get(fold(history))
    if other is not None:
        error = wording.history_is_built(str(model.relation), model.path, str(other.relation), other.path)
        yield error.at(place.path, place.line, place.column)
    if any(column.name.casefold() == STAMP for column in model.columns):
        error = wording.column_taken(str(model.relation), str(history), STAMP)
        yield error.at(model.path)
    if stored_for is not None and stored_for < interval:
        error = wording.stored_too_short(format_interval(stored_for), format_interval(interval))
        place = draft.places[_STORED_FOR]
        yield error.at(place.path, place.line, place.column, is_warning=True)
