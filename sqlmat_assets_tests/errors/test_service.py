"""What the service says about itself, word for word."""

from __future__ import annotations

import pytest

from sqlmat_assets.errors import service

WORDED = [
    (
        service.edited({"edited": ["a.sql"], "new": [], "removed": ["b.sql", "c.sql"]}),
        "edited: `a.sql`; removed: `b.sql`, `c.sql`",
    ),
    (
        service.edited({"new": [f"{n}.sql" for n in range(7)]}),
        "new: `0.sql`, `1.sql`, `2.sql`, `3.sql`, `4.sql` and 2 more",
    ),
    (
        service.reload_failed("new: `a.sql`", "no module `x`"),
        "the definitions could not be loaded again (new: `a.sql`): no module `x`\n"
        "  hint: mend what it names, then reload the definitions in the UI",
    ),
    (service.run_ended("1a2b3c4d", "why"), "run 1a2b3c4d was ended: why"),
]


@pytest.mark.parametrize(("told", "expected"), WORDED)
def test_each_message_is_worded_as_here(told: str, expected: str) -> None:
    assert told == expected
