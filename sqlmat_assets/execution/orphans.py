"""Tables that sqlmat has made and that no file makes any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.errors import orphans as wording
from sqlmat_assets.execution.belongings import Belongings, drop_belongings, find_belongings, find_views_on
from sqlmat_assets.execution.records import Record, find_records, key_of
from sqlmat_assets.execution.snapshot_records import find_histories
from sqlmat_assets.project.model import Model, Project
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Capabilities, Session


@dataclass(frozen=True, slots=True)
class Orphan:
    """A table without a file.

    `belongings` are what would be dropped with it; without objects, somebody has dropped the table already. `readers`
    are the tables of the project whose files name it still, `views` the views in the warehouse that can be read only
    while it is there, `renamed_to` the tables of the project that are made as it was. `is_own` is whether it was the
    project that has made it; where that is not known, the files of another one may make it.
    """

    belongings: Belongings
    readers: tuple[Relation, ...] = ()
    views: tuple[Relation, ...] = ()
    renamed_to: tuple[Relation, ...] = ()
    is_own: bool = True

    @property
    def record(self) -> Record:
        return self.belongings.record

    @property
    def relation(self) -> Relation:
        return self.record.relation

    def left_without(self, others: Iterable[Orphan]) -> tuple[Relation, ...]:
        """What would still read it if it were dropped together with others."""
        dropped = {relation for orphan in others for relation, _ in orphan.belongings.objects}
        return (*self.readers, *(view for view in self.views if view not in {*dropped, *self.readers}))


@dataclass(frozen=True, slots=True)
class Search:
    """What a warehouse has: the orphans by their names, the tables of environments, and how many have their files."""

    orphans: tuple[Orphan, ...] = ()
    of_environments: tuple[Relation, ...] = ()
    with_files: int = 0


def find_orphans(session: Session, project: Project, capabilities: Capabilities, identity: str | None = None) -> Search:
    """Compare what is recorded in a warehouse with a project; nothing is written.

    Args:
        session: Of the warehouse.
        project: The tables that have files.
        capabilities: How names are told apart.
        identity: What the records of the project's own tables say of where they come from.
    """
    records = find_records(session)
    made = {key_of(model.relation, capabilities) for model in project}
    without = [record for record in records if key_of(record.relation, capabilities) not in made]
    gone = sorted((r for r in without if not _is_of_environment(r)), key=lambda record: record.relation)
    kinds = {schema: session.fetch_kinds(schema) for schema in {record.relation.schema for record in gone}}
    recorded = {key_of(record.relation, capabilities): record for record in records}
    # A table that a file makes, or made, is its own.
    histories = find_histories(session, capabilities) - recorded.keys()
    texts = dict(session.fetch_views()) if gone and capabilities.finds_views_by_name else {}
    return Search(
        tuple(
            Orphan(
                found := find_belongings(record, kinds[record.relation.schema], capabilities, histories),
                _readers([record.relation, *(relation for relation, _ in found.objects)], project, capabilities),
                find_views_on([found], texts, session, capabilities),
                tuple(_renamed(record, project, recorded, capabilities)),
                record.project == identity,
            )
            for record in gone
        ),
        tuple(sorted(record.relation for record in without if _is_of_environment(record))),
        len(records) - len(without),
    )


def choose_all(orphans: Iterable[Orphan]) -> list[Orphan]:
    """The orphans of the project itself that can all be dropped together: whatever reads one of them goes too."""
    chosen = [orphan for orphan in orphans if orphan.is_own]
    while True:
        left = [orphan for orphan in chosen if not orphan.left_without(chosen)]
        if len(left) == len(chosen):
            return chosen
        chosen = left


def drop_orphans(session: Session, orphans: Collection[Orphan]) -> None:
    """Drop tables with all that belongs to them, in one transaction.

    Raises:
        MaterializeError: One of them is not what was found any more; nothing is dropped.
        WarehouseError: The engine refused; nothing is dropped.
    """
    with session.transaction(*(orphan.relation for orphan in orphans)):
        for orphan in orphans:
            if not drop_belongings(session, orphan.belongings):
                raise MaterializeError(wording.changed_meanwhile(str(orphan.relation)))


def _is_of_environment(record: Record) -> bool:
    """Whether a table is one that an environment has beside those of the project, and so has no file of its own."""
    return record.environment is not None


def _readers(relations: Iterable[Relation], project: Project, capabilities: Capabilities) -> tuple[Relation, ...]:
    keys = {key_of(relation, capabilities) for relation in relations}

    def is_named(reads: Iterable[Relation]) -> bool:
        return any(each.catalog is None and key_of(each, capabilities) in keys for each in reads)

    def reads(model: Model) -> bool:
        return is_named(model.sources) or any(is_named(check.reads) for check in model.checks)

    return tuple(model.relation for model in project if reads(model))


def _renamed(
    record: Record, project: Project, recorded: dict[tuple[str, str], Record], capabilities: Capabilities
) -> Iterable[Relation]:
    for model in project:
        known = recorded.get(key_of(model.relation, capabilities))
        # What was published before the last build of the orphan was there beside it.
        is_later = known is None or known.published_at > record.published_at
        if is_later and _is_made_alike(record, model):
            yield model.relation


def _is_made_alike(record: Record, model: Model) -> bool:
    """Whether the same makes both; checks name their table, so a rename changes them, and the SQL alone says enough."""
    if record.version is not None and model.version is not None and model.version.is_same(record.version):
        return True
    return bool(model.sql) and record.code == model.sql
