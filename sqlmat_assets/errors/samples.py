"""A few rows of a table as plain text, for a terminal and for the pages that show text as it is."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN_ROWS = 5
_WIDEST_COLUMN = 24
_GAP = "  "


def printable(text: str) -> str:
    """The text with control characters spelled out, so that data cannot drive the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def sample_lines(
    columns: Sequence[str],
    rows: Sequence[Sequence[str | None]],
    failed_rows: int,
    width: int,
    shown_rows: int = SHOWN_ROWS,
) -> list[str]:
    r"""The names of the columns, the first rows, and how much is not shown.

    Args:
        columns: The names.
        rows: Their values; None is shown as NULL.
        failed_rows: How many rows there are in all.
        width: How many characters a line may have; columns that do not fit are left out, long values are cut.
        shown_rows: How many of the rows are shown at most.

    Examples:
        >>> print(*sample_lines(["city", "country"], [["Paris", "France"], ["Lyon", None]], 3, 80), sep="\n")
        city   country
        Paris  France
        Lyon   NULL
        and 1 more row
    """
    shown = [[printable("NULL" if cell is None else cell) for cell in row] for row in rows[:shown_rows]]
    head = [printable(name) for name in columns]
    widths = _fit([head, *shown], width)
    lines = [_line(cells, widths) for cells in (head, *shown)]
    left = ((failed_rows - len(shown), "row"), (len(columns) - len(widths), "column"))
    more = [f"{count:,} more {noun}{'' if count == 1 else 's'}" for count, noun in left if count > 0]
    return [*lines, f"and {', '.join(more)}"] if more else lines


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    fitted = (
        (text if len(text) <= width else f"{text[: width - 1]}…").ljust(width)
        for text, width in zip(cells, widths, strict=False)
    )
    return _GAP.join(fitted).rstrip()


def _fit(lines: Sequence[Sequence[str]], width: int) -> list[int]:
    """How wide each column is shown, for as many of the first columns as fit."""
    natural = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if sum(natural) + len(_GAP) * (len(natural) - 1) <= width:
        return natural
    fitting: list[int] = []
    for wanted in natural:
        shown = min(wanted, _WIDEST_COLUMN)
        if fitting and sum(fitting) + len(_GAP) * len(fitting) + shown > width:
            break
        fitting.append(shown)
    return fitting
