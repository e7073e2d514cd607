"""Which files a build of a load takes, and what becomes of the rows of those that it takes again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from sqlmat_assets.connectors.base import Found
from sqlmat_assets.connectors.databases import Asked
from sqlmat_assets.errors import loads as wording
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.journal import Entry, Notes
from sqlmat_assets.execution.loads.finding import Finder, Wanted, open_store
from sqlmat_assets.project.load_folders import find_folders
from sqlmat_assets.project.loads import Load, Strategy
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.partitions.ranges import Range
from sqlmat_assets.warehouses import statements

Known = Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class Batch:
    """What a build loads: files, or rows of a database that are `asked` for.

    With `is_whole` it is all that the table is to have. Else it is added, in the place of those rows whose `column`, of
    a type, is one of `gone`. `notes` are what is written down when it is published.
    """

    files: tuple[Wanted, ...]
    notes: Notes = field(default_factory=Notes)
    is_whole: bool = True
    column: str = ""
    type: str = "VARCHAR"
    gone: tuple[str, ...] = ()
    asked: Asked | None = None

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to load."""
        return not self.is_whole and not self.files and self.asked is None

    def condition(self) -> exp.Expr:
        """A row is one of those that go."""
        kind = exp.DataType.build(self.type, dialect="duckdb")
        values = [exp.Cast(this=exp.Literal.string(each), to=kind.copy()) for each in self.gone]
        return exp.In(this=statements.column(self.column), expressions=values)


def plan_batch(
    model: Model,
    load: Load,
    known: Known | None,
    context: Context,
    *,
    ranges: Sequence[Range] = (),
    is_whole: bool = False,
    is_first: bool = False,
    may_lose: bool = False,
) -> Batch:
    """Look at the files, and decide which are loaded.

    Args:
        model: The table.
        load: What its file says.
        known: What the rows that are there were loaded from; None where that is not known.
        context: The run.
        ranges: The partitions that are built, of a table that has some.
        is_whole: Whether all is loaded anew, whatever is known.
        is_first: Whether there is no table yet.
        may_lose: Whether rows of files that are gone may go too.

    Raises:
        MaterializeError: A file is missing, or rows would be lost.
    """
    finder = Finder(load, (context.root / model.path).absolute().parent, open_store(load, context))
    partitioning = model.settings.partition_by
    if partitioning is not None:
        return Batch(finder.find_of_partitions(partitioning, ranges), is_whole=False)
    found = finder.find()
    if not found and not (is_first and load.is_in_parts) and (known is None or is_whole):
        raise finder.nothing_found()
    if load.strategy is Strategy.BULK:
        return _all_unless_same(found, known)
    planner = _Planner(found, known or {}, may_lose=may_lose)
    if is_whole or known is None:
        return planner.whole()
    if load.strategy is Strategy.MANIFEST:
        return planner.new_files(load)
    return planner.changed_folders(load)


def _all_unless_same(found: Sequence[Wanted], known: Known | None) -> Batch:
    urls = {each.found.url for each in found}
    if known is not None and set(known) == urls and all(_is_same(each.found, known) for each in found):
        return Batch((), is_whole=False)
    return Batch(tuple(found), Notes(tuple(map(_entry, found)), replaces_all=True))


@dataclass(frozen=True, slots=True)
class _Planner:
    """One decision on files that are loaded in parts."""

    found: Sequence[Wanted]
    known: Known
    may_lose: bool

    def whole(self) -> Batch:
        lost = self.known.keys() - {each.found.url for each in self.found}
        if lost and not self.may_lose:
            raise wording.would_lose(sorted(lost))
        return Batch(tuple(self.found), Notes(tuple(map(_entry, self.found)), replaces_all=True))

    def new_files(self, load: Load) -> Batch:
        """The files that were not loaded yet, and those that have changed since."""
        new = [each for each in self.found if each.found.url not in self.known]
        changed = [each for each in self.found if each.found.url in self.known and not _is_same(each.found, self.known)]
        told = [self.known[each.found.url].part for each in changed]
        if load.filename is None or None in told:
            # Nothing tells which rows are of a file that has changed.
            return self.whole() if changed else _added(new)
        return Batch(
            (*new, *changed),
            Notes(tuple(map(_entry, (*new, *changed))), sources=tuple(each.found.url for each in changed)),
            is_whole=False,
            column=load.filename,
            gone=tuple(part for part in told if part is not None),
        )

    def changed_folders(self, load: Load) -> Batch:
        """All files of the folders in which one has come, gone or changed."""
        there: dict[str, list[Wanted]] = {}
        for each in self.found:
            there.setdefault(each.part or "", []).append(each)
        before: dict[str, set[str]] = {}
        for entry in self.known.values():
            before.setdefault(entry.part or "", set()).add(entry.source)
        changed = [
            part
            for part in sorted(there)
            if before.get(part) != {each.found.url for each in there[part]}
            or not all(_is_same(each.found, self.known) for each in there[part])
        ]
        files = tuple(each for part in changed for each in there[part])
        folders = find_folders(load.files)
        return Batch(
            files,
            Notes(tuple(map(_entry, files)), parts=tuple(changed)),
            is_whole=False,
            column=load.folder or "",
            type="VARCHAR" if folders is None else folders.type,
            gone=tuple(changed),
        )


def _added(new: Iterable[Wanted]) -> Batch:
    files = tuple(new)
    return Batch(files, Notes(tuple(map(_entry, files))), is_whole=False)


def _entry(wanted: Wanted) -> Entry:
    return Entry(wanted.found.url, mark_of(wanted.found), wanted.found.size, wanted.part)


def mark_of(found: Found) -> str | None:
    """What tells one state of a file from another; its size, where the server says nothing else."""
    if found.etag is not None:
        return found.etag
    return None if found.size is None else f"{found.size} bytes"


def _is_same(found: Found, known: Known) -> bool:
    mark = mark_of(found)
    return mark is not None and found.url in known and known[found.url].mark == mark
