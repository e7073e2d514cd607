"""Two sets of rows, and what tells them apart."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, cast

# Six digits of a number that was measured or divided; less than that is noise.
_RELATIVE, _ABSOLUTE = 1e-6, 1e-12
# Rows are compared with each other one by one, to find those that are nearly the same.
_MOST_COMPARED = 200


class Comparison(StrEnum):
    """How two values of a column are compared."""

    TEXT = "text"
    EXACT = "exact number"
    FLOAT = "floating-point number"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it is shown, None where there is no value, and the same as what is compared.

    `line` is where it stands in a file; 0 for a row that a query gave.
    """

    shown: tuple[str | None, ...]
    values: tuple[Hashable, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Pair:
    """A row that was expected, and one that is like it; `columns` are the numbers of those in which they differ."""

    expected: Row
    found: Row
    columns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """What tells rows apart: those missing, those too many, and those of which some cells are others.

    `disorder` is the first pair, by its number from 1, that stands elsewhere although the rows are the same.
    """

    missing: tuple[Row, ...] = ()
    unexpected: tuple[Row, ...] = ()
    different: tuple[Pair, ...] = ()
    disorder: tuple[int, Pair] | None = None

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.different or self.disorder)


def make_row(
    shown: Sequence[str | None], written: Sequence[str | None], kinds: Sequence[Comparison], line: int = 0
) -> Row:
    """Read the cells of a row.

    Args:
        shown: The cells as people see them.
        written: The same as the engine writes values of their types.
        kinds: How each is compared.
        line: Where the row stands in its file.
    """
    values = tuple(
        _value(cell if kind is Comparison.EXACT else text, kind)
        for cell, text, kind in zip(shown, written, kinds, strict=True)
    )
    return Row(tuple(shown), values, line)


def compare(
    expected: Sequence[Row], found: Sequence[Row], kinds: Sequence[Comparison], *, is_ordered: bool
) -> Differences:
    """Find what tells two sets of rows apart; rows that are there twice have to be there twice.

    Args:
        expected: The rows that should be there.
        found: The rows that are there.
        kinds: How the cells of each column are compared.
        is_ordered: Whether the order of the rows counts.
    """
    missing, unexpected = _without_equal(expected, found)
    missing, unexpected = _without_close(missing, unexpected, kinds)
    pairs, missing, unexpected = _pair(missing, unexpected, kinds)
    disorder = None
    if is_ordered and not (missing or unexpected or pairs):
        for number, (one, other) in enumerate(zip(expected, found, strict=True), 1):
            columns = _unequal(one, other, kinds)
            if columns:
                disorder = (number, Pair(one, other, columns))
                break
    return Differences(tuple(missing), tuple(unexpected), tuple(pairs), disorder)


def _without_equal(expected: Sequence[Row], found: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    there = Counter(row.values for row in found)
    missing: list[Row] = []
    for row in expected:
        if there[row.values] > 0:
            there[row.values] -= 1
        else:
            missing.append(row)
    unexpected: list[Row] = []
    # The last of several that are the same are those too many.
    for row in reversed(found):
        if there[row.values] > 0:
            there[row.values] -= 1
            unexpected.append(row)
    return missing, unexpected[::-1]


def _without_close(
    missing: Sequence[Row], unexpected: Iterable[Row], kinds: Sequence[Comparison]
) -> tuple[list[Row], list[Row]]:
    """Take out the rows that differ in the last digits of numbers only."""
    exact = [index for index, kind in enumerate(kinds) if kind in (Comparison.TEXT, Comparison.EXACT)]
    if len(exact) == len(kinds):
        return list(missing), list(unexpected)
    waiting: dict[tuple[Hashable, ...], list[Row]] = defaultdict(list)
    for row in missing:
        waiting[tuple(row.values[index] for index in exact)].append(row)
    left: list[Row] = []
    matched: set[int] = set()
    for row in unexpected:
        candidates = waiting.get(tuple(row.values[index] for index in exact), [])
        close = next((one for one in candidates if not _unequal(one, row, kinds)), None)
        if close is None:
            left.append(row)
        else:
            candidates.remove(close)
            matched.add(id(close))
    return [row for row in missing if id(row) not in matched], left


def _pair(
    missing: Sequence[Row], unexpected: Sequence[Row], kinds: Sequence[Comparison]
) -> tuple[list[Pair], list[Row], list[Row]]:
    """Find the rows that are the same in half of their columns or more, the most alike first."""
    found: list[tuple[int, int, int, tuple[int, ...]]] = []
    for number, one in enumerate(missing[:_MOST_COMPARED]):
        for place, other in enumerate(unexpected[:_MOST_COMPARED]):
            columns = _unequal(one, other, kinds)
            if len(columns) * 2 <= len(kinds):
                found.append((len(columns), number, place, columns))
    pairs: dict[int, Pair] = {}
    taken: set[int] = set()
    for _, number, place, columns in sorted(found):
        if number not in pairs and place not in taken:
            pairs[number] = Pair(missing[number], unexpected[place], columns)
            taken.add(place)
    return (
        [pairs[number] for number in sorted(pairs)],
        [row for number, row in enumerate(missing) if number not in pairs],
        [row for place, row in enumerate(unexpected) if place not in taken],
    )


def _unequal(one: Row, other: Row, kinds: Sequence[Comparison]) -> tuple[int, ...]:
    return tuple(
        index
        for index, kind in enumerate(kinds)
        if one.values[index] != other.values[index] and not _is_close(one.values[index], other.values[index], kind)
    )


def _is_close(one: Hashable, other: Hashable, kind: Comparison) -> bool:
    if kind is Comparison.FLOAT:
        return isinstance(one, float) and isinstance(other, float) and _near(one, other)
    if kind is Comparison.JSON and isinstance(one, str) and isinstance(other, str):
        try:
            return _is_close_document(json.loads(one), json.loads(other))
        except ValueError:
            return False
    return False


def _is_close_document(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        mine, its = cast("dict[str, Any]", one), cast("dict[str, Any]", other)
        return mine.keys() == its.keys() and all(_is_close_document(mine[key], its[key]) for key in mine)
    if isinstance(one, list) and isinstance(other, list):
        first, second = cast("list[Any]", one), cast("list[Any]", other)
        return len(first) == len(second) and all(map(_is_close_document, first, second))
    if isinstance(one, float) and isinstance(other, (int, float)) and not isinstance(other, bool):
        return _near(one, float(other))
    if isinstance(other, float) and isinstance(one, int) and not isinstance(one, bool):
        return _near(float(one), other)
    return type(one) is type(other) and one == other


def _near(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)


def _value(text: str | None, kind: Comparison) -> Hashable:
    """What of a cell is compared; a text that is no value of its column's type is unlike all of them."""
    if text is None:
        return None
    try:
        match kind:
            case Comparison.EXACT:
                return Decimal(text)
            case Comparison.FLOAT:
                number = float(text)
                return "nan" if math.isnan(number) else number
            case Comparison.JSON:
                return json.dumps(json.loads(text), sort_keys=True)
            case Comparison.TEXT:
                return text
    except (ValueError, InvalidOperation):
        return text
