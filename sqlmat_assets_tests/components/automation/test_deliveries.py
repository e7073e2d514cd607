"""Deliveries in the service: after each publish, in the run of their table, and tried again by themselves."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy

from sqlmat_assets.components.assets import WHY_TAG
from sqlmat_assets.execution.retries import Retries
from sqlmat_assets.project.reasons import Reason, Reasons
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.components.automation.service import HOUR, MINUTE, Service, tables
from sqlmat_assets_tests.components.automation.test_put_back import undo
from sqlmat_assets_tests.components.running import execute

CITIES = "select 1 as id\n"
DISK = "disk:\n  to: ../../exports/cities.csv\n"
SENT = "cities__deliver__disk"


def exported(service: Service) -> Path:
    return service.root.parent / "exports" / "cities.csv"


def reason_of(request: dg.RunRequest, name: str = SENT) -> Reason | None:
    return Reasons.parse(request.tags[WHY_TAG]).reason(Relation("first", name))


def metadata_of(service: Service, name: str = SENT) -> dict[str, Any]:
    event = service.instance.get_latest_materialization_event(dg.AssetKey(["first", name]))
    assert event is not None
    assert event.asset_materialization is not None
    return {key: value.value for key, value in event.asset_materialization.metadata.items()}


def test_a_new_table_is_delivered_in_its_run(service: Service) -> None:
    service.write(cities__1h=CITIES)
    service.deliver(cities=DISK)
    (request,) = service.tick().run_requests or []
    assert tables([request]) == ["cities", SENT]
    assert service.run(request).success
    assert exported(service).read_text() == "id\n1\n"
    assert service.tick_and_run(MINUTE) == []
    found = metadata_of(service)
    assert (found["delivered to"], found["outcome"], found["dagster/row_count"]) == (
        "../../exports/cities.csv",
        "delivered",
        1,
    )
    assert found["why"] == "new"
    assert found["delivered"] == {"first.cities": published_at(service).isoformat()}
    assert found["place"] == str(exported(service))
    assert {"seconds", "seconds (read)", "seconds (deliver)"} <= set(found)


def published_at(service: Service) -> datetime:
    at = service.state("cities").published_at
    assert at is not None
    return at


def test_rows_that_are_the_same_are_not_delivered_again(service: Service) -> None:
    service.write(cities__1h=CITIES)
    service.deliver(cities=DISK)
    service.tick_and_run()
    exported(service).unlink()
    (request,) = service.tick(HOUR).run_requests or []
    assert tables([request]) == ["cities", SENT]
    assert reason_of(request) is Reason.PUBLISHED
    assert service.run(request).success
    assert not exported(service).exists()
    assert metadata_of(service)["outcome"].startswith("nothing new: the same rows were delivered at ")
    assert service.tick_and_run(MINUTE) == []


def test_a_delivery_that_fails_is_tried_again_by_itself(service: Service) -> None:
    service.write(cities__1h=CITIES)
    service.deliver(cities=DISK)
    exported(service).mkdir(parents=True)
    (request,) = service.tick().run_requests or []
    assert not service.run(request).success
    assert service.state("cities").failures == 0
    assert service.state(SENT).failures == 1
    told = service.tick()
    assert told.run_requests == []
    assert "1 backing off until " in str(told.skip_message)
    exported(service).rmdir()
    (request,) = service.tick(2 * MINUTE).run_requests or []
    assert tables([request]) == [SENT]
    assert reason_of(request) is Reason.RETRY
    assert service.run(request).success
    assert exported(service).exists()
    assert service.state(SENT).failures == 0


def test_a_table_that_a_person_has_built_is_delivered(service: Service) -> None:
    service.write(cities__24h=CITIES)
    service.deliver(cities=DISK)
    service.tick_and_run()
    service.write(cities__24h="select 2 as id\n")
    assert execute(service.definitions, service.instance, assets=["first/cities"]).success
    (request,) = service.tick(MINUTE).run_requests or []
    assert (tables([request]), reason_of(request)) == ([SENT], Reason.PUBLISHED)
    assert service.run(request).success
    assert exported(service).read_text() == "id\n2\n"


def test_a_delivery_that_is_new_or_edited_is_made_at_once(service: Service) -> None:
    service.write(cities__24h=CITIES)
    assert service.tick_and_run() == ["cities"]
    service.deliver(cities=DISK)
    assert service.tick_and_run(MINUTE) == [SENT]
    service.deliver(cities=f"{DISK}  header: false\n")
    (request,) = service.tick(MINUTE).run_requests or []
    assert (tables([request]), reason_of(request)) == ([SENT], Reason.CHANGED)
    service.run(request)
    assert exported(service).read_text() == "1\n"


def test_with_an_interval_it_waits(service: Service) -> None:
    service.write(cities__1h="select now() as at\n")
    service.deliver(cities=f"{DISK}  interval: 3h\n")
    assert service.tick_and_run() == ["cities", SENT]
    assert [service.tick_and_run(HOUR) for _ in range(4)] == [["cities"], ["cities"], ["cities", SENT], ["cities"]]


def test_it_has_a_freshness_of_its_own(service: Service) -> None:
    service.write(cities__1h=CITIES)
    service.deliver(cities=f"{DISK}archive:\n  to: ../../exports/all\n  interval: 3h\n")
    policies = {spec.key.path[-1]: spec.freshness_policy for spec in service.definitions.resolve_all_asset_specs()}
    table, disk, archive = (policies[name] for name in ("cities", SENT, "cities__deliver__archive"))
    assert isinstance(archive, TimeWindowFreshnessPolicy)
    assert disk == table
    assert archive.fail_window.to_timedelta() > 3 * HOUR


def test_a_table_that_fails_is_not_delivered_and_its_delivery_has_not_failed(service: Service) -> None:
    service.write(cities__1h=CITIES)
    service.deliver(cities=DISK)
    service.tick_and_run()
    service.write(cities__1h="select 3 as id\n", cities_test="select id < 2 as small from first.cities\n")
    assert service.tick_and_run(MINUTE) == ["cities", SENT]
    assert service.state(SENT).failures == 0
    assert exported(service).read_text() == "id\n1\n"
    assert service.tick_and_run() == []


def test_a_click_on_the_delivery_alone_makes_it_once_more(service: Service) -> None:
    service.write(cities__1h=CITIES)
    service.deliver(cities=DISK)
    service.tick_and_run()
    exported(service).unlink()
    assert execute(service.definitions, service.instance, assets=["first/cities", f"first/{SENT}"]).success
    assert not exported(service).exists()
    assert execute(service.definitions, service.instance, assets=[f"first/{SENT}"]).success
    assert exported(service).exists()
    assert metadata_of(service)["why"] == "asked for by a person"


def test_of_a_table_with_partitions_all_is_delivered_after_its_run(service: Service) -> None:
    sql = "-- partition_by: i in (1, 2)\nselect i, i * 2 as n from (values (1), (2)) t(i)\n"
    service.write(cities__1h=sql)
    service.deliver(cities=DISK)
    assert service.tick_and_run() == ["cities"]
    assert service.tick_and_run(MINUTE) == [SENT]
    assert sorted(exported(service).read_text().splitlines()) == ["1,2", "2,4", "i,n"]
    assert service.tick_and_run(MINUTE) == []


def test_a_view_is_delivered_when_what_it_reads_was_published(service: Service) -> None:
    service.write(cities__1h=CITIES, names="-- mode: view\nselect id * 10 as id from first.cities\n")
    service.deliver(names=DISK)
    assert service.tick_and_run() == ["cities", "names", "names__deliver__disk"]
    assert exported(service).read_text() == "id\n10\n"
    service.write(cities__1h="select 2 as id\n")
    assert service.tick_and_run(MINUTE) == ["cities", "names", "names__deliver__disk"]
    assert exported(service).read_text() == "id\n20\n"
    assert service.tick_and_run(MINUTE) == []


def test_a_file_with_problems_is_shown_and_delivers_nothing(service: Service) -> None:
    service.write(cities__1h=CITIES)
    service.deliver(cities=f"{DISK}bad:\n  to: ftp://a\n")
    assert service.tick_and_run() == ["cities", SENT]
    spec = {spec.key.path[-1]: spec for spec in service.definitions.resolve_all_asset_specs()}["cities__deliver__bad"]
    assert "`ftp://a` is no place that tables are delivered to" in (spec.description or "")
    assert "quarantined" in spec.kinds
    result = execute(service.definitions, service.instance, assets=["first/cities__deliver__bad"])
    assert not result.success


def test_a_secret_is_nowhere_in_the_instance(
    service: Service, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECRET_BUCKET", "top-secret-bucket")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "an-access-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-access-key")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    service.write(cities__1h=CITIES)
    service.deliver(cities='bucket:\n  to: "s3://{{ env.SECRET_BUCKET }}/cities"\n')
    monkeypatch.setattr("sqlmat_assets.execution.deliveries.deliver._PATIENCE", Retries(attempts=1))
    (request,) = service.tick().run_requests or []
    assert not service.run(request).success
    written = b"".join(path.read_bytes() for path in Path(service.instance.root_directory).rglob("*") if path.is_file())
    told = written.decode("utf-8", "replace") + "".join(capfd.readouterr())
    assert "S3 cannot be reached" in told
    assert "{{ env.SECRET_BUCKET }}" in told
    for secret in ("top-secret-bucket", "an-access-key", "a-secret-access-key"):
        assert secret not in told


def test_an_undo_is_delivered(service: Service) -> None:
    both = "-- keep_versions: 1\n{}".format
    service.write(cities__1h=both(CITIES))
    service.deliver(cities=DISK)
    service.tick_and_run()
    before = published_at(service)
    service.write(cities__1h=both("select 2 as id\n"))
    service.tick_and_run(MINUTE)
    assert (exported(service).read_text(), published_at(service) > before) == ("id\n2\n", True)
    undo(service)
    assert published_at(service) == before
    assert service.tick_and_run(MINUTE) == [SENT]
    assert exported(service).read_text() == "id\n1\n"
    assert service.tick_and_run(MINUTE) == []
