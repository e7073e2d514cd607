from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest

from sqlmat_assets.errors import Problem
from sqlmat_assets.project.narrowing.kinds import Kind
from sqlmat_assets.project.narrowing.markers import fill_markers, find_markers, marker_problems
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.project.partitions.ranges import TimeRange

DIALECTS = ("duckdb", "postgres", "redshift", "bigquery")
DAY = TimeRange(datetime(2019, 1, 2, tzinfo=UTC), datetime(2019, 1, 3, tzinfo=UTC))
HOUR = TimeRange(datetime(2019, 1, 2, 5, tzinfo=UTC), datetime(2019, 1, 2, 6, tzinfo=UTC))
MONTHS = parse_partition_by("month(m) from 2019-01")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_strings_comments_and_other_parameters_stay(dialect: str) -> None:
    sql = "select '@partition_start', @mine -- @partition_end\n/* @partition_end */ from t where a >= @partition_start"
    filled = fill_markers(sql, dialect, DAY, None)
    assert filled == sql.replace(">= @partition_start", ">= CAST('2019-01-02' AS DATE)")


def test_quoted_names_stay() -> None:
    sql = 'select "@partition_start" from t'
    assert fill_markers(sql, "duckdb", DAY, None) == sql


@pytest.mark.parametrize(
    ("dialect", "range_", "kind", "literal"),
    [
        ("duckdb", DAY, None, "CAST('2019-01-02' AS DATE)"),
        ("duckdb", HOUR, None, "CAST('2019-01-02 05:00:00' AS TIMESTAMP)"),
        ("duckdb", DAY, Kind.TIMESTAMP, "CAST('2019-01-02 00:00:00' AS TIMESTAMP)"),
        ("postgres", DAY, Kind.ZONED, "CAST('2019-01-02 00:00:00+00' AS TIMESTAMPTZ)"),
        ("redshift", DAY, Kind.ZONED, "CAST('2019-01-02 00:00:00+00' AS TIMESTAMP WITH TIME ZONE)"),
        ("bigquery", DAY, Kind.ZONED, "CAST('2019-01-02 00:00:00+00' AS TIMESTAMP)"),
        ("bigquery", HOUR, None, "CAST('2019-01-02 05:00:00' AS DATETIME)"),
    ],
)
def test_literals_have_the_type_of_the_column(dialect: str, range_: TimeRange, kind: Kind | None, literal: str) -> None:
    assert fill_markers("x > @partition_start", dialect, range_, kind) == f"x > {literal}"


def test_a_literal_can_be_reckoned_with() -> None:
    sql = fill_markers("select @partition_start - interval 7 day, @PARTITION_END::date - 1", "duckdb", DAY, None)
    with duckdb.connect() as connection:
        row = connection.execute(sql).fetchone()
    assert [str(value) for value in row or ()] == ["2018-12-26 00:00:00", "2019-01-02"]


@pytest.mark.parametrize(
    ("sql", "by", "expected"),
    [
        ("select @partition_start", MONTHS, []),
        (
            "select 1,\n  @partition_end",
            None,
            [
                Problem(
                    "t.sql",
                    2,
                    3,
                    "`@partition_end` has no value: the table is not partitioned",
                    "set `partition_by`, or write the value",
                )
            ],
        ),
        (
            "select @partition_end",
            parse_partition_by("c in (a)"),
            [
                Problem(
                    "t.sql",
                    1,
                    8,
                    "`@partition_end` has no value: the table is partitioned by a list",
                    "leave it out; the values are filtered anyway",
                )
            ],
        ),
        (
            "select @partition_stop, @partitions",
            MONTHS,
            [
                Problem("t.sql", 1, 8, "`@partition_stop` is not known", "did you mean `@partition_start`?"),
                Problem("t.sql", 1, 25, "`@partitions` is not known", "did you mean `@partition_start`?"),
            ],
        ),
    ],
)
def test_says_what_has_no_value(sql: str, by: object, expected: list[Problem]) -> None:
    assert list(marker_problems(sql, "duckdb", "t.sql", by)) == expected  # pyright: ignore[reportArgumentType] - None too


def test_a_wrong_setting_is_told_once() -> None:
    assert list(marker_problems("select @partition_start", "duckdb", "t.sql", None, is_known=False)) == []


def test_what_cannot_be_cut_into_words_has_no_names() -> None:
    assert find_markers("select 'x @partition_start", "duckdb") == ()
