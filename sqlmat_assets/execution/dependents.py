"""Views on a table, made by people or of the project: one that would not survive a publish keeps it from happening."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.errors.views import would_break
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Column
from sqlmat_assets.execution.records import key_of
from sqlmat_assets.execution.state import Standing
from sqlmat_assets.execution.through_views import refusal_of
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Session


class _TriedError(Exception):
    """Rolls a change back that was only tried."""


def refuse_breaking(
    target: Relation,
    columns: Sequence[Column],
    standing: Standing,
    swap: Callable[[], None],
    session: Session,
    context: Context,
) -> None:
    """Keep the table that is in place if views of people can be read with it, and not with what would replace it.

    The swap is tried in a transaction that is rolled back. Nothing of it happens where nobody has made a view, or where
    the columns stay the same. A view of the project counts as long as its file says what it is: one that was edited
    since is going to be another.

    Args:
        target: The table.
        columns: Those that it would have.
        standing: What is in place.
        swap: Puts the new table in place.
        session: In no transaction.
        context: The run.

    Raises:
        MaterializeError: There are such views; it names them.
    """
    capabilities = context.warehouse.capabilities
    if standing.in_place is None or not capabilities.finds_views_by_name:
        return
    if not context.views and not context.state.has_views_of_others(session, capabilities):
        return
    if refusal_of(target, session) is not None:
        return  # and nothing that reads it can be read
    if session.fetch_columns(target) == tuple((column.name, column.type) for column in columns):
        return
    texts = dict(session.fetch_views())
    readers = readers_of(target, texts)
    working = [view for view in readers if refusal_of(view, session) is None]
    broken = find_broken(working, swap, session)
    ours = {view for view in broken if context.state.is_ours(view, capabilities) and not _is_meant(view, context)}
    by_ours = {view for own in ours for view in readers_of(own, texts)}
    others = [(str(view), said) for view, said in broken.items() if view not in ours and view not in by_ours]
    if others:
        raise MaterializeError(would_break(str(target), sorted(others)))


def are_edited(views: Iterable[Relation], context: Context) -> bool:
    """Whether all of some views are of the project, and their files say something else since they were made.

    Where views do not go by names, these have to make room for the table that they read, and are made anew after it.
    """
    capabilities = context.warehouse.capabilities
    known = {key_of(relation, capabilities) for relation in context.views}
    return all(
        context.state.is_ours(view, capabilities)
        and key_of(view, capabilities) in known
        and not _is_meant(view, context)
        for view in views
    )


def _is_meant(view: Relation, context: Context) -> bool:
    """Whether a view of the project is what its file says."""
    capabilities = context.warehouse.capabilities
    own = key_of(view, capabilities)
    text = next((text for relation, text in context.views.items() if key_of(relation, capabilities) == own), None)
    recorded = context.state.recorded([view], capabilities)
    return bool(recorded) and recorded[0].code == text


def find_broken(views: Iterable[Relation], change: Callable[[], None], session: Session) -> dict[Relation, str]:
    """Which views cannot be read after a change that is only tried, and what the engine says.

    The change is tried again after each refusal, which ends its transaction.
    """
    broken: dict[Relation, str] = {}
    left = list(views)
    while left:
        with suppress(_TriedError), session.transaction():
            change()
            while left:
                view = left.pop()
                said = refusal_of(view, session)
                if said is not None:
                    broken[view] = said
                    break
            raise _TriedError
    return broken


def readers_of(relation: Relation, texts: Mapping[Relation, str]) -> tuple[Relation, ...]:
    """The views whose SQL names a table or view, or names such a view; one too many does no harm."""
    found: dict[Relation, None] = {}
    ahead = [relation]
    for read in ahead:
        word = re.compile(rf"(?<!\w){re.escape(read.name)}(?!\w)", re.IGNORECASE)
        for view, sql in texts.items():
            if view not in found and view not in (read, relation) and word.search(sql):
                found[view] = None
                ahead.append(view)
    return tuple(found)
