"""A folder of SQL inside another Dagster project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest

from sqlmat_assets.connectors.calls import signature
from sqlmat_assets_tests.children import Child
from sqlmat_assets_tests.connectors.mail_double import PASSWORD, mail_double
from sqlmat_assets_tests.connectors.receiver import receiving

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


def ask(project: Path, code: str = RUN, **environment: str) -> subprocess.CompletedProcess[str]:
    errors = project / "errors.txt"
    with Child(run_code, str(project), code, environment, str(errors)) as child:
        out = child.stdout.read()
        returncode = child.wait()
    assert returncode is not None
    return subprocess.CompletedProcess([], returncode, out, errors.read_text())


def run_code(project: str, code: str, environment: dict[str, str], errors: str) -> None:
    """What a child process does: it is a Python in the other project, as far as the project can see."""
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    os.environ.update(environment)
    os.chdir(project)
    sys.path.insert(0, project)
    exec(code, {"__name__": "__main__"})


def test_five_lines_bring_the_tables_into_another_project(around: Path) -> None:
    told = run(around, WAREHOUSE_FILE=str(around / "w.duckdb"))
    assert told == {
        "success": True,
        "keys": ["first/cities", "report"],
        "checks": ["first/cities:positive"],
        "sensors": {"sqlmat_freshness": "RUNNING"},
    }
    assert (around / "w.duckdb").exists()


SHOWN = """\
import dagster as dg
from acme.definitions import defs
from dagster._core.remote_representation.external_data import RepositorySnap
print(dg.serialize_value(RepositorySnap.from_def(defs().get_repository_def())))
"""


def test_what_the_ui_knows_of_a_project_has_no_password(around: Path) -> None:
    url = '"postgresql://dev:{{ env.WAREHOUSE_FILE }}@127.0.0.1/sales"'
    yaml = around / "acme/defs/tables/defs.yaml"
    yaml.write_text(yaml.read_text().replace('"duckdb:///{{ env.WAREHOUSE_FILE }}"', url))
    shown = ask(around, SHOWN, WAREHOUSE_FILE="hunter2")
    assert shown.returncode == 0, shown.stderr
    assert "The database that tables are built in." in shown.stdout
    assert "hunter2" not in shown.stdout


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


DAYS = '''\
import os
import dagster as dg
import duckdb

DAYS = dg.DailyPartitionsDefinition("2019-01-01", end_date="2019-04-01")
ONE_RUN = dg.BackfillPolicy.single_run()


@dg.asset(key=["feed", "days"], partitions_def=DAYS, backfill_policy=ONE_RUN)
def feed(context) -> None:
    """What the tables read, made by the project around."""
    with duckdb.connect(os.environ["WAREHOUSE_FILE"]) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS feed")
        connection.execute("CREATE TABLE IF NOT EXISTS feed.days (day DATE, n INTEGER)")
        connection.executemany("INSERT INTO feed.days VALUES (?, 1)", [[key] for key in context.partition_keys])


@dg.asset(partitions_def=DAYS, deps=[dg.AssetKey(["first", "monthly"])], backfill_policy=ONE_RUN)
def mails() -> None:
    """What reads them, made by the project around."""


@dg.definitions
def defs():
    return dg.Definitions(assets=[feed, mails], executor=dg.in_process_executor)
'''
MONTHLY = """\
-- partition_by: month(month) from 2019-01 to 2019-12
SELECT date_trunc('month', day)::date AS month, sum(n) AS n FROM feed.days GROUP BY 1
"""
RUN_RANGES = """\
import json
import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.instance.ref import InstanceRef
from acme.definitions import defs

loaded = defs()
graph = loaded.resolve_asset_graph()
MONTHLY = dg.AssetKey(["first", "monthly"])

def build(instance, key, first, last):
    job = loaded.resolve_implicit_global_asset_job_def().get_subset(asset_selection={dg.AssetKey(key.split("/"))})
    ends = ("dagster/asset_partition_range_start", first), ("dagster/asset_partition_range_end", last)
    return execute_run(InMemoryJob(job), instance.create_run_for_job(job, tags=dict(ends)), instance).success

def needs(child, parent, key):
    parts = graph.get(child).partitions_def.empty_subset().with_partition_keys([key])
    mapping = graph.get_partition_mapping(child, parent)
    found = mapping.get_upstream_mapped_partitions_result_for_partitions(
        parts, graph.get(child).partitions_def, graph.get(parent).partitions_def
    )
    return list(found.partitions_subset.get_partition_keys())

with dg.DagsterInstance.from_ref(InstanceRef.from_dir("home")) as instance:
    print(json.dumps({
        "success": [
            build(instance, "feed/days", "2019-01-01", "2019-03-31"),
            build(instance, "first/monthly", "2019-02-01", "2019-03-01"),
            build(instance, "mails", "2019-02-01", "2019-02-28"),
        ],
        "partitions": sorted(instance.get_materialized_partitions(MONTHLY)),
        "reads": needs(MONTHLY, dg.AssetKey(["feed", "days"]), "2019-02-01"),
        "read by": needs(dg.AssetKey("mails"), MONTHLY, "2019-02-17"),
    }))
"""


def test_partitions_of_tables_between_partitions_of_the_project_around(around: Path) -> None:
    (around / "acme/defs/days.py").write_text(DAYS)
    (around / "sql/first/monthly - 24h.sql").write_text(MONTHLY)
    (around / "home").mkdir()
    asked = ask(around, RUN_RANGES, WAREHOUSE_FILE=str(around / "w.duckdb"))
    assert asked.returncode == 0, asked.stderr
    told = json.loads(asked.stdout.splitlines()[-1])
    assert told == {
        "success": [True, True, True],
        "partitions": ["2019-02-01", "2019-03-01"],
        "reads": [f"2019-02-{day:02}" for day in range(1, 29)],
        "read by": ["2019-02-01"],
    }
    with duckdb.connect(around / "w.duckdb") as connection:
        found = connection.execute("SELECT month::text, n FROM first.monthly ORDER BY 1").fetchall()
    assert found == [("2019-02-01", 28), ("2019-03-01", 31)]


def test_what_nobody_in_the_project_around_has_is_shown_all_the_same(around: Path) -> None:
    (around / "sql/first/cities - 24h.sql").write_text("SELECT 1 AS id FROM feed.days\n")
    told = run(around, WAREHOUSE_FILE=str(around / "w.duckdb"))
    assert told["keys"] == ["feed/days", "first/cities", "report"]


def test_it_delivers_and_tells_people_in_slack(around: Path) -> None:
    (around / "sql/first/cities.deliver.yaml").write_text("disk:\n  to: ../../exports/cities.csv\n")
    yaml = around / "acme/defs/tables/defs.yaml"
    yaml.write_text(DEFS_YAML + "  slack:\n    channel: '#data'\n    token: \"{{ env.SLACK_TOKEN }}\"\n")
    variables = {"WAREHOUSE_FILE": str(around / "w.duckdb"), "SLACK_TOKEN": "xoxb-1"}
    told = run(around, **variables)
    assert told["keys"] == ["first/cities", "first/cities__deliver__disk", "report"]
    assert told["sensors"] == {"sqlmat_freshness": "RUNNING", "sqlmat_messages": "RUNNING"}
    assert (around / "exports/cities.csv").read_text() == "id\n1\n"
    shown = ask(around, SHOWN, **variables)
    assert shown.returncode == 0, shown.stderr
    assert "xoxb-1" not in shown.stdout


TOLD = """\
import json
import dagster as dg
from acme.definitions import defs

loaded = defs()
job = loaded.resolve_implicit_global_asset_job_def()
sensors = {each.name: each for each in loaded.sensors if each.name.startswith("sqlmat_messages")}
cursors, said = {}, {}

def tick(instance):
    for name, sensor in sensors.items():
        resources = {key: loaded.resources[key] for key in sensor.required_resource_keys}
        with dg.build_sensor_context(instance, cursor=cursors.get(name), resources=resources) as context:
            told = sensor.evaluate_tick(context)
        cursors[name], said[name] = told.cursor, told.skip_message

with dg.DagsterInstance.ephemeral() as instance:
    tick(instance)
    assert job.execute_in_process(instance=instance, raise_on_error=False).success is False
    tick(instance)
    print(json.dumps(said))
"""
MAIL = """\
  mail:
    server: "smtp://sender:{{ env.MAIL_PASSWORD }}@127.0.0.1:{{ env.MAIL_PORT }}"
    sender: sqlmat@example.com
    to: joan@example.com
    failures: alarm@example.com
    ui: http://ui
"""
WEBHOOK = """\
  webhook:
    url: "{{ env.HOOK }}/told"
    secret: "{{ env.HOOK_SECRET }}"
    channel: data
    failures: alarm
"""
VARIABLES = {"MAIL_PASSWORD": "x", "MAIL_PORT": "25", "HOOK": "http://127.0.0.1:9", "HOOK_SECRET": "x"}


def test_it_tells_people_by_mail_and_by_calling_a_url(around: Path) -> None:
    (around / "sql/first/cities_test.sql").write_text("SELECT id > 1 AS positive FROM first.cities\n")
    yaml = around / "acme/defs/tables/defs.yaml"
    yaml.write_text(DEFS_YAML + MAIL + WEBHOOK)
    with mail_double() as mails, receiving() as receiver:
        variables = {
            "WAREHOUSE_FILE": str(around / "w.duckdb"),
            "MAIL_PASSWORD": quote(PASSWORD),
            "MAIL_PORT": str(mails.port),
            "HOOK": receiver.url,
            "HOOK_SECRET": "signing key",
        }
        asked = ask(around, TOLD, **variables)
        assert asked.returncode == 0, asked.stderr
        shown = ask(around, SHOWN, **variables)
    told = json.loads(asked.stdout.splitlines()[-1])
    assert told == {"sqlmat_messages_mail": "sent 1 message", "sqlmat_messages_webhook": "sent 1 message"}
    assert mails.envelopes == [("sqlmat@example.com", ["alarm@example.com"])]
    (mail,), (call,) = mails.mails, receiver.calls
    assert mail["Subject"] == "first.cities fails"
    assert mail.get_content().startswith("first.cities (http://ui/assets/first/cities) fails\n")
    assert call.document["channel"] == "alarm"
    assert call.document["text"].startswith("first.cities fails\n")
    at = call.headers["x-sqlmat-signature"].partition(",")[0].removeprefix("t=")
    assert call.headers["x-sqlmat-signature"] == signature("signing key", int(at), call.body)
    assert shown.returncode == 0, shown.stderr
    for secret in (quote(PASSWORD), "signing key", receiver.url):
        assert secret not in shown.stdout


def test_a_secret_that_is_refused_is_not_shown(around: Path) -> None:
    yaml = around / "acme/defs/tables/defs.yaml"
    yaml.write_text(DEFS_YAML + MAIL + WEBHOOK)
    refused = ask(around, WAREHOUSE_FILE=str(around / "w.duckdb"), **{**VARIABLES, "HOOK_SECRET": "48151623"})
    assert "1 validation error for WebhookSettings" in refused.stderr
    assert "48151623" not in refused.stderr


def test_nobody_is_told_of_an_environment(around: Path) -> None:
    yaml = around / "acme/defs/tables/defs.yaml"
    yaml.write_text(DEFS_YAML + MAIL + WEBHOOK + "  environment: joan\n")
    told = run(around, WAREHOUSE_FILE=str(around / "w.duckdb"), **VARIABLES)
    assert told["sensors"] == {"sqlmat_freshness": "STOPPED"}
