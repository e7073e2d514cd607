"""Every message about orphans, word for word; those of the command itself are tested where it runs."""

from __future__ import annotations

import pytest

from sqlmat_assets.errors import Problem, orphans

WORDED = [
    (orphans.of_environments(2), "left out: 2 tables of environments"),
    (orphans.note_renamed(["a.b", "a.c"]), "renamed to `a.b`, `a.c`?"),
    (orphans.note_readers(["a.b", "a.c"]), "still read by `a.b`, `a.c`"),
    (orphans.dropped([], "duckdb:///w.duckdb"), "dropped no tables from duckdb:///w.duckdb"),
    (orphans.dropped(["a.b", "a.c"], "duckdb:///w.duckdb"), "dropped 2 tables from duckdb:///w.duckdb: `a.b`, `a.c`"),
    (orphans.kept("a.b", ["c.d"]), "kept `a.b`: `c.d` reads it\n  hint: change those first"),
    (orphans.unknown("a.bb", ["a.b"]), "there is no orphan `a.bb`\n  hint: did you mean `a.b`?"),
    (
        orphans.problems_may_hide([Problem("a/b c.sql", 0, 0, "a separator in the name"), Problem("x", 0, 0, "no")]),
        "nothing is dropped while files have problems that may hide a table\n"
        "  a/b c.sql: a separator in the name\n"
        "  x: no\n"
        "  hint: mend them first; `sqlmat check` tells more",
    ),
]


@pytest.mark.parametrize(("said", "expected"), WORDED, ids=[str(expected).split("\n")[0] for _, expected in WORDED])
def test_word_for_word(said: object, expected: str) -> None:
    assert str(said) == expected
