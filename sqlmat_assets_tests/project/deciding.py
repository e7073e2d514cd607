"""Short ways to timetables and states for the tests of the decision and of the simulator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.due import Timetable
from sqlmat_assets.project.intervals import parse_interval
from sqlmat_assets.project.schedules import Calendar
from sqlmat_assets.project.timings import Decision, State, Timing, Verdict
from sqlmat_assets.relation import Relation

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
CODE = CodeVersion("s1", "t1", "30.30.0")
OTHER_CODE = CodeVersion("s2", "t2", "30.30.0")


def table(name: str) -> Relation:
    return Relation("s", name)


def timing(name: str, reads: str = "", interval: str | None = None, cron: str | None = None, **more: Any) -> Timing:
    """`timing("c", "a b", "1h")`: c reads a and b, and is to be at most an hour old."""
    given: dict[str, Any] = {"calendar": Calendar(cron), "version": CODE, **more}
    age = None if interval is None else parse_interval(interval)
    return Timing(table(name), tuple(map(table, reads.split())), age, **given)


def built(ago: timedelta, **more: Any) -> State:
    given: dict[str, Any] = {"decided_at": NOW - ago, "version": CODE, **more}
    return State(**given)


def decide(timings: list[Timing], now: datetime = NOW, /, **states: State) -> Decision:
    return Timetable(timings).decide({table(name): state for name, state in states.items()}, now)


def verdict(decision: Decision, name: str) -> Verdict:
    return decision.verdicts[table(name)]


def groups(decision: Decision) -> list[str]:
    return [" ".join(relation.name for relation in group) for group in decision.groups]


def reasons(decision: Decision) -> dict[str, str]:
    return {relation.name: found.reason.value for relation, found in decision.verdicts.items()}
