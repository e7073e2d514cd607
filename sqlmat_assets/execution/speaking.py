"""The SQL of a project as the engine reads it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.errors import transpiling as wording
from sqlmat_assets.errors.sql import Place
from sqlmat_assets.execution.context import Context
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.parse import statement_text
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.transpiling import types
from sqlmat_assets.project.transpiling.translation import Translated, find_source, translate
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.error_lines import find_pointed

Columns = Sequence[tuple[str, str]]


def say(sql: str, context: Context) -> str:
    """A query of the project in the SQL of the engine; to the letter where that is the same.

    Raises:
        MaterializeError: Something in it is unsupported there.
    """
    return _spoken(translate(sql, context.names, context.spoken), context) if context.is_transpiled else sql


def say_value(sql: str, context: Context) -> str:
    """An expression of the project in the SQL of the engine.

    Raises:
        MaterializeError: Something in it is unsupported there.
    """
    if not context.is_transpiled:
        return sql
    return _spoken(translate(sql, context.names, context.spoken, is_value=True), context)


def _spoken(translated: Translated, context: Context) -> str:
    if translated.sql is None:
        place = Place("", 0, 0)
        problems = (wording.unsupported(place, each.name, context.spoken, each.why) for each in translated.refused)
        raise MaterializeError("; ".join(problem.what for problem in problems))
    return translated.sql


def written_sql(model: Model, context: Context) -> str | None:
    """The SQL of a table's file, where what is sent is another."""
    return statement_text(model) if context.is_transpiled and model.sql else None


def spoken_types(columns: Columns, context: Context) -> tuple[tuple[str, str], ...]:
    """Columns that the project declares, with their types as the engine calls them."""
    if not context.is_transpiled:
        return tuple(columns)
    return tuple((name, types.spoken_type(kind) or kind) for name, kind in columns)


def written_types(columns: Iterable[tuple[str, str]], context: Context) -> dict[str, str]:
    """Columns of the engine, with their types as the project calls them."""
    if not context.is_transpiled:
        return dict(columns)
    return {name: types.written_type(kind) for name, kind in columns}


def told_of_transpiled(message: str, statement: str, query: str, path: str, line: int, context: Context) -> str:
    """What the engine says about a query that was transpiled, with the place in the file where it can be told.

    Args:
        message: The driver's words.
        statement: What was sent.
        query: The query as it was written.
        path: The file.
        line: Where the query begins there.
        context: The run.
    """
    spoken = translate(query, context.names, context.spoken).sql
    pointed = None if spoken is None else find_pointed(message, statement, spoken)
    source = None if pointed is None else find_source(query, context.names, context.spoken, pointed)
    at = 0 if source is None else line + Positions(query).at(source)[0] - 1
    return wording.transpiled(message, context.names.dialect, context.spoken, path, at)


@contextmanager
def speaking(session: Session, context: Context) -> Generator[None]:
    """Have the engine see moments as the SQL of the project does, while it is transpiled."""
    if not context.is_transpiled:
        yield
        return
    session.execute(statements.set_time_zone("UTC"))
    try:
        yield
    finally:
        session.execute(statements.reset_time_zone())
