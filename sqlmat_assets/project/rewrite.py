"""A query that reads other tables than it says, and is otherwise as its author wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from sqlmat_assets.project.folding import fold
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.references import Names, iter_tables, reference_of
from sqlmat_assets.project.syntax import read_syntax
from sqlmat_assets.relation import Relation


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
        if statement.tree is not None:
            edits.update(_edits(statement.tree, names, instead))
    for edit in sorted(edits, reverse=True):
        sql = sql[: edit.start] + edit.instead + sql[edit.end :]
    return sql


def _edits(tree: exp.Expr, names: Names, instead: Mapping[Relation, Relation]) -> Iterator[_Edit]:
    dialect = names.dialect
    positions = Positions("")
    is_renamed = False
    for table in iter_tables(tree, dialect):
        reference = reference_of(table, dialect, positions)
        relation = names.identity(reference.parts, reference.quoted)
        new = None if relation is None else instead.get(relation)
        if new is None:
            continue
        alias = ""
        if not table.alias and isinstance(table.parent, (exp.From, exp.Join, exp.Table)):
            own = fold(reference.parts[-1], dialect, is_quoted=reference.quoted[-1])
            alias = f" AS {_quoted(own, dialect)}"
            is_renamed = True
        yield _Edit(reference.start, reference.end, _written(new, reference.parts, dialect) + alias)
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


def _written(relation: Relation, parts: tuple[str, ...], dialect: str) -> str:
    """Write a table's new name, in the catalog that the old one was written with."""
    catalog = parts[:-2]
    return ".".join(_quoted(part, dialect) for part in (*catalog, *relation.key))


def _quoted(name: str, dialect: str) -> str:
    return exp.to_identifier(name, quoted=True).sql(dialect)
