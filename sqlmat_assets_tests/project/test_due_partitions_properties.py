"""What holds of the partitions that are built by themselves, whatever the tables, the gaps and the times of looking."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sqlmat_assets.project.due import Timetable
from sqlmat_assets.project.due_partitions import BuiltPartitions
from sqlmat_assets.project.partitions.grains import Grain
from sqlmat_assets.project.partitions.ranges import ListRange, Range, TimeRange
from sqlmat_assets.project.partitions.spec import ListPartitioning, Partitioning, TimePartitioning
from sqlmat_assets.project.schedules import Calendar
from sqlmat_assets.project.timings import State, Timing
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.project.deciding import CODE, table

FIRST = datetime(2019, 1, 7, tzinfo=UTC)  # a Monday
SPANS = {Grain.HOUR: timedelta(days=2), Grain.DAY: timedelta(days=20), Grain.WEEK: timedelta(days=60)}
CRONS = ("0 9 1 * *", "0 9 * * *", "*/20 * * * *", "30 0 * * 1")
INTERVALS = tuple(map(timedelta, (0, 0, 1), (20 * 60, 5 * 3600, 0)))
MINUTE = timedelta(minutes=1)
MOST_LOOKS = 100


@dataclass(frozen=True, slots=True)
class World:
    """Tables, when somebody looks at them first, and how much later each time."""

    timings: list[Timing]
    states: dict[Relation, State]
    start: datetime
    waits: list[timedelta]


@dataclass(slots=True)
class Told:
    """When each partition of each table was built, and when somebody looked last."""

    now: datetime
    builds: dict[tuple[Relation, str], list[datetime]] = field(
        default_factory=lambda: defaultdict[tuple[Relation, str], list[datetime]](list)
    )

    def of(self, relation: Relation) -> dict[str, list[datetime]]:
        return {key: at for (built, key), at in self.builds.items() if built == relation}


def minutes(most: int) -> st.SearchStrategy[timedelta]:
    return st.integers(1, most).map(lambda count: count * MINUTE)


@st.composite
def worlds(draw: st.DrawFn, *, is_by_age: bool = False) -> World:
    grain = draw(st.sampled_from(Grain))
    span = SPANS.get(grain, timedelta(days=200)) // MINUTE
    start = FIRST + draw(minutes(span) | minutes(span).map(lambda later: later + span * MINUTE))
    waits = draw(st.lists(minutes(span), max_size=8))
    timings: list[Timing] = []
    states: dict[Relation, State] = {}
    for i in range(draw(st.integers(1, 4))):
        own = grain if draw(st.booleans()) else draw(st.sampled_from([Grain.DAY, Grain.WEEK, Grain.MONTH]))
        end = draw(st.none() | st.integers(1, 20).map(lambda n, own=own: own.step(own.ceil(FIRST), n)))
        parts = TimePartitioning("at", own, own.ceil(FIRST), end)
        cron = None if is_by_age else draw(st.sampled_from(CRONS))
        interval = draw(st.sampled_from(INTERVALS)) if is_by_age else None
        reads = tuple(table(f"t{read}") for read in sorted(draw(st.sets(st.integers(0, max(i - 1, 0)), max_size=2))))
        timing = Timing(table(f"t{i}"), reads, interval, Calendar(cron), CODE, partitioning=parts)
        timings.append(timing)
        if draw(st.integers(0, 3)):
            states[timing.relation] = with_gaps(draw, timing, parts, start)
    return World(timings, {relation: state for relation, state in states.items() if state.decided_at}, start, waits)


def with_gaps(draw: st.DrawFn, timing: Timing, parts: TimePartitioning, start: datetime) -> State:
    """A table of which a service has built some; with an interval, the last of them perhaps before it had ended."""
    tick = start if timing.interval is not None else timing.calendar.last_tick(start)
    ended = None if tick is None else parts.ended(tick)
    keys = [] if ended is None else list(parts.keys(ended))
    there = [key for key in keys[-30:] if draw(st.booleans())]
    if not there or tick is None:
        return State()
    last = parts.bounds(there[-1])
    at = tick if timing.interval is None else draw(st.sampled_from([last.start + MINUTE, last.end]))
    return State(at, CODE, partitions=BuiltPartitions.of(parts, there, at))


def keys_before(world: World, timing: Timing, parts: TimePartitioning) -> set[str]:
    """The partitions that need not be built again."""
    before = world.states.get(timing.relation, State()).partitions
    keys = {key for range_ in before.ranges for key in parts.keys(range_)}
    at = before.newest_at
    return keys if at is None else {key for key in keys if not parts.bounds(key).contains(at)}


def keys_of(parts: Partitioning | None, range_: Range | None) -> tuple[str, ...]:
    if isinstance(parts, TimePartitioning) and isinstance(range_, TimeRange):
        return parts.keys(range_)
    if isinstance(parts, ListPartitioning) and isinstance(range_, ListRange):
        return parts.keys(range_)
    raise AssertionError((parts, range_))


def live(world: World) -> Told:
    """Look again and again, and build at once what is asked for."""
    timetable, states = Timetable(world.timings), dict(world.states)
    parts = {timing.relation: timing.partitioning for timing in world.timings}
    told = Told(world.start)
    for wait in (timedelta(), *world.waits):
        told.now += wait
        for _ in range(MOST_LOOKS):
            decision = timetable.decide(states, told.now)
            if not decision.groups:
                break
            for relation in (relation for group in decision.groups for relation in group):
                range_ = decision.verdicts[relation].range_
                assert range_ is not None
                for key in keys_of(parts[relation], range_):
                    told.builds[relation, key].append(told.now)
                built = states.get(relation, State()).partitions.with_range(range_, told.now)
                states[relation] = State(told.now, CODE, partitions=built)
        else:
            raise AssertionError("it never comes to rest")
    return told


@given(worlds())
def test_every_partition_that_has_ended_by_the_last_tick_is_built_exactly_once(world: World) -> None:
    told = live(world)
    for timing in world.timings:
        parts, tick = timing.partitioning, timing.calendar.last_tick(told.now)
        assert isinstance(parts, TimePartitioning)
        assert tick is not None
        ended = parts.ended(tick)
        wanted = set() if ended is None else set(parts.keys(ended))
        there = keys_before(world, timing, parts)
        built = told.of(timing.relation)
        assert set(built) == wanted - there
        assert {key: len(at) for key, at in built.items()} == dict.fromkeys(wanted - there, 1)


@given(worlds(is_by_age=True))
def test_with_an_interval_every_partition_is_brought_to_its_end_exactly_once(world: World) -> None:
    told = live(world)
    for timing in world.timings:
        parts, interval = timing.partitioning, timing.interval
        assert isinstance(parts, TimePartitioning)
        assert interval is not None
        built = told.of(timing.relation)
        there = keys_before(world, timing, parts)
        newest = max((at for builds in built.values() for at in builds), default=None)
        ended = parts.ended(told.now)
        for key in () if ended is None else parts.keys(ended):
            after = [at for at in built.get(key, []) if at >= parts.bounds(key).end]
            # What has ended since the last build is built with the next, which is due within the interval.
            is_to_come = newest is not None and told.now - newest < interval
            if key in there:
                assert not after
            else:
                assert len(after) == 1 or (not after and is_to_come)


@given(st.lists(minutes(5000), max_size=12), st.integers(0, 7), st.sampled_from([None, *CRONS]))
def test_values_are_built_together_and_once_for_each_tick_or_interval(
    waits: list[timedelta], there: int, cron: str | None
) -> None:
    parts = ListPartitioning("country", tuple("abcdefg"))
    interval = None if cron else timedelta(hours=5)
    timing = Timing(table("t"), (), interval, Calendar(cron), CODE, partitioning=parts)
    state = State(FIRST, CODE, partitions=BuiltPartitions.of(parts, "abcdefg"[:there]))
    told = live(World([timing], {timing.relation: state} if there else {}, FIRST, waits))
    # What the table did not have came first; after that all of them come together.
    first = [FIRST] if there < len(parts.values) else []
    builds = told.of(timing.relation)
    together = builds.get("a", []) if there else builds["a"][1:]
    for place, value in enumerate("abcdefg"):
        assert builds.get(value, []) == ([] if place < there else first) + together
    for one, other in pairwise([FIRST, *together]):
        tick = timing.calendar.last_tick(other)
        assert other - one >= interval if interval is not None else tick is not None and one < tick
    tick = timing.calendar.last_tick(told.now)
    newest = max([FIRST, *together])
    assert told.now - newest < interval if interval is not None else tick is not None and tick <= newest
