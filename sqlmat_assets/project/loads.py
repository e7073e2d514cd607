"""A table that is loaded from files: what its `*.load.yaml` says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import loads as wording
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.comments import HeaderLine
from sqlmat_assets.project.partitions.spec import ListPartitioning, Partitioning
from sqlmat_assets.project.settings import ModelSettings, Place

# The first ending that fits wins.
ENDINGS = (".csv", ".csv.gz", ".ndjson", ".ndjson.gz", ".parquet")
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
# Two partitions that a format must tell from each other.
_MOMENTS = {
    "hour": (datetime(2019, 1, 1, 1, tzinfo=UTC), datetime(2019, 1, 1, 13, tzinfo=UTC)),
    "day": (datetime(2019, 1, 1, tzinfo=UTC), datetime(2019, 1, 2, tzinfo=UTC)),
    "week": (datetime(2019, 1, 7, tzinfo=UTC), datetime(2019, 1, 14, tzinfo=UTC)),
    "month": (datetime(2019, 1, 1, tzinfo=UTC), datetime(2019, 2, 1, tzinfo=UTC)),
}
_OTHER_YEAR = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LoadColumn:
    """A column of the files as it is declared: its type in the dialect, and the comment beside it."""

    name: str
    type: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """Which files make a table, and what is in them.

    `files` is a pattern: a path, absolute or from the folder of the `*.load.yaml` on, in which `*`, `?` and `[…]` stand
    for parts of a name and `{partition}` for the partition. `columns` are all columns of the files; `filename` is that
    which is filled with the file's own name.
    """

    files: str
    columns: tuple[LoadColumn, ...]
    filename: str | None = None
    filename_description: str | None = None

    def documented(self, partitioning: Partitioning | None) -> tuple[tuple[str, str | None], ...]:
        """The columns of the table in their order, with the comments beside them."""
        found = [(column.name, column.description) for column in self.columns]
        if self.filename is not None:
            found.append((self.filename, self.filename_description))
        if partitioning is not None:
            found.append((partitioning.column, None))
        return tuple(found)

    @property
    def has_partitions(self) -> bool:
        """Whether each partition has files of its own."""
        return PLACEHOLDER.search(self.files) is not None


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


def find_load_problems(
    load: Load, settings: ModelSettings, places: Mapping[str, Place], path: str
) -> Iterator[Problem]:
    """Say where a load and the partitions of its table do not fit together.

    Args:
        load: What the file says.
        settings: The settings of the table.
        places: Where the values of the load stand.
        path: The file.
    """
    place = places.get("files", Place(path, 1, 1))

    def at(error: TextError) -> Problem:
        return error.at(place.path, place.line, place.column)

    partitioning = settings.partition_by
    if partitioning is None:
        if load.has_partitions:
            yield at(wording.no_partitions())
        return
    if not load.has_partitions:
        yield at(wording.no_placeholder(partitioning.column))
        return
    for written in PLACEHOLDER.findall(load.files):
        if not _tells_apart(written, partitioning, load.files):
            yield at(wording.bad_format(written))
    for name in (*(column.name for column in load.columns), load.filename):
        if name is not None and name.lower() == partitioning.column.lower():
            yield at(wording.column_of_its_own(name, "the partition in the name of the file"))


def fill_pattern(files: str, partition: str, start: datetime | None) -> str:
    """Put a partition into a pattern.

    Args:
        files: The pattern.
        partition: The partition as people write it.
        start: When it begins; None where partitions are no times.

    Examples:
        >>> fill_pattern("taxi/{partition}.csv", "2019-03", None)
        'taxi/2019-03.csv'
        >>> fill_pattern("{partition:%Y/%m}/*.csv", "2019-03", datetime(2019, 3, 1, tzinfo=UTC))
        '2019/03/*.csv'
    """

    def fill(match: re.Match[str]) -> str:
        _, _, form = match[1].partition(":")
        return start.strftime(form) if form and start is not None else partition

    return PLACEHOLDER.sub(fill, files)


def _tells_apart(written: str, partitioning: Partitioning, files: str) -> bool:
    _, _, form = written.partition(":")
    if not form:
        return True
    if isinstance(partitioning, ListPartitioning):
        return False
    # One placeholder may say the year and another the month.
    first, second = (fill_pattern(files, "", moment) for moment in _MOMENTS[partitioning.grain.value])
    return first != second and first != fill_pattern(files, "", _OTHER_YEAR)
