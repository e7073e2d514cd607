"""The rows of all partitions together are those of the whole query, whatever the query is."""

from __future__ import annotations

from collections import Counter
from random import Random

import duckdb
import pytest

from sqlmat_assets.project.partitions.narrowing import Narrowed, narrow
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.project.partitions.ranges import ListRange, Range, TimeRange
from sqlmat_assets.project.partitions.sources import Tables
from sqlmat_assets.project.partitions.spec import ListPartitioning, Partitioning, TimePartitioning
from sqlmat_assets.project.references import Names
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.project.partitions.random_queries import TABLES, Writer, statements

KNOWN = Tables({Relation("main", name): columns for name, columns in TABLES.items()})
NAMES = Names("duckdb")
SETTINGS = (
    "month(p) from 2019-01 to 2019-03",
    "week(p) from 2018-12-31 to 2019-02-11",
    "day(p) from 2019-01-31 to 2019-02-04",
    "hour(p) from 2019-01-31T22 to 2019-02-01T01",
    "k in (2, 0, 1)",
)
CHUNKS = 8
EACH = 60


def pieces(partitioning: Partitioning) -> tuple[list[Range], Range]:
    """Every partition, and all of them as one range."""
    if isinstance(partitioning, ListPartitioning):
        return [ListRange((value,)) for value in partitioning.values], partitioning.all
    assert isinstance(partitioning, TimePartitioning)
    assert partitioning.end is not None
    whole = TimeRange(partitioning.start, partitioning.end)
    return [partitioning.bounds(key) for key in partitioning.keys(whole)], whole


def plainly(query: str, range_: Range) -> str:
    """The query inside of a filter, and nothing else."""
    if isinstance(range_, ListRange):
        return f"SELECT * FROM ({query}) WHERE k IN ({', '.join(map(str, range_.values))})"
    start, end = range_.start.replace(tzinfo=None), range_.end.replace(tzinfo=None)
    return f"SELECT * FROM ({query}) WHERE p >= TIMESTAMP '{start}' AND p < TIMESTAMP '{end}'"


def examine(connection: duckdb.DuckDBPyConnection, random: Random) -> tuple[str, Narrowed]:
    """Compare one query at random, on tables at random; a query that DuckDB refuses is another one's turn."""

    def rows(sql: str) -> Counter[tuple[object, ...]]:
        return Counter(connection.execute(sql).fetchall())

    for statement in statements(random):
        connection.execute(statement)
    while True:
        query = Writer(random).query()
        try:
            connection.execute(query).fetchall()
        except (duckdb.BinderException, duckdb.ConversionException, duckdb.OutOfRangeException):
            continue
        break
    partitioning = parse_partition_by(random.choice(SETTINGS))
    tables = KNOWN if random.random() < 0.8 else Tables()
    parts, whole = pieces(partitioning)
    together: Counter[tuple[object, ...]] = Counter()
    for part in parts:
        narrowed = narrow(query, NAMES, partitioning, part, tables)
        found = rows(narrowed.sql)
        assert found == rows(plainly(query, part)), f"{query}\n\n{narrowed.sql}"
        together += found
    assert together == rows(plainly(query, whole)), query
    narrowed = narrow(query, NAMES, partitioning, whole, tables)
    assert rows(narrowed.sql) == together, f"{query}\n\n{narrowed.sql}"
    return query, narrowed


@pytest.mark.parametrize("seed", range(CHUNKS))
def test_partitions_together_are_the_whole_query(seed: int) -> None:
    random = Random(seed)
    clauses: Counter[str] = Counter()
    is_narrowed = 0
    with duckdb.connect() as connection:
        for _ in range(EACH):
            _, narrowed = examine(connection, random)
            is_narrowed += bool(narrowed.tables)
            clauses.update(obstacle.clause.partition(",")[0] for obstacle in narrowed.obstacles)
    # Queries that are never narrowed would prove nothing, and neither would those that always are.
    assert is_narrowed > EACH // 5
    assert len(clauses) > 5
