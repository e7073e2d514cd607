"""Building many tables: in parallel where the graph allows, upstream first."""

from __future__ import annotations

import heapq
import queue
from collections.abc import Collection, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.deliveries.deliver import deliver
from sqlmat_assets.execution.events import Delivered, Discarded, Event, LeftAlone, Published, Skipped, Unchanged
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.piece import WHOLE, Piece
from sqlmat_assets.project.graph import ModelGraph, find_held
from sqlmat_assets.project.model import Model, Project
from sqlmat_assets.relation import Relation


@dataclass(frozen=True, slots=True)
class _Crashed:
    """A bug came out of a thread."""

    error: BaseException


class _Schedule:
    """Which of the selected tables may start now; ready ones with the most descendants come first."""

    def __init__(self, project: Project, selected: Collection[Relation]) -> None:
        graph = ModelGraph(project)
        chosen = frozenset(selected)
        self._waits_for = {r: _reads_of(r, chosen, graph, project) for r in chosen}
        self._downstream: dict[Relation, list[Relation]] = {r: [] for r in chosen}
        for reader in sorted(chosen):
            for read in self._waits_for[reader]:
                self._downstream[read].append(reader)
        self._weight = {r: len(graph.descendants(r)) for r in chosen}
        self._ready = [(-self._weight[r], r) for r in chosen if not self._waits_for[r]]
        self._skipped: set[Relation] = set()
        self._tables = {relation for relation in chosen if not project.models[relation].is_delivery}
        heapq.heapify(self._ready)

    @property
    def has_tables(self) -> bool:
        """Whether a table is left, and not only deliveries."""
        return bool(self._tables)

    def take(self, count: int) -> Iterator[Relation]:
        """The next tables to start, at most so many."""
        for _ in range(min(count, len(self._ready))):
            yield heapq.heappop(self._ready)[1]

    def succeed(self, relation: Relation) -> None:
        """Let those go that waited for this table alone."""
        self._tables.discard(relation)
        for reader in self._downstream[relation]:
            self._waits_for[reader].discard(relation)
            if not self._waits_for[reader] and reader not in self._skipped:
                heapq.heappush(self._ready, (-self._weight[reader], reader))

    def fail(self, relation: Relation) -> Iterator[Relation]:
        """Give up on everything that depends on this table, and tell what that is, nearest first."""
        reached = [relation]
        for failed in reached:
            self._tables.discard(failed)
            for reader in self._downstream[failed]:
                if reader not in self._skipped:
                    self._skipped.add(reader)
                    reached.append(reader)
                    yield reader


def build(
    project: Project,
    selected: Collection[Relation],
    context: Context,
    *,
    threads: int = 4,
    pieces: Mapping[Relation, Piece] | None = None,
) -> Generator[Event]:
    """Build the selected tables; what depends on one that failed, or on a quarantined one, is skipped.

    Events come in the order in which they happen, on the caller's thread; those of one table keep their order.
    Closing the generator, or an exception such as `KeyboardInterrupt` in it, ends the running statements and waits
    until what they wrote is dropped.

    Args:
        project: All tables.
        selected: The tables to build.
        context: The run.
        threads: How many tables are built at once.
        pieces: What of a table is built, where it is not what its mode builds by itself.

    Raises:
        KeyError: A selected table is not in the project.
        WarehouseError: The warehouse cannot be opened at all.
        CancelledError: The end of the run was asked for while the warehouse was waited for.
    """
    pieces = pieces or {}
    held = find_held(project)
    schedule = _Schedule(project, [relation for relation in selected if relation not in held])
    happened: queue.SimpleQueue[Event | _Crashed] = queue.SimpleQueue()
    running = 0
    alive = context.state.heartbeat.beating(context.renew_lease)
    with ExitStack() as opened, alive, ThreadPoolExecutor(threads, "sqlmat-build") as pool:
        # One session more than there are threads keeps the warehouse open from the first table to the last.
        opened.enter_context(context.warehouse.open_session(context.cancellation.pause))
        try:
            for relation in sorted(held.keys() & set(selected)):
                yield Skipped(relation, held[relation])
            while True:
                if not schedule.has_tables:
                    # What is only on its way to other systems has nobody wait for the warehouse.
                    opened.close()
                for relation in schedule.take(threads - running):
                    pool.submit(_report, project.models[relation], pieces.get(relation, WHOLE), context, happened)
                    running += 1
                if not running:
                    return
                event = _next_event(happened)
                yield event
                if isinstance(event, Published | Unchanged | LeftAlone | Delivered):
                    running -= 1
                    schedule.succeed(event.relation)
                elif isinstance(event, Discarded):
                    running -= 1
                    for reader in schedule.fail(event.relation):
                        yield Skipped(reader, event.relation)
        except BaseException:
            context.cancellation.cancel()
            raise


def _reads_of(relation: Relation, chosen: Collection[Relation], graph: ModelGraph, project: Project) -> set[Relation]:
    """What a table reads of those that are chosen, by way of views that are not, too."""
    found: set[Relation] = set()
    seen: set[Relation] = set()
    ahead = list(graph.upstream(relation))
    for read in ahead:
        if read in chosen:
            found.add(read)
        elif project.models[read].is_view and read not in seen:
            seen.add(read)
            ahead += graph.upstream(read)
    return found


def _next_event(happened: queue.SimpleQueue[Event | _Crashed]) -> Event:
    event = happened.get()
    if isinstance(event, _Crashed):
        raise event.error
    return event


def _report(model: Model, piece: Piece, context: Context, happened: queue.SimpleQueue[Event | _Crashed]) -> None:
    try:
        for event in deliver(model, context) if model.is_delivery else materialize(model, context, piece):
            happened.put(event)
    except BaseException as error:  # noqa: BLE001 - raised again on the caller's thread
        happened.put(_Crashed(error))
