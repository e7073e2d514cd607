"""Everything in a warehouse that belongs to one table: what goes with it when it is dropped."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlmat_assets.execution.dependents import find_broken, readers_of
from sqlmat_assets.execution.journal import LOADED
from sqlmat_assets.execution.names import is_kept_of
from sqlmat_assets.execution.partitions import PARTITIONS
from sqlmat_assets.execution.records import SCHEMA, TABLES, Record, key_of, place_of
from sqlmat_assets.execution.snapshot_records import SNAPSHOTS
from sqlmat_assets.execution.state import drop_of, is_reserved
from sqlmat_assets.execution.through_views import refusal_of
from sqlmat_assets.execution.versions import VERSIONS
from sqlmat_assets.project.histories import history_of
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements, statements
from sqlmat_assets.warehouses.base import Capabilities, ObjectKind, Session

# What is kept of each table, with its schema and its name in the same two columns everywhere.
_RECORDED_IN = (PARTITIONS, VERSIONS, SNAPSHOTS, LOADED)


@dataclass(frozen=True, slots=True)
class Belongings:
    """The objects that belong to a table, itself first; none of them is there where somebody has dropped them."""

    record: Record
    objects: tuple[tuple[Relation, ObjectKind], ...] = ()


def find_belongings(
    record: Record,
    kinds: Mapping[str, ObjectKind],
    capabilities: Capabilities,
    histories: Collection[tuple[str, str]] = (),
) -> Belongings:
    """Find what belongs to a table.

    Args:
        record: That of the table.
        kinds: What is in its schema.
        capabilities: How names are told apart.
        histories: The keys of the histories that hold snapshots.
    """
    own = capabilities.fold(record.relation.name)
    schema = record.relation.schema
    named = [name for name in kinds if capabilities.fold(name) == own]
    named += sorted(name for name in kinds if is_kept_of(record.relation, name, capabilities))
    history = key_of(history_of(record.relation), capabilities)
    named += [name for name in kinds if history in histories and capabilities.fold(name) == history[1]]
    return Belongings(record, tuple((Relation(schema, name), kinds[name]) for name in named))


def find_views_on(
    found: Iterable[Belongings], texts: Mapping[Relation, str], session: Session, capabilities: Capabilities
) -> tuple[Relation, ...]:
    """The views that can be read now, and not without some tables and what belongs to them; those only tried to drop.

    Args:
        found: What would be dropped.
        texts: The SQL of the views in the warehouse.
        session: In no transaction.
        capabilities: How names are told apart.
    """
    objects = [each for belongings in found for each in belongings.objects]
    own = {relation for relation, _ in objects}
    named = {view for relation in own for view in readers_of(relation, texts)} - own
    working = [
        view for view in sorted(named) if not is_reserved(view, capabilities) and refusal_of(view, session) is None
    ]
    if not working:
        return ()

    def drop() -> None:
        for relation, kind in objects:
            session.execute(drop_of(relation, kind))

    return tuple(sorted(find_broken(working, drop, session)))


def drop_belongings(session: Session, belongings: Belongings) -> bool:
    """Drop a table with all that belongs to it and is recorded of it.

    Args:
        session: In a transaction, which has to be rolled back when the answer is no.
        belongings: What was found.

    Returns:
        Whether the table is still the one that was found; no when it was published since, or dropped.
    """
    record = belongings.record
    place = statements.equal({**place_of(record.relation), "published_at": record.published_at})
    # First, so that no other run publishes the table from here on.
    if session.write_rows(statements.delete_rows(TABLES, place)) == 0:
        return False
    for relation, kind in belongings.objects:
        drop_view, drop_table = row_statements.drop_view_if_exists, statements.drop_table
        session.execute(drop_view(relation) if kind == "view" else drop_table(relation, if_exists=True))
    # The partitions of its versions stand under the names of those.
    places = [place_of(relation) for relation in {record.relation, *(relation for relation, _ in belongings.objects)}]
    # Not by asking each for its columns: an engine may end the transaction over one that is not there.
    there = session.fetch_kinds(SCHEMA)
    for records in _RECORDED_IN:
        if records.name in there:
            session.execute(statements.delete_rows(records, statements.equal_any(places)))
    return True
