"""Which partitions of what it reads a table's own need, as Dagster has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context

from sqlmat_assets.components import mappings
from sqlmat_assets.components.mappings import translate_mappings
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions
from sqlmat_assets.project.model import ColumnDoc, Model, Project
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.tables import a_project, a_table

TRIPS = Relation.of("first.trips")
DAILY = "day(day) from 2019-01-01"


def trips(partition_by: str | None = DAILY, **more: Any) -> Model:
    return _table("SELECT day, n FROM raw.trips", "first.trips", partition_by, ("day", "n"), **more)


def reader(sql: str, partition_by: str | None, **more: Any) -> Model:
    return _table(sql, "first.summary", partition_by, (), upstream=(TRIPS,), **more)


def _table(sql: str, name: str, partition_by: str | None, columns: tuple[str, ...], **more: Any) -> Model:
    settings = {} if partition_by is None else {"partition_by": parse_partition_by(partition_by)}
    return a_table(sql, name=name, settings=settings, columns=tuple(map(ColumnDoc, columns)), **more)


def define(project: Project) -> dg.Definitions:
    return build_definitions(project, warehouse=WarehouseResource(url="duckdb:///never-opened.duckdb"))


def mapping(*models: Model) -> dg.PartitionMapping | None:
    found = translate_mappings(a_project(*models))
    return found.get(Relation.of("first.summary"), {}).get(TRIPS)


@pytest.mark.parametrize(
    ("sql", "partition_by", "offsets"),
    [
        ("SELECT day FROM first.trips", DAILY, (0, 0)),
        (
            "SELECT date_trunc('month', day) AS m, sum(n) AS n FROM first.trips GROUP BY 1",
            "month(m) from 2019-01",
            (0, 0),
        ),
        (
            "SELECT day FROM first.trips WHERE day >= @partition_start - INTERVAL 7 DAY AND day < @partition_end",
            DAILY,
            (-7, 0),
        ),
    ],
)
def test_windows_of_time_are_mapped_to_windows(sql: str, partition_by: str, offsets: tuple[int, int]) -> None:
    found = mapping(trips(), reader(sql, partition_by))
    assert isinstance(found, dg.TimeWindowPartitionMapping)
    assert (found.start_offset, found.end_offset) == offsets


def test_what_cannot_be_derived_reads_all() -> None:
    assert (
        mapping(trips(), reader("SELECT day, sum(n) OVER () AS n FROM first.trips", DAILY)) == dg.AllPartitionMapping()
    )
    lists = reader("SELECT n FROM first.trips", "n in (1, 2)")
    assert mapping(trips(), lists) == dg.AllPartitionMapping()


def test_dagster_knows_by_itself_what_is_read_of_a_table_without_partitions_or_by_one() -> None:
    assert mapping(trips(None), reader("SELECT day FROM first.trips", DAILY)) is None
    assert mapping(trips(), reader("SELECT day FROM first.trips", None)) is None


def test_a_month_needs_its_days_and_a_table_without_partitions_all_of_them() -> None:
    sql = "SELECT date_trunc('month', day) AS m, sum(n) AS n FROM first.trips GROUP BY 1"
    project = a_project(
        trips("day(day) from 2019-01-05 to 2019-03-31"),
        reader(sql, "month(m) from 2018-12 to 2019-03"),
        a_table("SELECT sum(n) AS n FROM first.trips", name="first.total", upstream=(TRIPS,)),
    )
    graph = define(project).resolve_asset_graph()
    read = graph.get(dg.AssetKey(["first", "trips"])).partitions_def
    assert read is not None
    days, months, total = (dg.AssetKey(["first", name]) for name in ("trips", "summary", "total"))

    def needed(reader: dg.AssetKey, partition: str | None) -> int:
        with dg.DagsterInstance.ephemeral() as instance, partition_loading_context(dynamic_partitions_store=instance):
            own = graph.get(reader).partitions_def
            subset = None if own is None or partition is None else own.subset_with_partition_keys([partition])
            found = graph.get_partition_mapping(reader, days).get_upstream_mapped_partitions_result_for_partitions(
                subset, own, read
            )
            return len(list(found.partitions_subset.get_partition_keys()))

    assert needed(months, "2019-02-01") == 28
    assert needed(months, "2019-01-01") == 27
    assert needed(months, "2018-12-01") == 0
    assert needed(total, None) == 86


def test_a_table_that_reads_itself_has_no_edge_to_itself() -> None:
    itself = trips(upstream=(TRIPS,))
    assert translate_mappings(a_project(itself)) == {}
    define(a_project(itself)).resolve_asset_graph()


def test_what_was_derived_is_kept_for_the_next_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = a_project(trips(), reader("SELECT day FROM first.trips", DAILY))
    first = translate_mappings(project, tmp_path)

    def never(*_: object) -> None:
        raise AssertionError("derived again")

    monkeypatch.setattr(mappings, "_derive", never)
    assert translate_mappings(project, tmp_path) == first
    edited = a_project(trips(), reader("SELECT day, 1 AS one FROM first.trips", DAILY))
    with pytest.raises(AssertionError, match="derived again"):
        translate_mappings(edited, tmp_path)
