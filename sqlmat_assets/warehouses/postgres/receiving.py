"""A table of a PostgreSQL database that gets its rows from another warehouse, all in one transaction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlglot import exp

from sqlmat_assets.errors import deliveries as wording
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Pause, Session, Warehouse
from sqlmat_assets.warehouses.postgres.facts import POSTGRES


def receive_table(
    database: Warehouse, target: Relation, rows: Path, mark: str, *, adopt: bool, run: str, pause: Pause
) -> int:
    """Put rows in the place of those of a table, which is made where there is none.

    Readers see the old rows until the new ones are all there. Views, rights and comments stay, as in a swap.

    Args:
        database: PostgreSQL.
        target: The table.
        rows: A Parquet file.
        mark: The comment by which such a table is known again.
        adopt: Whether a table without the mark is replaced.
        run: The run, in whose name the rows are written aside.
        pause: Waits while the database is not ready.

    Returns:
        How many rows it has.

    Raises:
        MaterializeError: The table is not to be replaced, or the database refuses.
    """
    with database.open_session(pause) as session:
        session.execute(statements.create_schema(target.schema))
        in_place = session.fetch_kinds(target.schema).get(target.name)
        if in_place is not None and not adopt and mark not in _comment(session, target):
            raise wording.not_delivered_here(target, in_place)
        aside = replace(target, name=_aside(target.name, run))
        with session.transaction():
            count = session.load_file(aside, rows, ())
            session.execute(statements.comment_on_table(aside, mark))
            session.swap(target, aside, replace(target, name=_aside(target.name, f"{run}_old")), in_place)
        return count


def _aside(name: str, run: str) -> str:
    """A name that nothing else has; cut to what the engine takes."""
    ending = f"__sqlmat_{run}"
    kept = name.encode()[: POSTGRES.max_identifier_bytes - len(ending)].decode(errors="ignore")
    return f"{kept}{ending}"


def _comment(session: Session, relation: Relation) -> str:
    named = exp.Literal.string(statements.table(relation).sql("postgres"))
    found = exp.Anonymous(this="to_regclass", expressions=[named])
    comment = exp.Anonymous(this="obj_description", expressions=[found, exp.Literal.string("pg_class")])
    return str(session.fetch_rows(exp.select(comment)).rows[0][0] or "")
