"""How DuckDB takes rows that come as Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.duckdb.groups import type_of

ROWS = "sqlmat_rows"
"""The name under which the rows are known while a statement reads them."""

_ROW_GROUP = 122_880
_MOST_BYTES = 64 << 20
_NESTED = (exp.DataType.Type.ARRAY, exp.DataType.Type.LIST, exp.DataType.Type.STRUCT, exp.DataType.Type.MAP)


def create_table_of_rows(target: Relation, columns: Sequence[tuple[str, str]]) -> exp.Expr:
    """`CREATE TABLE ... AS` with columns (name, type) of these rows, each cast to its type."""
    values = [statements.named(_cast(name, type_of(kind)), name) for name, kind in columns]
    query = exp.select(*values).from_(exp.Table(this=statements.identifier(ROWS)))
    return exp.Create(this=statements.table(target), kind="TABLE", expression=query)


def by_row_groups(rows: Any) -> Any:
    """The same rows in batches of just as many as DuckDB keeps together.

    Smaller ones it copies together; of what is more in a batch it makes a group of its own, and writes all of the table
    a second time when the file is closed.
    """
    import pyarrow as pa

    def joined() -> Iterator[Any]:
        waiting: list[Any] = []
        count = size = 0
        for batch in rows:
            waiting.append(batch)
            count, size = count + batch.num_rows, size + batch.nbytes
            while count >= _ROW_GROUP or size >= _MOST_BYTES:
                table = pa.Table.from_batches(waiting)
                yield from _one_batch(table.slice(0, _ROW_GROUP))
                waiting = table.slice(_ROW_GROUP).to_batches()
                count, size = sum(each.num_rows for each in waiting), sum(each.nbytes for each in waiting)
        if waiting:
            yield from _one_batch(pa.Table.from_batches(waiting))

    return pa.RecordBatchReader.from_batches(rows.schema, joined())


def _one_batch(table: Any) -> Iterator[Any]:
    yield from table.combine_chunks().to_batches(max_chunksize=max(table.num_rows, 1))


def _cast(name: str, kind: exp.DataType) -> exp.Expr:
    value: exp.Expr = statements.column(name)
    if kind.this in _NESTED:
        # They come as JSON.
        value = exp.Cast(this=value, to=exp.DataType.build("JSON", dialect="duckdb"))
    return exp.Cast(this=value, to=kind)
