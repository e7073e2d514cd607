"""Writes a project of any size: layers of SELECTs over one table of orders, two checks for each table.

`python benchmarks/generate.py FOLDER TABLES` writes it for sqlmat; the modules in `peers/` write the same tables for
others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

LAYERS = 10
SCHEMAS = 10
CUSTOMERS = 1000
ORDERS = "src.orders"
FIRST = """\
-- Customers of region {n}, by what they ordered.
WITH recent AS (
    SELECT customer, amount, day
    FROM {orders}
    WHERE day % 10 <> {n} % 10
)
SELECT
    customer AS id, -- the customer
    COUNT(*) AS orders, -- how many
    SUM(amount + {n} % 7) % 100003 AS amount, -- in euros, with the fee of this region
    CASE WHEN MAX(day) > 300 THEN 'less' ELSE 'more' END AS trend -- against the year before
FROM recent
GROUP BY customer
"""
QUERY = """\
-- Customers of region {n}, by what they ordered, beside what they did before.
WITH ordered AS (
    SELECT
        o.customer,
        o.amount,
        a.amount AS amount_before,
        b.orders AS orders_beside
    FROM {orders} AS o
    JOIN {left} AS a ON a.id = o.customer
    JOIN {right} AS b ON b.id = o.customer
)
SELECT
    customer AS id, -- the customer
    COUNT(*) AS orders, -- how many
    SUM(amount + orders_beside % 7 + {n} % 7) % 100003 AS amount, -- in euros, with the fee of this region
    CASE WHEN SUM(amount) % 100003 < MAX(amount_before) THEN 'less' ELSE 'more' END AS trend -- against the year before
FROM ordered
GROUP BY customer
"""
CHECKS = """\
SELECT id IS NOT NULL AS ids_are_there FROM {name};
SELECT COUNT(*) = COUNT(DISTINCT id) AS ids_are_unique FROM {name};
"""


@dataclass(frozen=True, slots=True)
class Table:
    """One table; `query` has fields for what it reads: `{orders}`, and the two tables of the layer below."""

    name: str
    text: str
    fields: dict[str, str]

    @property
    def schema(self) -> str:
        return self.name.partition(".")[0]

    @property
    def short(self) -> str:
        """Its name without the schema, which no other table has."""
        return self.name.partition(".")[2]

    @property
    def reads(self) -> list[str]:
        """The tables below."""
        return [name for name in self.fields.values() if name != ORDERS]

    def query(self, refer: Callable[[str], str] = str) -> str:
        """Its SELECT.

        Args:
            refer: How a table that is read is written.
        """
        text = self.text
        for field, name in self.fields.items():
            text = text.replace("{" + field + "}", refer(name))
        return text


def plan_tables(tables: int, layer: int | None = None) -> list[Table]:
    """So many tables in ten schemas, those that are read before those that read them.

    Args:
        tables: How many.
        layer: How many of them read the orders alone, and so on upwards; else there are ten layers.
    """
    layer = layer or max(tables // LAYERS, 1)
    names = [f"s{n % SCHEMAS}.table_{n:05}" for n in range(tables)]
    planned: list[Table] = []
    for n, name in enumerate(names):
        fields = {"orders": ORDERS}
        if n >= layer:
            below = n // layer * layer - layer
            fields |= {"left": names[below + n % layer], "right": names[below + (n + 7) % layer]}
        planned.append(Table(name, (QUERY if n >= layer else FIRST).replace("{n}", str(n)), fields))
    return planned


def write_sqlmat(root: Path, tables: list[Table]) -> None:
    """Write the tables as a folder of sqlmat's."""
    for table in tables:
        folder = root / table.schema
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{table.short} - 24h.sql").write_text(table.query())
        (folder / f"{table.short}_test.sql").write_text(CHECKS.format(name=table.name))


def generate(root: Path, tables: int, layer: int | None = None) -> None:
    """Write `tables` tables below `root`, in ten layers or with `layer` tables in each."""
    write_sqlmat(root, plan_tables(tables, layer))


def write_orders(warehouse: Path, rows: int) -> None:
    """Make a DuckDB file with the table that all others come from; DuckDB 1.5 opens it too."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{warehouse}' AS warehouse (STORAGE_VERSION 'v1.5.0')")
        connection.execute("USE warehouse")
        connection.execute("CREATE SCHEMA src")
        connection.execute(
            f"CREATE TABLE {ORDERS} AS SELECT i AS id, i * 7919 % {CUSTOMERS} AS customer, i * 31 % 997 AS amount, "
            f"i // {CUSTOMERS} % 365 AS day FROM range({rows}) AS r(i)"
        )


if __name__ == "__main__":
    generate(Path(sys.argv[1]), int(sys.argv[2]))
