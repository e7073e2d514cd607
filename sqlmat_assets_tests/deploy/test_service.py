"""The service that `deploy/` describes: its files and commands, with a real database, object store and processes."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest

from sqlmat_assets.components.processes import PROCESS_TAG, Process
from sqlmat_assets_tests.deploy.doubles import PASSWORD, postgres, rows, s3, told_of
from sqlmat_assets_tests.deploy.service import Service, free_ports

pytestmark = pytest.mark.slow

BUCKET = "logs"
ONE = "SELECT 1 AS id"
POSITIVE = "SELECT id > 0 AS positive FROM {}"
LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries {
    name loadStatus locationOrLoadError { __typename } } } } }"""
LAUNCH = """mutation ($location: String!, $assets: [AssetKeyInput!]) { launchRun(executionParams: {
    selector: {repositoryLocationName: $location, repositoryName: "__repository__", pipelineName: "__ASSET_JOB",
               assetSelection: $assets}, runConfigData: "{}"}) {
    __typename ... on LaunchRunSuccess { run { id } } ... on PythonError { message } } }"""
RUN = """query ($id: ID!) { runOrError(runId: $id) { ... on Run { status tags { key value } } } }"""
STOP = """mutation ($id: String!) { stopSensor(id: $id) {
    ... on StopSensorMutationResult { instigationState { status } } } }"""
SENSOR = """{ sensorOrError(sensorSelector: {repositoryLocationName: "shop", repositoryName: "__repository__",
    sensorName: "sqlmat_freshness"}) { ... on Sensor { id } } }"""

CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'locked'"
AGAIN = "SELECT run_id FROM run_tags WHERE key = 'dagster/parent_run_id' AND value = %s"
LOGS = "query ($key: [String!]!) { capturedLogs(logKey: $key) { stderr } }"
RETRIES = "SELECT value FROM run_tags WHERE key = 'dagster/parent_run_id'"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    root = tmp_path_factory.mktemp("machine")
    with ExitStack() as stack:
        database = stack.enter_context(postgres())
        store = stack.enter_context(s3(root))
        web, shop, taxi = map(str, free_ports(3))
        service = Service(
            root,
            {
                **told_of(database),
                "SQLMAT_LOGS_BUCKET": BUCKET,
                "SQLMAT_WEB_PORT": web,
                "SQLMAT_SHOP_PORT": shop,
                "SQLMAT_TAXI_PORT": taxi,
                "AWS_ENDPOINT_URL_S3": store,
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing",
            },
        )
        service.put()
        for project, port in (("shop", shop), ("taxi", taxi)):
            file = root / f"etc/sqlmat/{project}.env"
            file.write_text(file.read_text().replace({"shop": "4266", "taxi": "4267"}[project], port))
        write(root / "srv/sqlmat/shop/sql/shop", "orders", ONE, POSITIVE.format("shop.orders"))
        write(root / "srv/sqlmat/shop/sql/shop", "wrong", ONE, "SELECT id > 1 AS larger FROM shop.wrong")
        write(root / "srv/sqlmat/taxi/sql/taxi", "trips", ONE, POSITIVE.format("taxi.trips"))
        bucket(service).create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        stack.callback(service.stop)
        yield service


def write(schema: Path, table: str, query: str, check: str) -> None:
    schema.mkdir(parents=True, exist_ok=True)
    (schema / f"{table} - 24h.sql").write_text(query + "\n")
    (schema / f"{table}_test.sql").write_text(check + "\n")


def bucket(service: Service) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=service.told["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        region_name="eu-central-1",
    )


def loaded(service: Service) -> dict[str, str]:
    """What each code location is for the web server."""
    try:
        entries = service.ask(LOCATIONS)["workspaceOrError"]["locationEntries"]
    except OSError:
        return {}
    return {entry["name"]: (entry["locationOrLoadError"] or {}).get("__typename", "") for entry in entries}


def launch(service: Service, location: str, *assets: str) -> str:
    told = service.ask(LAUNCH, location=location, assets=[{"path": asset.split("/")} for asset in assets])["launchRun"]
    assert told["__typename"] == "LaunchRunSuccess", told
    return told["run"]["id"]


def status(service: Service, run: str) -> str:
    return service.ask(RUN, id=run)["runOrError"]["status"]


def kept(service: Service, run: str) -> list[str]:
    """The keys of what a run has printed."""
    found = bucket(service).list_objects_v2(Bucket=BUCKET, Prefix=f"dagster/storage/{run}/compute_logs/")
    return [each["Key"] for each in found["Contents"]]


def captured(service: Service, run: str) -> dict[str, str]:
    """What a run has printed, as it is in the bucket: `out` and `err`."""
    bodies = {key: bucket(service).get_object(Bucket=BUCKET, Key=key)["Body"] for key in kept(service, run)}
    return {key.rpartition(".")[2]: body.read().decode() for key, body in bodies.items()}


def shown(service: Service, run: str) -> str:
    """What the web server shows of it."""
    (file,) = {key.rpartition("/")[2].partition(".")[0] for key in kept(service, run)}
    return service.ask(LOGS, key=[run, "compute_logs", file])["capturedLogs"]["stderr"]


def assets(service: Service) -> set[str]:
    """The assets that the web server knows."""
    return {
        "/".join(node["assetKey"]["path"]) for node in service.ask("{ assetNodes { assetKey { path } } }")["assetNodes"]
    }


def command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def tags(service: Service, run: str) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in service.ask(RUN, id=run)["runOrError"]["tags"]}


def finish(service: Service, run: str) -> str:
    """Wait for the end of a run, and return how it ended."""

    def ended() -> str | None:
        now = status(service, run)
        return now if now in ("SUCCESS", "FAILURE", "CANCELED") else None

    return service.wait_for(f"the end of run {run}", ended)


def test_a_service_goes_on_whatever_process_is_killed(service: Service) -> None:
    _start(service)
    _build_what_is_due(service)
    warehouse = service.root / "srv/sqlmat/shop/sqlmat.duckdb"
    # Nobody else can open a DuckDB file that is open for writing: runs wait for it at their first statement.
    with duckdb.connect(warehouse):
        first, second, third = _queue(service)
        again = _kill_a_worker(service, first, third)
        _kill_a_code_server(service)
        assert status(service, second) == "STARTED"
    assert finish(service, second) == "SUCCESS"
    write(service.root / "srv/sqlmat/shop/sql/shop", "returns", ONE, POSITIVE.format("shop.returns"))
    service.start("sqlmat-code@", "shop")
    service.wait_for("the restarted code server", lambda: "shop/returns" in assets(service))
    wrong = launch(service, "shop", "shop/wrong")
    assert [finish(service, run) for run in (third, again, wrong)] == ["SUCCESS", "SUCCESS", "FAILURE"]
    assert "1 check of `shop.wrong` failed" in captured(service, wrong)["err"]
    assert "1 check of `shop.wrong` failed" in shown(service, wrong)
    # A check that fails is no reason to start a run again.
    assert rows(int(service.told["DAGSTER_PG_PORT"]), RETRIES) == [(first,)]


def _start(service: Service) -> None:
    for unit, project in (("sqlmat-code@", "shop"), ("sqlmat-code@", "taxi"), ("sqlmat-webserver", "")):
        service.start(unit, project)
    both = {"shop": "RepositoryLocation", "taxi": "RepositoryLocation"}
    service.wait_for("both projects", lambda: loaded(service) == both)
    # The sensor of one project builds nothing by itself, so that its runs are those of the test.
    stopped = service.ask(STOP, id=service.ask(SENSOR)["sensorOrError"]["id"])["stopSensor"]
    assert stopped["instigationState"]["status"] == "STOPPED"
    service.start("sqlmat-daemon")
    health = ("dagster", "api", "grpc-health-check", "--port")
    assert service.run(*health, service.told["SQLMAT_SHOP_PORT"]).returncode == 0
    with urllib.request.urlopen(f"http://127.0.0.1:{service.told['SQLMAT_WEB_PORT']}/server_info") as answer:
        assert "dagster_webserver_version" in json.load(answer)


def _build_what_is_due(service: Service) -> None:
    """The sensor of the other project builds its table: events are in PostgreSQL, what was printed in the bucket."""
    database = int(service.told["DAGSTER_PG_PORT"])
    (run,) = service.wait_for("a run of what is due", lambda: rows(database, "SELECT run_id FROM runs"))[0]
    assert finish(service, run) == "SUCCESS"
    kinds = {kind for (kind,) in rows(database, "SELECT dagster_event_type FROM event_logs WHERE run_id = %s", run)}
    assert {"PIPELINE_ENQUEUED", "ASSET_MATERIALIZATION", "ASSET_CHECK_EVALUATION", "PIPELINE_SUCCESS"} <= kinds
    assert len(captured(service, run)) == 2
    assert not list(service.home.rglob("*.db"))
    assert service.run("dagster-daemon", "liveness-check").returncode == 0


def _queue(service: Service) -> tuple[str, str, str]:
    """Of three runs of a project, two go on and one waits; a run of the other project does not wait for them."""
    first, second, third = (launch(service, "shop", "shop/orders") for _ in range(3))
    for run in (first, second):
        service.wait_for("two runs that have begun", lambda run=run: PROCESS_TAG in tags(service, run))
    assert not [line for line in map(command_line, Path("/proc").glob("[0-9]*")) if PASSWORD in line]
    assert finish(service, launch(service, "taxi", "taxi/trips")) == "SUCCESS"
    ((connections,),) = rows(int(service.told["DAGSTER_PG_PORT"]), CONNECTIONS)
    assert connections < 20
    assert [status(service, run) for run in (first, second, third)] == ["STARTED", "STARTED", "QUEUED"]
    return first, second, third


def _kill_a_worker(service: Service, first: str, third: str) -> str:
    """It is told, its run is started again, and the one that waited begins."""
    worker = Process.parse(tags(service, first)[PROCESS_TAG])
    assert worker is not None
    os.kill(worker.pid, signal.SIGKILL)
    assert finish(service, first) == "FAILURE"
    service.wait_for("the one that waited", lambda: PROCESS_TAG in tags(service, third))
    database = int(service.told["DAGSTER_PG_PORT"])
    service.wait_for("the same run again", lambda: rows(database, RETRIES))
    ((again,),) = rows(
        database, "SELECT run_id FROM run_tags WHERE key = 'dagster/parent_run_id' AND value = %s", first
    )
    return again


def _kill_a_code_server(service: Service) -> None:
    service.kill("sqlmat-code@shop")
    health = ("dagster", "api", "grpc-health-check", "--port", service.told["SQLMAT_SHOP_PORT"])
    assert service.run(*health).returncode == 1
