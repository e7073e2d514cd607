"""Which tables are to be built now, and why: a decision over values, without a clock or a warehouse."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sqlmat_assets.project.due_deliveries import follow_publishes
from sqlmat_assets.project.due_partitions import DuePartitions, Pace
from sqlmat_assets.project.graph import ModelGraph, arrange
from sqlmat_assets.project.intervals import DAY, MINUTE
from sqlmat_assets.project.model import Model, Project
from sqlmat_assets.project.partitions.spec import ListPartitioning, TimePartitioning
from sqlmat_assets.project.reasons import Reason
from sqlmat_assets.project.schedules import Calendar
from sqlmat_assets.project.timings import Decision, State, Timing, Verdict
from sqlmat_assets.relation import Relation

_TOLERANCE = timedelta(seconds=0.5)
# A moment that lies further ahead comes from a clock that was set back since, and nothing waits for it to come again.
_LONGEST_AHEAD = MINUTE
_FIRST_BACK_OFF = MINUTE
_LEAST_LIMIT = timedelta(minutes=15)
_LONGEST_BACK_OFF = DAY


@dataclass(frozen=True, slots=True)
class _Table:
    """One table of a timetable; others stand as their places in its order, those that it reads before it.

    Whoever reads a view reads what that reads: `by_views` are those of `upstream` that are read in no other way.
    `quarantined` is one that it depends on, near or far.
    """

    timing: Timing
    upstream: tuple[int, ...]
    quarantined: tuple[Relation, ...]
    by_views: frozenset[int] = frozenset()

    @property
    def is_scheduled(self) -> bool:
        return self.timing.interval is None and self.timing.calendar.cron is not None

    @property
    def is_asked_by_readers_alone(self) -> bool:
        return self.timing.interval is None and self.timing.calendar.cron is None


class Timetable:
    """The tables of a project with all that stays the same from one decision to the next.

    Args:
        timings: Of all tables. What they read beside each other is left out, and so is the last edge of a circle.
    """

    def __init__(self, timings: Iterable[Timing]) -> None:
        known = {timing.relation: timing for timing in timings}
        upstream = {
            relation: tuple(read for read in dict.fromkeys(timing.upstream) if read != relation and read in known)
            for relation, timing in known.items()
        }
        order = arrange(upstream, {relation: timing.weight for relation, timing in known.items()})
        places = {relation: place for place, relation in enumerate(order)}
        tables: list[_Table] = []
        for place, relation in enumerate(order):
            near = dict.fromkeys(places[read] for read in upstream[relation] if places[read] < place)
            views = [tables[read] for read in near if tables[read].timing.is_view]
            reads = tuple(near | dict.fromkeys(read for view in views for read in view.upstream))
            quarantined = _first_quarantined(tables[read] for read in reads)
            tables.append(_Table(known[relation], reads, quarantined, frozenset(reads).difference(near)))
        self._tables = tuple(tables)
        self._scheduled = tuple(place for place, table in enumerate(tables) if table.is_scheduled)
        self._delivered = {
            place: tuple(read for read in table.upstream if not tables[read].timing.is_view)
            for place, table in enumerate(tables)
            if table.timing.is_delivery
        }

    @classmethod
    def of(cls, project: Project) -> Timetable:
        """The timetable of a project."""
        graph = ModelGraph(project)
        return cls(
            Timing(
                model.relation,
                graph.upstream(model.relation),
                model.interval if model.is_delivery else model.effective_interval,
                Calendar() if model.is_delivery else model.settings.calendar,
                model.version,
                model.settings.on_upstream_failure == "build",
                model.is_quarantined,
                graph.weight(model.relation),
                model.settings.partition_by,
                _awaits_next_batch(model),
                model.is_view,
                model.is_delivery,
                model.effective_interval if model.is_delivery else None,
            )
            for model in project
        )

    @property
    def timings(self) -> tuple[Timing, ...]:
        """Of all tables, upstream first, of those that are ready the heaviest."""
        return tuple(table.timing for table in self._tables)

    def decide(self, states: Mapping[Relation, State], now: datetime) -> Decision:
        """Say for every table whether it is to be built now.

        Args:
            states: Of the tables that have one.
            now: An aware moment.
        """
        found = [states.get(table.timing.relation, _UNKNOWN) for table in self._tables]
        verdicts = [_wish(table, state, now) for table, state in zip(self._tables, found, strict=True)]
        self._ask_for_readers(verdicts, found, now)
        follow_publishes(verdicts, found, self._delivered, self.timings)
        self._obstruct(verdicts, found, now)
        named = {table.timing.relation: verdict for table, verdict in zip(self._tables, verdicts, strict=True)}
        return Decision(now, named, self._groups(verdicts))

    def first_run(self, decision: Decision) -> tuple[Relation, ...]:
        """The tables to build first where only one run goes on at a time: what it can build, with the one due longest.

        One run can build any tables without partitions, or the same partitions of several.
        """
        timings = {timing.relation: timing for timing in self.timings}
        runs: dict[object, list[Relation]] = {}
        for group in decision.groups:
            range_ = decision.verdicts[group[0]].range_
            runs.setdefault(None if range_ is None else (range_, _slot(timings[group[0]])), []).extend(group)

        def due_since(run: Iterable[Relation]) -> datetime:
            verdicts = [decision.verdicts[relation] for relation in run]
            return min(verdict.due_at or _LONG_AGO for verdict in verdicts if verdict.reason.is_build)

        return tuple(min(runs.values(), key=due_since, default=()))

    def _ask_for_readers(self, verdicts: list[Verdict], states: Sequence[State], now: datetime) -> None:
        """Let scheduled tables that are to be built ask for what they read and nothing else asks for."""
        asking: list[tuple[datetime, int]] = []
        for place in self._scheduled:
            table = self._tables[place]
            if verdicts[place].reason.is_build and not table.quarantined:
                tick = table.timing.calendar.last_tick(now)
                if tick is not None:
                    asking.append((tick, place))
        seen: set[int] = set()
        # The latest tick first, so that the first to arrive at a table is the one that counts.
        for tick, start in sorted(asking, reverse=True):
            ahead = [start]
            while ahead:
                for read in self._tables[ahead.pop()].upstream:
                    if read in seen or not self._tables[read].is_asked_by_readers_alone:
                        continue
                    seen.add(read)
                    ahead.append(read)
                    decided_at = states[read].decided_at
                    if verdicts[read].reason is not Reason.UNASKED or decided_at is None:
                        continue
                    pace = self._tables[read].timing.pace
                    range_ = None if pace is None else pace.read_by(states[read].partitions, tick)
                    if range_ is not None or (pace is None and (decided_at < tick or _is_ahead(decided_at, now))):
                        verdicts[read] = Verdict(Reason.READ, due_at=tick, range_=range_)

    def _obstruct(self, verdicts: list[Verdict], states: Sequence[State], now: datetime) -> None:
        """Keep from being built what reads something that is being built, or that could not be."""
        for place, table in enumerate(self._tables):
            verdict = verdicts[place]
            if not verdict.reason.is_build:
                continue
            held: list[Relation] = []
            waits: list[Relation] = []
            since = _asked_since(table.timing, verdict, states[place])
            for read in table.upstream:
                above = verdicts[read]
                if above.reason in (Reason.RUNNING, Reason.WAITING) or (
                    above.reason.is_build and not self._can_share_run(place, verdict, read, above)
                ):
                    # Not for what was due later and has good rows: of many that it reads, one may always be running.
                    if since is None or above.due_at is None or above.failures or not since < above.due_at <= now:
                        waits.append(self._tables[read].timing.relation)
                elif _holds(above) and not (
                    table.timing.ignores_failed_upstream and states[read].decided_at is not None
                ):
                    held.append(self._tables[read].timing.relation)
            if held or table.quarantined:
                verdicts[place] = replace(verdict, reason=Reason.HELD, waits_for=tuple(held) or table.quarantined)
            elif waits:
                verdicts[place] = replace(verdict, reason=Reason.WAITING, waits_for=tuple(waits))

    def _can_share_run(self, place: int, verdict: Verdict, other: int, its_verdict: Verdict) -> bool:
        """Whether one run, which is of one range of partitions or of none, can build two tables."""
        if verdict.range_ is None and its_verdict.range_ is None:
            return True
        if other in self._tables[place].by_views:
            return False  # a view that stands between them has no partitions
        timings = self._tables[place].timing, self._tables[other].timing
        return verdict.range_ == its_verdict.range_ and _slot(timings[0]) == _slot(timings[1])

    def _groups(self, verdicts: Sequence[Verdict]) -> tuple[tuple[Relation, ...], ...]:
        """The tables to build, each group connected by what reads what in it."""
        groups: dict[int, list[int]] = {}
        group_of: dict[int, int] = {}
        for place, table in enumerate(self._tables):
            if not verdicts[place].reason.is_build:
                continue
            joined = {
                group_of[read]
                for read in table.upstream
                if read in group_of and self._can_share_run(place, verdicts[place], read, verdicts[read])
            }
            # Into the largest, so that none is moved again and again.
            group = max(joined, key=lambda one: len(groups[one]), default=place)
            members = groups.setdefault(group, [])
            for other in joined - {group}:
                moved = groups.pop(other)
                group_of.update(dict.fromkeys(moved, group))
                members += moved
            members.append(place)
            group_of[place] = group
        for members in groups.values():
            members.extend(self._views_between(members, verdicts))
        tables = self._tables
        ranked = sorted((-max(tables[p].timing.weight for p in group), sorted(group)) for group in groups.values())
        return tuple(tuple(tables[place].timing.relation for place in group) for _, group in ranked)

    def _views_between(self, members: Iterable[int], verdicts: Sequence[Verdict]) -> set[int]:
        """The views by way of which some tables read others of them."""
        there = set(members)
        return {
            read
            for place in there
            if verdicts[place].range_ is None
            for read in self._tables[place].upstream
            if verdicts[read].reason is Reason.VIEW and not there.isdisjoint(self._tables[read].upstream)
        }


_UNKNOWN = State()
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def _awaits_next_batch(model: Model) -> bool:
    settings = model.settings
    is_in_parts = settings.partition_by is not None or settings.mode in ("append", "merge")
    return is_in_parts and settings.on_change == "next"


def _slot(timing: Timing) -> object:
    """What two tables have in common when they have the same partitions in Dagster."""
    match timing.partitioning:
        case TimePartitioning(_, grain, start, end):
            return grain, start, end, timing.interval is None
        case ListPartitioning(_, values):
            return values
        case None:
            return None


def _first_quarantined(reads: Iterable[_Table]) -> tuple[Relation, ...]:
    found = (
        relation
        for table in reads
        for relation in ((table.timing.relation,) if table.timing.is_quarantined else table.quarantined)
    )
    first = min(found, default=None)
    return () if first is None else (first,)


def _holds(verdict: Verdict) -> bool:
    """Whether readers of a table are better off with the rows that they have: it failed, or cannot be built."""
    if verdict.reason in (Reason.HELD, Reason.QUARANTINED):
        return True
    return verdict.failures > 0 and not verdict.reason.is_build


def _asked_since(timing: Timing, verdict: Verdict, state: State) -> datetime | None:
    """From when on a table could have been built for its age; None when it is for another reason."""
    if verdict.reason is Reason.RETRY and verdict.due_at is not None and state.failed_at is not None:
        return max(verdict.due_at, state.failed_at + back_off(state.failures, timing.longest_back_off))
    return verdict.due_at


def _wish(table: _Table, state: State, now: datetime) -> Verdict:
    """Say what is to become of a table, whatever becomes of those that it reads."""
    timing = table.timing
    failures = state.failures
    if timing.is_quarantined:
        return Verdict(Reason.QUARANTINED, run=state.run, failures=failures)
    at_once = _at_once(timing, state)
    due = DuePartitions()
    if (pace := timing.pace) is None:
        by_age, due_at = _by_age(table, state, now)
    else:
        at_once, by_age, due = _of_partitions(table, pace, state, at_once, now)
        due_at = due.due_at
        if due.range_ is None:
            # What failed was asked for by a person, and is theirs to repeat.
            failures = 0
    if state.run is not None:
        return Verdict(Reason.RUNNING, None if at_once else due_at, run=state.run, failures=failures)
    if state.is_put_back(timing.version):
        # Without its failures: they were those of a person, and readers go on with the rows that were put back.
        return Verdict(Reason.PUT_BACK, put_back_at=state.put_back_at)
    hours = timing.calendar if timing.interval is not None and timing.calendar.conditions and not at_once else None
    if failures:
        again = now
        if (failed_at := state.failed_at) is not None and not _is_ahead(failed_at, now):
            again = failed_at + back_off(failures, timing.longest_back_off)
        if now < again - _TOLERANCE:
            again = again if hours is None else _next_admitted(hours, again)
            return Verdict(Reason.BACKING_OFF, due_at, again, failures=failures)
        if at_once:
            return Verdict(Reason.RETRY, failures=failures, range_=due.range_)
        by_age = Reason.RETRY
    elif at_once:
        return Verdict(at_once, range_=due.range_)
    if hours is not None and by_age.is_build and not hours.admits(now):
        again = _next_admitted(hours, now)
        return Verdict(Reason.OUTSIDE, again, again, failures=failures)
    return Verdict(by_age, due_at, failures=failures, range_=due.range_)


def _of_partitions(
    table: _Table, pace: Pace, state: State, at_once: Reason | None, now: datetime
) -> tuple[Reason | None, Reason, DuePartitions]:
    """Which partitions are to be built, and whether at once or for their age."""
    if at_once is not None or state.decided_at is None:
        due = pace.all(now)
        # Of a table that begins later, there is nothing yet.
        return (None, Reason.FRESH, due) if due.range_ is None else (at_once, Reason.DUE, due)
    due = pace.due(state.partitions, state.decided_at, now)
    if due.range_ is None:
        return None, Reason.UNASKED if table.is_asked_by_readers_alone else Reason.FRESH, due
    return Reason.NEW if due.is_missing else None, Reason.SCHEDULED if table.is_scheduled else Reason.DUE, due


def _at_once(timing: Timing, state: State) -> Reason | None:
    """Why a table is built at once, however old it is."""
    if state.decided_at is None:
        return Reason.NEW
    # Without a version of the files there is nothing to compare, and each build would be followed by the next.
    if timing.version is None or timing.awaits_next_batch:
        return None
    if state.version is not None and timing.version.is_same(state.version):
        return None
    return Reason.CHANGED


def _by_age(table: _Table, state: State, now: datetime) -> tuple[Reason, datetime | None]:
    """Whether a table is old, and since when or when it will be."""
    timing, decided_at = table.timing, state.decided_at
    if decided_at is None:
        return Reason.NEW, None
    is_ahead = _is_ahead(decided_at, now)
    if timing.interval is not None:
        due_at = now if is_ahead else decided_at + timing.interval
        if timing.calendar.conditions:
            due_at = _next_admitted(timing.calendar, due_at) or due_at
        return (Reason.DUE if now >= due_at - _TOLERANCE else Reason.FRESH), due_at
    if not table.is_scheduled:
        return (Reason.VIEW if timing.is_view else Reason.UNASKED), None
    tick = timing.calendar.last_tick(now)
    if tick is not None and (tick > decided_at or is_ahead):
        return Reason.SCHEDULED, tick
    return Reason.FRESH, timing.calendar.next_tick(now)


def _is_ahead(at: datetime, now: datetime) -> bool:
    return at > now + _LONGEST_AHEAD


@lru_cache(maxsize=10_000)
def _next_admitted(calendar: Calendar, start: datetime) -> datetime | None:
    """Remember the answer: it costs more than all the rest, and all tables of the same hours ask for the same."""
    return calendar.next_admitted(start)


def back_off(failures: int, interval: timedelta | None) -> timedelta:
    """How long a table is left alone after so many failures in a row: twice as long each time, up to its interval.

    A short interval is no reason to ask every minute for hours, so the limit is at least a quarter of an hour.

    Examples:
        >>> [back_off(failures, None) // MINUTE for failures in (1, 2, 3, 20)]
        [1, 2, 4, 1440]
    """
    longest = _LONGEST_BACK_OFF if interval is None else max(interval, _LEAST_LIMIT)
    # Beyond a few dozen doublings no timedelta can hold it.
    return min(_FIRST_BACK_OFF * 2 ** min(failures - 1, 32), longest)


def new_failures(decision: Decision, told: Collection[Relation]) -> tuple[Relation, ...]:
    """The tables that have begun to fail, of which nobody has been told yet, in the order of their names."""
    return tuple(
        sorted(relation for relation, v in decision.verdicts.items() if v.failures > 0 and relation not in told)
    )
