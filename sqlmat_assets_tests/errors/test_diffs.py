"""The words of `sqlmat diff` that its own tests do not bring about, word for word."""

from __future__ import annotations

import pytest

from sqlmat_assets.errors import diffs

WORDED = [
    (diffs.by_key(["country", "city_id"], "`--key`"), "by `country`, `city_id` (`--key`)"),
    (diffs.are_equal(1, 12_345), "equal: 1 row, 12,345 columns"),
    (diffs.nothing_shared(), "no column is in both tables, so no row is"),
    (diffs.nulls("a.b", 2), "2 rows of `a.b` have NULL in the key, which is taken for a value like any other"),
    (
        diffs.repeated("a.b", 2_000, 5_000),
        "warning: 2,000 keys of `a.b` are there more than once, in 5,000 rows; a row of such a key counts as changed "
        "only where no other of its rows differs, else as removed and added",
    ),
    (diffs.sampled("added", 5, 20_000), "added rows, 5 of 20,000"),
    (diffs.sampled("added", 1, 1), "added row"),
    (diffs.sampled("removed", 3, 3), "removed rows"),
    (diffs.more_columns(1), "and 1 more column"),
    (diffs.share(1, 3), "33.33%"),
    (diffs.share(1, 1_000_000), "<0.01%"),
    (diffs.share(999_999, 1_000_000), ">99.99%"),
    (diffs.share(0, 0), "0.00%"),
]


@pytest.mark.parametrize(("said", "expected"), WORDED, ids=[expected[:40] for _, expected in WORDED])
def test_word_for_word(said: str, expected: str) -> None:
    assert said == expected
