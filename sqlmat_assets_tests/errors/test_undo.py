"""Every message about versions and putting one back, word for word; those of the command are tested where it runs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sqlmat_assets.errors import undo, verdicts

AT = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
WORDED = [
    (undo.unknown("a.bb", ["a.b"]), "no table `a.bb` was built here\n  hint: did you mean `a.b`?"),
    (
        undo.not_ours("a.b", "view"),
        "the view in the place of `a.b` is not what sqlmat published; nothing is undone\n"
        "  hint: drop or rename that view first",
    ),
    (
        undo.several_versions("a.b", "2026"),
        "several versions of `a.b` were published at `2026`\n  hint: write more of the time, as `--list` shows it",
    ),
    (
        undo.no_good_version(["a.b", "a.c"]),
        "no version of `a.b`, `a.c` is kept that was not built from what goes; nothing is undone\n"
        "  hint: undo without `--downstream`, then build them: `sqlmat build -s a.b -s a.c`",
    ),
    (
        undo.changed_meanwhile("a.b"),
        "`a.b` was published by somebody else at this moment; nothing is undone\n  hint: look again",
    ),
    (
        undo.would_break("a.b", [("p.v", 'no "x"\n  here'), ("p.w", "no")]),
        "2 views would no longer work with that version of `a.b`; nothing is undone\n"
        '  `p.v`: no "x" here\n'
        "  `p.w`: no\n"
        "  hint: change these views so that they can be read with both versions, or drop them, then undo",
    ),
    (
        undo.would_break("a.b", [(f"p.v{n:02}", "no") for n in range(11)]).splitlines()[-2],
        "  and 1 more",
    ),
    (
        undo.unreadable("a.b", 'no "x"\n  here'),
        'that version of `a.b` cannot be read any more; nothing is undone: no "x" here\n'
        "  hint: put back what it reads first; or `--list` shows other versions for `--to`",
    ),
    (undo.put_back("a.b", AT, None, None), "put back `a.b` of 2026-01-02 03:04:05 UTC"),
    (
        undo.put_back("a.b", AT, 1234, "c0ffee1234"),
        "put back `a.b` of 2026-01-02 03:04:05 UTC (1,234 rows, commit c0ffee12)",
    ),
    (
        undo.put_back("a.b", AT, None, "c0ffee1234", has_edits=True),
        "put back `a.b` of 2026-01-02 03:04:05 UTC (commit c0ffee12 + edits)",
    ),
    (
        undo.redo("a.b", AT, is_downstream=True),
        'if that was wrong: sqlmat undo a.b --downstream --to "2026-01-02 03:04:05.000678"',
    ),
    (undo.gone(AT), "in place of that of 2026-01-02 03:04:05 UTC, which somebody has dropped"),
    (
        undo.not_told("/home", "no space left", "a.b"),
        "warning: the Dagster instance `/home` was not told: no space left\n"
        "  hint: `a.b` is left alone all the same; "
        "the next run that comes to it, or `sqlmat build`, tells the instance",
    ),
    (
        undo.not_told("/home", "no space left", None),
        "warning: the Dagster instance `/home` was not told: no space left\n"
        "  hint: it shows what was there before, until the next build",
    ),
    (
        undo.left_alone("a.b", AT),
        "`a.b` is left alone, because it was put back by hand at 2026-01-02 03:04:05 UTC; "
        "edit its file, or build it by name: `sqlmat build -s a.b`",
    ),
    (
        undo.put_back_meanwhile("a.b"),
        "`a.b` was put back by hand while it was built\n"
        "  hint: what was put back stays; to build all the same: `sqlmat build -s a.b`",
    ),
    (undo.outcome(None), "put back by hand"),
    (undo.outcome(AT), "put back by hand, in place of what was published at 2026-01-02 03:04:05 UTC"),
    (
        verdicts.put_back(AT, AT),
        "left alone: put back by hand 0s ago, at 2026-01-02 03:04:05 UTC; edit it or build it",
    ),
]


@pytest.mark.parametrize(("said", "expected"), WORDED, ids=[str(expected).split("\n")[0] for _, expected in WORDED])
def test_word_for_word(said: object, expected: str) -> None:
    assert str(said) == expected
