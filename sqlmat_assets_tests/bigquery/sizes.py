"""How many bytes a query processes: those of the columns that it names, in the partitions that it may read.

https://cloud.google.com/bigquery/docs/estimate-costs and https://cloud.google.com/bigquery/pricing#data
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from sqlglot import exp

from sqlmat_assets_tests.bigquery.catalog import INGESTED, Catalog, Table
from sqlmat_assets_tests.bigquery.columns import quoted
from sqlmat_assets_tests.bigquery.wire import Json

_FIXED = {
    "INTEGER": 8,
    "FLOAT": 8,
    "BOOLEAN": 1,
    "DATE": 8,
    "DATETIME": 8,
    "TIMESTAMP": 8,
    "TIME": 8,
    "NUMERIC": 16,
    "BIGNUMERIC": 32,
    "INTERVAL": 16,
}
LEAST_BILLED = 10 << 20
_KNOWN: dict[tuple[str, str], int] = {}
_GUARD = threading.Lock()


def of_query(catalog: Catalog, tree: exp.Expr, read: Sequence[Table]) -> int:
    """The bytes that a query processes."""
    names = {column.name.lower() for column in tree.find_all(exp.Column)}
    names |= {each.name.lower() for join in tree.find_all(exp.Join) for each in join.args.get("using") or ()}
    is_all = any(not isinstance(star.parent, exp.Count) for star in tree.find_all(exp.Star))
    total = 0
    for table in read:
        if table.physical is not None:
            chosen = [each["name"] for each in table.fields if is_all or each["name"].lower() in names]
            total += of_columns(catalog, table, chosen, _pruned(tree, table))
    return total


def of_columns(catalog: Catalog, table: Table, names: Sequence[str], where: str = "TRUE") -> int:
    """The bytes of some columns of a table."""
    asked = [each for each in table.fields if each["name"] in names]
    if not asked or table.physical is None:
        return 0
    values = " + ".join(_size(each) for each in asked)
    question = f"SELECT coalesce(sum({values}), 0) FROM {table.physical} WHERE {where}"
    key = (f"{table.changes} {question}", table.full_name)
    with _GUARD:
        if key in _KNOWN:
            return _KNOWN[key]
    found = int(catalog.cursor().execute(question).fetchall()[0][0])
    with _GUARD:
        _KNOWN[key] = found
    return found


def billed(processed: int) -> int:
    """What is paid for: at least 10 MB, where anything is."""
    return max(processed, LEAST_BILLED) if processed else 0


def _size(column: Json) -> str:
    name = quoted(column["name"])
    if column.get("mode") == "REPEATED" or column["type"] not in _FIXED:
        whole = f"CAST({name} AS VARCHAR)" if column["type"] == "STRING" else f"CAST(to_json({name}) AS VARCHAR)"
        return f"coalesce(2 + strlen({whole}), 0)"
    return f"CASE WHEN {name} IS NULL THEN 0 ELSE {_FIXED[column['type']]} END"


def _pruned(tree: exp.Expr, table: Table) -> str:
    """What the conditions with constants say of the partitions that are read."""
    time = table.options.get("timePartitioning")
    if time is None:
        return "TRUE"
    field = time.get("field", INGESTED)
    found: list[str] = []
    for where in tree.find_all(exp.Where):
        parts = list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]
        for part in parts:
            columns = {column.name.lower() for column in part.find_all(exp.Column)}
            if columns == {field.lower()} and not part.find(exp.Select):
                own = part.copy()
                for column in own.find_all(exp.Column):
                    column.set("table", None)
                    column.set("this", exp.to_identifier(field, quoted=True))
                found.append(f"({own.sql('duckdb')})")
    return " AND ".join(found) or "TRUE"
