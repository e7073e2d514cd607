"""Views in Dagster: assets without a freshness policy, in a run only between what they read and what reads them."""

from __future__ import annotations

import dagster as dg
import duckdb
import pytest
from dagster._core.execution.execution_result import ExecutionResult

from sqlmat_assets.components.assets import WHY_TAG
from sqlmat_assets.project.reasons import Reason, Reasons
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.components.automation.service import HOUR, MINUTE, Service, tables
from sqlmat_assets_tests.components.running import events_of, execute, steps_with

SEEN = "-- mode: view\nselect id from first.cities\n"
PEOPLE = "select count(*) as n from first.seen\n"


def ask(service: Service, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(service.warehouse) as connection:
        return connection.execute(query).fetchall()


def told(result: ExecutionResult, name: str) -> dict[str, object]:
    """The metadata of the materialization of a table."""
    events = events_of(result, dg.DagsterEventType.ASSET_MATERIALIZATION)
    (event,) = [each for each in events if each.asset_key == dg.AssetKey(["first", name])]
    metadata = event.step_materialization_data.materialization.metadata
    return {key: value.value for key, value in metadata.items()}


def test_what_a_due_table_reads_by_way_of_a_view_is_built_first(service: Service) -> None:
    service.write(cities="select 1 as id\n", seen=SEEN, people__1h=PEOPLE)
    (request,) = service.tick().run_requests or []
    assert tables([request]) == ["cities", "people", "seen"]
    assert service.run(request).success
    assert ask(service, "SELECT table_type FROM information_schema.tables WHERE table_name = 'seen'") == [("VIEW",)]
    assert service.tick_and_run(HOUR - MINUTE) == []
    (request,) = service.tick(MINUTE).run_requests or []
    assert tables([request]) == ["cities", "people", "seen"]
    reasons = Reasons.parse(request.tags[WHY_TAG])
    assert [reasons.reason(Relation("first", name)) for name in ("cities", "seen")] == [Reason.DUE, Reason.VIEW]
    result = service.run(request)
    steps = steps_with(result, dg.DagsterEventType.STEP_SUCCESS)
    assert [step.rpartition("__")[2] for step in steps] == ["cities", "seen", "people"]
    found = told(result, "seen")
    assert found["outcome"] == "unchanged: the view has the rows of what it reads"
    assert found["why"] == "a view"
    assert "dagster/row_count" not in found
    assert "sql" not in found
    assert told(result, "people")["outcome"] == "unchanged: nothing that it reads has changed, so it was not built"


def test_a_change_below_the_view_reaches_what_reads_it(service: Service) -> None:
    service.write(cities__24h="select 1 as id\n", seen=SEEN, people__1h=PEOPLE)
    assert service.tick_and_run() == ["cities", "people", "seen"]
    service.write(cities__24h="select 1 as id union all select 2\n")
    # Its columns may be others, so the view is made again.
    assert service.tick_and_run(MINUTE) == ["cities", "seen"]
    assert service.tick_and_run(HOUR) == ["people"]
    assert ask(service, "FROM first.people") == [(2,)]
    assert service.tick_and_run(MINUTE) == []


def test_a_view_that_cannot_be_made_holds_what_reads_it(service: Service) -> None:
    service.write(cities__1h="select 1 as id\n", seen=SEEN, people__1h=PEOPLE)
    assert service.tick_and_run() == ["cities", "people", "seen"]
    service.write(seen_test="select id = 2 as two from first.seen\n")
    assert service.tick_and_run(MINUTE) == ["seen"]
    assert service.state("seen").failures == 1
    before = service.state("people").decided_at
    assert service.tick_and_run(HOUR) == ["cities", "people", "seen"]
    assert service.state("people").decided_at == before
    assert ask(service, "FROM first.seen") == [(1,)]


def test_its_checks_run_alone_and_it_can_be_clicked(service: Service, instance: dg.DagsterInstance) -> None:
    service.write(cities__1h="select 1 as id\n", seen=SEEN, seen_test="select id = 1 as one from first.seen\n")
    assert service.tick_and_run() == ["cities", "seen"]
    definitions = service.definitions
    assert execute(definitions, instance, assets=[], checks=["first/seen:one"]).success
    result = execute(definitions, instance, assets=["first/seen"])
    assert result.success
    assert told(result, "seen")["why"] == "asked for by a person"


@pytest.mark.parametrize("name", ["seen", "seen__1h"])
def test_it_is_an_asset_of_its_kind_without_a_policy(service: Service, name: str) -> None:
    service.write(cities__1h="select 1 as id\n", **{name: SEEN})
    spec = next(
        spec for spec in service.definitions.resolve_all_asset_specs() if spec.key == dg.AssetKey(["first", "seen"])
    )
    assert spec.kinds == {"duckdb", "view"}
    assert spec.freshness_policy is None
    assert spec.partitions_def is None
    assert [dep.asset_key for dep in spec.deps] == [dg.AssetKey(["first", "cities"])]
    assert "A view: always as fresh as what it reads." in (spec.description or "")


def test_partitions_on_both_sides_of_a_view(service: Service) -> None:
    by = "-- partition_by: month(day) from 2019-01 to 2019-03\n"
    days = "select unnest(generate_series(date '2019-01-01', date '2019-03-31', interval 1 day))::date as day\n"
    service.write(
        trips__24h=by + days,
        seen="-- mode: view\nselect day, 1 as trips from first.trips\n",
        counted__24h=f"{by}select day, sum(trips) as trips from first.seen group by day\n",
    )
    built: list[list[str]] = []
    for _ in range(6):
        built.append(service.tick_and_run(MINUTE))
        if not built[-1]:
            break
    # The view has no partitions, so none of the three shares a run with another.
    assert sorted(name for names in built for name in names) == ["counted", "seen", "trips"]
    assert ask(service, "SELECT count(*), sum(trips) FROM first.counted") == [(90, 90)]
    assert service.tick_and_run(MINUTE) == []
