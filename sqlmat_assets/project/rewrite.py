"""A query that reads other tables than it says, and is otherwise as its author wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import NoneType

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from sqlmat_assets.project.folding import fold
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.references import Names, Reference, iter_tables, reference_of
from sqlmat_assets.project.syntax import Statement, read_syntax
from sqlmat_assets.relation import Relation

# Where a table is read by name; it has no parent when its name was taken out of a quoted path.
_WITH_ALIAS = (exp.From, exp.Join, exp.Table, exp.Subquery, NoneType)


@dataclass(frozen=True, slots=True, order=True)
class _Edit:
    """`text[start:end]` becomes `instead`."""

    start: int
    end: int
    instead: str


def rewrite(sql: str, names: Names, mapping: Mapping[Relation, Relation]) -> str:
    """Let the tables that are keys be read as their values; everything else stays to the letter.

    The syntax tree tells where the names stand. A table without an alias keeps its own name as one, so that its
    columns are found as before.

    Args:
        sql: Statements that can be read.
        names: How names are told apart.
        mapping: Tables as the project writes them.
    """
    instead = {names.fold(old): new for old, new in mapping.items()}
    edits: set[_Edit] = set()
    for statement in read_syntax(sql, names.dialect, Positions(sql)).statements:
        edits.update(_edits(statement, sql, names, instead))
    for edit in sorted(edits, reverse=True):
        sql = sql[: edit.start] + edit.instead + sql[edit.end :]
    return sql


def _edits(statement: Statement, sql: str, names: Names, instead: Mapping[Relation, Relation]) -> Iterator[_Edit]:
    tree = statement.tree
    if tree is None:
        return
    dialect = names.dialect
    positions = Positions("")
    arguments = {token.start for before, token in pairwise(statement.tokens) if before.token_type is TokenType.TABLE}
    is_renamed = False
    for table in iter_tables(tree, dialect):
        reference = reference_of(table, dialect, positions)
        relation = names.identity(reference.parts, reference.quoted)
        new = None if relation is None else instead.get(relation)
        if new is None:
            continue
        alias = ""
        # `TABLE s.t`, `MODEL s.m`, `PIVOT s.t ON …` have no place for an alias, and no use for one.
        if not table.alias and isinstance(table.parent, _WITH_ALIAS) and reference.start not in arguments:
            own = fold(reference.parts[-1], dialect, is_quoted=reference.quoted[-1])
            alias = f" AS {own if _is_legacy(reference, sql) else _quoted(own, dialect)}"
            is_renamed = True
        yield _Edit(reference.start, reference.end, _written(new, reference, sql, dialect) + alias)
    if is_renamed:
        for column in tree.find_all(exp.Column):
            yield from _column_edits(column, names, instead)


def _column_edits(column: exp.Column, names: Names, instead: Mapping[Relation, Relation]) -> Iterator[_Edit]:
    """Cut `first.` off `first.cities.city`."""
    *qualifier, _ = column.parts
    parts = [part for part in qualifier if isinstance(part, exp.Identifier)]
    if len(parts) < 2 or len(parts) != len(qualifier):
        return
    relation = names.identity(tuple(part.name for part in parts), tuple(bool(part.quoted) for part in parts))
    first, table = parts[0].meta.get("start"), parts[-1].meta.get("start")
    if relation in instead and isinstance(first, int) and isinstance(table, int):
        yield _Edit(first, table, "")


def _written(relation: Relation, reference: Reference, sql: str, dialect: str) -> str:
    """Write a table's new name, in the catalog that the old one was written with."""
    catalog = reference.parts[:-2] if relation.catalog is None else ()
    if _is_legacy(reference, sql):
        # No tree of sqlglot's has this spelling.
        return f"[{':'.join((*catalog, f'{relation.schema}.{relation.name}'))}]"
    return ".".join(_quoted(part, dialect) for part in (*catalog, *relation.key))


def _is_legacy(reference: Reference, sql: str) -> bool:
    return sql.startswith("[", reference.start)


def _quoted(name: str, dialect: str) -> str:
    return exp.to_identifier(name, quoted=True).sql(dialect)
