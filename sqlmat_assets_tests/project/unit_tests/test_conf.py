"""`case.conf`, read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sqlmat_assets.project.unit_tests.conf import parse_case


def test_all_that_can_be_set() -> None:
    text = "# A comment.\n; another\n\npartition: 2019-01\r\nLAST_BUILT = 2019-01-01T12:00+02:00\n  now=2019-02-01\n"
    settings, problems = parse_case(text, "case.conf")
    assert problems == ()
    assert settings.partition == "2019-01"
    assert settings.last_built == datetime(2019, 1, 1, 10, tzinfo=UTC)
    assert settings.now == datetime(2019, 2, 1, tzinfo=UTC)
    assert [(key, place.line, place.column) for key, place in settings.places.items()] == [
        ("partition", 4, 12),
        ("last_built", 5, 14),
        ("now", 6, 7),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("now", "c:1:1: `now` is no setting\n  hint: write `now = 2026-01-31 12:00`"),
        ("now =", "c:1:1: `now =` is no setting\n  hint: write `now = 2026-01-31 12:00`"),
        (
            "now = soon",
            "c:1:7: `soon` is no moment\n  hint: write it like `2026-01-31` or `2026-01-31 12:00`; it is in UTC",
        ),
        (
            "\nlast_built = 2019-02-30",
            "c:2:14: `2019-02-30` is no moment\n  hint: write it like `2026-01-31` or `2026-01-31 12:00`; it is in UTC",
        ),
        ("partitions = 1", "c:1:1: `partitions` is no setting of a case\n  hint: did you mean `partition`?"),
        (
            "now = 2019-01-01\nnow = 2019-01-02",
            "c:2:1: `now` is set in line 1 already\n  hint: remove one of the two lines",
        ),
        (
            "now = 0001-01-01 00:00+14:00",
            "c:1:7: `0001-01-01 00:00+14:00` is no moment\n"
            "  hint: write it like `2026-01-31` or `2026-01-31 12:00`; it is in UTC",
        ),
    ],
)
def test_what_cannot_be_read_is_said(text: str, said: str) -> None:
    _, problems = parse_case(text, "c")
    assert [str(problem) for problem in problems] == [said]
