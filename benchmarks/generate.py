"""Writes a project of any size: layers of SELECTs that read the layer below, two checks for each table.

`python benchmarks/generate.py FOLDER TABLES`
"""

import sys
from pathlib import Path

LAYER = 50
QUERY = """\
-- Orders of region {n}, with what their customers did before.
WITH recent AS (
    SELECT
        a.id AS order_id, -- the order
        a.amount, -- in euros
        b.amount AS amount_before, -- of the order before
        ROW_NUMBER() OVER (PARTITION BY a.id % 10 ORDER BY a.id) AS place
    FROM {left} AS a
    JOIN {right} AS b ON a.id = b.id
    WHERE a.amount >= 0 AND b.amount IS NOT NULL
)
SELECT
    order_id AS id, -- the order
    amount + {n} % 7 AS amount, -- in euros, with the fee of this region
    CASE WHEN amount_before > amount THEN 'less' ELSE 'more' END AS trend -- against the order before
FROM recent
WHERE place <= 100
"""
FIRST = "SELECT range AS id, range * 2 AS amount, 'more' AS trend FROM range(100)\n"
CHECKS = """\
SELECT COUNT(*) = COUNT(DISTINCT id) AS ids_are_unique FROM {name};
SELECT amount >= 0 AS amounts_are_positive FROM {name};
"""


def generate(root: Path, tables: int, layer: int = LAYER) -> None:
    """Write `tables` tables below `root`, ten schemas, `layer` tables in each layer."""
    names = [f"s{n % 10}.table_{n:05}" for n in range(tables)]
    for n, name in enumerate(names):
        schema, table = name.split(".")
        folder = root / schema
        folder.mkdir(parents=True, exist_ok=True)
        if n < layer:
            query = FIRST
        else:
            below = n // layer * layer - layer
            left, right = names[below + n % layer], names[below + (n + 7) % layer]
            query = QUERY.format(n=n, left=left, right=right)
        (folder / f"{table} - 24h.sql").write_text(query)
        (folder / f"{table}_test.sql").write_text(CHECKS.format(name=name))


if __name__ == "__main__":
    generate(Path(sys.argv[1]), int(sys.argv[2]))
