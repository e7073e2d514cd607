from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest

from sqlmat_assets.errors.partitions import prevented
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.narrowing.narrow import NarrowedTable, narrow, output_column
from sqlmat_assets.project.narrowing.sources import Tables
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.project.partitions.ranges import Range, TimeRange
from sqlmat_assets.project.partitions.spec import Partitioning, TimePartitioning
from sqlmat_assets.project.references import Names
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.project.narrowing.cases import FIXTURES, Case, read_cases

NOW = datetime(2020, 1, 1, tzinfo=UTC)
CASES = [case for path in sorted(FIXTURES.glob("*.sql")) for case in read_cases(path)]


def range_of(partitioning: Partitioning, part: str) -> Range:
    if isinstance(partitioning, TimePartitioning):
        return partitioning.parse_range(part, NOW)
    return partitioning.parse_range(part)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.dialect}:{case.line}: {case.title}")
def test_a_query_becomes_what_the_file_says(case: Case) -> None:
    partitioning = parse_partition_by(case.by)
    tables = Tables({Relation.of(name): types for name, types in case.types.items()}, is_utc=case.is_utc)
    narrowed = narrow(case.query, Names(case.dialect), partitioning, range_of(partitioning, case.part), tables)
    head, _, rest = narrowed.sql.partition("(")
    inner, _, tail = rest.rpartition("\n) AS ")
    assert (head, inner) == ("SELECT * FROM ", case.gives)
    assert [str(obstacle) for obstacle in narrowed.obstacles] == case.stops
    assert tail.startswith("sqlmat_partition\nWHERE ")
    if case.where is not None:
        assert tail.removeprefix("sqlmat_partition\nWHERE ") == case.where


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.dialect == "duckdb"], ids=lambda case: f"{case.line}: {case.title}"
)
def test_the_engine_takes_what_becomes_of_a_query(case: Case) -> None:
    partitioning = parse_partition_by(case.by)
    tables = Tables({Relation.of(name): types for name, types in case.types.items()}, is_utc=case.is_utc)
    narrowed = narrow(case.query, Names("duckdb"), partitioning, range_of(partitioning, case.part), tables)
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA first; SET schema = 'first'; CREATE MACRO strange(x) AS x")
        for name, types in Case("", "", 0).types.items():
            connection.execute(f"CREATE TABLE {name} ({', '.join(f'{c} {t}' for c, t in types.items())})")
        connection.execute('CREATE TABLE "Größe t" ("ä b" TIMESTAMP)')
        assert connection.execute(narrowed.sql).fetchall() == []


def test_says_which_tables_were_narrowed() -> None:
    partitioning = parse_partition_by("month(m) from 2019-01")
    range_ = range_of(partitioning, "2019-02")
    narrowed = narrow("select ts as m from first.trips", Names("duckdb"), partitioning, range_)
    assert narrowed.tables == (NarrowedTable(Relation("first", "trips"), "ts", range_),)


def test_words_what_prevents_it() -> None:
    partitioning = parse_partition_by("month(m) from 2019-01")
    sql = "select ts as m,\n  count(*) over ()\nfrom first.trips"
    narrowed = narrow(sql, Names("duckdb"), partitioning, range_of(partitioning, "2019-02"))
    assert prevented(["first.trips"], narrowed.obstacles[0]) == (
        "`first.trips` is read in full because of the window in line 2"
    )


def test_a_column_is_called_as_the_query_calls_it() -> None:
    by = parse_partition_by("month(pickup) from 2019-01")
    assert output_column("select ts as Pickup from t", Names("duckdb"), by) == "Pickup"
    assert output_column("select * from t", Names("duckdb"), by) == "pickup"
    with pytest.raises(TextError) as caught:
        output_column("select ts as pick_up, 1 as n from t", Names("duckdb"), by)
    assert caught.value.what == "`partition_by` names `pickup`, which the SELECT does not give"
    assert caught.value.hint == "did you mean `pick_up`?"
    with pytest.raises(TextError) as caught:
        output_column("select 1 as n, 2 as o from t", Names("duckdb"), by)
    assert caught.value.hint == "its columns are `n`, `o`"


def test_bounds_in_the_query_are_taken_at_their_word() -> None:
    by = parse_partition_by("day(day) from 2019-01-01")
    sql = "select d as day, '@partition_end' as s -- @partition_start\nfrom first.trips where d >= @Partition_Start - 7"
    narrowed = narrow(sql, Names("duckdb"), by, range_of(by, "2019-01-02"))
    assert narrowed.is_marked
    assert narrowed.tables == narrowed.obstacles == ()
    assert narrowed.sql == (
        "SELECT * FROM (select d as day, '@partition_end' as s -- @partition_start\n"
        "from first.trips where d >= CAST('2019-01-02' AS DATE) - 7\n) AS sqlmat_partition\n"
        "WHERE \"day\" >= CAST('2019-01-02' AS DATE) AND \"day\" < CAST('2019-01-03' AS DATE)"
    )


def test_a_range_of_two_tables_is_one_statement() -> None:
    by = parse_partition_by("month(m) from 2019-01")
    narrowed = narrow("select ts as m from t", Names("duckdb"), by, range_of(by, "2019-01..2019-12"))
    assert isinstance(range_of(by, "2019-01..2019-12"), TimeRange)
    assert "AND ts < CAST('2020-01-01' AS DATE)" in narrowed.sql
