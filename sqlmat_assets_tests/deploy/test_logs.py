"""What runs print, kept in an object store: also of a run that is terminated, and when the store is not there."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Generator
from pathlib import Path

import boto3
import dagster as dg
import pytest
import yaml

from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.home import open_instance
from sqlmat_assets_tests.components.running import events_of, execute, stored_run
from sqlmat_assets_tests.deploy.doubles import s3

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    with s3(tmp_path_factory.mktemp("store")) as url:
        yield url


@pytest.fixture
def instance(tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch) -> Generator[dg.DagsterInstance]:
    variables = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {**variables, "AWS_ENDPOINT_URL_S3": store}.items():
        monkeypatch.setenv(name, value)
    config = {"bucket": "logs", "local_dir": str(tmp_path / "logs")}
    logs = {"module": "dagster_aws.s3.compute_log_manager", "class": "S3ComputeLogManager", "config": config}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({"compute_logs": logs, "telemetry": {"enabled": False}}))
    instance = open_instance(tmp_path)
    yield instance
    instance.dispose()


def define() -> dg.Definitions:
    @dg.asset
    def a() -> None:
        print("printed by a", flush=True)  # noqa: T201 - what is tested

    @dg.asset(deps=[a])
    def b() -> None:
        STARTED.set()
        while True:
            time.sleep(0.01)

    return dg.Definitions(assets=[a, b], executor=thread_executor)


STARTED = threading.Event()


def interrupt() -> None:
    STARTED.wait()
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_run_goes_well_when_the_store_refuses_what_it_has_printed(
    instance: dg.DagsterInstance, capfd: pytest.CaptureFixture[str]
) -> None:
    result = execute(define(), instance, assets=["a"])
    assert result.success
    (trouble,) = [each for each in events_of(result, dg.DagsterEventType.ENGINE_EVENT) if each.engine_event_data.error]
    assert trouble.message == "What the run has printed could not be kept"
    assert "NoSuchBucket" in str(trouble.engine_event_data.error)
    capfd.readouterr()


def test_what_a_terminated_run_has_printed_is_kept(
    instance: dg.DagsterInstance, capfd: pytest.CaptureFixture[str]
) -> None:
    client = boto3.client("s3")
    client.create_bucket(Bucket="logs")
    threading.Thread(target=interrupt).start()
    result = execute(define(), instance)
    assert stored_run(instance, result).status is dg.DagsterRunStatus.FAILURE
    keys = [each["Key"] for each in client.list_objects_v2(Bucket="logs")["Contents"]]
    (out,) = [key for key in keys if key.endswith(".out") and result.run_id in key]
    assert client.get_object(Bucket="logs", Key=out)["Body"].read() == b"printed by a\n"
    client.close()
    capfd.readouterr()
