"""What a service would build over a day, and how old its tables would get: no clock, no warehouse."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.due import Timetable, new_failures
from sqlmat_assets.project.partitions.ranges import Range
from sqlmat_assets.project.reasons import Reason
from sqlmat_assets.project.timings import Decision, State
from sqlmat_assets.relation import Relation


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which something does not work: `relation` fails when it is begun in it, or the service stands still."""

    since: datetime
    until: datetime
    relation: Relation | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of what makes the rows of a table."""

    relation: Relation
    at: datetime


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens to a service.

    `look_every` is how often it decides. `seconds` is how long a table takes unless `seconds_of` says it. `runs` is how
    many runs go on at a time, None for any number; with 1, all that is due goes into one run, and nothing is asked for
    before it has ended. `steps` is how many tables a run builds at a time. In a stop the runs end at once and nothing
    is decided. `states` is how the tables stand at the start.
    """

    start: datetime
    period: timedelta
    look_every: timedelta = timedelta(seconds=30)
    seconds: float = 10
    seconds_of: Mapping[Relation, float] = field(default_factory=dict[Relation, float])
    runs: int | None = None
    steps: int = 8
    failures: tuple[Outage, ...] = ()
    stops: tuple[Outage, ...] = ()
    edits: tuple[Edit, ...] = ()
    states: Mapping[Relation, State] = field(default_factory=dict[Relation, State])

    @property
    def end(self) -> datetime:
        return self.start + self.period


@dataclass(frozen=True, slots=True)
class Build:
    """One build of a table; `ended_at` is None when the period was over before."""

    reason: Reason
    decided_at: datetime
    started_at: datetime
    ended_at: datetime | None = None
    is_good: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """What became of one table. A table that was never built is as old as the period."""

    relation: Relation
    start: datetime
    end: datetime
    decided_at: datetime
    builds: tuple[Build, ...] = ()

    @property
    def reasons(self) -> Mapping[Reason, int]:
        """How often it was built for which reason, the commonest first."""
        return dict(Counter(build.reason for build in self.builds).most_common())

    @property
    def failed(self) -> int:
        """How many builds failed."""
        return sum(build.ended_at is not None and not build.is_good for build in self.builds)

    @property
    def oldest(self) -> timedelta:
        """The greatest age that a reader met."""
        return max(until - decided_at for decided_at, _, until in self._spans())

    @property
    def mean_age(self) -> timedelta:
        """The age that a reader met on average."""
        total = timedelta()
        for decided_at, since, until in self._spans():
            halfway = since + (until - since) / 2
            total += (halfway - decided_at) * ((until - since) / (self.end - self.start))
        return total

    def share_older_than(self, age: timedelta) -> float:
        """In which part of the period the table was older than that."""
        late = timedelta()
        for decided_at, since, until in self._spans():
            late += max(until - max(since, decided_at + age), timedelta())
        return late / (self.end - self.start)

    def _spans(self) -> Iterator[tuple[datetime, datetime, datetime]]:
        """From when the rows count that readers see, and from when until when they see them."""
        decided_at, since = self.decided_at, self.start
        for build in self.builds:
            if build.is_good and build.ended_at is not None:
                yield decided_at, since, build.ended_at
                decided_at, since = build.decided_at, build.ended_at
        yield decided_at, since, self.end


@dataclass(frozen=True, slots=True)
class Alert:
    """What a person was told: a table has begun to fail."""

    relation: Relation
    at: datetime


@dataclass(frozen=True, slots=True)
class Simulation:
    """What became of all tables, in the order of their names."""

    start: datetime
    end: datetime
    tables: Mapping[Relation, History]
    alerts: tuple[Alert, ...] = ()
    runs: int = 0

    @property
    def builds(self) -> int:
        """How many builds there were, failed ones too."""
        return sum(len(history.builds) for history in self.tables.values())


def simulate(timetable: Timetable, scenario: Scenario) -> Simulation:
    """Let a service run without a clock or a warehouse, by the decision that the real one takes.

    It goes from one moment at which anything can happen to the next. A build takes its seconds also when nothing that
    it reads has changed: that a real one may be left out or not swapped then is not part of it.
    """
    return _Service(timetable, scenario).run()


@dataclass(slots=True)
class _Step:
    """One table of a run; `reads` are those of the run that have yet to be built before it."""

    relation: Relation
    reason: Reason
    reads: set[Relation]
    readers: list[Relation]
    started_at: datetime | None = None
    will_fail: bool = False
    delivers: Mapping[Relation, datetime] = field(default_factory=dict[Relation, datetime])


@dataclass(slots=True)
class _Run:
    """A run; `steps` are those that have not ended, `ready` those that could begin, the first at the end."""

    id: str
    decided_at: datetime
    versions: Mapping[Relation, CodeVersion | None]
    ranges: Mapping[Relation, Range | None]
    steps: dict[Relation, _Step]
    ready: list[Relation]
    busy: int = 0


# Of what happens at the same moment, a look comes last: it sees all of it.
_ENDED, _EDITED, _STOPPED, _RESUMED, _LOOK = range(5)
_Event = tuple[datetime, int, int, "tuple[_Run, Relation] | Edit | None"]


class _Service:
    """The sensor, the queue and the runs of one simulation."""

    def __init__(self, timetable: Timetable, scenario: Scenario) -> None:
        self._scenario = scenario
        self._set(timetable)
        self._states: dict[Relation, State] = {t.relation: State() for t in timetable.timings}
        self._states |= {r: state for r, state in scenario.states.items() if r in self._states}
        self._first = {r: state.decided_at or scenario.start for r, state in self._states.items()}
        self._builds: dict[Relation, list[Build]] = {relation: [] for relation in self._states}
        self._alerts: list[Alert] = []
        self._told: set[Relation] = set()
        self._active: dict[str, _Run] = {}
        self._queue: deque[_Run] = deque()
        self._lost: list[tuple[_Run, Relation]] = []
        self._runs = self._tellings = self._stops = 0
        self._events: list[_Event] = []
        self._looks_at: datetime | None = None
        for edit in scenario.edits:
            self._tell(edit.at, _EDITED, edit)
        for stop in scenario.stops:
            self._tell(stop.since, _STOPPED)
            self._tell(stop.until, _RESUMED)
        self._look_at(scenario.start)

    def _set(self, timetable: Timetable) -> None:
        self._timetable = timetable
        self._timings = {timing.relation: timing for timing in timetable.timings}
        self._ranks = {timing.relation: rank for rank, timing in enumerate(timetable.timings)}

    def run(self) -> Simulation:
        """Go through the period and tell what happened."""
        start, end = self._scenario.start, self._scenario.end
        while self._events and self._events[0][0] < end:
            now, kind, _, what = heapq.heappop(self._events)
            match kind, what:
                case _, (run, relation):
                    self._end(run, relation, now)
                case _, Edit(relation):
                    self._edit(relation, now)
                case _, _ if kind == _STOPPED:
                    self._stop(now)
                case _, _ if kind == _RESUMED:
                    self._resume(now)
                case _ if now == self._looks_at:
                    self._looks_at = None
                    self._look(now)
                case _:
                    pass  # an earlier look has taken its place
        for run in self._active.values():
            for step in run.steps.values():
                self._note(run, step, None, is_good=False)
        histories = {
            relation: History(relation, start, end, self._first[relation], tuple(self._builds[relation]))
            for relation in sorted(self._builds)
        }
        return Simulation(start, end, histories, tuple(self._alerts), self._runs)

    def _tell(self, at: datetime, kind: int, what: tuple[_Run, Relation] | Edit | None = None) -> None:
        self._tellings += 1
        heapq.heappush(self._events, (at, kind, self._tellings, what))

    def _look_at(self, moment: datetime) -> None:
        """Look at the first moment of the sensor's grid from then on, if not before."""
        every, start = self._scenario.look_every, self._scenario.start
        at = start + every * max(-((start - moment) // every), 0)
        if self._looks_at is None or at < self._looks_at:
            self._looks_at = at
            self._tell(at, _LOOK)

    def _look(self, now: datetime) -> None:
        if self._stops:
            return  # the end of the stop is followed by a look
        decision = self._timetable.decide(self._states, now)
        for relation in new_failures(decision, self._told):
            self._alerts.append(Alert(relation, now))
            self._told.add(relation)
        self._told = {relation for relation in self._told if decision.verdicts[relation].failures}
        one_at_a_time = self._scenario.runs == 1
        if decision.groups and not (one_at_a_time and self._active):
            groups = [self._timetable.first_run(decision)] if one_at_a_time else decision.groups
            for group in groups:
                self._request(group, decision)
            self._take_up(now)
        wakes = (at for v in decision.verdicts.values() for at in (v.next_at or v.due_at,) if at is not None)
        # What is due and waits is looked at when a build ends.
        later = min((at for at in wakes if at > now), default=None)
        if later is not None:
            self._look_at(later)

    def _request(self, group: Iterable[Relation], decision: Decision) -> None:
        self._runs += 1
        members = dict.fromkeys(group)
        steps = {
            r: _Step(r, verdict.reason, {u for u in self._timings[r].upstream if u in members and u != r}, [])
            for r, verdict in ((relation, decision.verdicts[relation]) for relation in members)
        }
        for step in steps.values():
            for read in step.reads:
                steps[read].readers.append(step.relation)
        versions = {relation: self._timings[relation].version for relation in members}
        ready = [relation for relation, step in steps.items() if not step.reads]
        ranges = {relation: decision.verdicts[relation].range_ for relation in members}
        run = _Run(f"r{self._runs}", decision.now, versions, ranges, steps, ready)
        for relation in members:
            self._states[relation] = replace(self._states[relation], run=run.id)
        self._queue.append(run)

    def _take_up(self, now: datetime) -> None:
        """Begin the runs that are waiting for others to end."""
        while self._queue and (self._scenario.runs is None or len(self._active) < self._scenario.runs):
            run = self._queue.popleft()
            self._active[run.id] = run
            self._begin(run, now)

    def _begin(self, run: _Run, now: datetime) -> None:
        """Begin the steps for which there is room."""
        run.ready.sort(key=lambda relation: -self._ranks[relation])
        while run.ready and run.busy < self._scenario.steps:
            relation = run.ready.pop()
            step = run.steps[relation]
            step.started_at = now
            if self._timings[relation].is_delivery:
                step.delivers = {r: s.published_at for r, s in self._states.items() if s.published_at is not None}
            is_passed = step.reason is Reason.VIEW
            step.will_fail = not is_passed and any(
                o.relation == relation and o.since <= now < o.until for o in self._scenario.failures
            )
            run.busy += 1
            seconds = 0 if is_passed else self._scenario.seconds_of.get(relation, self._scenario.seconds)
            self._tell(now + timedelta(seconds=seconds), _ENDED, (run, relation))

    def _end(self, run: _Run, relation: Relation, now: datetime) -> None:
        if run.id not in self._active:
            return  # it was lost meanwhile
        step = run.steps.pop(relation)
        run.busy -= 1
        self._note(run, step, now, is_good=not step.will_fail)
        if step.will_fail:
            self._fail(relation, now, run)
            self._skip(run, step)
        else:
            range_, built = run.ranges[relation], self._states[relation].partitions
            self._states[relation] = State(
                run.decided_at,
                run.versions[relation],
                partitions=built if range_ is None else built.with_range(range_, run.decided_at),
                published_at=now,
                delivered=step.delivers,
            )
            for reader in step.readers:
                if reader in run.steps:
                    reads = run.steps[reader].reads
                    reads.discard(relation)
                    if not reads:
                        run.ready.append(reader)
        self._begin(run, now)
        if not run.steps:
            del self._active[run.id]
            self._take_up(now)
        self._look_at(now)

    def _fail(self, relation: Relation, now: datetime, run: _Run) -> None:
        """Count an attempt, unless the code has changed since it was decided."""
        state = replace(self._states[relation], run=None)
        if run.versions[relation] == self._timings[relation].version:
            state = replace(state, failures=state.failures + 1, failed_at=now)
        self._states[relation] = state

    def _skip(self, run: _Run, step: _Step) -> None:
        """Leave out all that depends on a step, near or far."""
        ahead = list(step.readers)
        while ahead:
            skipped = run.steps.pop(ahead.pop(), None)
            if skipped is not None:
                self._states[skipped.relation] = replace(self._states[skipped.relation], run=None)
                ahead += skipped.readers

    def _edit(self, relation: Relation, now: datetime) -> None:
        old = self._timings[relation].version
        code = f"edited-{now.isoformat()}"
        edited = CodeVersion(code, code, "" if old is None else old.parser)
        timings = {**self._timings, relation: replace(self._timings[relation], version=edited)}
        self._set(Timetable(timings.values()))
        self._states[relation] = replace(self._states[relation], failures=0, failed_at=None)
        self._look_at(now)

    def _stop(self, now: datetime) -> None:
        """End all runs at once. That they have ended is found when the service is back."""
        self._stops += 1
        for run in (*self._active.values(), *self._queue):
            for step in run.steps.values():
                if step.started_at is not None:
                    self._note(run, step, now, is_good=False)
                    self._lost.append((run, step.relation))
                else:
                    self._states[step.relation] = replace(self._states[step.relation], run=None)
        self._active.clear()
        self._queue.clear()

    def _resume(self, now: datetime) -> None:
        self._stops -= 1
        if not self._stops:
            for run, relation in self._lost:
                self._fail(relation, now, run)
            self._lost.clear()
            self._look_at(now)

    def _note(self, run: _Run, step: _Step, ended_at: datetime | None, *, is_good: bool) -> None:
        if step.started_at is not None and step.reason is not Reason.VIEW:
            build = Build(step.reason, run.decided_at, step.started_at, ended_at, is_good)
            self._builds[step.relation].append(build)
