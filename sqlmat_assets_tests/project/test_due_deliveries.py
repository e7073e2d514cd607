"""When deliveries are due: a decision over values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.due import Timetable
from sqlmat_assets.project.reasons import Reason
from sqlmat_assets.project.simulate import Outage, Scenario, simulate
from sqlmat_assets.project.timings import State, Timing, Verdict
from sqlmat_assets.relation import Relation

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
CITIES, SENT, HOOK = (Relation("first", name) for name in ("cities", "sent", "hook"))
CODE = CodeVersion("a", "a", "1")
TABLES = (
    Timing(CITIES, interval=HOUR, version=CODE),
    Timing(SENT, (CITIES,), version=CODE, is_delivery=True, retried_within=HOUR),
)


def state(published_at: datetime | None = NOW - MINUTE, **more: object) -> State:
    return State(NOW - MINUTE, CODE, published_at=published_at, **more)  # pyright: ignore[reportArgumentType] - its fields


def decide(cities: State, sent: State, *timings: Timing, now: datetime = NOW) -> Verdict:
    return Timetable(timings or TABLES).decide({CITIES: cities, SENT: sent}, now).verdicts[SENT]


def test_what_has_arrived_is_left_until_the_table_is_published() -> None:
    arrived = state(delivered={CITIES: NOW - MINUTE})
    assert decide(state(), arrived).reason is Reason.FRESH
    assert decide(state(NOW), arrived).reason is Reason.PUBLISHED
    # An earlier version was put back.
    assert decide(state(NOW - HOUR), arrived).reason is Reason.PUBLISHED


def test_of_a_table_of_which_nothing_is_known_nothing_is_new() -> None:
    assert decide(state(None), state(delivered={})).reason is Reason.FRESH


def test_it_goes_into_the_run_of_its_table() -> None:
    arrived = state(delivered={CITIES: NOW - MINUTE})
    decision = Timetable(TABLES).decide({CITIES: state(), SENT: arrived}, NOW + HOUR)
    assert decision.verdicts[SENT].reason is Reason.PUBLISHED
    assert decision.groups == ((CITIES, SENT),)


def test_it_waits_for_a_run_of_its_table() -> None:
    found = decide(state(run="r1"), state(delivered={}))
    assert (found.reason, found.waits_for) == (Reason.WAITING, (CITIES,))


def test_it_is_held_while_its_table_fails() -> None:
    found = decide(state(failures=1, failed_at=NOW), State())
    assert (found.reason, found.waits_for) == (Reason.HELD, (CITIES,))


def test_one_that_fails_is_left_alone_for_no_longer_than_the_interval_of_its_table() -> None:
    failed = state(delivered={}, failures=20, failed_at=NOW)
    found = decide(state(), failed)
    assert (found.reason, found.next_at) == (Reason.BACKING_OFF, NOW + HOUR)


def test_with_an_interval_it_is_due_by_age() -> None:
    timing = Timing(SENT, (CITIES,), interval=3 * HOUR, version=CODE, is_delivery=True)
    published = state(NOW)
    old = state(delivered={CITIES: NOW - HOUR})
    assert decide(published, old, TABLES[0], timing).reason is Reason.FRESH
    assert decide(published, old, TABLES[0], timing, now=NOW + 3 * HOUR).reason is Reason.DUE


def test_one_that_tells_of_another_follows_it() -> None:
    hook = Timing(HOOK, (CITIES, SENT), version=CODE, is_delivery=True)
    states = {CITIES: state(), SENT: state(NOW, delivered={CITIES: NOW - MINUTE})}
    states[HOOK] = state(delivered={CITIES: NOW - MINUTE, SENT: NOW - MINUTE})
    verdicts = Timetable((*TABLES, hook)).decide(states, NOW).verdicts
    assert (verdicts[SENT].reason, verdicts[HOOK].reason) == (Reason.FRESH, Reason.PUBLISHED)


def test_over_a_day_there_is_one_for_each_publish() -> None:
    found = simulate(Timetable(TABLES), Scenario(NOW, timedelta(days=1)))
    assert len(found.tables[CITIES].builds) == len(found.tables[SENT].builds) == 24


def test_one_that_fails_for_hours_is_made_up_for_once() -> None:
    outage = Outage(NOW + HOUR, NOW + 5 * HOUR, SENT)
    found = simulate(Timetable(TABLES), Scenario(NOW, timedelta(days=1), failures=(outage,)))
    sent = found.tables[SENT]
    good = [build for build in sent.builds if build.is_good]
    assert len(found.tables[CITIES].builds) == 24
    assert len(good) <= 22
    assert sent.failed <= 12
    # After the outage it is never behind for longer than it takes to look.
    assert max(build.decided_at for build in good) > NOW + 22 * HOUR
