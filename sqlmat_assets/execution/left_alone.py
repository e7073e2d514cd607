"""Tables of which a person has put an earlier version back: what nobody asks for leaves them alone."""

from __future__ import annotations

from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import LeftAlone
from sqlmat_assets.execution.state import Standing
from sqlmat_assets.execution.versions import fetch_versions
from sqlmat_assets.execution.write import fetch_columns
from sqlmat_assets.project.model import Model
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Session


def find_left_alone(
    model: Model, asked: Relation, standing: Standing, session: Session, context: Context
) -> LeftAlone | None:
    """What is to be told of a table that is not to be built; None where it is.

    One that somebody has dropped since is built: there are no rows of it that anybody could want.

    Args:
        model: The table as it is built.
        asked: Its name in the project.
        standing: What is in its place.
        session: Where to ask.
        context: The run.

    Raises:
        WarehouseError: The warehouse cannot be asked.
    """
    record = standing.record
    if record is None or standing.in_place is None or context.run.is_asked_for(asked):
        return None
    if not record.is_put_back(model.version):
        return None
    versions = fetch_versions(session, [record.relation])
    gone = (one.record.published_at for one in versions if one.undone_at == record.put_back_at)
    columns = fetch_columns(model, record.relation, session, context)
    return LeftAlone(record.relation, record, columns, next(gone, None))
