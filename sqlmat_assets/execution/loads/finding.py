"""The files that a load names, wherever they are."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlmat_assets.connectors.base import Found, Store
from sqlmat_assets.connectors.patterns import compile_pattern, fixed_part
from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.errors import loads as wording
from sqlmat_assets.execution.context import Context
from sqlmat_assets.project.load_folders import FolderKind, Folders, find_folders
from sqlmat_assets.project.loads import PLACEHOLDER, Load, fill_pattern, path_of, scheme_of
from sqlmat_assets.project.partitions.grains import Grain
from sqlmat_assets.project.partitions.ranges import Range, TimeRange
from sqlmat_assets.project.partitions.spec import ListPartitioning, Partitioning, TimePartitioning
from sqlmat_assets.warehouses.source_files import Constant


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that is to be loaded, and what is told about each of its rows beside what stands in it.

    `part` is what its rows have in the column that tells them from those of others.
    """

    found: Found
    constants: tuple[Constant, ...] = ()
    part: str | None = None


class Finder:
    """Finds the files of one load.

    Args:
        load: Which files.
        folder: Where relative paths begin.
        store: The place where they are.
    """

    def __init__(self, load: Load, folder: Path, store: Store) -> None:
        self._load = load
        self._folder = folder
        self._store = store
        self._is_local = scheme_of(load.files) is None
        # What all files have before their names.
        fixed = fixed_part(PLACEHOLDER.sub("*", load.files)).rpartition("/")[0]
        self._before = f"{_joined(folder, fixed)}{os.sep}" if self._is_local else f"{fixed}/"

    def find(self) -> tuple[Wanted, ...]:
        """All files, in the order of their folders where these have one, and of their paths; none is no error."""
        folders = find_folders(self._load.files)
        if folders is not None:
            return tuple(self._find_in(folders))
        return tuple(self._wanted(each) for each in self._match(self._load.files))

    def nothing_found(self) -> MaterializeError:
        """What to say where there are none."""
        is_relative = self._is_local and not Path(self._load.files).is_absolute()
        return wording.nothing_matches(self._load.files, is_relative=is_relative)

    def find_of_partitions(self, partitioning: Partitioning, ranges: Iterable[Range]) -> tuple[Wanted, ...]:
        """The files of some partitions, in their order.

        Args:
            partitioning: That of the table.
            ranges: The partitions.

        Raises:
            MaterializeError: A partition has none.
        """
        files: list[Wanted] = []
        missing: list[str] = []
        for partition, start, constant in _partitions(partitioning, ranges):
            found = self._match(fill_pattern(self._load.files, self._escaped(partition), start))
            if not found:
                missing.append(self._shown(fill_pattern(self._load.files, partition, start)))
            files += [self._wanted(each, constant) for each in found]
        if missing:
            raise wording.missing_files(missing)
        return tuple(files)

    def _find_in(self, folders: Folders) -> Iterator[Wanted]:
        load = self._load
        first = None if load.first is None else folders.bound(load.first, is_last=False)
        last = None if load.last is None else folders.bound(load.last, is_last=True)
        found: dict[str, tuple[str, Found]] = {}
        for form in folders.forms:
            depth = 0 if form is None else form.count("/")
            pattern = f"{folders.before}{'/'.join(['*'] * (depth + 1))}{folders.behind}"
            expression = self._expression(folders, depth)
            for each in self._match(pattern):
                match = expression.fullmatch(each.url)
                part = None if match is None else folders.read(match["folder"])
                if each.is_told_only:
                    part = f"{{{folders.kind.value}}}"
                is_inside = part is not None and (first is None or first <= part) and (last is None or part <= last)
                if part is not None and is_inside:
                    found[each.url] = part, each
        column = load.folder or ""
        for part, each in sorted(found.values(), key=lambda one: (one[0], one[1].url)):
            value = str(int(part)) if folders.kind is FolderKind.NUMBER and part.isdigit() else part
            yield Wanted(each, (*self._named(each), Constant(column, folders.type, value)), value)

    def _expression(self, folders: Folders, depth: int) -> re.Pattern[str]:
        """What tells the folder in the URL of a file."""
        inside = "/".join(["[^/]+"] * (depth + 1))
        before = _joined(Path(glob.escape(str(self._folder))), folders.before + "x")[:-1]
        before = compile_pattern(before if self._is_local else folders.before).pattern
        return re.compile(f"{before}(?P<folder>{inside}){compile_pattern(folders.behind).pattern}", re.DOTALL)

    def _match(self, pattern: str) -> list[Found]:
        if not self._is_local:
            return self._store.find(pattern)
        # A folder whose own name has a star in it means that folder.
        return self._store.find(_joined(Path(glob.escape(str(self._folder))), pattern))

    def _escaped(self, partition: str) -> str:
        """The partition as a part of a pattern; web servers have none."""
        return partition if scheme_of(self._load.files) in ("http", "https") else glob.escape(partition)

    def _shown(self, pattern: str) -> str:
        return _joined(self._folder, pattern) if self._is_local else pattern

    def _wanted(self, found: Found, *more: Constant) -> Wanted:
        named = tuple(self._named(found))
        return Wanted(found, (*named, *more), named[0].value if named else None)

    def _named(self, found: Found) -> Iterator[Constant]:
        """What tells a file from the others of its load: its path behind what is the same for all."""
        if self._load.filename is not None:
            yield Constant(self._load.filename, "VARCHAR", path_of(found.url).removeprefix(self._before))


def open_store(load: Load, context: Context) -> Store:
    """The place with the files of a load."""
    return context.connectors.open_store(scheme_of(load.files), load.connection)


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


def _joined(folder: Path, pattern: str) -> str:
    return os.path.normpath(os.path.join(str(folder), pattern))  # noqa: PTH118 - a pattern is no path
