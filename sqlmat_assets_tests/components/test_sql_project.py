"""A folder of SQL inside another Dagster project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DEFS_YAML = """\
type: sqlmat_assets.components.sql_project.SqlProjectComponent
attributes:
  path: ../../../sql
  warehouse: "duckdb:///{{ env.WAREHOUSE_FILE }}"
"""
WITHOUT_WAREHOUSE = """\
type: sqlmat_assets.components.sql_project.SqlProjectComponent
attributes:
  path: ../../../sql
  resource_key: lake
"""
RESOURCES = """\
import dagster as dg
from sqlmat_assets.components.resources import WarehouseResource

@dg.definitions
def resources():
    return dg.Definitions(resources={"lake": WarehouseResource(url=dg.EnvVar("WAREHOUSE_URL"))})
"""
DEFINITIONS = """\
from pathlib import Path
import dagster as dg

@dg.definitions
def defs():
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
"""
REPORTS = '''\
import dagster as dg

@dg.asset(deps=[dg.AssetKey(["first", "cities"])])
def report():
    """Written by the project around."""
'''
RUN = """\
import json
from acme.definitions import defs
loaded = defs()
job = loaded.resolve_implicit_global_asset_job_def()
graph = loaded.resolve_asset_graph()
print(json.dumps({
    "success": job.execute_in_process(raise_on_error=False).success,
    "keys": sorted(key.to_user_string() for key in graph.get_all_asset_keys()),
    "checks": sorted(key.to_user_string() for key in graph.asset_check_keys),
    "sensors": {sensor.name: sensor.default_status.value for sensor in loaded.sensors},
}))
"""


@pytest.fixture
def around(tmp_path: Path) -> Path:
    """Another project, with a folder of SQL beside its package."""
    files = {
        "pyproject.toml": '[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "acme"\n',
        "acme/__init__.py": "",
        "acme/definitions.py": DEFINITIONS,
        "acme/defs/__init__.py": "",
        "acme/defs/reports.py": REPORTS,
        "acme/defs/tables/defs.yaml": DEFS_YAML,
        "sql/first/cities - 24h.sql": "SELECT 1 AS id\n",
        "sql/first/cities_test.sql": "SELECT id > 0 AS positive FROM first.cities\n",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def run(project: Path, **environment: str) -> dict[str, object]:
    asked = ask(project, **environment)
    assert asked.returncode == 0, asked.stderr
    return json.loads(asked.stdout.splitlines()[-1])


def ask(project: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=project,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(project), os.getcwd()]), **environment},  # noqa: PTH109 - where the package is
        capture_output=True,
        text=True,
        check=False,
    )


def test_five_lines_bring_the_tables_into_another_project(around: Path) -> None:
    told = run(around, WAREHOUSE_FILE=str(around / "w.duckdb"))
    assert told == {
        "success": True,
        "keys": ["first/cities", "report"],
        "checks": ["first/cities:positive"],
        "sensors": {"sqlmat_freshness": "RUNNING"},
    }
    assert (around / "w.duckdb").exists()


def test_the_project_around_brings_the_warehouse(around: Path) -> None:
    (around / "acme/defs/tables/defs.yaml").write_text(WITHOUT_WAREHOUSE)
    (around / "acme/defs/resources.py").write_text(RESOURCES)
    assert run(around, WAREHOUSE_URL=f"duckdb:///{around / 'lake.duckdb'}")["success"]
    assert (around / "lake.duckdb").exists()


def test_a_broken_file_keeps_nothing_else_from_loading(around: Path) -> None:
    (around / "sql/first/people - 1h.sql").write_text("SELEC oops FROM\n")
    (around / "sql/first/rivers_test.sql").write_text("SELECT true AS fine\n")
    told = run(around, WAREHOUSE_FILE=str(around / "w.duckdb"))
    assert told["keys"] == ["_sqlmat/problems", "first/cities", "first/people", "report"]
    assert told["success"] is False
    assert (around / "w.duckdb").exists()


def test_two_folders_have_a_sensor_each(around: Path) -> None:
    second = DEFS_YAML.replace("../sql", "../more")
    (around / "acme/defs/others").mkdir()
    (around / "acme/defs/others/defs.yaml").write_text(second)
    (around / "more/second").mkdir(parents=True)
    (around / "more/second/rivers - 24h.sql").write_text("SELECT 1 AS id\n")
    refused = ask(around, WAREHOUSE_FILE=str(around / "w.duckdb"))
    assert refused.returncode != 0
    assert "`../../../more` and `../../../sql` want one sensor, `sqlmat_freshness`" in refused.stderr
    assert "hint: name another one with `freshness_sensor:`" in refused.stderr
    (around / "acme/defs/others/defs.yaml").write_text(second + "  freshness_sensor: rivers\n  resource_key: other\n")
    told = run(around, WAREHOUSE_FILE=str(around / "w.duckdb"))
    assert told["sensors"] == {"rivers": "RUNNING", "sqlmat_freshness": "RUNNING"}
