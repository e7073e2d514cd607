"""The files that a table is loaded from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Constant:
    """A column that has one value in all rows of a file and does not stand in it; `value` is as text."""

    name: str
    type: str
    value: str


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A local file, and what is told about each of its rows beside what stands in it."""

    path: Path
    constants: tuple[Constant, ...] = ()
