"""Which columns of which tables the columns of a query come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp
from sqlglot.lineage import Node, lineage
from sqlglot.schema import MappingSchema

from sqlmat_assets.project.folding import fold
from sqlmat_assets.project.outputs import read_outputs
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.references import Names, iter_tables, reference_of
from sqlmat_assets.project.syntax import Statement, read_syntax
from sqlmat_assets.relation import Relation

ColumnLineage = dict[str, tuple[tuple[Relation, str], ...]]


def column_lineage(sql: str, names: Names, columns_of: Mapping[Relation, tuple[str, ...]]) -> ColumnLineage:
    """Trace each output column of a query back to columns of tables.

    Args:
        sql: One SELECT.
        names: How names are told apart.
        columns_of: The columns of the tables that the query reads, where they are known.

    Returns:
        Per output column, as the query writes it, the columns it is computed from; empty where that cannot be told
        for any reason: it is shown to people, and nothing is decided by it.
    """
    try:
        statements = read_syntax(sql, names.dialect, Positions(sql)).statements
        if len(statements) != 1 or not isinstance(statements[0].tree, exp.Query):
            return {}
        outputs, _ = read_outputs(statements[0], sql, names.dialect)
        return _trace(statements[0], names, columns_of, [column.name for column in outputs])
    # sqlglot's optimizer raises errors of many kinds on SQL that engines accept.
    except Exception:  # noqa: BLE001
        return {}


def _trace(
    statement: Statement, names: Names, columns_of: Mapping[Relation, tuple[str, ...]], outputs: list[str]
) -> ColumnLineage:
    tree = statement.tree
    if tree is None:
        return {}
    written = {names.fold(relation): relation for relation in columns_of}
    sources = _name_sources(tree, names)
    columns: dict[str, dict[str, str]] = {}
    spelling: dict[str, str] = {}
    for alias, folded in sources.items():
        relation = written.get(folded)
        columns[alias] = {_fold(column, names): column for column in columns_of.get(relation, ())} if relation else {}
        spelling |= columns[alias]
    spelling |= {_fold(name, names): name for name in outputs}
    schema: dict[str, object] = {alias: dict.fromkeys(known, "unknown") for alias, known in columns.items() if known}
    known = MappingSchema(schema, dialect=names.dialect, normalize=False)
    # Trimmed queries are for drawings; to make one for each column copies the query as often.
    traced = lineage(None, tree, known, dialect=names.dialect, trim_selects=False, copy=False)
    found: ColumnLineage = {}
    for name, node in traced.items():
        leaves = [
            (written.get(sources[alias], sources[alias]), columns[alias].get(column, column))
            for alias, column in _leaves(node)
            if alias in sources
        ]
        found[spelling.get(name, name)] = tuple(sorted(set(leaves), key=lambda leaf: (leaf[0].key, leaf[1])))
    return found


def _name_sources(tree: exp.Expr, names: Names) -> dict[str, Relation]:
    """Give every table that is read a plain name of its own, so that sqlglot cannot take two for one.

    Returns:
        The folded name of each table by its plain name; columns that name their schema are changed as well.
    """
    tables = [table for table in iter_tables(tree, names.dialect) if table.parent is not None]
    sources: dict[str, Relation] = {}
    for table in tables:
        reference = reference_of(table, names.dialect, Positions(""))
        relation = names.identity(reference.parts, reference.quoted)
        if relation is None:
            continue
        alias = f"source_{len(sources)}"
        sources[alias] = relation
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(reference.parts[-1], quoted=reference.quoted[-1])))
        table.set("this", exp.to_identifier(alias))
        table.set("db", None)
        table.set("catalog", None)
    read = set(sources.values())
    for column in tree.find_all(exp.Column):
        qualifier = [part for part in column.parts[:-1] if isinstance(part, exp.Identifier)]
        quoted = tuple(bool(part.quoted) for part in qualifier)
        if len(qualifier) > 1 and names.identity(tuple(part.name for part in qualifier), quoted) in read:
            column.set("db", None)
            column.set("catalog", None)
    return sources


def _leaves(node: Node) -> Iterator[tuple[str, str]]:
    """Yield the tables' plain names and the columns at the far end."""
    for part in node.walk():
        if not part.downstream and isinstance(part.expression, exp.Table):
            _, _, column = part.name.rpartition(".")
            yield part.expression.name, column.strip('"`')


def _fold(column: str, names: Names) -> str:
    """Fold a column's name as sqlglot does: BigQuery ignores the case of columns, if not that of tables."""
    return fold(column, names.dialect, is_quoted=True, is_alias=True)
