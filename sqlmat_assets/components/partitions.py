"""The partitions of a table as Dagster has them, and which of them a run is about."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from sqlmat_assets.execution.piece import WHOLE, Piece
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.partitions.grains import Grain
from sqlmat_assets.project.partitions.ranges import ListRange, Range
from sqlmat_assets.project.partitions.spec import ListPartitioning, Partitioning, TimePartitioning

_MONDAY = 1


def translate_partitions(model: Model) -> dg.PartitionsDefinition | None:
    """The partitions of a table; None for one without.

    The last one is the one that has ended last. Where an interval asks for fresh rows, it is the one that goes on.
    """
    partitioning = model.settings.partition_by
    if partitioning is None:
        return None
    if isinstance(partitioning, ListPartitioning):
        return dg.StaticPartitionsDefinition([str(value) for value in partitioning.values])
    return _translate_time(partitioning, is_going_on=model.effective_interval is not None)


def _translate_time(partitioning: TimePartitioning, *, is_going_on: bool) -> dg.PartitionsDefinition:
    start, end, offset = partitioning.start, partitioning.end, int(is_going_on)
    match partitioning.grain:
        case Grain.HOUR:
            return dg.HourlyPartitionsDefinition(start, end, timezone="UTC", end_offset=offset)
        case Grain.DAY:
            return dg.DailyPartitionsDefinition(start, end_date=end, timezone="UTC", end_offset=offset)
        case Grain.WEEK:
            return dg.WeeklyPartitionsDefinition(
                start, end_date=end, timezone="UTC", end_offset=offset, day_offset=_MONDAY
            )
        case Grain.MONTH:
            return dg.MonthlyPartitionsDefinition(start, end_date=end, timezone="UTC", end_offset=offset)


def read_piece(context: dg.OpExecutionContext, partitioning: Partitioning | None) -> Piece:
    """What of a table a run is about: the partitions that it names, else what the table builds by itself.

    The run's own tags say so, whether or not its job knows that the table has partitions.
    """
    if partitioning is None or not _names_partitions(context):
        return WHOLE
    named = context.partition_key_range
    if isinstance(partitioning, ListPartitioning):
        keys = [str(value) for value in partitioning.values]
        return Piece((ListRange(partitioning.values[keys.index(named.start) : keys.index(named.end) + 1]),))
    return Piece((partitioning.bounds(named.start).hull(partitioning.bounds(named.end)),))


def recorded_keys(context: dg.OpExecutionContext) -> tuple[str, ...]:
    """The partitions that Dagster records by itself: those that a run names, where its job knows of them."""
    is_known = context.assets_def.partitions_def is not None
    return tuple(context.partition_keys) if is_known and _names_partitions(context) else ()


def _names_partitions(context: dg.OpExecutionContext) -> bool:
    return context.has_partition_key or context.has_partition_key_range


def partition_tags(partitioning: Partitioning, range_: Range) -> Mapping[str, str]:
    """The tags of a run of some partitions that lie next to each other."""
    first, last = _ends(partitioning, range_)
    if first == last:
        return {PARTITION_NAME_TAG: first}
    return {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}


def _ends(partitioning: Partitioning, range_: Range) -> tuple[str, str]:
    if isinstance(range_, ListRange):
        return str(range_.values[0]), str(range_.values[-1])
    if isinstance(partitioning, ListPartitioning):
        raise TypeError(range_)
    return partitioning.key(range_.start), partitioning.key(partitioning.grain.step(range_.end, -1))
