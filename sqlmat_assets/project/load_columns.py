"""The columns of a `*.load.yaml`: names and types, of values inside of others too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import yaml

from sqlmat_assets.errors import loads as wording
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.load_entries import entries_of
from sqlmat_assets.project.loads import LoadColumn

_RENAMED = re.compile(r'(?P<type>.*\S)\s+as\s+(?:(?P<plain>\w+)|"(?P<quoted>[^"]+)")', re.IGNORECASE | re.DOTALL)

Refuse = Callable[[TextError, yaml.Node], None]


class ColumnReader:
    """Reads the columns of one file.

    Args:
        dialect: That of the types.
        comment: Tells what stands behind a value.
        refuse: Takes what is wrong, and where.
    """

    def __init__(self, dialect: str, comment: Callable[[yaml.Node], str | None], refuse: Refuse) -> None:
        self._dialect = dialect
        self._comment = comment
        self._refuse = refuse

    def read(self, node: yaml.Node) -> tuple[LoadColumn, ...]:
        """Give the columns that can be read."""
        if not isinstance(node, yaml.MappingNode) or not node.value:
            self._refuse(wording.not_columns(), node)
            return ()
        known: dict[str, str] = {}
        columns: list[LoadColumn] = []
        for column, key in self._inside(node, ()):
            if column.name.lower() in known:
                self._refuse(wording.doubled_column(column.name, known[column.name.lower()]), key)
                continue
            known[column.name.lower()] = column.name
            columns.append(column)
        return tuple(columns)

    def _inside(self, node: yaml.MappingNode, above: tuple[str, ...]) -> Iterator[tuple[LoadColumn, yaml.Node]]:
        for name, (key, value) in entries_of(node, self._refuse).items():
            path = (*above, name)
            if isinstance(value, yaml.MappingNode) and value.value:
                yield from self._inside(value, path)
                continue
            written = str(value.value) if isinstance(value, yaml.ScalarNode) else "…"
            renamed = _RENAMED.fullmatch(written)
            type_ = written if renamed is None else renamed["type"]
            if not isinstance(value, yaml.ScalarNode) or not self._is_type(type_):
                self._refuse(wording.no_type(".".join(path), written), value)
                continue
            column = "_".join(path) if renamed is None else renamed["plain"] or renamed["quoted"]
            yield LoadColumn(column, type_, self._comment(value), () if path == (column,) else path), key

    def _is_type(self, written: str) -> bool:
        from sqlglot import exp
        from sqlglot.errors import SqlglotError

        try:
            kind = exp.DataType.build(written, dialect=self._dialect)
        except (SqlglotError, ValueError):
            return False
        return not kind.is_type(exp.DType.UNKNOWN, exp.DType.NULL)
