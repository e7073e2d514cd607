"""What the Dagster catalogue says, word for word."""

from __future__ import annotations

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors.catalogue import age, blocked, fenced, not_built, only_at, scheduled


def test_age() -> None:
    assert age("24h", is_own=True) == "At most 24h old."
    assert age("24h", is_own=False) == "At most 24h old, because of a table that reads it."


def test_calendar() -> None:
    assert scheduled("at 09:00 on Monday", "Europe/Berlin") == "Built at 09:00 on Monday, Europe/Berlin."
    assert only_at("hours 8-18 | days 1", "UTC") == "Built only at these times, UTC: `hours 8-18 | days 1`."


def test_not_built() -> None:
    problems = [Problem("a.sql", 1, 2, "wrong", "right it"), Problem("b.sql", 0, 0, "odd", is_warning=True)]
    assert not_built("Not built", problems) == (
        "**Not built**\n\n```text\na.sql:1:2: wrong\n  hint: right it\nb.sql: warning: odd\n```"
    )


def test_a_fence_is_longer_than_those_inside() -> None:
    assert fenced("a ``` b ```` c", "sql") == "`````sql\na ``` b ```` c\n`````"


def test_blocked() -> None:
    assert blocked("no", [("small", ["a  b", "1  2"]), ("tiny", ["a"])]) == (
        "no\n\nrows where `small` does not hold:\n  a  b\n  1  2\n\nrows where `tiny` does not hold:\n  a"
    )
    assert blocked("no", []) == "no"
