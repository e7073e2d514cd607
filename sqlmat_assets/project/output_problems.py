"""Columns of a result that a table cannot have, or would have by a name that nobody wrote."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import slips as wording
from sqlmat_assets.project.folding import fold
from sqlmat_assets.project.outputs import final_select, is_star, output_name, select_items
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.syntax import Statement

# The others make up a name: DuckDB `count_star()`, PostgreSQL and Redshift `count` or `?column?`.
_NEED_NAMES = frozenset({"bigquery"})
# DuckDB: these stand for several columns, with names of their own.
_MANY = (exp.Columns, exp.Unnest, exp.Explode)


def output_problems(statement: Statement, text: str, dialect: str, positions: Positions) -> Iterator[Problem]:
    """Find names that are there twice and expressions without a name, each at its place in the SELECT's list."""
    select = final_select(statement.tree) if statement.tree is not None else None
    items = select_items(statement.tokens)
    projections = select.expressions if select is not None else []
    if len(items) != len(projections):
        return
    seen: dict[str, int] = {}
    for projection, item in zip(projections, items, strict=True):
        if is_star(projection):
            continue
        start, end = statement.tokens[item.first].start, statement.tokens[item.last - 1].end + 1
        place = positions.place(start)
        name = output_name(projection, dialect)
        if not name:
            if projection.find(*_MANY) is None:
                written = " ".join(text[start:end].split())
                yield wording.unnamed_output(place, written, is_warning=dialect not in _NEED_NAMES)
            continue
        # Quotes have had their say in the name; all engines but PostgreSQL go on to ignore case.
        key = fold(name, dialect, is_quoted=True, is_alias=True)
        if key in seen:
            yield wording.duplicate_output(place, name, seen[key])
        else:
            seen[key] = place.line
