"""What the sensor asks for, tick by tick, on a real event log and with real runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import pytest

from sqlmat_assets.components.assets import DECIDED_AT_TAG, WHY_TAG
from sqlmat_assets.components.automation.sensor import build_freshness_sensor, why_tag
from sqlmat_assets.project.reasons import Reason, Reasons
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.duckdb.facts import DUCKDB
from sqlmat_assets_tests.cli.running import SQLMAT
from sqlmat_assets_tests.components.automation.service import HOUR, MINUTE, Service, tables
from sqlmat_assets_tests.components.running import execute
from sqlmat_assets_tests.tables import a_project, a_table

SECOND = timedelta(seconds=1)
CITIES = "SELECT 1 AS id\n"
PEOPLE = "SELECT id FROM first.cities\n"
NONE_HOLDS = "SELECT id = 2 AS two FROM first.cities\n"


@pytest.fixture
def many_writers() -> Iterator[None]:
    """Let the warehouse admit several writing processes, as a server does."""
    object.__setattr__(DUCKDB, "admits_many_writers", True)
    yield
    object.__setattr__(DUCKDB, "admits_many_writers", False)


def test_a_table_is_due_at_its_interval_and_not_before(service: Service) -> None:
    service.write(cities__1h=CITIES)
    (request,) = service.tick().run_requests or []
    assert tables([request]) == ["cities"]
    assert request.tags[DECIDED_AT_TAG] == service.now.isoformat()
    assert Reasons.parse(request.tags[WHY_TAG]).reason(Relation.of("first.cities")) is Reason.NEW
    assert service.run(request).success
    told = service.tick(HOUR - SECOND)
    assert (told.run_requests, told.skip_message) == ([], "next: first.cities in 1s")
    (request,) = service.tick(SECOND).run_requests or []
    assert Reasons.parse(request.tags[WHY_TAG]).reason(Relation.of("first.cities")) is Reason.DUE


@pytest.mark.parametrize("is_edited", [False, True])
def test_a_file_that_comes_back_is_built_when_it_is_due_or_has_another_meaning(
    service: Service, is_edited: bool
) -> None:
    service.write(cities__1h=CITIES, other__24h="SELECT 3 AS id\n")
    assert service.tick_and_run() == ["cities", "other"]
    (service.root / "first" / "cities - 1h.sql").unlink()
    service.load()
    assert service.tick_and_run(HOUR / 4) == []
    service.write(cities__1h="SELECT 2 AS id\n" if is_edited else f"-- it is back\n{CITIES}")
    if is_edited:
        (request,) = service.tick().run_requests or []
        assert Reasons.parse(request.tags[WHY_TAG]).reason(Relation.of("first.cities")) is Reason.CHANGED
        # Nobody takes the table for one that somebody else has made.
        assert service.run(request).success
    else:
        assert service.tick_and_run() == []
        (request,) = service.tick(HOUR * 3 / 4).run_requests or []
        assert Reasons.parse(request.tags[WHY_TAG]).reason(Relation.of("first.cities")) is Reason.DUE
        assert service.run(request).success


def test_what_a_due_table_reads_is_built_in_the_same_run_if_it_is_due(service: Service) -> None:
    service.write(cities__24h=CITIES, shops=PEOPLE, people__1h="SELECT id FROM first.shops\n")
    assert service.tick_and_run() == ["cities", "people", "shops"]
    (request,) = service.tick(HOUR).run_requests or []
    assert tables([request]) == ["people", "shops"]
    assert service.run(request).success
    assert service.tick_and_run(22 * HOUR) == ["people", "shops"]
    (request,) = service.tick(HOUR).run_requests or []
    assert tables([request]) == ["cities", "people", "shops"]


def test_a_new_and_an_edited_table_are_built_at_once_and_one_with_a_new_comment_is_not(service: Service) -> None:
    service.write(cities__24h=CITIES)
    assert service.tick_and_run() == ["cities"]
    service.write(cities__24h="-- Cities.\nselect 1 as id -- a number\n")
    assert service.tick_and_run(MINUTE) == []
    service.write(people__24h=PEOPLE)
    assert service.tick_and_run(MINUTE) == ["people"]
    service.write(cities__24h="SELECT 2 AS id\n")
    assert service.tick_and_run(MINUTE) == ["cities"]
    assert service.tick_and_run(MINUTE) == []


def test_a_failing_check_backs_off_and_the_rest_goes_on(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    service.write(cities__1h=CITIES, rivers__2m=CITIES)
    service.now -= HOUR
    assert service.tick_and_run() == ["cities", "rivers"]
    service.write(cities_test=NONE_HOLDS)
    assert service.tick_and_run(HOUR) == ["cities", "rivers"]
    capsys.readouterr()
    service.now = service.state("cities").failed_at or service.now  # however long that took
    told = service.tick(50 * SECOND)
    assert told.run_requests == []
    assert "1 backing off until" in (told.skip_message or "")
    assert "`first.cities` has failed, and still holds its previous rows; it is tried again" in capsys.readouterr().err
    assert service.tick_and_run(15 * SECOND) == ["cities"]
    assert service.tick(15 * SECOND).run_requests == []
    assert service.tick_and_run(75 * SECOND) == ["cities", "rivers"]
    assert service.state("cities").failures == 3
    assert "has failed" not in capsys.readouterr().err
    service.write(cities_test="SELECT id = 1 AS one FROM first.cities\n")
    assert "cities" in service.tick_and_run(5 * MINUTE)
    service.tick()
    assert "`first.cities` no longer fails" in capsys.readouterr().err
    assert service.state("cities").failures == 0


def test_an_edited_table_that_failed_is_not_told_to_be_well_before_it_is_built(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    service.write(rivers__1h=CITIES, cities__1h="SELECT id FROM first.rivers\n")
    service.now -= HOUR
    assert service.tick_and_run() == ["cities", "rivers"]
    service.write(cities_test=NONE_HOLDS)
    assert service.tick_and_run(HOUR) == ["cities", "rivers"]
    service.tick()
    assert "`first.cities` has failed" in capsys.readouterr().err
    service.write(cities__1h="SELEC id FROM first.rivers\n")
    service.tick()
    service.write(cities__1h="SELECT id + 0 AS id FROM first.rivers\n", rivers__1h="SELEC 1\n")
    service.tick()
    assert "no longer fails" not in capsys.readouterr().err


def test_files_that_change_all_the_time_do_not_stop_the_builds(service: Service) -> None:
    service.write(cities__1h=CITIES)
    edited = service.root / "first" / "cities - 1h.sql"
    edited.write_text("SELECT 2 AS id\n")
    assert service.tick_and_run() == ["cities"]
    assert "cities - 1h.sql" in (service.tick().skip_message or "")


def test_what_reads_a_failed_table_is_held_and_does_not_back_off_by_itself(service: Service) -> None:
    service.write(cities__1h=CITIES, people__1h=PEOPLE)
    service.now -= HOUR
    assert service.tick_and_run() == ["cities", "people"]
    service.write(cities_test=NONE_HOLDS)
    assert service.tick_and_run(HOUR) == ["cities", "people"]
    assert service.state("cities").failures == 1
    assert service.state("people").failures == 0
    told = service.tick()
    assert told.run_requests == []
    assert "1 held; 1 backing off" in (told.skip_message or "")
    service.write(cities_test="SELECT id = 1 AS one FROM first.cities\n")
    assert service.tick_and_run(2 * MINUTE) == ["cities", "people"]


def test_a_queued_run_is_waited_for(service: Service, many_writers: None) -> None:
    service.write(cities__1h=CITIES, rivers__1h=CITIES)
    queued = service.queue("cities")
    assert service.state("cities").run == queued.run_id
    assert tables(service.tick().run_requests) == ["rivers"]


def test_one_writing_process_has_the_warehouse_to_itself(service: Service) -> None:
    service.write(cities__1h=CITIES, rivers__1h=CITIES)
    (request,) = service.tick().run_requests or []
    assert tables([request]) == ["cities", "rivers"]
    run = service.queue("cities")
    told = service.tick()
    assert told.run_requests == []
    assert told.skip_message == (
        f"1 table is due, and waits for run {run.run_id[:8]}: this warehouse admits one writing process at a time"
    )


def test_groups_that_share_nothing_have_a_run_each_where_the_warehouse_admits_it(
    service: Service, many_writers: None
) -> None:
    service.write(cities__1h=CITIES, people__1h=PEOPLE, rivers__1h=CITIES)
    requests = service.tick().run_requests or []
    assert [tables([request]) for request in requests] == [["cities", "people"], ["rivers"]]


def test_a_run_that_a_person_has_ended_does_not_come_back_at_once(service: Service) -> None:
    service.write(cities__1h=CITIES, people__1h=PEOPLE)
    run = service.queue("cities", "people")
    service.tick()
    service.instance.report_run_canceled(run)
    assert (service.state("cities").failures, service.state("people").failures) == (1, 1)
    assert service.tick(30 * SECOND).run_requests == []
    assert tables(service.tick(31 * SECOND).run_requests) == ["cities", "people"]


def test_a_run_that_never_started_does_not_come_back_at_once(service: Service) -> None:
    service.write(cities__1h=CITIES)
    run = service.queue("cities")
    service.instance.report_run_failed(run, "no process")
    assert service.tick(30 * SECOND).run_requests == []
    assert tables(service.tick(31 * SECOND).run_requests) == ["cities"]


def build(service: Service, *arguments: str) -> int:
    """Build from the command line, and tell the exit code."""
    command = [SQLMAT, "build", service.root, "--warehouse", f"duckdb:///{service.warehouse}", *arguments]
    environment = {**os.environ, "DAGSTER_HOME": service.instance.root_directory}
    return subprocess.run(command, env=environment, check=False, capture_output=True).returncode


def test_a_build_from_the_command_line_counts(service: Service) -> None:
    service.write(cities__1h=CITIES)
    assert build(service) == 0
    assert service.tick(MINUTE).run_requests == []
    assert tables(service.tick(HOUR).run_requests) == ["cities"]


def test_a_build_from_the_command_line_that_fails_backs_off_and_holds_what_reads_the_table(service: Service) -> None:
    service.write(cities__1h=CITIES, people__1m=PEOPLE, rivers__1h=CITIES)
    service.now -= MINUTE
    assert service.tick_and_run() == ["cities", "people", "rivers"]
    service.write(cities_test=NONE_HOLDS)
    assert build(service, "-s", "first.cities", "--no-record") == 1
    assert service.state("cities").failures == 0
    assert build(service, "-s", "first.cities") == 1
    assert service.state("cities").failures == 1
    service.now = service.state("cities").failed_at or service.now
    told = service.tick(50 * SECOND)
    assert told.run_requests == []
    assert "1 held; 1 backing off until" in (told.skip_message or "")
    assert tables(service.tick(15 * SECOND).run_requests) == ["cities", "people"]
    service.write(cities_test="SELECT id = 1 AS one FROM first.cities\n")
    assert service.tick_and_run() == ["cities", "people"]
    assert service.state("cities").failures == 0


def test_age_counts_from_the_decision(service: Service) -> None:
    service.write(cities__1h=CITIES)
    decided_at = service.now - 30 * MINUTE
    execute(service.definitions, service.instance, tags={DECIDED_AT_TAG: decided_at.isoformat()})
    assert service.state("cities").decided_at == decided_at
    assert service.tick(29 * MINUTE).run_requests == []
    assert tables(service.tick(MINUTE).run_requests) == ["cities"]


def test_a_table_that_is_wiped_in_the_ui_is_new(service: Service) -> None:
    service.write(cities__1h=CITIES, rivers__1h=CITIES)
    service.tick_and_run()
    assert service.tick().run_requests == []
    service.instance.wipe_assets([dg.AssetKey(["first", "cities"])])
    assert tables(service.tick().run_requests) == ["cities"]


def test_a_file_with_problems_is_never_asked_for_and_strangers_go_on(service: Service) -> None:
    service.write(broken__1h="SELEC oops FROM\n", reader__1h="SELECT 1 AS id FROM first.broken\n", rivers__1h=CITIES)
    assert service.tick_and_run() == ["rivers"]
    told = service.tick(MINUTE)
    assert told.skip_message == "next: first.rivers in 59m; 1 held; 1 quarantined"


def test_the_sensor_is_on_and_opens_no_warehouse(service: Service) -> None:
    service.write(cities__1h=CITIES)
    assert service.sensor.default_status is dg.DefaultSensorStatus.RUNNING
    service.tick()
    assert not service.warehouse.exists()


def test_a_project_without_tables_has_a_sensor_that_waits(service: Service) -> None:
    service.root.mkdir()
    service.load()
    assert service.tick().skip_message == "no table has an interval or a schedule"


def test_reasons_that_are_too_long_for_a_tag_are_counted() -> None:
    builds = {Relation("first", f"table_{n:03}"): Reason.NEW if n % 2 else Reason.CHANGED for n in range(301)}
    told = why_tag(builds)
    assert told == "151 changed, 150 new"
    assert Reasons.parse(told).reason(Relation("first", "table_001")) is None
    few = dict(list(builds.items())[:3])
    assert why_tag(few) == "changed; new: first.table_001"


def test_a_sensor_needs_no_resource_where_nothing_can_be_built() -> None:
    assert build_freshness_sensor(a_project(), resource_key="lake").required_resource_keys == set()
    sensor = build_freshness_sensor(a_project(a_table("SELECT 1 AS id")), resource_key="lake")
    assert sensor.required_resource_keys == {"lake"}
