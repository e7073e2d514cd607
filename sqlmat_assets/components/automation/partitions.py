"""Which partitions of the tables have been built, from the event log of the instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from sqlmat_assets.components.events import read_decided_at
from sqlmat_assets.components.translation import translate_key
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.due_partitions import BuiltPartitions
from sqlmat_assets.project.partitions.spec import ListPartitioning, Partitioning, TimePartitioning
from sqlmat_assets.relation import Relation

_NONE = BuiltPartitions()


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was found when the last materialization of a table had this place in the log."""

    storage_id: int
    partitions: BuiltPartitions


class BuiltKeys:
    """The partitions of tables, asked for again when a table has a new materialization.

    Args:
        partitionings: Of the tables that have partitions.
    """

    def __init__(self, partitionings: Mapping[Relation, Partitioning]) -> None:
        self._partitionings = partitionings
        self._seen: dict[Relation, _Seen] = {}

    def __contains__(self, relation: Relation) -> bool:
        return relation in self._partitionings

    def read(self, instance: dg.DagsterInstance, relation: Relation, storage_id: int | None) -> None:
        """Look at a table whose last materialization has this place in the log; None when it has none."""
        partitioning = self._partitionings.get(relation)
        if partitioning is None:
            return
        if storage_id is None:
            self.forget(relation)
        elif relation not in self._seen or self._seen[relation].storage_id != storage_id:
            self._seen[relation] = _Seen(storage_id, _read(instance, relation, partitioning))

    def forget(self, relation: Relation) -> None:
        """Count a table as one that was never built."""
        self._seen.pop(relation, None)

    def found(self, relation: Relation) -> BuiltPartitions:
        """What was found last."""
        seen = self._seen.get(relation)
        return _NONE if seen is None else seen.partitions


def _read(instance: dg.DagsterInstance, relation: Relation, partitioning: Partitioning) -> BuiltPartitions:
    keys = instance.get_materialized_partitions(translate_key(relation))
    if isinstance(partitioning, ListPartitioning):
        return BuiltPartitions.of(partitioning, keys)
    newest = max(keys, key=lambda key: _start(partitioning, key), default=None)
    newest_at = None if newest is None else _fetch_decided_at(instance, relation, newest)
    return BuiltPartitions.of(partitioning, keys, newest_at)


def _start(partitioning: TimePartitioning, key: str) -> datetime:
    try:
        return partitioning.bounds(key).start
    except TextError:
        return datetime.min.replace(tzinfo=UTC)


def _fetch_decided_at(instance: dg.DagsterInstance, relation: Relation, key: str) -> datetime | None:
    """When the last build of one partition was decided; for one that does not say, when it ended."""
    wanted = dg.AssetRecordsFilter(asset_key=translate_key(relation), asset_partitions=[key])
    records = instance.fetch_materializations(wanted, limit=1).records
    if not records or records[0].asset_materialization is None:
        return None
    told = read_decided_at(records[0].asset_materialization.metadata)
    return told or datetime.fromtimestamp(records[0].timestamp, UTC)
