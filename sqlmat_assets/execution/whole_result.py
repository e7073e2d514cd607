"""The rows that a table would have, where only some of them are written: a view for the checks that look at all."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from sqlglot import exp

from sqlmat_assets.execution.changed_columns import find_changes
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Written
from sqlmat_assets.execution.names import result_of
from sqlmat_assets.execution.plan import Plan, Way
from sqlmat_assets.execution.rules import Subject
from sqlmat_assets.execution.state import Standing
from sqlmat_assets.execution.through_views import refusal_of
from sqlmat_assets.project.model import Model, RuleKind
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements
from sqlmat_assets.warehouses.base import Session


@contextmanager
def whole_result(
    model: Model, plan: Plan, written: Written, session: Session, context: Context, *, is_asked: bool = False
) -> Generator[Relation]:
    """Give the relation that has the rows of the target as they would be after the publish, while it is needed.

    Unless it `is_asked` for, it is needed where a check looks at it.
    """
    if plan.way is Way.SWAP or not (is_asked or _is_looked_at(model)):
        yield written.intermediate
        return
    view = result_of(model.relation, context.run.id, context.warehouse.capabilities)

    def create() -> None:
        session.execute(row_statements.create_view(view, _query(model, plan, written, session, context)))

    context.retries.run(create, context.sleep)
    try:
        yield view
    finally:
        context.retries.run(lambda: drop_result(model, session, context), context.sleep)


def subject_of(
    model: Model, plan: Plan, standing: Standing, written: Written, result: Relation, session: Session, context: Context
) -> Subject:
    """What is checked: the rows that were written, and those that they would come to beside or instead of others."""
    target = model.relation
    is_compared = any(rule.kind is RuleKind.MAX_ROW_CHANGE for rule in model.rules)
    published = None if standing.in_place is None else target
    if is_compared and standing.in_place == "view" and refusal_of(target, session) is not None:
        published = None
    before: int | None = None
    if plan.replaces_ranges and is_compared:
        query = row_statements.count_rows_where(target, plan.condition(context.names.dialect))
        before = context.retries.run(lambda: int(session.fetch_rows(query).rows[0][0]), context.sleep)
    return Subject(written.intermediate, written.rows, published, result, before)


def drop_result(model: Model, session: Session, context: Context) -> None:
    """Drop the view, where a first try has not done so; some engines drop no table that a view reads."""
    view = result_of(model.relation, context.run.id, context.warehouse.capabilities)
    session.execute(row_statements.drop_view_if_exists(view))


def _is_looked_at(model: Model) -> bool:
    kinds = {rule.kind for rule in model.rules}
    by_rule = RuleKind.UNIQUE in kinds or (RuleKind.MAX_ROW_CHANGE in kinds and model.settings.mode != "replace")
    return by_rule or any(query.on_result for query in model.checks)


def _query(model: Model, plan: Plan, written: Written, session: Session, context: Context) -> exp.Expr:
    target, staged = model.relation, written.intermediate
    given = tuple((column.name, column.type) for column in written.columns)
    absent = dict(find_changes(given, session.fetch_columns(target), context).added)
    names = [name for name, _ in given]
    where = plan.condition(context.spoken) if plan.replaces_ranges else None
    if where is not None and plan.way is Way.RANGES:
        stay = row_statements.rows_outside(target, names, where, absent)
        return row_statements.union_all(stay, row_statements.all_rows(staged, names))
    updates = model.settings.mode == "merge" and model.settings.on_match == "update"
    stay = row_statements.kept_rows(target, staged, names, plan.key, absent, updates=updates, where=where)
    new = row_statements.all_rows(staged, names)
    if not updates:
        new = row_statements.new_rows(target, staged, names, plan.key)
    return row_statements.union_all(stay, new)
