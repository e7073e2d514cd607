"""`sqlmat orphans`: tables that no file makes any more."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from sqlmat_assets.cli import GOOD, PROBLEMS
from sqlmat_assets.cli.patience import Patience
from sqlmat_assets.cli.place import default_warehouse, find_root, folder_argument, read_project, warehouse_option
from sqlmat_assets.components.origin import find_identity
from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import orphans as wording
from sqlmat_assets.execution.orphans import Orphan, Search, choose_all, drop_orphans, find_orphans
from sqlmat_assets.execution.records import key_of
from sqlmat_assets.execution.retries import Retries
from sqlmat_assets.project.files import dangling_links
from sqlmat_assets.project.model import Project
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Capabilities, Session
from sqlmat_assets.warehouses.config import is_there, open_warehouse


def _hiding(project: Project) -> tuple[Problem, ...]:
    """The problems of files that may be those of a table, and nobody knows of which."""
    told = {problem for model in project for problem in model.problems}
    strange = [problem for problem in project.errors if problem not in told]
    links = (Problem(path, 0, 0, wording.dangling_link()) for path in dangling_links(project.root))
    return (*strange, *links)


def _refuse_all(project: Project, search: Search, warehouse: str) -> None:
    """Refuse to drop everything where the folder or the warehouse may be the wrong one.

    Raises:
        UsageError: It may be.
    """
    if not any(orphan.is_own for orphan in search.orphans):
        return
    if not len(project):
        raise wording.project_is_empty(str(project.root))
    if not search.with_files:
        raise wording.project_is_strange(str(project.root), warehouse)


def _find(name: str, project: Project, search: Search, session: Session, capabilities: Capabilities) -> Orphan:
    """The orphan of this name.

    Raises:
        UsageError: There is none, or it is not to be dropped.
    """
    try:
        asked = Relation.of(name)
    except ValueError:
        asked = None
    orphans = {key_of(orphan.relation, capabilities): orphan for orphan in search.orphans}
    names = [str(orphan.relation) for orphan in search.orphans]
    if asked is None or asked.catalog is not None:
        raise wording.unknown(name, names)
    key = key_of(asked, capabilities)
    for model in project:
        if key_of(model.relation, capabilities) == key:
            raise wording.has_its_file(str(model.relation), model.path, is_quarantined=model.is_quarantined)
    if key in {key_of(relation, capabilities) for relation in search.of_environments}:
        raise wording.is_of_environment(name)
    if key not in orphans:
        raise wording.not_made_here(name) if session.fetch_columns(asked) else wording.unknown(name, names)
    return orphans[key]


def _refuse_read(chosen: Sequence[Orphan]) -> None:
    """Refuse to drop what would still be read.

    Raises:
        UsageError: A table of the project reads one of them, or a view that is not dropped with it.
    """
    for orphan in chosen:
        left = orphan.left_without(chosen)
        if left:
            raise wording.is_read(str(orphan.relation), [str(reader) for reader in left], has_views=bool(orphan.views))


def _notes(orphan: Orphan) -> Iterator[str]:
    if not orphan.is_own:
        yield wording.note_project(orphan.record.project)
    if not orphan.belongings.objects:
        yield wording.note_gone()
    if orphan.renamed_to:
        yield wording.note_renamed([str(relation) for relation in orphan.renamed_to])
    read_by = orphan.left_without(())
    if read_by:
        yield wording.note_readers([str(relation) for relation in read_by])


def _describe(orphan: Orphan) -> dict[str, Any]:
    record = orphan.record
    return {
        "name": str(orphan.relation),
        "rows": record.rows,
        "published_at": record.published_at.isoformat(),
        "commit": record.commit,
        "objects": [{"name": str(relation), "kind": kind} for relation, kind in orphan.belongings.objects],
        "read_by": [str(relation) for relation in orphan.left_without(())],
        "renamed_to": [str(relation) for relation in orphan.renamed_to],
        **({} if orphan.is_own else {"project": record.project}),
    }


@dataclass(frozen=True, slots=True)
class _Done:
    """What was found, and what of it was dropped."""

    warehouse: str
    hiding: tuple[Problem, ...]
    search: Search = field(default=Search())
    dropped: tuple[Orphan, ...] = ()

    @property
    def left(self) -> tuple[Orphan, ...]:
        return tuple(orphan for orphan in self.search.orphans if orphan.is_own and orphan not in self.dropped)

    @property
    def of_others(self) -> tuple[Orphan, ...]:
        """Those that the files of another project may make."""
        return tuple(orphan for orphan in self.search.orphans if not orphan.is_own and orphan not in self.dropped)


def _document(done: _Done) -> dict[str, Any]:
    return {
        "warehouse": done.warehouse,
        "hidden_by": [problem.path for problem in done.hiding],
        "dropped": [str(orphan.relation) for orphan in done.dropped],
        "orphans": [_describe(orphan) for orphan in done.left],
        "of_others": [_describe(orphan) for orphan in done.of_others],
    }


def _write(done: _Done) -> None:
    """Write the list of orphans, and how they are dropped."""
    if done.left:
        _write_table(done.left)
        click.echo(wording.may_be_hidden(done.hiding[0].path) if done.hiding else wording.how_to_drop(), err=True)
    else:
        click.echo(wording.none_found(done.warehouse))
    if done.of_others:
        click.echo(f"\n{wording.of_others()}")
        _write_table(done.of_others)
    if done.search.of_environments:
        click.echo(wording.of_environments(len(done.search.of_environments)), err=True)


def _write_table(orphans: Sequence[Orphan]) -> None:
    from sqlmat_assets.cli.display import write_table

    rows = [
        (
            str(orphan.relation),
            "view" if orphan.record.rows is None else f"{orphan.record.rows:,}",
            f"{orphan.record.published_at:%Y-%m-%d %H:%M} UTC",
            (orphan.record.commit or "")[:8],
            "; ".join(_notes(orphan)),
        )
        for orphan in orphans
    ]
    write_table(("table", "rows", "last published", "commit", ""), rows, right=("rows",))


def _tell(done: _Done, *, as_json: bool, is_list: bool) -> None:
    if as_json:
        click.echo(json.dumps(_document(done), indent=2, ensure_ascii=False))
    elif is_list:
        _write(done)
    else:
        click.echo(wording.dropped([str(orphan.relation) for orphan in done.dropped], done.warehouse))


@click.command("orphans", short_help="List the tables that no file makes any more, or drop them.")
@folder_argument
@click.option("--drop", "names", metavar="TABLE", multiple=True, help="Drop this one. May be given several times.")
@click.option("--drop-all", is_flag=True, help="Drop all of them but those that something else still reads.")
@warehouse_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    folder: Path | None, names: tuple[str, ...], warehouse: str | None, *, drop_all: bool, as_json: bool
) -> int:
    """List the tables that were built from DIR (default: sql) and whose files are gone.

    Tables of another project in the same warehouse, and those of which it is not known, are listed apart. They are
    dropped only by their names, never by --drop-all.

    A table stays in the warehouse when its file is removed. It is dropped only where that is asked for, with all that
    is recorded of it, and together with the others that are named: all of them or none. Nothing is dropped while
    a file has problems that may hide a table.

    With --json, standard output is one object: warehouse, hidden_by (files whose problems may hide a table), dropped
    (names), orphans, a list of those that are left, and of_others, those that another project may make. Each has name,
    rows, published_at, commit, objects (what would be dropped: name, kind; none where it is gone already), read_by and
    renamed_to, and of others project, null where that is not known.
    """
    if names and drop_all:
        raise wording.both_flags()
    project = read_project(find_root(folder))
    url = warehouse or default_warehouse(project.root)
    opened, hiding = open_warehouse(url), _hiding(project)
    if (names or drop_all) and hiding:
        raise wording.problems_may_hide(hiding)
    if is_there(url):
        with opened.open_session(Patience(opened.label)) as session:
            search = find_orphans(session, project, opened.capabilities, find_identity(project.root))
            if drop_all:
                _refuse_all(project, search, opened.label)
                chosen = choose_all(search.orphans)
            else:
                chosen = [_find(name, project, search, session, opened.capabilities) for name in dict.fromkeys(names)]
                _refuse_read(chosen)
            if chosen:
                Retries().run(lambda: drop_orphans(session, chosen), time.sleep)
        done = _Done(opened.label, hiding, search, tuple(chosen))
    elif names:
        raise wording.unknown(names[0], ())
    else:
        done = _Done(opened.label, hiding)
    _tell(done, as_json=as_json, is_list=not (names or drop_all))
    if not drop_all:
        return GOOD
    for orphan in done.left:
        readers = [str(reader) for reader in orphan.left_without(done.dropped)]
        click.echo(wording.kept(str(orphan.relation), readers, has_views=bool(orphan.views)), err=True)
    return PROBLEMS if done.left else GOOD
