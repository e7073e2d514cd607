"""Where a table is built: in production, or in an environment beside it."""

from __future__ import annotations

from sqlmat_assets.execution.context import Context
from sqlmat_assets.project.histories import may_be_history
from sqlmat_assets.project.model import Model
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Session


def place(model: Model, session: Session, context: Context) -> Model:
    """The table as it is built in the environment, if there is one.

    Raises:
        MaterializeError: The warehouse cannot tell what is there.
    """
    environment, state, capabilities = context.environment, context.state, context.warehouse.capabilities
    if environment is None:
        return model
    own = environment.relation(model.relation)
    context.retries.run(lambda: state.prepare(session, own, capabilities, context.run, context.now()), context.sleep)

    def is_built(read: Relation) -> bool:
        # Of histories there is no record.
        is_history = may_be_history(read) and bool(session.fetch_columns(read))
        return is_history or state.recorded([read], capabilities) is not None

    return environment.place(model, is_built, context.names)
