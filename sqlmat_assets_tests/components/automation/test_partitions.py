"""Tables with partitions in the service: what is asked for, what is built, what Dagster shows of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import duckdb
from dagster._core.execution.execution_result import ExecutionResult

from sqlmat_assets.components.automation.states import read_states
from sqlmat_assets.project.partitions.grains import Grain
from sqlmat_assets.project.partitions.ranges import TimeRange
from sqlmat_assets.project.reasons import Reason, Reasons
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.components.automation.service import HOUR, MINUTE, Service, tables
from sqlmat_assets_tests.components.running import events_of, execute

Type = dg.DagsterEventType
TRIPS = dg.AssetKey(["first", "trips"])
DAY = timedelta(days=1)
# Three rows a month, numbered through.
MONTHLY = (
    "-- partition_by: month(day) from {start}\n-- schedule: 0 9 1 * *\n"
    "SELECT DATE '2019-01-05' + INTERVAL (n * 10) DAY AS day, n FROM range(0, 10000) AS t(n)\n"
)
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


def monthly(start: str = "2019-01 to 2019-12") -> str:
    return MONTHLY.format(start=start)


def ask(service: Service, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(service.warehouse) as connection:
        return connection.execute(query).fetchall()


def materialized(result: ExecutionResult) -> dict[str | None, object]:
    """The rows of each partition that a run has recorded; None is the table as a whole."""
    found: dict[str | None, object] = {}
    for event in events_of(result, Type.ASSET_MATERIALIZATION):
        rows = event.step_materialization_data.materialization.metadata.get("dagster/partition_row_count")
        found[event.partition] = None if rows is None else rows.value
    return found


def keys(service: Service) -> list[str]:
    return sorted(service.instance.get_materialized_partitions(TRIPS))


def months(first: int, last: int, year: int = 2019) -> list[str]:
    return [f"{year}-{month:02}-01" for month in range(first, last + 1)]


def test_a_new_table_is_built_in_one_run_with_a_materialization_for_each_partition(service: Service) -> None:
    service.write(trips=monthly(), trips_test="SELECT n >= 0 AS positive FROM first.trips\n")
    (request,) = service.tick().run_requests or []
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == ("2019-01-01", "2019-12-01")
    assert Reasons.parse(request.tags["sqlmat/why"]).reason(Relation.of("first.trips")) is Reason.NEW
    result = service.run(request)
    assert result.success
    told = materialized(result)
    assert list(told) == months(1, 12)
    counted = ask(service, "SELECT count(*) FROM first.trips GROUP BY month(day) ORDER BY month(day)")
    assert list(told.values()) == [rows for (rows,) in counted]
    checked = [event.asset_check_evaluation_data for event in events_of(result, Type.ASSET_CHECK_EVALUATION)]
    assert [(each.partition, each.passed) for each in checked] == [(key, True) for key in months(1, 12)]
    assert service.tick(DAY).run_requests == []


def test_a_run_that_names_no_partition_builds_and_records_those_that_have_ended(service: Service) -> None:
    service.write(trips=monthly())
    result = execute(service.definitions, service.instance)
    assert result.success
    assert list(materialized(result)) == [*months(1, 12), None]
    assert keys(service) == months(1, 12)
    assert service.tick().run_requests == []


def test_a_run_of_some_partitions_leaves_the_others_and_can_be_repeated(service: Service) -> None:
    service.write(trips=monthly())
    tags = {RANGE_START: "2019-03-01", RANGE_END: "2019-05-01"}
    query = "SELECT min(day)::VARCHAR, max(day)::VARCHAR, count(*) FROM first.trips"
    assert list(materialized(execute(service.definitions, service.instance, tags=tags))) == months(3, 5)
    first = ask(service, query)
    assert first == [("2019-03-06 00:00:00", "2019-05-25 00:00:00", 9)]
    assert execute(service.definitions, service.instance, tags=tags).success
    assert ask(service, query) == first
    one = execute(service.definitions, service.instance, tags={"dagster/partition": "2019-01-01"})
    assert list(materialized(one)) == ["2019-01-01"]
    assert keys(service) == [*months(1, 1), *months(3, 5)]


def test_what_is_missing_is_built_stretch_by_stretch(service: Service) -> None:
    service.write(trips=monthly())
    execute(service.definitions, service.instance, tags={RANGE_START: "2019-03-01", RANGE_END: "2019-05-01"})
    (newest,) = service.tick().run_requests or []
    assert (newest.tags[RANGE_START], newest.tags[RANGE_END]) == ("2019-06-01", "2019-12-01")
    service.run(newest)
    (older,) = service.tick(MINUTE).run_requests or []
    assert (older.tags[RANGE_START], older.tags[RANGE_END]) == ("2019-01-01", "2019-02-01")
    service.run(older)
    assert service.tick(MINUTE).run_requests == []


def test_the_month_that_has_just_ended_is_built_at_its_tick(service: Service) -> None:
    service.now = datetime(2026, 2, 28, 9, tzinfo=UTC)
    service.write(trips=monthly("2025-10"))
    assert service.tick_and_run() == ["trips"]
    assert keys(service) == [*months(10, 12, 2025), "2026-01-01"]
    assert service.tick(DAY - MINUTE).run_requests == []
    (request,) = service.tick(MINUTE).run_requests or []
    assert request.tags["dagster/partition"] == "2026-02-01"
    assert Reasons.parse(request.tags["sqlmat/why"]).reason(Relation.of("first.trips")) is Reason.SCHEDULED
    assert service.run(request).success
    assert service.tick(MINUTE).run_requests == []


def test_an_interval_refreshes_the_day_that_goes_on_with_the_one_before(service: Service) -> None:
    service.now = datetime(2026, 2, 28, 23, 30, tzinfo=UTC)
    service.write(trips__1h="-- partition_by: day(day) from 2026-02-20\nSELECT DATE '2026-02-28' AS day, 1 AS n\n")
    assert service.tick_and_run() == ["trips"]
    assert keys(service)[-1] == "2026-02-28"
    assert service.tick(HOUR - MINUTE).run_requests == []
    (request,) = service.tick(MINUTE).run_requests or []
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == ("2026-02-28", "2026-03-01")
    assert service.run(request).success


def test_months_and_what_reads_them_are_runs_of_their_own_upstream_first(service: Service) -> None:
    service.write(
        trips=monthly(),
        days="-- partition_by: day(day) from 2019-01-01 to 2019-03-31\nSELECT day, n FROM first.trips\n",
        clean="-- partition_by: month(day) from 2019-01 to 2019-12\n-- schedule: 0 9 1 * *\n"
        "SELECT day, n FROM first.trips\n",
        total__1h="SELECT sum(n) AS n FROM first.days\n",
    )
    order: list[list[str]] = []
    for _ in range(5):
        requests = service.tick(MINUTE).run_requests or []
        order += [tables([request]) for request in requests]
        assert all(service.run(request).success for request in requests)
    assert order == [["clean", "trips"], ["days"], ["total"]]


def test_a_failing_range_backs_off_and_is_tried_again(service: Service) -> None:
    service.now -= HOUR
    service.write(trips=monthly(), trips_test="SELECT n < 0 AS negative FROM first.trips\n")
    (request,) = service.tick().run_requests or []
    assert not service.run(request).success
    state = read_states(service.instance, service.project)[Relation.of("first.trips")]
    assert (state.failures, state.decided_at) == (1, None)
    service.now = datetime.now(UTC)
    assert service.tick().run_requests == []
    (again,) = service.tick(2 * MINUTE).run_requests or []
    assert again.tags[RANGE_END] == "2019-12-01"
    service.run(again)
    assert service.state("trips").failures == 2
    assert read_states(service.instance, service.project)[Relation.of("first.trips")].failures == 2


def test_what_was_built_is_read_from_the_log(service: Service) -> None:
    service.write(trips=monthly())
    tags = {RANGE_START: "2019-03-01", RANGE_END: "2019-05-01", "sqlmat/decided_at": service.now.isoformat()}
    execute(service.definitions, service.instance, tags=tags)
    found = service.state("trips").partitions
    assert found.ranges == (TimeRange(datetime(2019, 3, 1, tzinfo=UTC), datetime(2019, 6, 1, tzinfo=UTC)),)
    assert found.newest_at == service.now
    execute(service.definitions, service.instance, tags={"dagster/partition": "2019-01-01"})
    again = service.state("trips").partitions
    assert (len(again.ranges), again.newest_at) == (2, service.now)


def evaluations(service: Service, name: str) -> list[tuple[str | None, str]]:
    """All that is known of a check: of which partition, and what; the newest first."""
    key = dg.AssetCheckKey(TRIPS, name)
    found = service.instance.event_log_storage.get_asset_check_execution_history(key, limit=1000)
    return [(record.partition, record.status.value) for record in found]


def test_each_partition_of_a_run_has_the_results_of_the_checks(service: Service) -> None:
    service.write(
        trips=monthly(),
        trips_test="SELECT n >= 0 AS positive FROM first.trips\n",
        total__1h="SELECT sum(n) AS n FROM first.trips\n",
    )
    one = execute(service.definitions, service.instance, tags={"dagster/partition": "2019-01-01"})
    (told,) = (event.asset_check_evaluation_data for event in events_of(one, Type.ASSET_CHECK_EVALUATION))
    assert (told.partition, told.passed) == ("2019-01-01", True)
    (stored,) = service.instance.fetch_materializations(TRIPS, limit=1).records
    assert told.target_materialization_data is not None
    assert told.target_materialization_data.storage_id == stored.storage_id
    assert evaluations(service, "positive") == [("2019-01-01", "SUCCEEDED")]
    # What reads the table has waited for the check.
    assert len(events_of(one, Type.ASSET_MATERIALIZATION)) == 2
    several = execute(service.definitions, service.instance, tags={RANGE_START: "2019-03-01", RANGE_END: "2019-05-01"})
    said = [event.asset_check_evaluation_data for event in events_of(several, Type.ASSET_CHECK_EVALUATION)]
    together = "3 partitions together, and says the same of each"
    assert [each.metadata["looked at"].value for each in said] == [together] * 3
    assert evaluations(service, "positive") == [
        *((key, "SUCCEEDED") for key in reversed(months(3, 5))),
        ("2019-01-01", "SUCCEEDED"),
    ]


def test_a_check_that_fails_has_failed_for_each_partition_and_replaces_none(service: Service) -> None:
    service.write(trips=monthly(), trips_test="SELECT n < 12 AS small FROM first.trips\n")
    assert execute(service.definitions, service.instance, tags={"dagster/partition": "2019-04-01"}).success
    tags = {RANGE_START: "2019-04-01", RANGE_END: "2019-05-01"}
    assert not execute(service.definitions, service.instance, tags=tags).success
    assert evaluations(service, "small") == [
        ("2019-05-01", "FAILED"),
        ("2019-04-01", "FAILED"),
        ("2019-04-01", "SUCCEEDED"),
    ]
    assert ask(service, "SELECT count(*) FROM first.trips") == [(3,)]


def test_of_many_partitions_a_check_has_one_result_for_all(service: Service) -> None:
    service.write(
        trips="-- partition_by: day(day) from 2019-01-01 to 2019-04-30\n-- schedule: 0 9 * * *\n"
        "SELECT DATE '2019-01-05' AS day, 1 AS n\n",
        trips_test="SELECT n > 0 AS positive FROM first.trips\n",
    )
    tags = {RANGE_START: "2019-01-01", RANGE_END: "2019-04-30"}
    result = execute(service.definitions, service.instance, tags=tags)
    (told,) = (event.asset_check_evaluation_data for event in events_of(result, Type.ASSET_CHECK_EVALUATION))
    assert (told.partition, told.passed) == (None, True)


def test_without_its_checks_a_run_of_a_partition_tells_their_results_all_the_same(service: Service) -> None:
    service.write(trips=monthly(), trips_test="SELECT n >= 0 AS positive FROM first.trips\n")
    tags = {"dagster/partition": "2019-01-01"}
    result = execute(service.definitions, service.instance, assets=["first/trips"], checks=[], tags=tags)
    assert result.success
    assert evaluations(service, "positive") == [("2019-01-01", "SUCCEEDED")]


LOAD = """\
# schedule: 0 0 1 * *
# partition_by: month(file_month) from {start}
files: ../../data/trips_{{partition}}.csv
columns:
  n: bigint
"""


def deliver(service: Service, *partitions: str) -> None:
    for partition in partitions:
        file = service.root.parent / "data" / f"trips_{partition}.csv"
        file.parent.mkdir(exist_ok=True)
        file.write_text("n\n1\n2\n")


def why_failed(result: ExecutionResult) -> str:
    (failure,) = events_of(result, Type.STEP_FAILURE)
    error = failure.step_failure_data.user_failure_data
    assert error is not None
    return str(error.description)


def test_a_file_that_is_not_there_yet_is_waited_for(service: Service) -> None:
    # Attempts carry the real time.
    months = [Grain.MONTH.step(Grain.MONTH.floor(service.now), -ago).strftime("%Y-%m") for ago in (3, 2, 1)]
    load = service.root / "first" / "trips.load.yaml"
    load.parent.mkdir(parents=True)
    load.write_text(LOAD.format(start=months[0]))
    deliver(service, *months[:2])
    service.load()
    there = {RANGE_START: f"{months[0]}-01", RANGE_END: f"{months[1]}-01"}
    assert execute(service.definitions, service.instance, tags=there).success
    (first,) = service.tick().run_requests or []
    assert first.tags["dagster/partition"] == f"{months[2]}-01"
    said = why_failed(service.run(first))
    assert f"data/trips_{months[2]}.csv" in said
    assert "`first.trips` still holds its previous rows" in said
    service.now = datetime.now(UTC)
    assert (service.tick().run_requests, service.state("trips").failures) == ([], 1)
    (second,) = service.tick(MINUTE).run_requests or []
    assert Reasons.parse(second.tags["sqlmat/why"]).reason(Relation.of("first.trips")) is Reason.RETRY
    assert not service.run(second).success
    service.now = datetime.now(UTC)
    assert service.tick(MINUTE).run_requests == []
    deliver(service, months[2])
    (third,) = service.tick(MINUTE).run_requests or []
    assert service.run(third).success
    assert keys(service) == [f"{month}-01" for month in months]
    assert service.state("trips").failures == 0
    assert service.tick(MINUTE).run_requests == []
    assert ask(service, "SELECT count(*) FROM first.trips") == [(6,)]
