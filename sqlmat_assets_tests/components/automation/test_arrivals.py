"""Files that come are loaded when they come, and it is said when none do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.sensor_definition import SensorExecutionData

from sqlmat_assets.components.assets import WHY_TAG
from sqlmat_assets.components.automation.arrivals import build_arrivals_sensor
from sqlmat_assets.connectors.config import Connectors
from sqlmat_assets_tests.components.automation.service import HOUR, MINUTE, Service, tables
from sqlmat_assets_tests.connectors.fixtures import S3Bucket

LOAD = "files: {}\nstrategy: manifest\narrival: 24h\ncolumns: {{id: bigint}}\n"
KEY = dg.AssetKey(["first", "events"])
CHECK = dg.AssetCheckKey(KEY, "arrival")


class Place:
    """A project whose one table is loaded from files, and the ticks of its sensor of arrivals."""

    def __init__(self, service: Service, files: str) -> None:
        self._service = service
        (service.root / "first").mkdir(parents=True)
        (service.root / "first" / "events.load.yaml").write_text(LOAD.format(files))
        service.load()

    def tick(self, later: timedelta = timedelta(0)) -> SensorExecutionData:
        self._service.now += later
        self._service.sensor = build_arrivals_sensor(
            self._service.project,
            Connectors(),
            resource_key="warehouse",
            name="sqlmat_arrivals",
            now=lambda: self._service.now,
        )
        return self._service.tick()

    def tick_and_run(self, later: timedelta = timedelta(0)) -> list[str]:
        told = self.tick(later)
        self.report(told)
        for request in told.run_requests or []:
            assert self._service.run(request).success
        return tables(told.run_requests)

    def report(self, told: SensorExecutionData) -> None:
        """Write down what the tick says of tables, as the daemon does."""
        for event in told.asset_events:
            self._service.instance.report_runless_asset_event(event)

    def rows(self) -> int:
        import duckdb

        with duckdb.connect(str(self._service.warehouse)) as connection:
            return len(connection.execute("SELECT id FROM first.events").fetchall())


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    folder = tmp_path / "incoming"
    folder.mkdir()
    return folder


@pytest.fixture
def place(service: Service, incoming: Path) -> Place:
    return Place(service, f"{incoming}/*.csv")


def test_what_comes_is_loaded_once(place: Place, incoming: Path) -> None:
    told = place.tick()
    assert (told.run_requests, told.skip_message) == ([], "nothing new in the places of 1 table")
    (incoming / "a.csv").write_text("id\n1\n")
    (request,) = place.tick(MINUTE).run_requests or []
    assert tables([request]) == ["events"]
    assert request.tags[WHY_TAG] == "arrived"
    # A tick whose run never was, as none of it is written down before.
    assert place.tick_and_run(MINUTE) == []
    (incoming / "b.csv").write_text("id\n2\n")
    assert place.tick_and_run(MINUTE) == ["events"]
    assert place.tick_and_run(MINUTE) == []
    assert place.rows() == 2
    (incoming / "b.csv").unlink()
    (incoming / "a.csv").write_text("id\n1\n3\n")
    assert place.tick(MINUTE).run_requests != []


def test_an_object_that_comes(service: Service, s3_bucket: S3Bucket) -> None:
    place = Place(service, f"s3://{s3_bucket.name}/in/*.csv")
    assert place.tick_and_run() == []
    s3_bucket.put("in_old/a.csv", "id\n1\n")
    assert place.tick_and_run(MINUTE) == []
    s3_bucket.put("in/a.csv", "id\n1\n")
    assert place.tick_and_run(MINUTE) == ["events"]
    assert place.rows() == 1


def test_it_is_said_once_when_nothing_comes_and_once_when_something_does(
    place: Place, service: Service, incoming: Path
) -> None:
    place.tick_and_run()
    assert place.tick(24 * HOUR).asset_events == []
    (late,) = place.tick(MINUTE).asset_events
    assert isinstance(late, dg.AssetCheckEvaluation)
    assert (late.passed, late.check_name, late.severity) == (False, "arrival", dg.AssetCheckSeverity.WARN)
    assert late.description == "nothing has come for `first.events` in 1d, and something should every 1d"
    assert place.tick(HOUR).asset_events == []
    (incoming / "a.csv").write_text("id\n1\n")
    told = place.tick(MINUTE)
    place.report(told)
    assert [getattr(event, "passed", None) for event in told.asset_events] == [None, True]
    found = service.instance.event_log_storage.get_latest_asset_check_execution_by_key([CHECK])
    assert found[CHECK].status.value == "SUCCEEDED"


def test_a_place_that_cannot_be_reached_loads_nothing_and_becomes_late(service: Service) -> None:
    place = Place(service, "https://127.0.0.1:1/a.csv")
    told = place.tick()
    assert (told.run_requests, told.asset_events) == ([], [])
    (late,) = place.tick(25 * HOUR).asset_events
    assert isinstance(late, dg.AssetCheckEvaluation)
    assert not late.passed


def test_nothing_is_asked_for_while_a_run_has_the_file_of_the_warehouse(
    place: Place, service: Service, incoming: Path
) -> None:
    place.tick()
    (incoming / "a.csv").write_text("id\n1\n")
    run = service.queue("events")
    told = place.tick(MINUTE)
    assert told.run_requests == []
    assert told.skip_message == f"something has come, and is loaded when the run {run.run_id[:8]} has ended"
    service.instance.report_run_canceled(run)
    assert place.tick_and_run(MINUTE) == ["events"]


def test_the_check_can_be_asked_for(place: Place, service: Service, incoming: Path) -> None:
    job = service.definitions.resolve_implicit_global_asset_job_def()

    def ask() -> tuple[bool, str | None]:
        selected = job.get_subset(asset_selection=set(), asset_check_selection={CHECK})
        (told,) = selected.execute_in_process(instance=service.instance).get_asset_check_evaluations()
        return told.passed, told.description

    assert ask() == (False, "nobody has looked yet: switch on the sensor of arrivals")
    (incoming / "a.csv").write_text("id\n1\n")
    place.tick_and_run()
    passed, said = ask()
    assert passed
    assert (said or "").startswith("something has come ")
