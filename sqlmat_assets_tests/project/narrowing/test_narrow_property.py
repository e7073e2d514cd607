"""The rows of all partitions together are those of the whole query, whatever the query is."""

from __future__ import annotations

from collections import Counter
from random import Random

import duckdb
import pytest

from sqlmat_assets.project.narrowing.narrow import Narrowed, narrow
from sqlmat_assets.project.narrowing.sources import Tables
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.project.partitions.ranges import ListRange, Range, TimeRange
from sqlmat_assets.project.partitions.spec import ListPartitioning, Partitioning, TimePartitioning
from sqlmat_assets.project.references import Names
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.project.narrowing.random_queries import TABLES, Writer, statements

KNOWN = Tables({Relation("main", name): columns for name, columns in TABLES.items()})
NAMES = Names("duckdb")
SETTINGS = (
    "month(p) from 2019-01 to 2019-03",
    "week(p) from 2019-01-28 to 2019-02-04",
    "day(p) from 2019-01-31 to 2019-02-01",
    "hour(p) from 2019-01-31T22 to 2019-02-01T00",
    "k in (2, 0, 1)",
)
CHUNKS = 6
EACH = 120


def pieces(partitioning: Partitioning) -> tuple[list[Range], Range]:
    """Every partition, and all of them as one range."""
    if isinstance(partitioning, ListPartitioning):
        return [ListRange((value,)) for value in partitioning.values], partitioning.all
    assert isinstance(partitioning, TimePartitioning)
    assert partitioning.end is not None
    whole = TimeRange(partitioning.start, partitioning.end)
    return [partitioning.bounds(key) for key in partitioning.keys(whole)], whole


def plainly(query: str, parts: list[Range]) -> str:
    """The whole query, with the number of the partition of each row."""
    cases: list[str] = []
    for number, part in enumerate(parts):
        if isinstance(part, ListRange):
            inside = f"k IN ({', '.join(map(str, part.values))})"
        else:
            start, end = part.start.replace(tzinfo=None), part.end.replace(tzinfo=None)
            inside = f"p >= TIMESTAMP '{start}' AND p < TIMESTAMP '{end}'"
        cases.append(f"WHEN {inside} THEN {number}")
    return f"SELECT CASE {' '.join(cases)} END, * FROM ({query})"


def examine(connection: duckdb.DuckDBPyConnection, random: Random) -> Narrowed:
    """Compare one query at random, on tables at random; a query that DuckDB refuses is another one's turn."""
    for statement in statements(random):
        connection.execute(statement)
    partitioning = parse_partition_by(random.choice(SETTINGS))
    parts, whole = pieces(partitioning)
    while True:
        query = Writer(random).query()
        try:
            rows = connection.execute(plainly(query, parts)).fetchall()
        except (duckdb.BinderException, duckdb.ConversionException, duckdb.OutOfRangeException):
            continue
        break
    tables = KNOWN if random.random() < 0.9 else Tables()
    for number, part in enumerate(parts):
        narrowed = narrow(query, NAMES, partitioning, part, tables)
        expected = Counter(row[1:] for row in rows if row[0] == number)
        assert Counter(connection.execute(narrowed.sql).fetchall()) == expected, f"{query}\n\n{narrowed.sql}"
    # The range of all partitions is what they are together.
    narrowed = narrow(query, NAMES, partitioning, whole, tables)
    expected = Counter(row[1:] for row in rows if row[0] is not None)
    assert Counter(connection.execute(narrowed.sql).fetchall()) == expected, f"{query}\n\n{narrowed.sql}"
    return narrowed


@pytest.mark.parametrize("seed", range(CHUNKS))
def test_partitions_together_are_the_whole_query(seed: int) -> None:
    random = Random(seed)
    clauses: Counter[str] = Counter()
    is_narrowed = 0
    with duckdb.connect() as connection:
        for _ in range(EACH):
            narrowed = examine(connection, random)
            is_narrowed += bool(narrowed.tables)
            clauses.update(obstacle.clause.partition(",")[0] for obstacle in narrowed.obstacles)
    # Queries that are never narrowed would prove nothing, and neither would those that always are.
    assert is_narrowed > EACH // 5
    assert len(clauses) > 5
