"""Views that an undo would make unreadable: they keep it from happening."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sqlmat_assets.execution.dependents import find_broken, readers_of
from sqlmat_assets.execution.names import is_kept, run_of
from sqlmat_assets.execution.through_views import refusal_of
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Session


def broken_by(targets: Collection[Relation], change: Callable[[], None], session: Session) -> list[tuple[str, str]]:
    """Which views that can be read now could not be after a change of some tables, and what the engine says.

    Those of the project count as well, and those that are kept for another undo do not.

    Args:
        targets: What is changed; not looked at itself.
        change: Makes the change; tried in a transaction that is rolled back.
        session: In no transaction.
    """
    texts = {view: sql for view, sql in session.fetch_views() if not is_kept(view.name) and run_of(view.name) is None}
    readers = {view for target in targets for view in readers_of(target, texts)}.difference(targets)
    working = [view for view in readers if refusal_of(view, session) is None]
    return sorted((str(view), said) for view, said in find_broken(working, change, session).items())
