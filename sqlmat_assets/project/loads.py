"""A table that is loaded from outside: what its `*.load.yaml` says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmat_assets.errors import Problem
from sqlmat_assets.project.comments import HeaderLine
from sqlmat_assets.project.partitions.spec import Partitioning

# The first ending that fits wins.
ENDINGS = (".csv", ".csv.gz", ".ndjson", ".ndjson.gz", ".parquet")
PARTITION = "partition"
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
SCHEMES = ("s3", "gs", "http", "https")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


class Strategy(StrEnum):
    """Which rows a build loads."""

    BULK = "bulk"
    """All of them, in the place of those that are there."""
    MANIFEST = "manifest"
    """Those of files that were not loaded yet, or have changed."""
    TIME_SERIES = "time_series"
    """Those of folders in which something has changed, in the place of what was in them."""
    INCREMENTAL = "incremental"
    """Those of a database whose key is greater than any that was loaded."""


@dataclass(frozen=True, slots=True)
class LoadColumn:
    """A column of the table as it is declared: its type in the dialect, and the comment beside it.

    `path` leads to a value inside of others, from the outermost name on; without it, it stands under its own name.
    """

    name: str
    type: str
    description: str | None = None
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What is read from a database: a table, as it is written, or a query.

    `key` is a column that grows with each row, and `reload` the interval after which everything is read anew.
    """

    table: str = ""
    query: str = ""
    key: str | None = None
    reload: str | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """Which files make a table, and what is in them; or, as `asked` says, what is read from a database.

    `files` is a pattern: a URL, or a path, absolute or from the folder of the `*.load.yaml` on, in which `*`, `?` and
    `[…]` stand for parts of a name and `{partition}` for the partition. `columns` are all columns of the files;
    `filename` is that which is filled with the file's own name. `connection` names what opens the place. `folder` is
    the column that is filled with the folder that a placeholder stands for, of which `first` and `last` are the
    outermost that are loaded. At most `max_bad_rows` are left out because they cannot be read. With `arrival`, what
    comes is loaded when it comes, and something has to come within that interval.
    """

    files: str
    columns: tuple[LoadColumn, ...]
    filename: str | None = None
    filename_description: str | None = None
    connection: str | None = None
    strategy: Strategy = Strategy.BULK
    max_bad_rows: int = 0
    folder: str | None = None
    folder_description: str | None = None
    first: str | None = None
    last: str | None = None
    asked: Asked | None = None
    arrival: str | None = None

    def documented(self, partitioning: Partitioning | None) -> tuple[tuple[str, str | None], ...]:
        """The columns of the table in their order, with the comments beside them."""
        found = [(column.name, column.description) for column in self.columns]
        if self.filename is not None:
            found.append((self.filename, self.filename_description))
        if self.folder is not None:
            found.append((self.folder, self.folder_description))
        if partitioning is not None:
            found.append((partitioning.column, None))
        return tuple(found)

    @property
    def has_partitions(self) -> bool:
        """Whether each partition has files of its own."""
        return any(each.partition(":")[0] == PARTITION for each in PLACEHOLDER.findall(self.files))

    @property
    def is_in_parts(self) -> bool:
        """Whether a build may load only some of what the table has."""
        return self.strategy is not Strategy.BULK


@dataclass(frozen=True, slots=True)
class ParsedLoad:
    """What a `*.load.yaml` says, its comments on top, and what is wrong with it.

    `places` are those of its values, by key; `code` is a hash of what it means.
    """

    load: Load | None = None
    header: tuple[HeaderLine, ...] = ()
    problems: tuple[Problem, ...] = ()
    places: tuple[tuple[str, int, int], ...] = ()
    code: str = ""


def scheme_of(files: str) -> str | None:
    """Which kind of URL a pattern is, in lower case; None for a path.

    Examples:
        >>> scheme_of("S3://bucket/a.csv"), scheme_of("../a.csv"), scheme_of("c:/a.csv")
        ('s3', None, None)
    """
    match = _URL.match(files)
    return None if match is None else match[1].lower()


def path_of(files: str) -> str:
    """A pattern without what follows the path in the URL of a web server."""
    return re.split("[?#]", files, maxsplit=1)[0] if scheme_of(files) in ("http", "https") else files


def fill_pattern(files: str, partition: str, start: datetime | None) -> str:
    """Put a partition into a pattern.

    Args:
        files: The pattern.
        partition: The partition as people write it.
        start: When it begins; None where partitions are no times.

    Examples:
        >>> from datetime import UTC
        >>> fill_pattern("taxi/{partition}.csv", "2019-03", None)
        'taxi/2019-03.csv'
        >>> fill_pattern("{partition:%Y/%m}/*.csv", "2019-03", datetime(2019, 3, 1, tzinfo=UTC))
        '2019/03/*.csv'
    """

    def fill(match: re.Match[str]) -> str:
        _, _, form = match[1].partition(":")
        return start.strftime(form) if form and start is not None else partition

    return PLACEHOLDER.sub(fill, files)
