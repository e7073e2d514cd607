"""The CREATE TABLE of a processed table, parsed."""

from __future__ import annotations

from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import project as wording
from sqlmat_assets.project.canonical import hash_syntax
from sqlmat_assets.project.comments import HeaderLine, read_header
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.syntax import read_syntax


@dataclass(frozen=True, slots=True)
class ParsedDefinition:
    """The columns (name, type in the dialect) of a CREATE TABLE, its comments on top, and what is wrong with it.

    `code` is a hash of what it means.
    """

    columns: tuple[tuple[str, str], ...] = ()
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
        columns = [(column.name, column.kind.sql(dialect=dialect)) for column in found if column.kind is not None]
        if columns and len(columns) == len(found):
            return ParsedDefinition(tuple(columns), header, code=code)
    return ParsedDefinition(header=header, problems=(wording.not_a_definition().at(path, 1, 1),), code=code)
