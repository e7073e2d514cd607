"""How the difference of two tables looks on a terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence

from sqlmat_assets.cli.differences import cut_both
from sqlmat_assets.errors import diffs as wording
from sqlmat_assets.errors.samples import printable, sample_lines
from sqlmat_assets.execution.diff import ChangedRow, Diff, LoneRow
from sqlmat_assets.relation import Relation

_MARGIN = "  "
_WIDEST = 80
_MOST_CHANGED_COLUMNS = 8
_SHORTEST_VALUE = 12


def lines_of(diff: Diff, before: Relation, after: Relation, key_source: str) -> Iterator[str]:
    """The lines, as wide as the terminal, or 80 columns in a pipe."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDEST
    yield from _wrapped(f"{before} → {after}", width)
    if diff.shared:
        by = wording.by_key(diff.key, key_source) if diff.key else wording.by_whole_rows()
        yield from _wrapped(by, width, _MARGIN)
    yield from _remarks(diff, before, after, width)
    if diff.is_equal:
        yield _MARGIN + wording.are_equal(diff.after.rows, len(diff.shared))
        return
    yield from _columns(diff, width)
    yield from _rows(diff)
    yield from _by_column(diff)
    yield from _changed(diff, width)
    for kind, rows, count in (
        ("added", diff.added, diff.rows.added),
        ("removed", diff.removed, diff.rows.removed),
    ):
        yield from _lone(kind, rows, count, diff.shared, width)


def _wrapped(text: str, width: int, margin: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=margin,
        subsequent_indent=margin + _MARGIN,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _remarks(diff: Diff, before: Relation, after: Relation, width: int) -> Iterator[str]:
    """What is not as people expect, and has no place of its own."""
    for relation, rows in ((before, diff.before), (after, diff.after)):
        if rows.repeated_keys:
            said = wording.repeated(str(relation), rows.repeated_keys, rows.repeated_rows)
            yield from _wrapped(said, width, _MARGIN)
        if rows.null_rows:
            yield from _wrapped(wording.nulls(str(relation), rows.null_rows), width, _MARGIN)
    if diff.columns.is_reordered:
        yield _MARGIN + wording.reordered()
    if not diff.shared:
        yield _MARGIN + wording.nothing_shared()


def _columns(diff: Diff, width: int) -> Iterator[str]:
    columns = diff.columns
    rows = [
        *(("added", name, kind) for name, kind in columns.added),
        *(("dropped", name, kind) for name, kind in columns.dropped),
        *(("retyped", name, wording.becomes(old, new)) for name, old, new in columns.retyped),
    ]
    if rows:
        yield ""
        yield "columns"
        for line in _aligned(rows):
            yield from _wrapped(line, width)


def _rows(diff: Diff) -> Iterator[str]:
    changed = f"{wording.share(diff.rows.changed, diff.matching)} of those in both" if diff.rows.changed else ""
    counts = [
        ("before", f"{diff.before.rows:,}", ""),
        ("after", f"{diff.after.rows:,}", ""),
        ("added", f"{diff.rows.added:,}", ""),
        ("removed", f"{diff.rows.removed:,}", ""),
        *([("changed", f"{diff.rows.changed:,}", changed)] if diff.key else []),
    ]
    yield ""
    yield "rows"
    yield from _aligned(counts, right=(1,))


def _by_column(diff: Diff) -> Iterator[str]:
    rows = [
        (printable(name), f"{count:,}", wording.share(count, diff.matching))
        for name, count in sorted(diff.rows.by_column, key=lambda each: -each[1])
        if count
    ]
    if rows:
        yield ""
        yield "changed values, by column"
        yield from _aligned(rows, right=(1, 2))


def _changed(diff: Diff, width: int) -> Iterator[str]:
    if not diff.changed:
        return
    yield ""
    yield wording.sampled("changed", len(diff.changed), diff.rows.changed)
    for row in diff.changed:
        yield from _changed_row(row, diff.key, width)


def _changed_row(row: ChangedRow, key: Sequence[str], width: int) -> Iterator[str]:
    named = ", ".join(f"{printable(name)} = {_text(value)}" for name, value in zip(key, row.key, strict=True))
    yield _cut(_MARGIN + named, width)
    shown = row.values[:_MOST_CHANGED_COLUMNS]
    longest = max(len(printable(name)) for name, *_ in shown)
    # Both values get half of what is left, so that neither pushes the other out of the line.
    space = max((width - 2 * len(_MARGIN) - longest - len("   → ")) // 2, _SHORTEST_VALUE)
    for name, before, after in shown:
        values = wording.becomes(*cut_both(before, after, space))
        yield _cut(f"{_MARGIN * 2}{printable(name).ljust(longest)}  {values}", width)
    if len(row.values) > len(shown):
        yield f"{_MARGIN * 2}{wording.more_columns(len(row.values) - len(shown))}"


def _lone(kind: str, rows: Sequence[LoneRow], count: int, names: Sequence[str], width: int) -> Iterator[str]:
    if not rows:
        return
    yield ""
    is_repeated = any(row.times > 1 for row in rows)
    # How often comes first: the last columns may not fit.
    columns = ["times", *names] if is_repeated else list(names)
    cells = [[str(row.times), *row.values] if is_repeated else list(row.values) for row in rows]
    shown = sum(row.times for row in rows)
    yield wording.sampled(kind, shown, count)
    lines = sample_lines(columns, cells, len(rows), width - len(_MARGIN), shown_rows=len(rows))
    yield from (_MARGIN + line for line in lines)


def _text(value: str | None) -> str:
    return "NULL" if value is None else printable(value)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _aligned(rows: Sequence[tuple[str, ...]], right: Sequence[int] = ()) -> Iterator[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        cells = (
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield (_MARGIN + _MARGIN.join(cells)).rstrip()
