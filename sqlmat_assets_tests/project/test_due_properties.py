"""What holds of every decision, whatever the graph, the states and the moment."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from sqlmat_assets.project.due import Timetable
from sqlmat_assets.project.reasons import Reason
from sqlmat_assets.project.schedules import Calendar
from sqlmat_assets.project.simulate import Scenario, simulate
from sqlmat_assets.project.timings import Decision, State, Timing
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.project.deciding import CODE, NOW, OTHER_CODE, table

MINUTE = timedelta(minutes=1)
CRONS = ("0 9 * * *", "*/20 * * * *")


@st.composite
def timings(draw: st.DrawFn, *, is_healthy: bool = False) -> list[Timing]:
    """Tables that read earlier ones and, unless all is to be healthy, now and then later ones too."""
    size = draw(st.integers(1, 9))
    found: list[Timing] = []
    for i in range(size):
        reads = draw(st.sets(st.integers(0, max(i - 1, 0)), max_size=3))
        if not is_healthy and draw(st.integers(0, 9)) == 0:
            reads |= {draw(st.integers(0, size))}
        minutes = draw(st.sampled_from([2, 7, 30, 60] if is_healthy else [None, None, 2, 7, 30, 60]))
        cron = None if minutes or is_healthy else draw(st.sampled_from([None, *CRONS]))
        found.append(
            Timing(
                table(f"t{i}"),
                tuple(table(f"t{read}") for read in sorted(reads)),
                None if minutes is None else minutes * MINUTE,
                Calendar(cron),
                CODE,
                ignores_failed_upstream=not is_healthy and draw(st.booleans()),
                is_quarantined=not is_healthy and draw(st.integers(0, 9)) == 0,
                weight=draw(st.integers(0, 3)),
            )
        )
    return found


ages = st.integers(0, 90 * 60).map(lambda seconds: NOW - timedelta(seconds=seconds))
states = st.builds(
    State,
    st.none() | ages,
    st.sampled_from([None, CODE, CODE, CODE, OTHER_CODE]),
    st.sampled_from([0, 0, 0, 1, 4]),
    st.none() | ages,
    st.sampled_from([None, None, None, "r1"]),
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Timing], dict[Relation, State]]:
    tables = draw(timings())
    return tables, {t.relation: draw(states) for t in tables if draw(st.integers(0, 4))}


def reads_within(group: tuple[Relation, ...], tables: list[Timing]) -> dict[Relation, set[Relation]]:
    return {t.relation: set(t.upstream) & set(group) - {t.relation} for t in tables if t.relation in group}


def circles(tables: list[Timing]) -> set[Relation]:
    """The tables that depend on themselves, and what depends on those: there is no order among them."""
    upstream = {t.relation: set(t.upstream) - {t.relation} for t in tables}
    done: set[Relation] = set()
    while more := {r for r in upstream if r not in done and not (upstream[r] & upstream.keys()) - done}:
        done |= more
    return upstream.keys() - done


def decide(situation: tuple[list[Timing], dict[Relation, State]]) -> Decision:
    return Timetable(situation[0]).decide(situation[1], NOW)


@given(situations())
def test_every_table_has_a_verdict_and_those_to_build_are_in_one_group(
    situation: tuple[list[Timing], dict[Relation, State]],
) -> None:
    decision = decide(situation)
    assert decision.verdicts.keys() == {t.relation for t in situation[0]}
    grouped = [relation for group in decision.groups for relation in group]
    assert sorted(grouped) == sorted(r for r, verdict in decision.verdicts.items() if verdict.reason.is_build)
    for relation, verdict in decision.verdicts.items():
        assert bool(verdict.waits_for) == (verdict.reason in (Reason.HELD, Reason.WAITING))
        assert verdict.failures == situation[1].get(relation, State()).failures


@given(situations())
def test_groups_are_connected_apart_from_each_other_and_upstream_first(
    situation: tuple[list[Timing], dict[Relation, State]],
) -> None:
    tables, _ = situation
    stuck = circles(tables)
    group_of = {r: place for place, group in enumerate(decide(situation).groups) for r in group}
    for group in decide(situation).groups:
        reads = reads_within(group, tables)
        seen, ahead = {group[0]}, [group[0]]
        while ahead:
            one = ahead.pop()
            near = {r for r in group if (r in reads[one] or one in reads[r]) and r not in seen}
            seen |= near
            ahead += near
        assert seen == set(group)
        for place, relation in enumerate(group):
            if relation not in stuck:
                assert reads[relation] <= set(group[:place])
    for one in tables:
        if one.relation in group_of and one.relation not in stuck:
            assert {group_of[r] for r in one.upstream if r in group_of} <= {group_of[one.relation]}


@given(situations())
def test_nothing_is_built_while_it_runs_or_before_what_it_reads(
    situation: tuple[list[Timing], dict[Relation, State]],
) -> None:
    tables, known = situation
    verdicts = decide(situation).verdicts
    stuck = circles(tables)
    for one in tables:
        if not verdicts[one.relation].reason.is_build:
            continue
        assert known.get(one.relation, State()).run is None
        assert not one.is_quarantined
        for read in set(one.upstream) & verdicts.keys() - {one.relation}:
            if one.relation in stuck:
                continue
            above, state = verdicts[read], known.get(read, State())
            assert above.reason is not Reason.QUARANTINED
            if above.reason in (Reason.RUNNING, Reason.WAITING):
                since = verdicts[one.relation].due_at
                assert since is not None
                assert above.due_at is not None
                assert since < above.due_at <= NOW
                assert not state.failures
            elif above.reason is Reason.HELD or (state.failures and not above.reason.is_build):
                assert one.ignores_failed_upstream
            # Whatever it reads has rows, or gets them before.
            assert state.decided_at is not None or above.reason.is_build


@given(situations())
def test_nothing_depends_on_what_is_quarantined_and_is_built(
    situation: tuple[list[Timing], dict[Relation, State]],
) -> None:
    tables, _ = situation
    verdicts = decide(situation).verdicts
    stuck = circles(tables)
    bad = {t.relation for t in tables if t.is_quarantined}
    while more := {t.relation for t in tables if t.relation not in bad | stuck and set(t.upstream) & bad}:
        bad |= more
    assert not [relation for relation in bad - stuck if verdicts[relation].reason.is_build]


def ancestors(tables: list[Timing], relation: Relation) -> set[Relation]:
    upstream = {t.relation: set(t.upstream) - {t.relation} for t in tables}
    found: set[Relation] = set()
    ahead = {relation}
    while ahead:
        ahead = set().union(*(upstream[one] for one in ahead)) - found
        found |= ahead
    return found


@given(timings(is_healthy=True), st.sampled_from([30, 35, 47]), st.sampled_from([None, 1]))
def test_when_builds_take_no_time_no_table_gets_older_than_its_interval_and_a_tick(
    tables: list[Timing], look: int, runs: int | None
) -> None:
    scenario = Scenario(NOW, timedelta(hours=4), timedelta(seconds=look), 0, runs=runs)
    found = simulate(Timetable(tables), scenario)
    for one in tables:
        assert one.interval is not None
        assert found.tables[one.relation].oldest <= one.interval + timedelta(seconds=look)


@given(timings(is_healthy=True), st.integers(1, 55), st.sampled_from([None, 1]))
def test_on_a_quiet_day_no_table_gets_older_than_its_interval_and_what_it_waits_for(
    tables: list[Timing], seconds: int, runs: int | None
) -> None:
    look = timedelta(seconds=30)
    scenario = Scenario(NOW, timedelta(hours=4), look, seconds, runs=runs, steps=len(tables))
    found = simulate(Timetable(tables), scenario)
    assert not found.alerts
    for one in tables:
        # What it reads may be under way when it becomes due, and a run that has the warehouse to itself may be too.
        own = timedelta(seconds=seconds) * (len(ancestors(tables, one.relation)) + 1)
        other = timedelta(seconds=seconds) * len(tables) if runs == 1 else own
        assert one.interval is not None
        assert found.tables[one.relation].oldest <= one.interval + look + other + look + own
