"""Each engine in turn, an empty database of it for each test, and the real command on a project that is built there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from sqlmat_assets_tests.bigquery.fixtures import bigquery, bigquery_url, shared_bigquery
from sqlmat_assets_tests.cli.forking import Forker
from sqlmat_assets_tests.cli.running import Run
from sqlmat_assets_tests.engines.engine import Engine, find_bigquery, find_duckdb, find_postgres, find_redshift
from sqlmat_assets_tests.redshift.cluster import PASSWORD, RedshiftDouble
from sqlmat_assets_tests.redshift.fixtures import bucket, cluster, redshift_server, s3_server, shared_cluster
from sqlmat_assets_tests.warehouses.redshift.on_redshift import url_of

# Of no account.
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}

__all__ = [
    "bigquery",
    "bigquery_url",
    "bucket",
    "cluster",
    "redshift_server",
    "s3_server",
    "shared_bigquery",
    "shared_cluster",
]


@pytest.fixture(params=["duckdb", "postgres", "redshift", "bigquery"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    """An empty database, of each engine that tables can be built in."""
    if request.param == "duckdb":
        return find_duckdb(tmp_path / "warehouse.duckdb")
    if request.param == "bigquery":
        return find_bigquery(str(request.getfixturevalue("bigquery_url")))
    if request.param == "redshift":
        return request.getfixturevalue("redshift")
    return find_postgres(str(request.getfixturevalue("postgres_url")))


@pytest.fixture
def redshift(cluster: RedshiftDouble, bucket: str, s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An empty database of the double of Redshift."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    return find_redshift(cluster, url_of(cluster, bucket, s3_server))


@pytest.fixture
def postgres(postgres_url: str) -> Engine:
    """An empty database of PostgreSQL."""
    return find_postgres(postgres_url)


@pytest.fixture
def environment() -> Mapping[str, str]:
    """The environment without what would change where a build goes or how a terminal looks."""
    changing = ("SQLMAT_", "DAGSTER_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_", "PG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(changing)}
    return {**kept, "TERM": "xterm-256color"}


@pytest.fixture(scope="session")
def forker() -> Generator[Forker]:
    """What starts `sqlmat` without its imports."""
    forker = Forker()
    yield forker
    forker.close()


@pytest.fixture
def run(tmp_path: Path, environment: Mapping[str, str], forker: Forker) -> Run:
    """Run `sqlmat` as a process in the folder that holds the project; the password is in nothing that it says."""

    def run_sqlmat(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        done = forker.run(arguments, tmp_path, {**environment, **KEYS, **more})
        for secret in ("hunter2", PASSWORD):
            assert secret not in done.stdout + done.stderr
        return done

    return run_sqlmat
