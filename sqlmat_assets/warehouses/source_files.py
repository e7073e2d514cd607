"""The files that a table is loaded from."""

from __future__ import annotations

from collections.abc import Sequence
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
    """A file on this machine, and what is told about each of its rows beside what stands in it.

    `label` is the name that people know it by, where that is not its path. All files of a load have the same constants,
    each with a value of its own. One that is not `here` is not read, since statements are only shown.
    """

    path: Path
    constants: tuple[Constant, ...] = ()
    label: str | None = None
    is_here: bool = True

    @property
    def shown(self) -> str:
        return self.label or str(self.path)


@dataclass(frozen=True, slots=True)
class SourceObject:
    """An object in a bucket, which an engine reads by itself.

    `format` is `csv`, `ndjson` or `parquet`. `names` are the columns that a CSV or Parquet file has, in its order,
    `types` those of Parquet as Arrow calls them (`int64`), and `separator` what stands between those of CSV. All
    objects of a load have the same constants.
    """

    url: str
    format: str
    is_packed: bool = False
    size: int | None = None
    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    separator: str = ","
    constants: tuple[Constant, ...] = ()


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column that stands in files, with its name and its type in the table.

    `path` leads to a value inside of others, from the outermost name on; without it, it stands under its own name.
    """

    name: str
    type: str
    path: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        return self.path or (self.name,)


@dataclass(frozen=True, slots=True)
class Contents:
    """What stands in the files of a load: all their columns, and how many rows may be left out that cannot be read.

    `required` are the columns of the table that are NOT NULL.
    """

    columns: tuple[FileColumn, ...]
    most_bad_rows: int = 0
    required: tuple[str, ...] = ()

    @classmethod
    def of(cls, columns: Sequence[tuple[str, str]], required: Sequence[str] = ()) -> Contents:
        """Columns (name, type) of which some are NOT NULL."""
        return cls(tuple(FileColumn(name, kind) for name, kind in columns), required=tuple(required))

    @property
    def types(self) -> tuple[tuple[str, str], ...]:
        """The columns (name, type)."""
        return tuple((column.name, column.type) for column in self.columns)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row of a file that cannot be read: what is wrong, and a hint.

    `line` counts from 1; it is None in a file that has no lines, where `row` counts instead.
    """

    file: str
    line: int | None
    what: str
    hint: str = ""
    row: int | None = None
    column: str = ""
    value: str = ""
    type: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.what}" if self.line is None else f"{self.file}:{self.line}: {self.what}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load has come to.

    The rows of the table, what was sent, and how many rows were left out, with the first of these.
    """

    rows: int
    statement: str = ""
    bad_rows: int = 0
    first_bad: tuple[BadRow, ...] = ()
