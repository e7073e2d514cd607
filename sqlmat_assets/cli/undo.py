"""`sqlmat undo`: the version of a table before the one in place, put back."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from sqlmat_assets.cli import GOOD, PROBLEMS
from sqlmat_assets.cli.patience import Patience
from sqlmat_assets.cli.place import (
    dagster_home,
    default_warehouse,
    env_option,
    find_root,
    folder_argument,
    read_project,
    warehouse_option,
)
from sqlmat_assets.errors import MaterializeError, WarehouseError
from sqlmat_assets.errors import undo as wording
from sqlmat_assets.execution.environment import Environment, find_environment
from sqlmat_assets.execution.events import Column
from sqlmat_assets.execution.records import Record, key_of
from sqlmat_assets.execution.retries import Retries
from sqlmat_assets.execution.undo import (
    Holdings,
    Reader,
    Reads,
    Step,
    choose_version,
    find_companions,
    find_holdings,
    find_readers,
    find_step,
    put_back,
)
from sqlmat_assets.execution.versions import Version
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.model import Project
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.config import is_there, open_warehouse


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Done:
    """What was put back, the table that was asked for first, and what was built from what went."""

    steps: tuple[Step, ...]
    readers: tuple[Reader, ...]
    at: datetime

    @property
    def left(self) -> tuple[Reader, ...]:
        """The readers that are as they were."""
        taken = {step.relation for step in self.steps}
        return tuple(reader for reader in self.readers if reader.record.relation not in taken)


def _find(name: str, holdings: Holdings, environment: Environment | None) -> Record:
    """What is recorded of the table of this name.

    Raises:
        UsageError: It was never published here.
    """
    known = [str(record.relation) for record in holdings.records.values()]
    try:
        asked = Relation.of(name)
    except ValueError:
        raise wording.unknown(name, known) from None
    here = asked if environment is None else environment.relation(asked)
    record = holdings.records.get(key_of(here, holdings.capabilities))
    if record is None or asked.catalog is not None:
        raise wording.unknown(name, known)
    return record


def _choose(record: Record, versions: Sequence[Version], typed: str | None) -> Version:
    """The version to put back.

    Raises:
        MaterializeError: None is kept.
        UsageError: What was typed is not the time of one.
    """
    name = str(record.relation)
    if typed is not None:
        begin = typed.replace("T", " ").removesuffix("Z").removesuffix("+00:00").removesuffix(" UTC")
        found = [one for one in versions if wording.moment(one.record.published_at).startswith(begin)]
        if not found or not begin:
            raise wording.no_such_version(name, typed)
        if len(found) > 1:
            raise wording.several_versions(name, typed)
        return found[0]
    version = choose_version(record, versions)
    if version is None:
        raise MaterializeError((wording.nothing_earlier if versions else wording.nothing_kept)(name))
    return version


def _code(record: Record, project: Project, environment: Environment | None) -> CodeVersion | None:
    """What the table has now according to its file; None where there is none, or it has problems."""
    fold = project.names.fold
    for model in project:
        place = model.relation if environment is None else environment.relation(model.relation)
        if fold(place) == fold(record.relation):
            return model.version
    return None


def _reads(project: Project, environment: Environment | None, holdings: Holdings) -> Reads:
    """What the files of the tables read, by the names that they have where they are built."""
    capabilities = holdings.capabilities

    def place(relation: Relation) -> Relation:
        return relation if environment is None else environment.relation(relation)

    known: dict[tuple[str, str], tuple[Relation, ...]] = {
        key_of(place(model.relation), capabilities): tuple(map(place, model.upstream)) for model in project
    }
    return lambda relation: known.get(key_of(relation, capabilities), ())


def _steps(session: Session, first: Step, readers: Sequence[Reader], holdings: Holdings) -> tuple[Step, ...]:
    """The table, and the readers that are taken along.

    Raises:
        MaterializeError: One of them has no version that was not built from what goes.
    """
    without = [str(reader.record.relation) for reader in readers if reader.good is None]
    if without:
        raise MaterializeError(wording.no_good_version(without))
    taken = [(reader.record, reader.good) for reader in readers if reader.good is not None]
    names = {record.relation for record, _ in taken}
    taken += [each for each in find_companions(first, holdings) if each[0].relation not in names]
    return (first, *(find_step(session, record, version, holdings.capabilities) for record, version in taken))


def _undo(session: Session, first: Step, holdings: Holdings, reads: Reads, *, is_downstream: bool) -> _Done:
    readers = find_readers(first.current, first.version, holdings, reads)
    steps = _steps(session, first, readers, holdings) if is_downstream else (first,)
    now, run = _now(), uuid.uuid4().hex[:8]
    Retries().run(lambda: put_back(session, steps, run, now, holdings.capabilities), time.sleep)
    return _Done(steps, readers, now)


def _columns(session: Session, relation: Relation) -> Sequence[Column]:
    """Those of what was put back; none where they cannot be read: that it is put back is told all the same."""
    try:
        return [Column(name, kind) for name, kind in session.fetch_columns(relation)]
    except WarehouseError:
        return ()


def _tell_instance(done: _Done, project: Project, session: Session, environment: Environment | None) -> str | None:
    """Let the service know, and return what to tell a person where that cannot be done."""
    from sqlmat_assets.components.undone import PutBack, report_put_back

    home = dagster_home(project.root, environment)
    told = tuple(
        PutBack(step.restored(done.at), _columns(session, step.relation), done.at, step.current.published_at)
        for step in done.steps
    )
    trouble = report_put_back(home, project, told, environment)
    first = done.steps[0]
    return trouble and wording.not_told(str(home), trouble, str(first.relation) if first.is_held else None)


def _version_document(record: Record, version: Version | None) -> dict[str, Any]:
    return {
        "published_at": record.published_at.isoformat(),
        "rows": record.rows,
        "commit": record.commit,
        "uncommitted_edits": record.has_edits,
        "run": record.run,
        "in_place": version is None,
        "put_back_at": record.put_back_at.isoformat() if version is None and record.put_back_at else None,
        "kept_as": version and str(version.relation),
        "undone_at": version and version.undone_at and version.undone_at.isoformat(),
    }


def _list(record: Record, versions: Sequence[Version], *, as_json: bool) -> None:
    ordered = sorted(versions, key=lambda one: one.record.published_at, reverse=True)
    if as_json:
        document = {
            "name": str(record.relation),
            "versions": [
                _version_document(record, None),
                *(_version_document(version.record, version) for version in ordered),
            ],
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    from sqlmat_assets.cli.display import write_table

    def line(one: Record, note: str) -> tuple[str, str, str, str]:
        rows = "" if one.rows is None else f"{one.rows:,}"
        return wording.moment(one.published_at), rows, wording.built_from(one.commit, has_edits=one.has_edits), note

    lines = [line(record, wording.in_place(record.put_back_at))]
    lines += [
        line(each.record, "" if each.undone_at is None else wording.was_undone(each.undone_at)) for each in ordered
    ]
    write_table(("published (UTC)", "rows", "commit", ""), lines, right=("rows",))
    if not ordered:
        click.echo(wording.nothing_to_list(str(record.relation)), err=True)


def _lines(done: _Done) -> Iterator[str]:
    for step in done.steps:
        restored, current = step.version.record, step.current
        yield wording.put_back(
            str(step.relation), restored.published_at, restored.rows, restored.commit, has_edits=restored.has_edits
        )
        yield f"  {(wording.gone if step.in_place is None else wording.undone)(current.published_at)}"
    if done.left:
        yield wording.built_from_it()
        width = max(len(str(reader.record.relation)) for reader in done.left)
        for reader in done.left:
            name, at = str(reader.record.relation), reader.record.published_at
            yield f"  {wording.reader(name, at, width, is_certain=reader.is_certain)}"
        if all(reader.record.environment is None for reader in done.left):
            yield wording.how_to_go_on([str(reader.record.relation) for reader in done.left])


def _hints(done: _Done) -> Iterator[str]:
    first = done.steps[0]
    if first.is_held:
        yield wording.is_held(str(first.relation))
    if first.in_place is not None:
        yield wording.redo(str(first.relation), first.current.published_at, is_downstream=len(done.steps) > 1)


def _document(done: _Done) -> dict[str, Any]:
    return {
        "undone_at": done.at.isoformat(),
        "put_back": [
            {
                "name": str(step.relation),
                "published_at": step.version.record.published_at.isoformat(),
                "rows": step.version.record.rows,
                "commit": step.version.record.commit,
                "uncommitted_edits": step.version.record.has_edits,
                "replaced": step.current.published_at.isoformat(),
            }
            for step in done.steps
        ],
        "built_from_it": [
            {
                "name": str(reader.record.relation),
                "published_at": reader.record.published_at.isoformat(),
                "is_certain": reader.is_certain,
                "is_put_back": reader not in done.left,
            }
            for reader in done.readers
        ],
    }


@click.command("undo", short_help="Put the previous version of a table back.")
@click.argument("table", metavar="TABLE")
@folder_argument
@click.option("--downstream", is_flag=True, help="Take along the tables that were built from what goes, or do nothing.")
@click.option("--to", metavar="TIME", help="Put back the version that was published then, as --list shows it.")
@click.option("--list", "is_list", is_flag=True, help="Only show the versions that are kept.")
@env_option
@warehouse_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    table: str,
    folder: Path | None,
    to: str | None,
    env: str | None,
    warehouse: str | None,
    *,
    downstream: bool,
    is_list: bool,
    as_json: bool,
) -> int:
    """Put the previous version of TABLE (schema.table) back, in one transaction.

    Versions are kept where `keep_versions` says so. The one that goes is kept as well, and can be put back with --to;
    a second undo goes further back. The service leaves the table alone until its file is edited or somebody builds it.
    Tables that were built from what goes are named; with --downstream each gets its newest version that was not, in
    the same transaction. DIR is the project folder (default: sql).

    With --json, standard output is one object: undone_at, put_back (name, published_at, rows, commit,
    uncommitted_edits, replaced) and built_from_it (name, published_at, is_certain, is_put_back); with --list: name and
    versions, the one in place first (published_at, rows, commit, uncommitted_edits, run, in_place, put_back_at,
    kept_as, undone_at).
    """
    for flag, is_given in (("--downstream", downstream), ("--to", to is not None)):
        if is_list and is_given:
            raise wording.list_with(flag)
    project = read_project(find_root(folder))
    url = warehouse or default_warehouse(project.root)
    opened = open_warehouse(url)
    environment = find_environment(env, project, opened.capabilities)
    if not is_there(url):
        raise wording.unknown(table, ())
    with opened.open_session(Patience(opened.label)) as session:
        holdings = find_holdings(session, environment and environment.name, opened.capabilities)
        record = _find(table, holdings, environment)
        versions = holdings.versions_of(record.relation)
        if is_list:
            _list(record, versions, as_json=as_json)
            return GOOD
        step = find_step(session, record, _choose(record, versions, to), opened.capabilities)
        step = step.hold(versions, _code(record, project, environment))
        done = _undo(session, step, holdings, _reads(project, environment, holdings), is_downstream=downstream)
        trouble = _tell_instance(done, project, session, environment)
    if as_json:
        click.echo(json.dumps(_document(done), indent=2, ensure_ascii=False))
    else:
        for line in _lines(done):
            click.echo(line)
        if trouble is None:
            for line in _hints(done):
                click.echo(line, err=True)
    if trouble is not None:
        click.echo(trouble, err=True)
    return GOOD if trouble is None else PROBLEMS
