"""Where a table is built: in production, or in an environment beside it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.errors import environments as wording
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.environment import Environment
from sqlmat_assets.execution.records import Record
from sqlmat_assets.project.histories import may_be_history
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.references import Names, find_references
from sqlmat_assets.project.syntax import read_syntax
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Session


def place(model: Model, session: Session, context: Context) -> Model:
    """The table as it is built in the environment, if there is one.

    Raises:
        MaterializeError: The warehouse cannot tell what is there, or the table would read by way of a view the
            production rows of what was built in the environment.
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

    _refuse_past(model, environment, context)
    return environment.place(model, is_built, context.names)


def _refuse_past(model: Model, environment: Environment, context: Context) -> None:
    """Refuse views of production that read, near or far, what was built in the environment.

    Such a view reads past the rows there, and its reader would be built from both.
    """

    def recorded(relation: Relation) -> Record | None:
        found = context.state.recorded([relation], context.warehouse.capabilities)
        return found[0] if found else None

    def find_past(view: Relation, above: tuple[Relation, ...]) -> tuple[tuple[Relation, ...], Relation] | None:
        record = recorded(view)
        if record is None or not record.is_view or view in above:
            return None
        for read in _reads_of(record, context.names):
            if recorded(environment.relation(read)) is not None:
                return (*above, view), read
            past = find_past(read, (*above, view))
            if past is not None:
                return past
        return None

    for read in dict.fromkeys((*model.upstream, *(read for query in model.checks for read in query.reads))):
        if read == model.relation or recorded(environment.relation(read)) is not None:
            continue
        past = find_past(read, ())
        if past is not None:
            views, table = past
            names = [str(view) for view in views]
            raise MaterializeError(wording.reads_past(str(model.relation), names, str(table), environment.name))


def _reads_of(view: Record, names: Names) -> Iterator[Relation]:
    """What a view in the warehouse reads, by the SQL that it was made of."""
    positions = Positions(view.code)
    for statement in read_syntax(view.code, names.dialect, positions).statements:
        if statement.tree is not None:
            for reference in find_references(statement.tree, names.dialect, positions):
                relation = names.identity(reference.parts, reference.quoted)
                if relation is not None:
                    yield relation
