"""Which tables a command is about: `-s`, and `--since` for those that have changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, TypeVar

import click

from sqlmat_assets.cli.place import cache_folder
from sqlmat_assets.components.revision import find_edited, find_revision, open_revision
from sqlmat_assets.components.selection import CHANGED, names_changed, names_of, resolve_selection
from sqlmat_assets.errors import revisions as wording
from sqlmat_assets.errors.deliveries import never_from
from sqlmat_assets.errors.usage import nothing_to_build, selection_empty
from sqlmat_assets.execution.environment import Environment
from sqlmat_assets.project.changes import Changes, find_changes
from sqlmat_assets.project.graph import ModelGraph
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Project
from sqlmat_assets.relation import Relation

# `first.cities`, `first.*`, `changed`, `+first.people`, `first.cities+`; everything else is Dagster's.
_PLAIN = re.compile(r"(?P<above>\+?)(?P<name>\*|changed|[^\s+():=,?\[\"*]+\.[^\s+():=,?\[\"]+)(?P<below>\+?)")

_Command = TypeVar("_Command", bound=Callable[..., Any])


def select_options(command: _Command) -> _Command:
    """Add `-s` and `--since` to a command, which gets them as `expressions` and `since`."""
    select = click.option(
        "-s",
        "--select",
        "expressions",
        metavar="SELECT",
        multiple=True,
        help="Which tables: first.people, first.*, +first.people (with what it reads), first.cities+ (with what reads "
        "it), changed (other than in git), changed+, or Dagster's asset selection syntax. Given twice, both. "
        "[default: all]",
    )
    since = click.option(
        "--since",
        metavar="REF",
        help="The commit that `changed` compares with. [default: where this branch left the default branch]",
    )
    return select(since(command))


@dataclass(frozen=True, slots=True)
class Selected:
    """The tables that are selected, in the order of the project; `edited` are the files that differ from `--since`."""

    tables: tuple[Relation, ...]
    edited: frozenset[str] = frozenset()


def select_tables(project: Project, expressions: Sequence[str], since: str | None) -> tuple[Relation, ...]:
    """The tables that the expressions select together, all without one; none only where nothing has changed.

    Raises:
        UsageError: An expression cannot be read, or nothing is selected, or git cannot tell what has changed.
    """
    if not len(project):
        raise nothing_to_build(str(project.root))
    return select(project, expressions, since).tables


def leave_deliveries(
    project: Project, selected: Sequence[Relation], environment: Environment | None
) -> tuple[Relation, ...]:
    """What is selected without deliveries; people are told where that is because of the environment."""
    kept = tuple(relation for relation in selected if not project.models[relation].is_delivery)
    if environment is not None and len(kept) < len(selected):
        click.echo(never_from(environment.name), err=True)
    return kept


def find_named(project: Project, expressions: Sequence[str]) -> frozenset[Relation]:
    """The tables whose whole names stand in the expressions: what else is selected has come along."""
    named = {name for text in expressions for name in names_of(text)}
    return frozenset(relation for relation in project.models if str(relation) in named)


def select(project: Project, expressions: Sequence[str], since: str | None, dialect: str | None = None) -> Selected:
    """As `select_tables`, for a project that may be empty.

    Args:
        project: The tables.
        expressions: As people type them.
        since: What `changed` compares with, as people type it.
        dialect: The one that the files were read in, whatever their settings say.
    """
    asked = [expression for expression in expressions if names_changed(expression)]
    if since is not None and not asked:
        raise wording.needs_changed()
    if not expressions:
        return Selected(tuple(project.models))
    changed, edited = _find_changed(project, since, dialect) if asked else (frozenset[Relation](), frozenset[str]())
    chosen = {relation for expression in expressions for relation in _resolve(project, expression, changed)}
    return Selected(tuple(relation for relation in project.models if relation in chosen), edited)


def _resolve(project: Project, expression: str, changed: frozenset[Relation]) -> frozenset[Relation]:
    match = _PLAIN.fullmatch(expression.strip())
    if match is None:
        # This needs Dagster, whose import costs more than a small build.
        return resolve_selection(project, expression, changed)
    if match["name"] == CHANGED:
        named = [relation for relation in project.models if relation in changed]
    else:
        named = [relation for relation in project.models if fnmatchcase(str(relation), match["name"])]
        if not named:
            raise selection_empty(expression, [match["name"]], [str(relation) for relation in project.models])
    graph = ModelGraph(project)
    chosen = set(named)
    for relation in named:
        chosen |= graph.ancestors(relation) if match["above"] else set()
        chosen |= graph.descendants(relation) if match["below"] else set()
    return frozenset(chosen)


def _find_changed(
    project: Project, since: str | None, dialect: str | None
) -> tuple[frozenset[Relation], frozenset[str]]:
    """The tables that are other ones than at a commit, and the files; it is told which commit that is."""
    root = project.root
    revision = find_revision(root, since)
    edited = find_edited(root, revision.commit)
    changes = Changes()
    if edited.all:
        with open_revision(root, revision.commit, edited) as place:
            # Kept apart from the files as they are, so that neither pushes the other out.
            before = load_project(place, dialect=dialect, cache_dir=cache_folder(root), cached_as=root / ".since")
        changes = find_changes(project, before)
    new, changed = len(changes.new), len(changes.changed)
    click.echo(
        wording.compared(revision.name, revision.commit, revision.branch, new, changed, changes.removed), err=True
    )
    if changes.removed:
        click.echo(wording.removed_tables(changes.removed), err=True)
    return changes.here, edited.all
