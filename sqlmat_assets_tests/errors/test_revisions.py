"""The words about changed tables that their own tests do not bring about, word for word."""

from __future__ import annotations

import pytest

from sqlmat_assets.errors import revisions

COMMIT = "0123456789abcdef"
WORDED = [
    (revisions.compared(COMMIT, COMMIT, None, 0, 0, ()), "since 0123456: no table has changed"),
    (revisions.compared("v1", COMMIT, None, 1_000, 2, ()), "since 0123456 (`v1`): 1,000 new, 2 changed"),
    (
        revisions.removed_tables(["a.b", "a.c", "a.d", "a.e", "a.f", "a.g"]),
        "`a.b`, `a.c`, `a.d`, `a.e`, `a.f` and 1 more have no files any more and are not built\n"
        "  hint: in the warehouse they stay until somebody drops them: `sqlmat orphans`",
    ),
    (revisions.git_failed("diff", "bad object"), "`git diff` failed: bad object"),
]


@pytest.mark.parametrize(("said", "expected"), WORDED, ids=[expected[:40] for _, expected in WORDED])
def test_word_for_word(said: object, expected: str) -> None:
    assert str(said) == expected
