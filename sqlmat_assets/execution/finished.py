"""What earlier runs of the same request have built already."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.environment import records_here
from sqlmat_assets.execution.partitions import PartitionRecord, fetch_partitions
from sqlmat_assets.execution.piece import WHOLE, Piece
from sqlmat_assets.execution.records import Record, find_records
from sqlmat_assets.project.graph import ModelGraph
from sqlmat_assets.project.model import Model, Project
from sqlmat_assets.project.partitions.asked import single_ranges, unite
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Pause, Session


def leave_out_finished(
    project: Project,
    pieces: Mapping[Relation, Piece],
    runs: Collection[str],
    context: Context,
    pause: Pause = time.sleep,
) -> dict[Relation, Piece]:
    """Leave out what some runs have published and nobody has replaced since.

    The warehouse itself is asked. Where the code of a table has changed, or where something that it reads is still to
    be built, nothing of it counts; what was built before something that it reads does not either.

    Args:
        project: All tables.
        pieces: What is asked of which table.
        runs: The runs whose work counts.
        context: Where to ask.
        pause: Waits while somebody else has the warehouse to himself.

    Returns:
        What is left; tables of which nothing is left are not in it.

    Raises:
        WarehouseError: The warehouse cannot be opened.
    """
    graph = ModelGraph(project)
    left: dict[Relation, Piece] = {}
    with context.warehouse.open_session(pause) as session:
        known = find_records(session)
        records = records_here(known, project, context.environment)
        # What was not built in the environment is read from production.
        sources = records_here(known, project, None) | records
        for relation in graph.order():
            if relation not in pieces:
                continue
            piece: Piece | None = pieces[relation]
            if graph.ancestors(relation).isdisjoint(left):
                record = records.get(context.names.fold(relation))
                read = [each for name in graph.upstream(relation) if (each := sources.get(context.names.fold(name)))]
                finished = _Finished(runs, max((each.published_at for each in read), default=None))
                piece = finished.leave(project.models[relation], pieces[relation], record, session)
            if piece is not None:
                left[relation] = piece
    return left


@dataclass(frozen=True, slots=True)
class _Finished:
    """What counts as finished of one table: published by one of these runs, and not before what it reads."""

    runs: Collection[str]
    since: datetime | None

    def leave(self, model: Model, piece: Piece, record: Record | None, session: Session) -> Piece | None:
        """What is left of a piece; None for nothing."""
        partitioning = model.settings.partition_by
        if record is None or not session.fetch_columns(record.relation):
            return piece
        if piece == WHOLE:
            return None if self._has(model, record) else piece
        if piece.ranges is None or partitioning is None:
            return piece
        known = fetch_partitions(session, record.relation, partitioning)
        done = {each.key for each in known if self._has(model, each)}
        every = single_ranges(piece.ranges, partitioning)
        ranges = unite((each for key, each in every.items() if key not in done), partitioning)
        return replace(piece, ranges=ranges) if ranges else None

    def _has(self, model: Model, found: Record | PartitionRecord) -> bool:
        if found.run not in self.runs or (self.since is not None and found.published_at < self.since):
            return False
        return found.version is not None and model.version is not None and found.version.is_same(model.version)
