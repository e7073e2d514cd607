"""From offsets in a text to lines and columns."""

from __future__ import annotations

from bisect import bisect_right

from sqlmat_assets.errors.sql import Place

BYTE_ORDER_MARK = "\ufeff"


class Positions:
    """Where the offsets of one file's text stand; counts characters, not bytes.

    Args:
        text: The file's text. A byte order mark before it is no column.
        path: The file's path, for the places.
    """

    def __init__(self, text: str, path: str = "") -> None:
        self._path = path
        self._starts = [0]
        self._shift = 1 if text.startswith(BYTE_ORDER_MARK) else 0
        position = text.find("\n")
        while position >= 0:
            self._starts.append(position + 1)
            position = text.find("\n", position + 1)

    def at(self, offset: int) -> tuple[int, int]:
        r"""Give line and column, both counted from 1.

        Examples:
            >>> Positions("select\n  1").at(9)
            (2, 3)
        """
        line = bisect_right(self._starts, offset)
        column = offset - self._starts[line - 1] + 1
        return line, max(1, column - self._shift) if line == 1 else column

    def place(self, offset: int) -> Place:
        """Give the place in the file."""
        return Place(self._path, *self.at(offset))
