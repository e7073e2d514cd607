"""`sqlmat dev` on a project in PostgreSQL."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from sqlmat_assets_tests.cli.test_dev import ask, free_port, processes_of, start, wait_for
from sqlmat_assets_tests.engines.engine import PASSWORD, Engine
from sqlmat_assets_tests.engines.projects import GEOGRAPHY, write_project

RESOURCES = """
{ allTopLevelResourceDetailsOrError(
    repositorySelector: {repositoryLocationName: "sqlmat", repositoryName: "__repository__"}
  ) {
    ... on ResourceDetailsList { results { name configuredValues { key value type } configFields { name } } } } }
"""
RUNS = """
{ runsOrError { ... on Runs { results { status runConfigYaml tags { key value } eventConnection { events {
    ... on MessageEvent { message } } } } } } }
"""
TABLES = "select table_name from information_schema.tables where table_schema = 'first' order by 1"


@pytest.mark.slow
def test_the_sensor_builds_and_the_password_is_nowhere(
    tmp_path: Path, postgres: Engine, environment: Mapping[str, str]
) -> None:
    sql, port = write_project(tmp_path, postgres, GEOGRAPHY), free_port()
    process = start(sql, {**environment, "SQLMAT_WAREHOUSE": postgres.url}, port)
    try:
        there = [("cities",), ("cities_raw",), ("known",), ("people",), ("shops",), ("shops_raw",)]
        wait_for(lambda: postgres.ask(TABLES) == there, "the tables were not built")
        (warehouse,) = [
            each
            for each in ask(port, RESOURCES)["allTopLevelResourceDetailsOrError"]["results"]
            if each["name"] == "warehouse"
        ]
        assert warehouse["configuredValues"] == [{"key": "url", "value": "SQLMAT_WAREHOUSE", "type": "ENV_VAR"}]
        runs = ask(port, RUNS)["runsOrError"]["results"]
        assert runs
        assert PASSWORD not in json.dumps(runs)
        home = tmp_path / ".sqlmat"
        arguments = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in processes_of(home)]
        assert len(arguments) >= 3
        assert PASSWORD.encode() not in b"".join(arguments)
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert PASSWORD not in out + err
    assert not [path for path in home.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
