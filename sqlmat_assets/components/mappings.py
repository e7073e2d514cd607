"""Which partitions of one table the partitions of another need, derived from its SQL."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from sqlmat_assets.project.cache import ParseCache
from sqlmat_assets.project.histories import base_of, may_be_history
from sqlmat_assets.project.model import Model, Project
from sqlmat_assets.project.partitions.spec import Partitioning, TimePartitioning
from sqlmat_assets.relation import Relation

if TYPE_CHECKING:
    from sqlmat_assets.project.narrowing.mapping import Window

Mappings = Mapping[Relation, dg.PartitionMapping]
"""The mapping to each table that is read, where both have partitions."""

_KIND = "windows"
_PACKAGE = Path(__file__).parents[1] / "project"


def translate_mappings(project: Project, cache_dir: Path | None = None) -> Mapping[Relation, Mappings]:
    """The mappings of all tables with partitions that read others with partitions.

    Of everything else Dagster knows by itself that all of it is read.

    Args:
        project: The tables.
        cache_dir: Where what was derived is kept for the next process; None to keep nothing.
    """
    asked = {model.relation: reads for model in project if (reads := _partitioned_reads(model, project))}
    if not asked:
        return {}
    file = None if cache_dir is None else cache_dir / f"windows-{_digest(str(project.root.absolute()))}.json"
    cache = ParseCache(file, _version())
    found = {relation: _translate(project.models[relation], reads, project, cache) for relation, reads in asked.items()}
    cache.save()
    return found


def _partitioned_reads(model: Model, project: Project) -> dict[Relation, Partitioning]:
    if model.settings.partition_by is None or model.is_quarantined:
        return {}
    reads = ((read, project.models.get(read)) for read in model.upstream if read != model.relation)
    named = ((read, None if it is None else it.settings.partition_by) for read, it in reads)
    return {read: partitioning for read, partitioning in named if partitioning is not None}


def _translate(model: Model, reads: Mapping[Relation, Partitioning], project: Project, cache: ParseCache) -> Mappings:
    own = model.settings.partition_by
    if not isinstance(own, TimePartitioning):
        return dict.fromkeys(reads, dg.AllPartitionMapping())
    text = repr((own, sorted(reads.items()), [_columns(project.models[read]) for read in sorted(reads)], model.sql))
    offsets: dict[str, list[int] | None] | None = cache.find(_KIND, model.path, text)
    if offsets is None:
        windows = _derive(model, own, reads, project)
        offsets = {str(read): window and list(window.offsets(own.grain)) for read, window in windows.items()}
        cache.keep(_KIND, model.path, text, offsets)
    # Partitions of snapshots are nobody's: whoever reads a history reads all of it.
    fold = project.names.fold
    whole = {fold(base_of(source)) for source in model.sources if may_be_history(source)}
    return {read: _mapping(None if fold(read) in whole else offsets.get(str(read))) for read in reads}


def _derive(
    model: Model, own: TimePartitioning, reads: Mapping[Relation, Partitioning], project: Project
) -> Mapping[Relation, Window | None]:
    # Loading what is cached needs no parser, whose import takes half a second.
    from sqlmat_assets.project.narrowing.mapping import windows
    from sqlmat_assets.project.narrowing.sources import Tables

    types = {read: _types(project.models[read], partitioning) for read, partitioning in reads.items()}
    tables = Tables({read: columns for read, columns in types.items() if columns})
    return windows(model.sql, project.names, own, reads, tables)


def _types(model: Model, partitioning: Partitioning) -> dict[str, str]:
    """The columns of a table; nobody has asked the warehouse for their types, but one of them is a time."""
    columns = dict.fromkeys(_columns(model), "?")
    if partitioning.column in columns:
        columns[partitioning.column] = "TIMESTAMP"
    return columns


def _columns(model: Model) -> tuple[str, ...]:
    return tuple(column.name for column in model.columns)


def _mapping(offsets: list[int] | None) -> dg.PartitionMapping:
    if offsets is None:
        return dg.AllPartitionMapping()
    with warnings.catch_warnings():
        # Dagster calls that parameter a beta. The tables need not begin at the same time, nor end.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.TimeWindowPartitionMapping(*offsets, allow_nonexistent_upstream_partitions=True)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _version() -> str:
    """Tell one state of what derives them from another."""
    state = hashlib.blake2b(digest_size=16)
    for source in sorted((*_PACKAGE.glob("narrowing/*.py"), *_PACKAGE.glob("partitions/*.py"))):
        state.update(source.read_bytes())
    return state.hexdigest()
