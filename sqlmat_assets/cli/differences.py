"""How a case that did not pass looks on a terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from textwrap import indent

from sqlmat_assets.errors import unit_tests as wording
from sqlmat_assets.errors.samples import SHOWN_ROWS, printable, sample_lines
from sqlmat_assets.execution.differences import Pair, Row
from sqlmat_assets.execution.unit_tests import CaseResult

_MARGIN = "    "
_WIDEST_CELL = 30
_BEFORE_DIFFERENCE = 8


def lines_of(result: CaseResult) -> Iterator[str]:
    """What is wrong, a few rows of each kind, in lines that fit the terminal, or 80 columns in a pipe."""
    terminal = shutil.get_terminal_size() if sys.stdout.isatty() else os.terminal_size((80, 24))
    width = terminal.columns
    for said in result.said:
        yield indent(said, "  ")
    columns, found = result.columns, result.differences
    if result.rows:
        yield from _sample(columns, result.rows, len(result.rows[:SHOWN_ROWS]), width)
    if found.missing:
        yield f"  {wording.missing_rows(len(found.missing))}"
        yield from _sample(columns, found.missing, len(found.missing), width)
    if found.unexpected:
        yield f"  {wording.unexpected_rows(len(found.unexpected))}"
        yield from _sample(columns, found.unexpected, len(found.unexpected), width)
    if found.different:
        yield f"  {wording.different_rows(len(found.different))}"
        for pair in found.different[:SHOWN_ROWS]:
            yield from _pair(columns, pair, width)
        if len(found.different) > SHOWN_ROWS:
            yield f"{_MARGIN}{wording.more_rows(len(found.different) - SHOWN_ROWS)}"
    if found.disorder is not None:
        number, pair = found.disorder
        yield f"  {wording.other_order(number)}"
        yield from _pair(columns, pair, width)


def _sample(columns: Sequence[str], rows: Sequence[Row], count: int, width: int) -> Iterator[str]:
    shown = [[_visible(cell) for cell in row.shown] for row in rows[:SHOWN_ROWS]]
    for line in sample_lines(columns, shown, count, width - len(_MARGIN)):
        yield _MARGIN + line


def _pair(columns: Sequence[str], pair: Pair, width: int) -> Iterator[str]:
    """The cells that tell which row it is, and below them those that differ."""
    place = f"{wording.EXPECTED}:{pair.expected.line}" if pair.expected.line else wording.EXPECTED
    same = [index for index in range(len(columns)) if index not in pair.columns]
    known = [f"{columns[index]}={_fit(_visible(pair.found.shown[index]), _WIDEST_CELL)}" for index in same]
    head = "  ".join([place, *known])
    yield _MARGIN + _fit(head, width - len(_MARGIN))
    for index in pair.columns:
        expected, found = cut_both(pair.expected.shown[index], pair.found.shown[index])
        line = wording.different_cell(columns[index], expected, found)
        yield f"{_MARGIN}  {_fit(line, width - len(_MARGIN) - 2)}"


def _visible(cell: str | None) -> str:
    return "NULL" if cell is None else printable(cell) if cell else '""'


def cut_both(expected: str | None, found: str | None, widest: int = _WIDEST_CELL) -> tuple[str, str]:
    """Two values as texts so short that both are seen where they begin to differ."""
    one, other = _visible(expected), _visible(found)
    if max(len(one), len(other)) <= widest:
        return one, other
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(0, same - _BEFORE_DIFFERENCE)
    before = "…" if start else ""
    room = widest - len(before)
    return before + _fit(one[start:], room), before + _fit(other[start:], room)


def _fit(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
