"""Keeping the version of a table that a publish replaces."""

from __future__ import annotations

from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.records import Record, fetch_records
from sqlmat_assets.execution.state import Standing
from sqlmat_assets.execution.versions import (
    drop_version,
    fetch_versions,
    keep_version,
    ordered,
    refuse_put_back_since,
    respell_versions,
)
from sqlmat_assets.project.model import Model
from sqlmat_assets.warehouses.base import ObjectKind, Session


def keeps_versions(model: Model, standing: Standing) -> bool:
    """Whether the version that a publish replaces is to be kept, or some that were kept are too many."""
    return standing.record is not None and bool(model.settings.keep_versions or standing.has_versions)


def keep_published(
    model: Model, standing: Standing, session: Session, context: Context, *, stays: bool = False
) -> ObjectKind | None:
    """Keep the table that is in place as a version, where that is asked for, and drop versions that are too many.

    Args:
        model: The table.
        standing: What is in place.
        session: In the transaction of the publish.
        context: The run.
        stays: Whether the table is changed where it is, instead of swapped: what is in place is a copy afterwards.

    Returns:
        What is in place afterwards.

    Raises:
        MaterializeError: A person has put an earlier version back since the run looked.
    """
    count, previous, kind = model.settings.keep_versions, standing.record, standing.in_place
    if previous is None or not keeps_versions(model, standing):
        return kind
    record = _record_now(previous, session)
    refuse_put_back_since(previous, record)
    if previous.relation != model.relation:
        respell_versions(session, previous.relation, model.relation)
    versions = fetch_versions(session, [model.relation])
    if count and kind is not None:
        capabilities, now = context.warehouse.capabilities, context.now()
        kept = keep_version(session, record, kind, capabilities, now, stays=stays)
        versions = ordered([kept, *versions])
        kind = kind if stays else None
    for version in versions[count:]:
        drop_version(session, version)
    return kind


def _record_now(previous: Record, session: Session) -> Record:
    """What is noted of the table now: what the run knows may be out of date."""
    found = fetch_records(session, [previous.relation])
    # The run that publishes may have put its own name there already. Of a table that is gone, the engine will say so.
    return previous if not found or found[-1].published_at == previous.published_at else found[-1]
