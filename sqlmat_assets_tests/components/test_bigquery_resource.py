"""BigQuery by way of the `BigQueryResource` of dagster-gcp: its login, its project, and what nobody sees of its key."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_gcp import BigQueryResource

from sqlmat_assets.components.bigquery import BigQueryWarehouseResource
from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.sql_project import build_definitions, load_folder
from sqlmat_assets.errors import TerminalWarehouseError, UsageError
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.bigquery.fixtures import PROJECT, bigquery, shared_bigquery
from sqlmat_assets_tests.bigquery.server import BigQueryDouble
from sqlmat_assets_tests.components.running import execute
from sqlmat_assets_tests.connectors.servers import key_file
from sqlmat_assets_tests.folders import write_files

KEY = "GOOGLE_APPLICATION_CREDENTIALS"
FILES = {
    "global.conf": "dialect = bigquery\n",
    "s/days.sql": "SELECT day FROM UNNEST([1, 2]) AS day",
    "s/months - 1h.sql": "SELECT COUNT(*) AS days FROM s.days",
}

__all__ = ["bigquery", "key_file", "shared_bigquery"]


@pytest.fixture
def credentials(bigquery: BigQueryDouble, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The key as people give it to the resource, whose client finds the double where it would find Google."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", bigquery.url)
    monkeypatch.delenv(KEY, raising=False)
    yield base64.b64encode(key_file.read_bytes()).decode()
    assert KEY not in os.environ


def count_of(resource: BigQueryWarehouseResource) -> object:
    with resource.open().open_session() as session:
        return session.fetch_rows(verbatim("SELECT 1 + 1 AS two")).rows[0][0]


# Dagster itself calls what it calls deprecated, for every resource inside of another.
@pytest.mark.filterwarnings("ignore:InitResourceContext.dagster_run is deprecated")
def test_tables_are_built_with_its_login_which_nobody_sees(
    tmp_path: Path,
    instance: dg.DagsterInstance,
    bigquery: BigQueryDouble,
    credentials: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    client = BigQueryResource(project=PROJECT, location="EU", gcp_credentials=credentials)
    own = dg.Definitions(
        resources={"bigquery": client, "warehouse": BigQueryWarehouseResource(bigquery=client)},
        executor=thread_executor,
    )
    tables = build_definitions(load_folder(write_files(tmp_path / "sql", FILES)))
    result = execute(dg.Definitions.merge(tables, own), instance)
    assert result.success
    assert {table.name for table in bigquery.catalog.tables(PROJECT, "s")} == {"days", "months"}
    assert bigquery.tokens == {"Bearer token"}
    key = json.loads(base64.b64decode(credentials))["private_key"]
    logged = [str(each) for each in instance.all_logs(result.run_id)]
    told = "".join([*logged, *capfd.readouterr()])
    assert "s__months" in told
    assert credentials not in told
    assert key.splitlines()[1] not in told


def test_the_url_says_what_the_resource_does_not(bigquery: BigQueryDouble, credentials: str) -> None:
    client = BigQueryResource(gcp_credentials=credentials)
    resource = BigQueryWarehouseResource(bigquery=client, url=f"bigquery://{PROJECT}?location=EU&priority=batch")
    with resource.open().open_session() as session:
        session.execute(verbatim("CREATE SCHEMA s"))
        assert session.fetch_columns(Relation("s", "none")) == ()
    assert bigquery.jobs.all()[-1].configuration["query"]["priority"] == "BATCH"


def test_several_are_opened_at_once(bigquery: BigQueryDouble, credentials: str) -> None:
    # `get_client` alone refuses while another one is open.
    resources = [
        BigQueryWarehouseResource(
            bigquery=BigQueryResource(project=PROJECT, location="EU", gcp_credentials=credentials)
        )
        for _ in range(4)
    ]
    with ThreadPoolExecutor(4) as pool, resources[0].open().open_session():
        assert list(pool.map(count_of, resources)) == [2, 2, 2, 2]
    assert bigquery.tokens == {"Bearer token"}


def test_a_resource_without_a_project() -> None:
    with pytest.raises(UsageError) as caught:
        BigQueryWarehouseResource(bigquery=BigQueryResource()).open()
    assert str(caught.value) == (
        "the `BigQueryResource` names no project\n"
        '  hint: write `BigQueryResource(project=…)`, or give the warehouse `url="bigquery://project?location=EU"`'
    )


@pytest.mark.parametrize("given", ["c2VjcmV0", "not base 64: s3cret", base64.b64encode(b'{"a": "s3cret"}').decode()])
def test_what_is_no_key_is_not_repeated(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.delenv(KEY, raising=False)
    resource = BigQueryWarehouseResource(bigquery=BigQueryResource(project=PROJECT, gcp_credentials=given))
    with pytest.raises(TerminalWarehouseError) as caught, resource.open().open_session():
        pass
    assert "s3cret" not in str(caught.value)
    assert given not in str(caught.value)


def test_the_example_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "bigquery.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/bigquery.md", "exec"), names)
    monkeypatch.setenv("GCP_KEY", "s3cret")
    found = names["resources"]().resources
    assert found["warehouse"].bigquery is found["bigquery"]
    assert "s3cret" not in repr(found["warehouse"])
