"""What Dagster loads: the same from everywhere, whole, and as committed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.freshness import CronFreshnessPolicy, TimeWindowFreshnessPolicy

from sqlmat_assets.components.home import LOCATION
from sqlmat_assets.defs.deployment import build_deployment

ROOT = Path(__file__).parents[2]
SNAPSHOT = Path(__file__).with_name("definitions.txt")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "sql"
    shutil.copytree(Path(__file__).with_name("sql"), root)
    monkeypatch.setenv("SQLMAT_PROJECT", str(root))
    monkeypatch.delenv("SQLMAT_WAREHOUSE", raising=False)
    return root


def describe(definitions: dg.Definitions, root: Path) -> str:
    """All definitions as text, with nothing in it of the machine."""
    graph = definitions.resolve_asset_graph()
    lines: list[str] = []
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        shown = {
            "group": node.group_name,
            "kinds": sorted(node.kinds),
            "owners": list(node.owners),
            "reads": sorted(parent.to_user_string() for parent in node.parent_keys),
            "executable": node.is_executable,
            "freshness": _freshness(node.freshness_policy),
            "columns": _columns(node.metadata),
            "description": node.description,
        }
        lines += [f"asset {key.to_user_string()}", *(f"  {name}: {value!r}" for name, value in shown.items() if value)]
        for check in sorted(graph.get_check_keys_for_assets({key}), key=str):
            spec = graph.get_check_spec(check)
            lines.append(f"  check {check.name}: blocking={spec.blocking} {spec.description!r}")
    jobs = sorted(job.name for job in definitions.resolve_all_job_defs())
    lines += [f"job {name}" for name in jobs]
    lines += [f"sensor {sensor.name}: {sensor.default_status.value}" for sensor in definitions.sensors or ()]
    lines += [f"resource {key}" for key in sorted(definitions.resources or {})]
    return "\n".join(lines).replace(str(root), "<root>") + "\n"


def _freshness(policy: dg.FreshnessPolicy | None) -> str | None:
    if isinstance(policy, CronFreshnessPolicy):
        return f"fail at {policy.deadline_cron} in {policy.timezone}, unless built {policy.lower_bound_delta} before"
    if not isinstance(policy, TimeWindowFreshnessPolicy):
        return None
    warn = None if policy.warn_window is None else str(policy.warn_window.to_timedelta())
    return f"warn at {warn}, fail at {policy.fail_window.to_timedelta()}"


def _columns(metadata: object) -> list[tuple[str, str | None]]:
    schema = metadata.get("dagster/column_schema") if isinstance(metadata, dict) else None
    return [] if schema is None else [(column.name, column.description) for column in schema.columns]


def test_all_definitions_are_as_committed(project: Path) -> None:
    told = describe(build_deployment(), project)
    if os.environ.get("SQLMAT_UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(told)
    assert told == SNAPSHOT.read_text()


def test_the_warehouse_is_a_file_beside_the_project(project: Path) -> None:
    resource = (build_deployment().resources or {})["warehouse"]
    assert resource.url == f"duckdb:///{project.parent / 'sqlmat.duckdb'}"


def test_the_warehouse_of_the_environment_is_named_and_not_shown(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLMAT_WAREHOUSE", "duckdb:///secret.duckdb")
    resource = (build_deployment().resources or {})["warehouse"]
    assert resource.url == dg.EnvVar("SQLMAT_WAREHOUSE")


def test_loading_opens_no_warehouse(project: Path) -> None:
    dg.Definitions.validate_loadable(build_deployment())
    assert not (project.parent / "sqlmat.duckdb").exists()


def test_people_and_services_load_the_same() -> None:
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text())
    (module,) = workspace["load_from"]
    dg_project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["dg"]["project"]
    assert module["python_module"] == {
        "module_name": dg_project["code_location_target_module"],
        "location_name": dg_project["code_location_name"],
    }
    assert module["python_module"]["location_name"] == LOCATION


@pytest.mark.slow
def test_the_workspace_is_valid(project: Path, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("dagster")), "definitions", "validate", "-w", "workspace.yaml"]
    home = tmp_path / "home"
    home.mkdir()
    asked = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "DAGSTER_HOME": str(home)}, capture_output=True, text=True, check=False
    )
    assert asked.returncode == 0, asked.stderr
    assert "Validation successful for code location sqlmat" in asked.stderr + asked.stdout


def test_nobody_is_told_anything_unless_somebody_says_where(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dagster_slack", None)
    monkeypatch.delenv("SQLMAT_SLACK_CHANNEL", raising=False)
    assert [sensor.name for sensor in build_deployment().sensors or ()] == ["sqlmat_freshness"]


def test_slack_is_named_and_its_token_not_shown(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQLMAT_SLACK_CHANNEL", "#data")
    monkeypatch.setenv("SQLMAT_SLACK_TOKEN", "xoxb-not-to-be-seen")
    loaded = build_deployment()
    assert [sensor.name for sensor in loaded.sensors or ()] == ["sqlmat_freshness", "sqlmat_messages"]
    resource = (loaded.resources or {})["sqlmat_slack"]
    assert resource.token == dg.EnvVar("SQLMAT_SLACK_TOKEN")
    dg.Definitions.validate_loadable(loaded)
    assert "xoxb" not in repr(loaded.get_repository_def().get_top_level_resources())


def test_mail_and_a_webhook_have_sensors_of_their_own(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQLMAT_MAIL", "smtp://joan:not-to-be-seen@127.0.0.1")
    monkeypatch.setenv("SQLMAT_MAIL_FROM", "sqlmat@example.com")
    monkeypatch.setenv("SQLMAT_MAIL_TO", "joan@example.com")
    monkeypatch.setenv("SQLMAT_WEBHOOK", "http://127.0.0.1:9/not-to-be-seen")
    monkeypatch.setenv("SQLMAT_WEBHOOK_SECRET", "not-to-be-seen")
    loaded = build_deployment()
    names = [sensor.name for sensor in loaded.sensors or ()]
    assert names == ["sqlmat_freshness", "sqlmat_messages_mail", "sqlmat_messages_webhook"]
    dg.Definitions.validate_loadable(loaded)
    assert "not-to-be-seen" not in repr(loaded.get_repository_def().get_top_level_resources())


def test_nobody_is_told_of_an_environment(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQLMAT_SLACK_CHANNEL", "#data")
    monkeypatch.setenv("SQLMAT_ENV", "joan")
    assert [sensor.name for sensor in build_deployment().sensors or ()] == ["sqlmat_freshness"]


def test_nothing_leaves_an_environment(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (table,) = (path for path in project.rglob("cities*.sql") if not path.name.endswith("_test.sql"))
    table.with_name("cities.deliver.yaml").write_text("disk:\n  to: ../../exports/cities.csv\n")

    def deliveries() -> list[str]:
        keys = build_deployment().resolve_asset_graph().get_all_asset_keys()
        return [key.to_user_string() for key in keys if "__deliver__" in key.to_user_string()]

    assert len(deliveries()) == 1
    monkeypatch.setenv("SQLMAT_ENV", "joan")
    assert deliveries() == []
