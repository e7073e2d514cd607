"""The files on this machine that a load names."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from sqlmat_assets.errors import loads as wording
from sqlmat_assets.project.loads import Load, fill_pattern
from sqlmat_assets.project.partitions.grains import Grain
from sqlmat_assets.project.partitions.ranges import Range, TimeRange
from sqlmat_assets.project.partitions.spec import ListPartitioning, Partitioning, TimePartitioning
from sqlmat_assets.warehouses.source_files import Constant, SourceFile


def find_all(load: Load, folder: Path) -> tuple[SourceFile, ...]:
    """The files of a table without partitions, in the order of their paths.

    Args:
        load: Which files.
        folder: Where relative paths begin.

    Raises:
        MaterializeError: There are none.
    """
    found = _match(load.files, folder)
    if not found:
        raise wording.nothing_matches(load.files)
    return tuple(SourceFile(path, tuple(_named(load, path))) for path in found)


def find_of_partitions(
    load: Load, folder: Path, partitioning: Partitioning, ranges: Iterable[Range]
) -> tuple[SourceFile, ...]:
    """The files of some partitions, in their order.

    Args:
        load: Which files.
        folder: Where relative paths begin.
        partitioning: That of the table.
        ranges: The partitions.

    Raises:
        MaterializeError: A partition has none.
    """
    files: list[SourceFile] = []
    missing: list[str] = []
    for partition, start, constant in _partitions(partitioning, ranges):
        pattern = fill_pattern(load.files, glob.escape(partition), start)
        found = _match(pattern, folder)
        if not found:
            missing.append(_shown(fill_pattern(load.files, partition, start), folder))
        files += [SourceFile(path, (*_named(load, path), constant)) for path in found]
    if missing:
        raise wording.missing_files(missing)
    return tuple(files)


def partition_type(partitioning: Partitioning) -> str:
    """The type of the column that says which partition a row came from."""
    if isinstance(partitioning, ListPartitioning):
        return "BIGINT" if all(isinstance(value, int) for value in partitioning.values) else "VARCHAR"
    return "TIMESTAMP" if partitioning.grain is Grain.HOUR else "DATE"


def _partitions(partitioning: Partitioning, ranges: Iterable[Range]) -> Iterator[tuple[str, datetime | None, Constant]]:
    """Each partition as people write it, when it begins, and what its rows have in the column of the partitions."""
    column, kind = partitioning.column, partition_type(partitioning)
    for range_ in ranges:
        if isinstance(partitioning, TimePartitioning) and isinstance(range_, TimeRange):
            for key in partitioning.keys(range_):
                start = partitioning.bounds(key).start
                yield partitioning.typed(start), start, Constant(column, kind, f"{start:%Y-%m-%d %H:%M:%S}")
        elif isinstance(partitioning, ListPartitioning) and not isinstance(range_, TimeRange):
            for value in range_.values:
                yield str(value), None, Constant(column, kind, str(value))


def _named(load: Load, path: Path) -> Iterator[Constant]:
    if load.filename is not None:
        yield Constant(load.filename, "VARCHAR", path.name)


def _match(pattern: str, folder: Path) -> list[Path]:
    # A folder whose own name has a star in it means that folder.
    written = os.path.normpath(os.path.join(glob.escape(str(folder)), pattern))  # noqa: PTH118 - a pattern is no path
    return [Path(path) for path in sorted(glob.glob(written, recursive=True)) if Path(path).is_file()]  # noqa: PTH207


def _shown(pattern: str, folder: Path) -> str:
    return os.path.normpath(os.path.join(str(folder), pattern))  # noqa: PTH118 - a pattern is no path
