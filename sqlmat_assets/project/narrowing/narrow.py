"""The query that computes exactly the rows of some partitions."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from sqlglot import exp

from sqlmat_assets.errors import partitions as wording
from sqlmat_assets.errors.partitions import Obstacle
from sqlmat_assets.project.narrowing import obstacles
from sqlmat_assets.project.narrowing.demands import predicate
from sqlmat_assets.project.narrowing.kinds import Kind, kind_of
from sqlmat_assets.project.narrowing.markers import fill_markers, find_markers
from sqlmat_assets.project.narrowing.sources import Reader, Tables
from sqlmat_assets.project.narrowing.tracing import Scan, Traced, Tracer
from sqlmat_assets.project.outputs import read_outputs
from sqlmat_assets.project.partitions.ranges import Range, TimeRange
from sqlmat_assets.project.partitions.spec import Partitioning
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.references import Names
from sqlmat_assets.project.scope import is_one_token
from sqlmat_assets.project.syntax import Statement, read_syntax
from sqlmat_assets.relation import Relation

_ALIAS = "sqlmat_partition"


@dataclass(frozen=True, slots=True)
class NarrowedTable:
    """One reading of a table that was narrowed: by which of its columns, and to what."""

    relation: Relation
    column: str
    demand: Range


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A query of some partitions.

    `sql` computes their rows; `tables` are the readings that were narrowed, in the order of the text; `obstacles` are
    the clauses that kept others from it. `is_marked` when the query names the bounds itself, so that it is only
    filtered.
    """

    sql: str
    tables: tuple[NarrowedTable, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    is_marked: bool = False


def narrow(
    sql: str,
    names: Names,
    partitioning: Partitioning,
    range_: Range,
    tables: Tables | None = None,
    kind: Kind | None = None,
) -> Narrowed:
    """Let a query compute the rows of some partitions, and of them only.

    The query stays as it is written inside of a filter on its output. Rows without a value in the partitioned column
    belong to no partition. In addition the tables are narrowed where they are read, wherever that cannot change the
    rows; only the names of tables are touched for it.

    Args:
        sql: A file with one SELECT that can be read.
        names: How names are told apart.
        partitioning: That of the table.
        range_: The partitions; for a full build all of them, or all that have ended.
        tables: What is known of the tables that are read. Without types fewer of them are narrowed.
        kind: What the partitioned column of the output holds, where the engine has told.

    Raises:
        TextError: The query does not give the column.
    """
    tables = tables or Tables()
    column = output_column(sql, names, partitioning)
    markers = [marker for marker in find_markers(sql, names.dialect) if marker.is_known]
    if markers and isinstance(range_, TimeRange):
        kind = kind or _column_kind(sql, names, column, range_, tables)
        filled = fill_markers(sql, names.dialect, range_, kind)
        return Narrowed(_filtered(filled, names, column, range_, kind), is_marked=True)
    statement = _statement(sql, names)
    traced = Traced()
    if statement is not None and statement.tree is not None:
        reader = Reader(sql, statement.tokens, names, tables)
        kind = kind or _kind(reader, statement.tree, column)
        everywhere = obstacles.everywhere(statement.tree, reader)
        if everywhere is not None:
            traced.obstacles.append(everywhere)
        else:
            traced = Tracer(reader, statement.tree).trace(reader.fold_name(column), range_)
    scans = sorted(traced.scans, key=lambda scan: scan.table.start)
    text = sql
    for scan in reversed(scans):
        text = _edited(text, sql, scan, names.dialect)
    narrowed = tuple(found for scan in scans if (found := _told(scan, names)) is not None)
    filtered = _filtered(text, names, column, range_, kind)
    return Narrowed(filtered, narrowed, tuple(sorted(traced.obstacles, key=lambda each: each.line)))


def output_column(sql: str, names: Names, partitioning: Partitioning) -> str:
    """The partitioned column as the query calls it.

    Raises:
        TextError: The query has no such column, as far as its columns are known.
    """
    statement = _statement(sql, names)
    if statement is None:
        return partitioning.column
    columns, has_star = read_outputs(statement, sql, names.dialect)
    found = [column.name for column in columns]
    if partitioning.column in found:
        return partitioning.column
    for name in found:
        if name.lower() == partitioning.column.lower():
            return name
    if has_star:
        return partitioning.column
    near = difflib.get_close_matches(partitioning.column, found, n=1)
    raise wording.missing_column(partitioning.column, near[0] if near else None, found)


def _statement(sql: str, names: Names) -> Statement | None:
    statements = read_syntax(sql, names.dialect, Positions(sql)).statements
    return statements[0] if len(statements) == 1 else None


def _column_kind(sql: str, names: Names, column: str, range_: TimeRange, tables: Tables) -> Kind | None:
    """What the output column of a query that names the bounds holds."""
    from_bounds = fill_markers(sql, names.dialect, range_, Kind.DATE)
    statement = _statement(from_bounds, names)
    if statement is None or statement.tree is None:
        return None
    return _kind(Reader(from_bounds, statement.tokens, names, tables), statement.tree, column)


def _kind(reader: Reader, tree: exp.Expr, column: str) -> Kind | None:
    columns = reader.outputs(tree, {})
    name = reader.fold_name(column)
    places = [index for index, (each, _, _) in enumerate(columns or []) if each == name]
    return kind_of(reader.type_at(tree, places[0], {}), reader.dialect) if len(places) == 1 else None


def _filtered(text: str, names: Names, column: str, range_: Range, kind: Kind | None) -> str:
    """Put a query into a filter on its output."""
    dialect = names.dialect
    statement = _statement(text, names)
    inner = text if statement is None else text[statement.start : statement.end]
    name = exp.column(exp.to_identifier(column, quoted=True))
    where = predicate(name, range_, kind, dialect).sql(dialect)
    # A comment may end the query, so the bracket has a line of its own; the lines before it are those of the file.
    return f"SELECT * FROM ({inner}\n) AS {_ALIAS}\nWHERE {where}"  # noqa: S608 - as the user wrote it


def _edited(text: str, original: str, scan: Scan, dialect: str) -> str:
    """Put a narrowed table into the place of one."""
    table, item = scan.table, scan.item
    written = original[table.start : table.end]
    where = predicate(exp.column(scan.column.copy()), scan.demand, scan.kind, dialect).sql(dialect)
    alias = ""
    if not item.alias:
        last = item.parts[-1]
        own = original[last.meta["start"] : last.meta["end"] + 1]
        # In one pair of quotes the last part has no text of its own.
        is_one = is_one_token(item.parts)
        alias = f" AS {exp.to_identifier(table.parts[-1], quoted=True).sql(dialect) if is_one else own}"
    narrowed = f"(SELECT * FROM {written} WHERE {where}){alias}"  # noqa: S608 - as the user wrote it
    return text[: table.start] + narrowed + text[table.end :]


def _told(scan: Scan, names: Names) -> NarrowedTable | None:
    relation = names.identity(scan.table.parts, scan.table.quoted)
    return None if relation is None else NarrowedTable(relation, scan.name, scan.demand)
