"""What a build recorded, read back from a real instance on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.data_version import extract_data_version_from_entry

from sqlmat_assets.components.record import Recorder
from sqlmat_assets.errors import CheckFailedError, TerminalWarehouseError
from sqlmat_assets.execution.events import (
    Checked,
    CheckResult,
    Column,
    Discarded,
    Event,
    Phase,
    Published,
    PublishedPartition,
    Run,
    Sample,
    Skipped,
    Started,
    Unchanged,
)
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.tables import a_context, a_project, a_table

CITIES = Relation("first", "cities")
KEY = dg.AssetKey(["first", "cities"])
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
VERSION = CodeVersion("meaning", "text", "30.0.0")
RUN = Run("abc123", NOON, "c0ffee")
PUBLISHED = Published(CITIES, 14, (Column("city", "VARCHAR", "its name"),), "SELECT 1", NOON, 1.5)
GOOD = CheckResult("good", True, True, 14, 0, "", "SELECT true", 0.1)
BAD = CheckResult(
    "bad", False, True, 14, 2, "false in 2 of 14 rows", "SELECT false", 0.1, Sample(("city",), (("Berlin",), (None,)))
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / ".sqlmat"


def a_recorder(home: Path) -> Recorder:
    cities = a_table("SELECT city FROM first.raw", upstream=(Relation("first", "raw"),), version=VERSION)
    project = a_project(a_table("SELECT 'Berlin' AS city", name="first.raw"), cities)
    return Recorder(home, project, replace(a_context(home.parent / "never_opened.duckdb"), run=RUN))


def record(home: Path, *events: Event) -> str | None:
    recorder = a_recorder(home)
    for event in events:
        recorder.take(event)
        recorder.work()
    return recorder.finish(lambda _: None)


@contextmanager
def opened(home: Path) -> Generator[dg.DagsterInstance]:
    instance = dg.DagsterInstance.from_config(str(home))
    try:
        yield instance
    finally:
        instance.dispose()


def latest_check(instance: dg.DagsterInstance, name: str) -> dg.AssetCheckEvaluation:
    key = dg.AssetCheckKey(KEY, name)
    stored = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    assert stored.event is not None
    assert stored.event.dagster_event is not None
    return stored.event.dagster_event.asset_check_evaluation_data


def test_a_published_table_is_a_materialization_with_its_checks_tied_to_it(home: Path) -> None:
    assert record(home, Started(CITIES), Checked(CITIES, (GOOD,), 0.1), PUBLISHED) is None
    with opened(home) as instance:
        (stored,) = instance.fetch_materializations(KEY, limit=5).records
        assert stored.asset_materialization is not None
        metadata = stored.asset_materialization.metadata
        assert metadata["dagster/row_count"].value == 14
        assert metadata["run"].value == "abc123"
        assert metadata["commit"].value == "c0ffee"
        assert metadata["decided at"].value == NOON.timestamp()
        check = latest_check(instance, "good")
        assert check.passed
        assert check.target_materialization_data is not None
        assert check.target_materialization_data.storage_id == stored.storage_id


def test_a_table_that_is_built_in_pieces_is_a_materialization_of_each_partition(home: Path) -> None:
    pieces = [replace(PUBLISHED, partitions=(PublishedPartition(key, 7),)) for key in ("2019-01-01", "2019-02-01")]
    late = [Checked(CITIES, (replace(GOOD, rows=7),), 0.1), pieces[0], Checked(CITIES, (GOOD,), 0.1), pieces[1]]
    recorder = a_recorder(home)
    for event in late:
        recorder.take(event)
    assert recorder.finish(lambda _: None) is None
    with opened(home) as instance:
        assert instance.get_materialized_partitions(KEY) == {"2019-01-01", "2019-02-01"}
        last = instance.fetch_materializations(KEY, limit=1).records[0]
        check = latest_check(instance, "good")
        assert check.target_materialization_data is not None
        assert check.target_materialization_data.storage_id == last.storage_id


def test_versions_are_tags_of_the_materialization(home: Path) -> None:
    record(home, replace(PUBLISHED, data_version="14-a-b-c"))
    with opened(home) as instance:
        (stored,) = instance.fetch_materializations(KEY, limit=5).records
        assert stored.asset_materialization is not None
        assert stored.asset_materialization.metadata["code version"].value == str(VERSION)
        assert extract_data_version_from_entry(stored.event_log_entry) == dg.DataVersion("14-a-b-c")
        assert stored.asset_materialization.tags == {
            "dagster/data_version": "14-a-b-c",
            "dagster/code_version": "meaning",
            "dagster/input_data_version/first/raw": "INITIAL",
            "dagster/input_event_pointer/first/raw": "NULL",
        }


def test_an_unchanged_table_is_a_materialization_too(home: Path) -> None:
    unchanged = Unchanged(CITIES, 14, PUBLISHED.columns, NOON, 1.5, "14-a-b-c", "SELECT 1")
    record(home, replace(PUBLISHED, data_version="14-a-b-c"))
    record(home, Checked(CITIES, (GOOD,), 0.1), unchanged)
    with opened(home) as instance:
        newest, older = instance.fetch_materializations(KEY, limit=5).records
        versions = {extract_data_version_from_entry(stored.event_log_entry) for stored in (newest, older)}
        assert versions == {dg.DataVersion("14-a-b-c")}
        assert newest.asset_materialization is not None
        assert newest.asset_materialization.metadata["outcome"].value == (
            "unchanged: the same 14 rows as published, so nothing was swapped"
        )
        target = latest_check(instance, "good").target_materialization_data
        assert target is not None
        assert target.storage_id == newest.storage_id


def test_unchanged_partitions_are_materializations_of_each_partition(home: Path) -> None:
    partitions = tuple(PublishedPartition(key, 7) for key in ("2019-01-01", "2019-02-01"))
    record(home, Unchanged(CITIES, 14, PUBLISHED.columns, NOON, 1.5, None, "SELECT 1", partitions=partitions))
    with opened(home) as instance:
        assert instance.get_materialized_partitions(KEY) == {"2019-01-01", "2019-02-01"}
        last = instance.fetch_materializations(KEY, limit=1).records[0].asset_materialization
        assert last is not None
        assert (last.metadata["rows"].value, last.metadata["dagster/partition_row_count"].value) == (14, 7)


def test_checks_are_tied_to_the_new_materialization_and_not_to_the_one_before(home: Path) -> None:
    record(home, Checked(CITIES, (GOOD,), 0.1), PUBLISHED)
    record(home, Checked(CITIES, (GOOD,), 0.1), PUBLISHED)
    with opened(home) as instance:
        newest, older = instance.fetch_materializations(KEY, limit=5).records
        target = latest_check(instance, "good").target_materialization_data
        assert target is not None
        assert target.storage_id == newest.storage_id != older.storage_id


def test_a_failed_check_is_recorded_without_a_materialization(home: Path) -> None:
    error = CheckFailedError("1 check of `first.cities` failed")
    assert record(home, Checked(CITIES, (GOOD, BAD), 0.1), Discarded(CITIES, error, (GOOD, BAD))) is None
    with opened(home) as instance:
        assert instance.fetch_materializations(KEY, limit=5).records == []
        check = latest_check(instance, "bad")
        assert not check.passed
        assert check.target_materialization_data is None
        assert check.description == "false in 2 of 14 rows"
        assert latest_check(instance, "good").passed


def test_why_a_table_failed_stands_among_the_events_of_its_asset(home: Path) -> None:
    error = TerminalWarehouseError("no space left on device")
    record(home, Discarded(CITIES, error, phases=(Phase("prepare", 0.1), Phase("write", 2.5))))
    with opened(home) as instance:
        (seen,) = instance.fetch_observations(KEY, limit=5).records
        assert seen.asset_observation is not None
        assert "no space left on device" in str(seen.asset_observation.metadata["failed"].value)
        assert seen.asset_observation.metadata["seconds (write)"].value == 2.5
        assert seen.asset_observation.metadata["commit"].value == "c0ffee"
        assert seen.asset_observation.metadata["code version"].value == str(VERSION)


def test_a_held_table_leaves_no_event(home: Path) -> None:
    assert record(home, Skipped(CITIES, Relation("first", "people"))) is None
    assert not home.exists()


def test_the_home_is_made_with_telemetry_off(home: Path) -> None:
    record(home, PUBLISHED)
    assert "telemetry:\n  enabled: false\n" in (home / "dagster.yaml").read_text()


def test_a_dagster_yaml_of_the_user_stays(home: Path) -> None:
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: true\n")
    record(home, PUBLISHED)
    assert (home / "dagster.yaml").read_text() == "telemetry:\n  enabled: true\n"


def test_a_home_that_cannot_be_made_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    home = tmp_path / "file" / ".sqlmat"
    said = record(home, PUBLISHED, PUBLISHED)
    assert said == (
        f"warning: 2 tables are not recorded in the Dagster instance `{home}`: Not a directory\n"
        "  hint: the tables themselves are built; the next build records again"
    )


def test_a_broken_instance_is_a_warning(home: Path) -> None:
    home.mkdir()
    (home / "dagster.yaml").write_text("storage: [what\n")
    said = record(home, PUBLISHED)
    assert said is not None
    assert said.startswith(f"warning: 1 table is not recorded in the Dagster instance `{home}`: ")


def test_what_was_refused_once_is_recorded_at_the_end(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = dg.DagsterInstance.report_runless_asset_event
    refusals = iter([False, True])

    def refuse_once(self: dg.DagsterInstance, event: dg.AssetMaterialization) -> object:
        if next(refusals, False):
            raise sqlite3.OperationalError("database is locked")
        return report(self, event)

    monkeypatch.setattr(dg.DagsterInstance, "report_runless_asset_event", refuse_once)
    assert record(home, Checked(CITIES, (GOOD,), 0.1), PUBLISHED) is None
    with opened(home) as instance:
        assert len(instance.fetch_materializations(KEY, limit=5).records) == 1
        assert latest_check(instance, "good").passed


def test_ctrl_c_breaks_recording_off(home: Path) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    recorder = a_recorder(home)
    recorder.take(PUBLISHED)
    assert recorder.finish(interrupt) == (
        f"warning: 1 table is not recorded in the Dagster instance `{home}`: interrupted\n"
        "  hint: the tables themselves are built; the next build records again"
    )


def test_columns_are_traced_to_the_tables_of_this_build_without_opening_the_warehouse(home: Path) -> None:
    raw = Published(Relation("first", "raw"), 1, (Column("city", "VARCHAR"),), "SELECT 1", NOON, 0.1)
    assert record(home, raw, PUBLISHED) is None
    with opened(home) as instance:
        (stored,) = instance.fetch_materializations(KEY, limit=5).records
        assert stored.asset_materialization is not None
        lineage = stored.asset_materialization.metadata["dagster/column_lineage"]
    assert isinstance(lineage, dg.TableColumnLineageMetadataValue)
    (source,) = lineage.value.deps_by_column["city"]
    assert (source.asset_key, source.column_name) == (dg.AssetKey(["first", "raw"]), "city")
    assert not (home.parent / "never_opened.duckdb").exists()
