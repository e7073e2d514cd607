"""After `sqlmat undo` the service leaves the table alone, until it is edited or a person builds it."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from sqlmat_assets.components.undone import PutBack, report_put_back
from sqlmat_assets.execution.undo import choose_version, find_holdings, find_readers, find_step, put_back
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets.warehouses.duckdb.facts import DUCKDB
from sqlmat_assets_tests.components.automation.service import HOUR, MINUTE, Service, tables
from sqlmat_assets_tests.components.running import events_of, execute
from sqlmat_assets_tests.tables import ask

KEPT = "-- keep_versions: 3\n"
GOOD, BAD = f"{KEPT}SELECT 1 AS id\n", f"{KEPT}SELECT 2 AS id\n"
PEOPLE = "SELECT id FROM first.cities\n"


def undo(service: Service, name: str = "cities", *, is_told: bool = True) -> None:
    """What the command does; it may be killed before it tells the instance."""
    with DuckDBWarehouse(service.warehouse).open_session() as session:
        holdings = find_holdings(session, None, DUCKDB)
        record = holdings.records["first", name]
        version = choose_version(record, holdings.versions_of(record.relation))
        assert version is not None
        code = service.project.models[record.relation].version
        step = find_step(session, record, version, DUCKDB).hold(holdings.versions_of(record.relation), code)
        assert {str(each.record.relation) for each in find_readers(record, version, holdings, lambda _: ())} <= {
            "first.people"
        }
        put_back(session, (step,), "undo", service.now, DUCKDB)
    if not is_told:
        return
    told = PutBack(step.restored(service.now), (), service.now, step.current.published_at)
    assert report_put_back(Path(service.instance.root_directory), service.project, (told,), None) is None


def rows(service: Service, name: str) -> list[tuple[object, ...]]:
    return ask(service.warehouse, f"SELECT id FROM first.{name}")


def both_builds(service: Service) -> None:
    service.write(cities__1h=GOOD, people__1h=PEOPLE)
    assert service.tick_and_run() == ["cities", "people"]
    service.now += MINUTE
    service.write(cities__1h=BAD)
    service.tick_and_run()
    assert rows(service, "cities") == [(2,)]


def test_it_is_left_alone_and_what_reads_it_goes_on(service: Service) -> None:
    both_builds(service)
    undo(service)
    assert rows(service, "cities") == [(1,)]
    told = service.tick(MINUTE)
    assert (told.run_requests or []) == []
    assert "1 put back by hand (edit or build to go on)" in str(told.skip_message)
    assert service.tick_and_run(HOUR) == ["people"]
    assert (rows(service, "cities"), rows(service, "people")) == ([(1,)], [(1,)])
    for _ in range(3):
        assert service.tick_and_run(HOUR) == ["people"]
    # A code server that is started again reads the same from the event log.
    service.load()
    assert service.tick_and_run(MINUTE) == []
    # A comment is no other meaning.
    service.write(cities__1h=f"-- not good yet\n{BAD}")
    assert service.tick_and_run(MINUTE) == []


def test_an_edit_goes_on(service: Service) -> None:
    both_builds(service)
    undo(service)
    assert service.tick_and_run(MINUTE) == []
    service.write(cities__1h=f"{KEPT}SELECT 3 AS id\n")
    assert "cities" in service.tick_and_run(MINUTE)
    assert rows(service, "cities") == [(3,)]
    assert service.state("cities").put_back_at is None


def test_going_back_to_the_code_of_the_rows_goes_on_when_they_are_old(service: Service) -> None:
    both_builds(service)
    undo(service)
    service.write(cities__1h=GOOD)
    assert service.tick_and_run(MINUTE) == []
    assert "cities" in service.tick_and_run(HOUR)


def test_a_person_who_builds_it_goes_on(service: Service) -> None:
    both_builds(service)
    undo(service)
    assert service.tick_and_run(2 * HOUR) == ["people"]
    assert execute(service.definitions, service.instance, assets=["first/cities"]).success
    assert service.state("cities").put_back_at is None
    assert rows(service, "cities") == [(2,)]
    service.now += 4 * HOUR  # the build of a person has the real time
    assert "cities" in service.tick_and_run()


def test_the_event_tells_what_is_there_now(service: Service) -> None:
    both_builds(service)
    before = service.instance.get_latest_materialization_event(dg.AssetKey(["first", "cities"]))
    undo(service)
    after = service.instance.get_latest_materialization_event(dg.AssetKey(["first", "cities"]))
    assert before is not None
    assert after is not None
    first, last = before.asset_materialization, after.asset_materialization
    assert first is not None
    assert last is not None
    assert last.metadata["dagster/row_count"].value == 1
    assert str(last.metadata["outcome"].value).startswith("put back by hand, in place of what was published at ")
    assert last.metadata["code version"].value != first.metadata["code version"].value
    assert last.metadata["held code version"].value == first.metadata["code version"].value
    assert (last.tags or {})["dagster/data_version"] != (first.tags or {})["dagster/data_version"]
    assert service.state("cities").put_back_at is not None
    assert Relation.of("first.cities") in service.project.models


def test_a_run_leaves_alone_what_the_instance_was_not_told_of_and_tells_it(service: Service) -> None:
    both_builds(service)
    first = service.instance.fetch_materializations(dg.AssetKey(["first", "cities"]), limit=2).records[-1]
    undo(service, is_told=False)
    assert service.state("cities").put_back_at is None
    assert service.tick_and_run(HOUR) == ["cities", "people"]
    assert (rows(service, "cities"), rows(service, "people")) == ([(1,)], [(1,)])
    event = service.instance.get_latest_materialization_event(dg.AssetKey(["first", "cities"]))
    assert event is not None
    assert event.asset_materialization is not None
    outcome = str(event.asset_materialization.metadata["outcome"].value)
    assert outcome.startswith("put back by hand, in place of what was published at ")
    assert first.asset_materialization is not None
    told, before = event.asset_materialization.tags or {}, first.asset_materialization.tags or {}
    for tag in ("dagster/code_version", "dagster/data_version"):
        assert told[tag] == before[tag]
    assert service.state("cities").put_back_at is not None
    tick = service.tick(MINUTE)
    assert (tick.run_requests or []) == []
    assert "1 put back by hand (edit or build to go on)" in str(tick.skip_message)
    assert service.tick_and_run(HOUR) == ["people"]
    service.write(cities__1h=f"{KEPT}SELECT 3 AS id\n")
    assert "cities" in service.tick_and_run(MINUTE)
    assert rows(service, "cities") == [(3,)]


def test_a_check_that_the_rows_fail_which_were_put_back_is_told_and_holds_nobody(service: Service) -> None:
    service.write(cities__1h=GOOD, people__1h=PEOPLE)
    service.tick_and_run()
    service.write(cities__1h=BAD, cities_test="SELECT id = 2 AS is_two FROM first.cities;\n")
    service.tick_and_run(MINUTE)
    undo(service, is_told=False)
    assert service.tick_and_run(HOUR) == ["cities", "people"]
    assert (rows(service, "cities"), rows(service, "people")) == ([(1,)], [(1,)])
    check = dg.AssetCheckKey(dg.AssetKey(["first", "cities"]), "is_two")
    told = service.instance.event_log_storage.get_latest_asset_check_execution_by_key([check])[check]
    assert told.status.value == "FAILED"
    assert service.state("cities").put_back_at is not None


def test_partitions_that_a_run_leaves_alone_do_not_look_built(service: Service) -> None:
    parts = f"{KEPT}-- partition_by: country in (FR, DE)\nSELECT unnest(['FR', 'DE']) AS country, {{}} AS id\n"
    service.write(cities__1h=parts.format(1), people__1h="SELECT max(id) AS id FROM first.cities\n")
    service.tick_and_run()
    service.write(cities__1h=parts.format(2))
    assert "cities" in service.tick_and_run(HOUR)
    assert rows(service, "cities") == [(2,), (2,)]
    undo(service, is_told=False)
    (request,) = [each for each in service.tick(HOUR).run_requests or [] if "cities" in tables([each])]
    run = service.run(request)
    assert run.success
    materialized = dg.DagsterEventType.ASSET_MATERIALIZATION
    assert [e.asset_key.path[-1] for e in events_of(run, materialized) if e.asset_key is not None] == []
    assert rows(service, "cities") == [(1,), (1,)]
    assert service.state("cities").put_back_at is not None
    # What reads it is built by the next run.
    assert service.tick_and_run(MINUTE) == ["people"]
    assert rows(service, "people") == [(1,)]


@pytest.mark.parametrize(("tags", "left"), [({"dagster/retry_number": "1"}, 1), ({}, 2)], ids=["Dagster", "a person"])
def test_a_run_of_the_service_that_is_executed_again(service: Service, tags: dict[str, str], left: int) -> None:
    both_builds(service)
    undo(service, is_told=False)
    (request,) = service.tick(HOUR).run_requests or []
    job = service.definitions.resolve_implicit_global_asset_job_def()
    job = job.get_subset(asset_selection=frozenset({dg.AssetKey(["first", "cities"])}))
    failed = service.instance.create_run_for_job(job, tags=request.tags, status=dg.DagsterRunStatus.FAILURE)
    again = service.instance.create_run_for_job(
        job, tags={**request.tags, **tags}, parent_run_id=failed.run_id, root_run_id=failed.run_id
    )
    assert execute_run(InMemoryJob(job), again, service.instance).success
    assert rows(service, "cities") == [(left,)]
