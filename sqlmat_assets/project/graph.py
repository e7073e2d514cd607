"""Who reads whom among the tables of a project, and what follows from it."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from sqlmat_assets.project.code_version import CodeVersion, version_of_view
from sqlmat_assets.project.model import Model, Project
from sqlmat_assets.relation import Relation


@dataclass(frozen=True, slots=True)
class Cycle:
    """Tables that depend on each other.

    `way` is a shortest way round from the first by name, each table reading the next and the last the first;
    `members` are all tables of the group.
    """

    way: tuple[Relation, ...]
    members: frozenset[Relation]


class ModelGraph:
    """The tables of a project and the edges between them; a table that reads itself has no edge to itself.

    Args:
        models: A project, or its models. What they read beside each other is left out.
    """

    def __init__(self, models: Iterable[Model]) -> None:
        known = {model.relation: model.upstream for model in models}
        self._upstream: dict[Relation, tuple[Relation, ...]] = {
            relation: tuple(read for read in dict.fromkeys(reads) if read != relation and read in known)
            for relation, reads in known.items()
        }
        readers: dict[Relation, list[Relation]] = {relation: [] for relation in self._upstream}
        for relation, reads in self._upstream.items():
            for read in reads:
                readers[read].append(relation)
        self._downstream = {relation: tuple(sorted(found)) for relation, found in readers.items()}

    def upstream(self, relation: Relation) -> tuple[Relation, ...]:
        """What a table reads itself, in the order of its SQL."""
        return self._upstream[relation]

    def downstream(self, relation: Relation) -> tuple[Relation, ...]:
        """Who reads a table itself, in the order of their names."""
        return self._downstream[relation]

    def ancestors(self, relation: Relation) -> frozenset[Relation]:
        """Everything that a table depends on, near or far, without itself."""
        return _reach(relation, self._upstream)

    def descendants(self, relation: Relation) -> frozenset[Relation]:
        """Everything that depends on a table, near or far, without itself."""
        return _reach(relation, self._downstream)

    def weight(self, relation: Relation) -> int:
        """How many tables depend on a table, near or far."""
        return self._weights[relation]

    def order(self) -> tuple[Relation, ...]:
        """All tables, upstream first; of those that are ready the one with the most descendants, then by name.

        Members of a cycle never become ready. They come last with all that depends on them, by the same measure.
        """
        return arrange(self._upstream, self._weights)

    @cached_property
    def cycles(self) -> tuple[Cycle, ...]:
        """The groups of tables that depend on each other, in the order of their names."""
        groups = [group for group in self._components() if len(group) > 1]
        return tuple(
            Cycle(_way_round(min(group), self._upstream), frozenset(group)) for group in sorted(groups, key=min)
        )

    @cached_property
    def _weights(self) -> dict[Relation, int]:
        """How many descendants each table has, by bit sets: a Python set per table grows too large."""
        reach: dict[Relation, int] = {}
        place = 0
        for group in reversed(self._components()):
            bits = 0
            for relation in group:
                bits |= 1 << place
                place += 1
                for reader in self._downstream[relation]:
                    bits |= reach.get(reader, 0)
            reach.update(dict.fromkeys(group, bits))
        return {relation: bits.bit_count() - 1 for relation, bits in reach.items()}

    def _components(self) -> list[list[Relation]]:
        """The strongly connected components, upstream first (Tarjan's algorithm without recursion)."""
        index: dict[Relation, int] = {}
        low: dict[Relation, int] = {}
        open_: dict[Relation, None] = {}
        components: list[list[Relation]] = []
        for root in self._upstream:
            if root in index:
                continue
            index[root] = low[root] = len(index)
            open_[root] = None
            work = [(root, iter(self._upstream[root]))]
            while work:
                relation, reads = work[-1]
                step = next(reads, None)
                if step is None:
                    work.pop()
                    if work:
                        parent = work[-1][0]
                        low[parent] = min(low[parent], low[relation])
                    if low[relation] == index[relation]:
                        group: list[Relation] = []
                        while not group or group[-1] != relation:
                            group.append(open_.popitem()[0])
                        components.append(group)
                elif step not in index:
                    index[step] = low[step] = len(index)
                    open_[step] = None
                    work.append((step, iter(self._upstream[step])))
                elif step in open_:
                    low[relation] = min(low[relation], index[step])
        return components


def arrange(upstream: Mapping[Relation, Collection[Relation]], weights: Mapping[Relation, int]) -> tuple[Relation, ...]:
    """Put tables in order: upstream first; of those that are ready the heaviest, then by name.

    Args:
        upstream: What each table reads itself, among the tables and without itself.
        weights: How heavy each table is.

    Returns:
        All tables. Members of a cycle never become ready: they come last with all that depends on them.
    """
    readers: dict[Relation, list[Relation]] = {relation: [] for relation in upstream}
    for relation, reads in upstream.items():
        for read in reads:
            readers[read].append(relation)
    waiting = {relation: len(reads) for relation, reads in upstream.items()}
    ready = [(-weights[relation], relation) for relation, count in waiting.items() if not count]
    heapq.heapify(ready)
    ordered: list[Relation] = []
    while ready:
        relation = heapq.heappop(ready)[1]
        ordered.append(relation)
        for reader in readers[relation]:
            waiting[reader] -= 1
            if not waiting[reader]:
                heapq.heappush(ready, (-weights[reader], reader))
    done = set(ordered)
    stuck = (relation for relation in upstream if relation not in done)
    return (*ordered, *sorted(stuck, key=lambda relation: (-weights[relation], relation)))


def _reach(start: Relation, edges: Mapping[Relation, Iterable[Relation]]) -> frozenset[Relation]:
    seen: set[Relation] = set()
    ahead = [start]
    while ahead:
        for relation in edges[ahead.pop()]:
            if relation not in seen:
                seen.add(relation)
                ahead.append(relation)
    return frozenset(seen - {start})


def _way_round(start: Relation, edges: Mapping[Relation, Iterable[Relation]]) -> tuple[Relation, ...]:
    """Find a shortest way from a table along the edges back to itself, without repeating it at the end."""
    came_from: dict[Relation, Relation] = {}
    ahead = deque([start])
    while ahead:
        relation = ahead.popleft()
        for step in edges[relation]:
            if step == start:
                way = [relation]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return tuple(reversed(way))
            if step not in came_from:
                came_from[step] = relation
                ahead.append(step)
    raise AssertionError("a table of a cycle can be reached from itself")


def effective_intervals(models: Iterable[Model]) -> dict[Relation, timedelta]:
    """Give each table its own interval or, without one, the smallest effective interval among its readers.

    A scheduled table has none and passes none on: it is built at its times, whoever reads it. A view has no age; here
    it has the interval that it passes on.

    Args:
        models: A project, or its models; they may read each other in a circle.

    Returns:
        The tables that have one. A table that nobody with an interval reads, near or far, is not in it.
    """
    models = tuple(models)
    upstream = {model.relation: model.upstream for model in models}
    effective = {model.relation: model.interval for model in models if model.interval is not None}
    scheduled = {model.relation for model in models if model.settings.schedule is not None}
    # From the smallest interval on, so that the first to arrive at a table is the one that counts.
    for interval, start in sorted((own, relation) for relation, own in effective.items()):
        ahead = [start]
        while ahead:
            for read in upstream[ahead.pop()]:
                if read in upstream and read not in effective and read not in scheduled:
                    effective[read] = interval
                    ahead.append(read)
    return effective


def versions_through_views(models: Iterable[Model], graph: ModelGraph) -> dict[Relation, CodeVersion | None]:
    """Give each table the version of its code, and each view one with those of all that it reads as well.

    Args:
        models: A project's; they may read each other in a circle.
        graph: Who reads whom.
    """
    known = {model.relation: model for model in models}
    versions = {relation: model.version for relation, model in known.items()}
    for relation in graph.order():
        own = versions[relation]
        if known[relation].is_view and own is not None:
            read = (versions[each] for each in graph.upstream(relation))
            versions[relation] = version_of_view(own, [version for version in read if version is not None])
    return versions


def find_held(project: Project) -> dict[Relation, Relation]:
    """Tell which tables wait because something that they depend on, near or far, is quarantined.

    Returns:
        Each such table that is not quarantined itself, with the quarantined one; of several the first by name.
    """
    graph = ModelGraph(project)
    held: dict[Relation, Relation] = {}
    for quarantined in sorted(model.relation for model in project if model.is_quarantined):
        for reader in graph.descendants(quarantined):
            if not project.models[reader].is_quarantined:
                held.setdefault(reader, quarantined)
    return held
