"""Which tables of a project are other ones than they were."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmat_assets.project.model import Model, Project
from sqlmat_assets.relation import Relation


@dataclass(frozen=True, slots=True)
class Changes:
    """The tables that were not there, those whose code is another one, and those that are gone, in their order.

    The code is all that makes the rows and decides whether they are published: query, script, data, columns, checks,
    and the settings that count for them. A comment, the layout of the SQL, an owner or an interval is no change.
    """

    new: tuple[Relation, ...] = ()
    changed: tuple[Relation, ...] = ()
    removed: tuple[Relation, ...] = ()

    @property
    def here(self) -> frozenset[Relation]:
        """All that differ and are there."""
        return frozenset((*self.new, *self.changed))


def find_changes(now: Project, before: Project) -> Changes:
    """Compare the tables of a folder with those of an earlier state of it.

    Args:
        now: The project.
        before: The project as it was, read with the same release of sqlmat.
    """
    fold = now.names.fold
    earlier = {fold(model.relation): model for model in before}
    there = {fold(relation) for relation in now.models}
    return Changes(
        tuple(relation for relation in now.models if fold(relation) not in earlier),
        tuple(
            relation
            for relation, model in now.models.items()
            if (was := earlier.get(fold(relation))) is not None and not _is_same(model, was)
        ),
        tuple(relation for relation in before.models if fold(relation) not in there),
    )


def _is_same(model: Model, was: Model) -> bool:
    if model.version is None or was.version is None:
        return model == was
    return model.version.is_same(was.version)
