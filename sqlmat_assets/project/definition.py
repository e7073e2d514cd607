"""The CREATE TABLE of a processed table, parsed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import processors as wording_of_scripts
from sqlmat_assets.errors import project as wording
from sqlmat_assets.project.canonical import hash_syntax
from sqlmat_assets.project.comments import HeaderLine, read_header
from sqlmat_assets.project.model import DeclaredColumn
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.syntax import read_syntax


@dataclass(frozen=True, slots=True)
class ParsedDefinition:
    """The columns of a CREATE TABLE, its comments on top, and what is wrong with it.

    `code` is a hash of what it means.
    """

    columns: tuple[DeclaredColumn, ...] = ()
    header: tuple[HeaderLine, ...] = ()
    problems: tuple[Problem, ...] = ()
    code: str = ""


def parse_definition(text: str, dialect: str, path: str) -> ParsedDefinition:
    """Read the columns of the one CREATE TABLE statement in a file; never raises."""
    header = read_header(text, dialect).lines
    code = hash_syntax(read_syntax(text, dialect, Positions(text, path)), text, dialect)
    try:
        statements = [statement for statement in sqlglot.parse(text, dialect=dialect) if statement is not None]
    except SqlglotError:
        statements = []
    definition = statements[0] if len(statements) == 1 else None
    if isinstance(definition, exp.Create) and definition.kind == "TABLE" and isinstance(definition.this, exp.Schema):
        found = [column for column in definition.this.expressions if isinstance(column, exp.ColumnDef)]
        columns = tuple(_declared(column, dialect) for column in found if column.kind is not None)
        if columns and len(columns) == len(found):
            problems = (error.at(path, 1, 1) for error in _doubled(columns))
            lost = (wording_of_scripts.constraint_not_kept(part) for part in _not_kept(definition, dialect))
            warned = (error.at(path, 1, 1, is_warning=True) for error in lost)
            return ParsedDefinition(columns, header, (*problems, *warned), code)
    return ParsedDefinition(header=header, problems=(wording.not_a_definition().at(path, 1, 1),), code=code)


def _declared(column: exp.ColumnDef, dialect: str) -> DeclaredColumn:
    kind = column.kind
    is_required = any(_is_not_null(constraint) for constraint in column.constraints)
    comments = [comment.strip() for comment in column.comments or () if comment.strip()]
    type_ = "" if kind is None else kind.sql(dialect=dialect)
    return DeclaredColumn(column.name, type_, is_required, " ".join(comments) or None)


def _is_not_null(constraint: exp.ColumnConstraint) -> bool:
    kind = constraint.kind
    return isinstance(kind, exp.NotNullColumnConstraint) and not kind.args.get("allow_null")


def _not_kept(definition: exp.Create, dialect: str) -> Iterator[str]:
    """What the statement says beyond columns, types and NOT NULL, which are all that the table gets."""
    for part in definition.this.expressions:
        if not isinstance(part, exp.ColumnDef):
            yield part.sql(dialect=dialect, comments=False)
            continue
        for constraint in part.constraints:
            if not isinstance(constraint.kind, exp.NotNullColumnConstraint):
                yield constraint.sql(dialect=dialect, comments=False)
    properties = definition.args.get("properties")
    for part in properties.expressions if isinstance(properties, exp.Properties) else ():
        yield part.sql(dialect=dialect, comments=False)


def _doubled(columns: Sequence[DeclaredColumn]) -> Iterator[wording.TextError]:
    seen: set[str] = set()
    for column in columns:
        if column.name.lower() in seen:
            yield wording_of_scripts.doubled_definition(column.name)
        seen.add(column.name.lower())
