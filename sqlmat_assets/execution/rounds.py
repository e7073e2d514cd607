"""Building tables in several pieces, one after the other, so that each is published before the next begins."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing

from sqlmat_assets.execution.build import build
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Delivered, Discarded, Event, LeftAlone, Published, Skipped, Unchanged
from sqlmat_assets.execution.piece import WHOLE, Piece
from sqlmat_assets.project.graph import ModelGraph
from sqlmat_assets.project.model import Project
from sqlmat_assets.relation import Relation


def build_in_rounds(
    project: Project,
    selected: Collection[Relation],
    context: Context,
    *,
    pieces: Mapping[Relation, Sequence[Piece]],
    threads: int = 4,
) -> Generator[Event]:
    """Build the selected tables, those with several pieces piece by piece.

    A table waits for all pieces of what it reads, and of a table that fails no further piece is built. Pieces that are
    built at the same time are waited for together.

    Args:
        project: All tables.
        selected: The tables to build.
        context: The run.
        pieces: What of a table is built, where it is not what its mode builds by itself.
        threads: How many tables are built at once.

    Raises:
        WarehouseError: The warehouse cannot be opened at all.
        CancelledError: The end of the run was asked for while the warehouse was waited for.
    """
    if all(len(batches) == 1 for batches in pieces.values()):
        single = {relation: batches[0] for relation, batches in pieces.items()}
        yield from build(project, selected, context, threads=threads, pieces=single)
        return
    left = _Left(project, selected, pieces)
    # One session more than there are threads keeps the warehouse open from the first piece to the last.
    with context.warehouse.open_session(context.cancellation.pause):
        while batch := left.take():
            with closing(build(project, tuple(batch), context, threads=threads, pieces=batch)) as events:
                for event in events:
                    yield event
                    yield from left.note(event)


class _Left:
    """What is still to be built."""

    def __init__(
        self, project: Project, selected: Collection[Relation], pieces: Mapping[Relation, Sequence[Piece]]
    ) -> None:
        self._graph = ModelGraph(project)
        self._pieces = {relation: deque(pieces.get(relation, (WHOLE,))) for relation in selected}

    def take(self) -> dict[Relation, Piece]:
        """The next piece of each table that waits for no other."""
        ready = [each for each in self._pieces if not any(read in self._pieces for read in self._graph.upstream(each))]
        if ready:
            return {relation: self._pieces[relation].popleft() for relation in ready}
        # Tables that read each other never are, nor is what depends on them. They are handed over once, and not built.
        rest = {relation: batches[0] for relation, batches in self._pieces.items()}
        self._pieces.clear()
        return rest

    def note(self, event: Event) -> Iterator[Skipped]:
        """Take note of what became of a piece, and tell what will not be built because of it."""
        if isinstance(event, Published | Unchanged | Delivered):
            if not self._pieces[event.relation]:
                del self._pieces[event.relation]
        elif isinstance(event, LeftAlone):
            self._pieces.pop(event.relation, None)
        elif isinstance(event, Discarded | Skipped):
            self._pieces.pop(event.relation, None)
            for reader in [each for each in self._graph.order() if each in self._pieces]:
                if self._reads(reader, event.relation):
                    del self._pieces[reader]
                    yield Skipped(reader, event.relation)

    def _reads(self, reader: Relation, relation: Relation) -> bool:
        return reader in self._graph.descendants(relation)
