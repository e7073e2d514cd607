"""What the files in `deploy/` say, and the one for Cloud Storage in use."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._config import process_config
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from sqlmat_assets_tests.deploy.doubles import cloud_storage, postgres, rows, told_of
from sqlmat_assets_tests.deploy.service import DEPLOY, Service

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def variables(file: str) -> dict[str, str]:
    lines = [line for line in (DEPLOY / file).read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def asked(value: Any) -> set[str]:
    """The variables that a YAML file takes from the environment."""
    if isinstance(value, dict):
        if set(value) == {"env"}:
            return {value["env"]}
        return set().union(*map(asked, value.values()))
    return set().union(*map(asked, value)) if isinstance(value, list) else set()


def read(file: str) -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / file).read_text())


def test_the_file_for_cloud_storage_differs_in_what_keeps_the_logs() -> None:
    usual, other = read("dagster.yaml"), read("dagster-gcs.yaml")
    assert usual.pop("compute_logs")["class"] == "S3ComputeLogManager"
    assert other.pop("compute_logs")["class"] == "GCSComputeLogManager"
    assert usual == other


@pytest.mark.parametrize("file", ["dagster.yaml", "dagster-gcs.yaml", "workspace.yaml"])
def test_what_the_files_take_from_the_environment_is_in_the_example_of_it(file: str) -> None:
    names = asked(read(file))
    assert names
    assert names <= set(variables("service.env"))


def test_the_password_stands_in_the_environment_alone() -> None:
    for file in ("dagster.yaml", "dagster-gcs.yaml"):
        assert read(file)["storage"]["custom"]["config"]["postgres_db"]["password"] == {"env": "DAGSTER_PG_PASSWORD"}


@pytest.mark.parametrize("project", ["shop", "taxi"])
def test_a_code_server_listens_where_the_others_look_for_it(project: str) -> None:
    port = variables("service.env")[f"SQLMAT_{project.upper()}_PORT"]
    assert variables(f"{project}.env")["SQLMAT_PORT"] == port
    (location,) = [
        each for each in read("workspace.yaml")["load_from"] if each["grpc_server"]["location_name"] == project
    ]
    assert location["grpc_server"]["port"] == {"env": f"SQLMAT_{project.upper()}_PORT"}


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_is_told_each_variable_that_it_names(unit: Path) -> None:
    files = re.findall("^EnvironmentFile=/etc/sqlmat/(.+)$", unit.read_text(), re.MULTILINE)
    told = {name for file in files for name in variables(file.replace("%i", "shop"))}
    assert set(re.findall(r"\$\{(\w+)\}", unit.read_text())) <= told
    assert "User=sqlmat" in unit.read_text()


def test_the_settings_for_ecs_in_the_documentation_are_those_of_its_launcher() -> None:
    page = (DEPLOY.parent / "docs" / "deployment.md").read_text()
    blocks = [yaml.safe_load(block) for block in re.findall("^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)]
    (launcher,) = [block["run_launcher"] for block in blocks if "Ecs" in str(block)]
    module = importlib.import_module(launcher["module"])
    accepted = process_config(getattr(module, launcher["class"]).config_type(), launcher["config"])
    assert accepted.success, accepted.errors


@pytest.mark.slow
def test_what_a_run_prints_is_kept_in_cloud_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with postgres() as database, cloud_storage(tmp_path, "logs") as store:
        told = {**told_of(database), "SQLMAT_LOGS_BUCKET": "logs", "STORAGE_EMULATOR_HOST": store}
        service = Service(tmp_path / "machine", told, "dagster-gcs.yaml")
        service.put()
        folder = tmp_path / "machine/srv/sqlmat/shop/sql/shop"
        folder.mkdir(parents=True)
        (folder / "wrong - 1h.sql").write_text("SELECT 1 AS id")
        (folder / "wrong_test.sql").write_text("SELECT id > 1 AS larger FROM shop.wrong")
        command = ("dagster", "asset", "materialize", "--select", "*", "-m", "sqlmat_assets.definitions")
        done = service.run(*command, project="shop")
        assert done.returncode == 1, done.stderr
        ((run, status),) = rows(database.port, "SELECT run_id, status FROM runs")
        assert status == "FAILURE"
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", store)
        client = Client(project="any", credentials=AnonymousCredentials())
        kept = {
            blob.name.rpartition(".")[2]: blob for blob in client.list_blobs("logs", prefix=f"dagster/storage/{run}/")
        }
        assert set(kept) == {"out", "err"}
        assert "1 check of `shop.wrong` failed" in kept["err"].download_as_text()
        client.close()
        (folder / "wrong_test.sql").write_text("SELECT id > 0 AS larger FROM shop.wrong")
        build = service.run("sqlmat", "build", str(folder.parent), project="shop")
        assert (build.returncode, build.stderr) == (0, "")
        ((path,),) = rows(database.port, "SELECT asset_key FROM asset_keys WHERE last_materialization IS NOT NULL")
        assert path == '["shop", "wrong"]'
