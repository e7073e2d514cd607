"""Partitions of tables as Dagster has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context

from sqlmat_assets.components.partitions import partition_tags, translate_partitions
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.project.partitions.ranges import ListRange, TimeRange
from sqlmat_assets.project.partitions.spec import TimePartitioning
from sqlmat_assets_tests.tables import a_table

NOW = datetime(2019, 4, 1, 3, 30, tzinfo=UTC)  # a Monday
TIMES = (
    "hour(at) from 2019-01-01T05",
    "hour(at) from 2019-01-01T05 to 2019-01-01T09",
    "day(at) from 2019-01-05",
    "week(at) from 2019-01-07",
    "week(at) from 2019-01-07 to 2019-01-21",
    "month(at) from 2019-02",
    "month(at) from 2019-02 to 2019-05",
)


def keys(written: str, interval: timedelta | None = None) -> list[str]:
    settings = {"partition_by": parse_partition_by(written)}
    found = translate_partitions(a_table("SELECT 1", settings=settings, effective_interval=interval))
    assert found is not None
    with partition_loading_context(effective_dt=NOW):
        return list(found.get_partition_keys())


@pytest.mark.parametrize("written", TIMES)
def test_dagster_has_the_partitions_that_have_ended_under_the_same_keys(written: str) -> None:
    partitioning = parse_partition_by(written)
    assert isinstance(partitioning, TimePartitioning)
    ended = partitioning.ended(NOW)
    assert ended is not None
    assert keys(written) == list(partitioning.keys(ended))


@pytest.mark.parametrize("written", TIMES)
def test_an_interval_adds_the_partition_that_goes_on(written: str) -> None:
    partitioning = parse_partition_by(written)
    assert isinstance(partitioning, TimePartitioning)
    going_on = partitioning.partition_of(NOW)
    more = [] if going_on is None else [partitioning.key(going_on.start)]
    assert keys(written, timedelta(hours=1)) == keys(written) + more


def test_values_of_a_list_are_partitions_in_their_order() -> None:
    assert keys("country in (FR, 7, 'x, y')") == ["FR", "7", "x, y"]


def test_a_table_without_partitions_has_none() -> None:
    assert translate_partitions(a_table("SELECT 1")) is None


def test_tables_of_the_same_partitions_can_be_built_in_one_run() -> None:
    settings = {"partition_by": parse_partition_by("month(at) from 2019-02")}
    one, other = (translate_partitions(a_table("SELECT 1", settings=settings)) for _ in range(2))
    assert one == other


def test_a_run_of_one_partition_or_of_several_is_tagged_as_dagster_tags_it() -> None:
    months = parse_partition_by("month(at) from 2019-02")
    february, april, may = (datetime(2019, month, 1, tzinfo=UTC) for month in (2, 4, 5))
    assert partition_tags(months, TimeRange(april, may)) == {"dagster/partition": "2019-04-01"}
    assert partition_tags(months, TimeRange(february, may)) == {
        "dagster/asset_partition_range_start": "2019-02-01",
        "dagster/asset_partition_range_end": "2019-04-01",
    }
    countries = parse_partition_by("country in (FR, DE, 7)")
    assert partition_tags(countries, ListRange(("DE", 7))) == {
        "dagster/asset_partition_range_start": "DE",
        "dagster/asset_partition_range_end": "7",
    }


def test_weeks_begin_on_monday() -> None:
    settings = {"partition_by": parse_partition_by("week(at) from 2019-01-07")}
    weeks = translate_partitions(a_table("SELECT 1", settings=settings))
    assert isinstance(weeks, dg.WeeklyPartitionsDefinition)
    assert weeks.time_window_for_partition_key("2019-01-07").start.weekday() == 0
