"""Rows that are merged by a key: each key once, and never NULL."""

from __future__ import annotations

from dataclasses import replace

from sqlmat_assets.errors import MaterializeError, failures
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.designs import copy_rows
from sqlmat_assets.execution.events import Written
from sqlmat_assets.execution.plan import Plan
from sqlmat_assets.project.model import Model
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import check_statements, row_statements, statements
from sqlmat_assets.warehouses.base import Rows, Session, Statement


def keep_one_of_each(
    model: Model, plan: Plan, written: Written, spare: Relation, session: Session, context: Context
) -> Written:
    """Leave one row of each key in the intermediate table.

    Args:
        model: The table.
        plan: With the key.
        written: What the intermediate table holds.
        spare: A name for a second table, which takes the place of the first where rows have to go.
        session: Where to do it.
        context: The run.

    Raises:
        MaterializeError: A key is NULL, or rows that differ have the same one and no order is set.
    """
    key, order_by, intermediate = plan.key, model.settings.order_by, written.intermediate

    def fetch(query: Statement) -> Rows:
        return context.retries.run(lambda: session.fetch_rows(query), context.sleep)

    if missing := int(fetch(row_statements.count_without_key(intermediate, key)).rows[0][1]):
        raise MaterializeError(failures.key_is_null(key, missing))
    repeats = check_statements.count_repeats(intermediate, key)
    if not int(fetch(repeats).rows[0][0]):
        return written
    names = [column.name for column in written.columns]
    if order_by:
        query = row_statements.keep_first(intermediate, names, key, order_by)
    else:
        query = row_statements.distinct_rows(intermediate, names)

    def replace_table() -> int:
        with session.transaction():
            rows = copy_rows(spare, intermediate, names, query.copy(), session, context.warehouse.capabilities)
            session.execute(statements.drop_table(intermediate))
            session.execute(statements.rename_table(spare, intermediate.name))
        return rows

    rows = context.retries.run(replace_table, context.sleep)
    if not order_by and int(fetch(repeats).rows[0][0]):
        examples = fetch(row_statements.repeated_keys(intermediate, key)).rows
        raise MaterializeError(failures.keys_repeat(key, [", ".join(map(str, each)) for each in examples]))
    return replace(written, rows=rows)
