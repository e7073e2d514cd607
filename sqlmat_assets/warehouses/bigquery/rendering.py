"""What a publish sends, for people: copy jobs have no statement of their own."""

from __future__ import annotations

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import ObjectKind
from sqlmat_assets.warehouses.bigquery.statements import DIALECT, rename


def render_swap(
    target: Relation, intermediate: Relation, in_place: ObjectKind | None, becomes: ObjectKind
) -> list[str]:
    """The statements, and as comments the jobs that are none."""
    new, old = (statements.table(each).sql(DIALECT) for each in (intermediate, target))
    match becomes, in_place:
        case "view", _:
            aside = [] if in_place != "table" else [f"-- {old} is renamed, and dropped afterwards"]
            return [*aside, f"-- CREATE OR REPLACE VIEW {old} AS the query of {new}", f"DROP VIEW {new}"]
        case _, "table":
            return [f"-- copy job {new} to {old}, WRITE_TRUNCATE", f"DROP TABLE {new}"]
        case _, "view":
            return [f"DROP VIEW {old}", rename(intermediate, target.name)]
        case _:
            return [rename(intermediate, target.name)]
