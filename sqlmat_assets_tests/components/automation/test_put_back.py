"""After `sqlmat undo` the service leaves the table alone, until it is edited or a person builds it."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from sqlmat_assets.components.undone import PutBack, report_put_back
from sqlmat_assets.execution.undo import choose_version, find_holdings, find_readers, find_step, put_back
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.duckdb import DuckDBWarehouse
from sqlmat_assets.warehouses.duckdb_facts import DUCKDB
from sqlmat_assets_tests.components.automation.service import HOUR, MINUTE, Service
from sqlmat_assets_tests.components.running import execute
from sqlmat_assets_tests.tables import ask

KEPT = "-- keep_versions: 3\n"
GOOD, BAD = f"{KEPT}SELECT 1 AS id\n", f"{KEPT}SELECT 2 AS id\n"
PEOPLE = "SELECT id FROM first.cities\n"


def undo(service: Service, name: str = "cities") -> None:
    """What the command does."""
    with DuckDBWarehouse(service.warehouse).open_session() as session:
        holdings = find_holdings(session, None, DUCKDB)
        record = holdings.records["first", name]
        version = choose_version(record, holdings.versions_of(record.relation))
        assert version is not None
        step = find_step(session, record, version, DUCKDB)
        assert {str(each.record.relation) for each in find_readers(record, version, holdings, lambda _: ())} <= {
            "first.people"
        }
        put_back(session, (step,), "undo", service.now, DUCKDB)
        columns = session.fetch_columns(record.relation)
    told = PutBack(step.current, step.restored, columns, service.now, is_held=True)
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
