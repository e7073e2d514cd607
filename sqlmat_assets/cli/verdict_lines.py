"""Verdicts on files, for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from sqlmat_assets.project.transpiling.file_verdict import FileVerdict
from sqlmat_assets.project.transpiling.verdicts import Verdict

_WIDTH = 80
# A longer path pushes its own line only.
_WIDEST_PATH = 48


def verdict_lines(files: Sequence[FileVerdict]) -> Iterator[str]:
    """One line for each file, and below it what is emulated; what is unsupported is told as a problem."""
    width = min(max((len(file.path) for file in files), default=0), _WIDEST_PATH)
    for file in files:
        yield f"{file.path:{width}}  {file.verdict.value}"
        if file.verdict is Verdict.EMULATED:
            indent = " " * 4
            yield from textwrap.wrap(", ".join(file.emulated), _WIDTH, initial_indent=indent, subsequent_indent=indent)
    if files:
        yield ""
