"""Dagster's storage in PostgreSQL that keeps its connections, beside Dagster's own on the same tables."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg2
import pytest
import yaml
from sqlalchemy import event
from sqlalchemy.engine import Engine

from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.home import open_instance
from sqlmat_assets.errors import UsageError
from sqlmat_assets_tests.components.running import execute
from sqlmat_assets_tests.postgres import Server, serving

OWN = {"custom": {"module": "sqlmat_assets.components.postgres_storage", "class": "PostgresStorage"}}
A = dg.AssetKey("a")

# Says that it is there, waits for a line, and opens the instance.
MEET = """
import dagster as dg
import sqlmat_assets.components.postgres_storage
print("here", flush=True)
input()
with dg.DagsterInstance.get() as instance:
    print(len(instance.get_runs()), "runs")
"""


def own(config: dict[str, Any]) -> dict[str, Any]:
    return {"custom": {**OWN["custom"], "config": config}}


@contextmanager
def opened(folder: Path, storage: dict[str, Any]) -> Generator[dg.DagsterInstance]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dagster.yaml").write_text(yaml.safe_dump({"storage": storage, "telemetry": {"enabled": False}}))
    instance = open_instance(folder)
    try:
        yield instance
    finally:
        instance.dispose()


@pytest.fixture
def instance(tmp_path: Path, postgres_url: str) -> Iterator[dg.DagsterInstance]:
    with opened(tmp_path / "home", own({"postgres_url": postgres_url})) as instance:
        yield instance


def report(instance: dg.DagsterInstance, n: int) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization(A, metadata={"n": n}))


def numbers(instance: dg.DagsterInstance) -> list[object]:
    found = instance.fetch_materializations(A, limit=1000, ascending=True).records
    return [each.asset_materialization.metadata["n"].value for each in found if each.asset_materialization]


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def connections(url: str) -> int:
    """How many others are connected to the database."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    return int(ask(url, query)[0][0])


def define(assets: int) -> dg.Definitions:
    def make(n: int) -> dg.AssetsDefinition:
        @dg.asset(name=f"a{n}", check_specs=[dg.AssetCheckSpec("good", asset=f"a{n}")])
        def table() -> dg.MaterializeResult:  # pyright: ignore[reportMissingTypeArgument, reportUnknownParameterType] - Dagster wants none
            return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True, check_name="good")])

        return table

    return dg.Definitions(assets=[make(n) for n in range(assets)], executor=thread_executor)


def test_either_storage_reads_what_the_other_wrote(
    tmp_path: Path, postgres_url: str, instance: dg.DagsterInstance
) -> None:
    report(instance, 1)
    stock = {"postgres": {"postgres_url": postgres_url.replace("postgresql:", "postgresql+psycopg2:")}}
    with opened(tmp_path / "stock", stock) as other:
        report(other, 2)
        assert numbers(other) == [1, 2]
    report(instance, 3)
    assert numbers(instance) == [1, 2, 3]


@contextmanager
def watching(name: str) -> Generator[list[str]]:
    """What SQLAlchemy does meanwhile: a statement for each `before_cursor_execute`, nothing for another event."""
    seen: list[str] = []

    def see(*told: object) -> None:
        seen.append(str(told[2]) if name == "before_cursor_execute" else "")

    event.listen(Engine, name, see)
    try:
        yield seen
    finally:
        event.remove(Engine, name, see)


def test_a_run_connects_a_few_times_and_not_for_each_event(instance: dg.DagsterInstance, postgres_url: str) -> None:
    execute(define(1), instance)  # what is looked up once is looked up
    with watching("do_connect") as made, watching("before_cursor_execute") as asked:
        result = execute(define(30), instance)
    stored = sum("INSERT INTO event_logs" in statement for statement in asked)
    assert result.success
    assert stored > 200
    assert len(made) < stored / 4
    assert sum("pg_catalog" in statement for statement in asked) < 20
    assert connections(postgres_url) <= 2


def test_who_looks_at_runs_and_sensors_all_the_time_connects_once(instance: dg.DagsterInstance) -> None:
    report(instance, 1)
    with watching("do_connect") as made, watching("before_cursor_execute") as asked:
        for _ in range(10):
            instance.get_runs()
            instance.all_instigator_state()
            instance.get_daemon_heartbeats()
    assert len(asked) >= 30
    assert made == []


def test_nothing_stays_open_when_the_instance_is_disposed_of(tmp_path: Path, postgres_url: str) -> None:
    with opened(tmp_path / "home", own({"postgres_url": postgres_url})) as instance:
        report(instance, 1)
        assert 0 < connections(postgres_url) <= 2
    assert connections(postgres_url) == 0


def test_connections_that_the_server_has_closed_are_replaced(instance: dg.DagsterInstance, postgres_url: str) -> None:
    report(instance, 1)
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    assert ask(postgres_url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
    assert connections(postgres_url) == 0
    report(instance, 2)
    assert numbers(instance) == [1, 2]


@pytest.mark.slow
def test_a_server_that_is_started_again_is_waited_for(tmp_path: Path) -> None:
    with serving() as server:
        url = server.url(server.make_database())
        with opened(tmp_path / "home", own({"postgres_url": url})) as instance:
            report(instance, 1)
            server.stop()
            again = threading.Timer(1, server.start)
            again.start()
            report(instance, 2)
            again.join()
            assert numbers(instance) == [1, 2]


def test_many_threads_at_once_lose_no_event(instance: dg.DagsterInstance, postgres_url: str) -> None:
    def work(first: int) -> None:
        for n in range(first, first + 10):
            report(instance, n)

    threads = [threading.Thread(target=work, args=(10 * n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, numbers(instance))) == sorted(map(str, range(80)))
    assert connections(postgres_url) <= 2


@pytest.mark.slow
def test_processes_that_meet_at_an_empty_database_make_it_once(tmp_path: Path, postgres_url: str) -> None:
    storage = {"storage": own({"postgres_url": postgres_url}), "telemetry": {"enabled": False}}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(storage))
    environment = {**os.environ, "DAGSTER_HOME": str(tmp_path)}
    command = [sys.executable, "-c", MEET]
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True, bufsize=1) for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
    assert [process.communicate()[0] for process in processes] == ["0 runs\n"] * 3
    assert len(ask(postgres_url, "SELECT version_num FROM alembic_version")) == 1


def number_of_runs(folder: Path, url: str) -> int:
    with opened(folder, own({"postgres_url": url})) as instance:
        return instance.get_runs_count()


def test_an_empty_database_is_waited_for_while_another_makes_its_tables(tmp_path: Path, postgres_url: str) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
    with closing(psycopg2.connect(postgres_url)) as other, ThreadPoolExecutor(1) as threads:
        with other, other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(b"sqlmat", "big")])
            opening = threads.submit(number_of_runs, tmp_path / "home", postgres_url)
            while not ask(postgres_url, waiting)[0][0]:
                assert not opening.done()
            assert ask(postgres_url, "SELECT to_regclass('runs')") == [(None,)]
        assert opening.result() == 0


@pytest.mark.slow
def test_a_password_that_is_wrong_is_told_without_it(
    tmp_path: Path, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_DAGSTER", "not-to-be-seen")
    database = {"hostname": "127.0.0.1", "port": postgres_server.port, "db_name": "postgres", "username": "locked"}
    config = {"postgres_db": {**database, "password": {"env": "OF_DAGSTER"}}}
    with pytest.raises(UsageError) as caught, opened(tmp_path / "home", own(config)):
        pass
    said = str(caught.value)
    assert 'password authentication failed for user "locked"' in said
    assert "not-to-be-seen" not in said
    assert len(said.splitlines()) <= 2
