"""Whether the rows that a script gives back are those that its table declares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pyarrow import parquet as pq

from sqlmat_assets.errors import processors as wording
from sqlmat_assets.project.model import DeclaredColumn


def match_columns(result: Path, declared: Sequence[DeclaredColumn], fold: Callable[[str], str], script: str) -> None:
    """Compare the columns of a Parquet file with the declared ones, by their names.

    Args:
        result: The file.
        declared: What the CREATE TABLE says.
        fold: The spelling under which the engine takes two names for one.
        script: Who has written it.

    Raises:
        MaterializeError: One is missing, one too many, or two are one to the engine.
    """
    names = list(pq.read_schema(result).names)
    found: dict[str, str] = {}
    for name in names:
        if fold(name) in found:
            raise wording.doubled_column(script, name)
        found[fold(name)] = name
    for column in declared:
        if found.pop(fold(column.name), None) is None:
            raise wording.column_missing(script, column.name, names)
    for name in found.values():
        raise wording.column_not_declared(script, name, [column.name for column in declared])


def find_null(result: Path, declared: Sequence[DeclaredColumn], fold: Callable[[str], str]) -> tuple[int, str] | None:
    """The first row, counted from 1, and column where there is NULL and may not be."""
    required = {fold(column.name) for column in declared if column.is_required}
    with pq.ParquetFile(result) as parquet:
        names = [name for name in parquet.schema_arrow.names if fold(name) in required]
        before = 0
        for batch in parquet.iter_batches(columns=names) if names else ():
            nulls = [
                (column.is_null().index(True).as_py(), name)
                for name, column in zip(names, batch.columns, strict=True)
                if column.null_count
            ]
            if nulls:
                row, name = min(nulls)
                return before + row + 1, name
            before += batch.num_rows
    return None
