"""What tells two sets of rows apart; no engine is needed for it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from sqlmat_assets.execution.differences import Comparison, Row, compare, make_row

TEXT, FLOAT = Comparison.TEXT, Comparison.FLOAT


def rows(*cells: Sequence[str | None], kinds: Sequence[Comparison] = (TEXT, FLOAT, TEXT)) -> list[Row]:
    return [make_row(row, row, kinds[: len(row)], line) for line, row in enumerate(cells, 2)]


def test_rows_close_to_each_other_are_paired_once() -> None:
    expected = rows(("a", "1.0", "x"), ("a", "1.0000001", "x"))
    found = rows(("a", "1.0000002", "x"), ("a", "1.0000003", "x"))
    assert not compare(expected, found, (TEXT, FLOAT, TEXT), is_ordered=False)
    assert len(compare(expected, found[:1], (TEXT, FLOAT, TEXT), is_ordered=False).missing) == 1


def test_the_most_alike_are_a_pair() -> None:
    expected = rows(("a", "1", "x"), ("b", "2", "y"))
    found = rows(("b", "2", "x"), ("a", "9", "x"))
    different = compare(expected, found, (TEXT, FLOAT, TEXT), is_ordered=False).different
    assert [(pair.expected.shown[0], pair.found.shown[0], pair.columns) for pair in different] == [
        ("a", "a", (1,)),
        ("b", "b", (2,)),
    ]


def test_thousands_of_rows_that_differ() -> None:
    expected = rows(*((f"{number}", "1", "x") for number in range(5_000)))
    found = rows(*((f"{number}", "2", "x") for number in range(5_000)))
    differences = compare(expected, found, (TEXT, FLOAT, TEXT), is_ordered=False)
    assert len(differences.different) == 200
    assert len(differences.missing) == len(differences.unexpected) == 4_800


CELL = st.sampled_from(["", "a", "b", "1", "1.0", "2", None])
ROWS = st.lists(st.tuples(CELL, CELL, CELL), max_size=8)


@given(ROWS, st.randoms())
def test_the_same_rows_in_any_order_do_not_differ(cells: list[tuple[str | None, ...]], random: Random) -> None:
    shuffled = list(cells)
    random.shuffle(shuffled)
    assert not compare(rows(*cells), rows(*shuffled), (TEXT, FLOAT, TEXT), is_ordered=False)


@given(ROWS, ROWS)
def test_every_row_is_told_of_once(one: list[tuple[str | None, ...]], other: list[tuple[str | None, ...]]) -> None:
    kinds = (TEXT, TEXT, TEXT)
    expected, found = rows(*one, kinds=kinds), rows(*other, kinds=kinds)
    differences = compare(expected, found, kinds, is_ordered=False)
    left = [row.shown for row in (*differences.missing, *(pair.expected for pair in differences.different))]
    over = [row.shown for row in (*differences.unexpected, *(pair.found for pair in differences.different))]
    for row in set(one) | set(other):
        assert max(0, one.count(row) - other.count(row)) == left.count(row)
        assert max(0, other.count(row) - one.count(row)) == over.count(row)
    assert bool(differences) == (sorted(map(str, one)) != sorted(map(str, other)))
