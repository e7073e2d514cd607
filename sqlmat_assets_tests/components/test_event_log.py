"""The event log whose files stay open, beside Dagster's own on the same files."""

from __future__ import annotations

import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from sqlmat_assets.components.event_log import EventLog
from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.home import open_instance as open_home
from sqlmat_assets_tests.components.running import execute

A = dg.AssetKey("a")

# Reports events until it is killed, and says of each when it is stored.
REPORT = """
import pathlib, sys
import dagster as dg
from sqlmat_assets.components.home import open_instance
instance = open_instance(pathlib.Path(sys.argv[1]))
for n in range(int(sys.argv[2])):
    instance.report_runless_asset_event(dg.AssetMaterialization("a", metadata={"n": n}))
    print(n, flush=True)
"""


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with its databases, as sqlmat makes it."""
    folder = tmp_path_factory.mktemp("made")
    open_home(folder).dispose()
    return folder


@pytest.fixture
def home(made_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made_home, tmp_path / "home"))


@pytest.fixture
def opened(home: Path) -> Iterator[dg.DagsterInstance]:
    with open_home(home) as instance:
        yield instance


def report(instance: dg.DagsterInstance, n: int, key: dg.AssetKey = A) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization(key, metadata={"n": n}, tags={"t": str(n)}))


def numbers(instance: dg.DagsterInstance, key: dg.AssetKey = A) -> list[int]:
    found = instance.fetch_materializations(key, limit=1000, ascending=True).records
    values = [each.asset_materialization.metadata["n"].value for each in found if each.asset_materialization]
    return [value for value in values if isinstance(value, int)]


def define() -> dg.Definitions:
    @dg.asset(check_specs=[dg.AssetCheckSpec("good", asset="a")])
    def a() -> dg.MaterializeResult:  # pyright: ignore[reportMissingTypeArgument, reportUnknownParameterType] - Dagster wants no parameter
        return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True, check_name="good")])

    @dg.asset(deps=[a])
    def b() -> None:
        raise ValueError("broken")

    return dg.Definitions(assets=[a, b], executor=thread_executor)


def test_an_instance_that_sqlmat_makes_has_it_in_its_own_folder(opened: dg.DagsterInstance, home: Path) -> None:
    assert isinstance(opened.event_log_storage, EventLog)
    assert opened.event_log_storage.path_for_shard("x") == str(home / "history" / "runs" / "x.db")


def test_a_copied_folder_keeps_its_own_events(opened: dg.DagsterInstance, home: Path, tmp_path: Path) -> None:
    report(opened, 1)
    opened.dispose()
    shutil.copytree(home, tmp_path / "copy")
    with open_home(tmp_path / "copy") as copy:
        report(copy, 2)
        assert numbers(copy) == [1, 2]
    with open_home(home) as again:
        assert numbers(again) == [1]


def test_who_watches_a_run_sees_its_events_as_they_come(opened: dg.DagsterInstance, home: Path) -> None:
    """As the UI does, in a process of its own."""
    run = opened.create_run_for_job(define().resolve_implicit_global_asset_job_def())
    seen: queue.SimpleQueue[str] = queue.SimpleQueue()
    with open_home(home) as watching:
        watching.watch_event_logs(run.run_id, None, lambda entry, _: seen.put(entry.get_dagster_event().message or ""))
        try:
            for n in range(3):
                opened.report_engine_event(f"event {n}", run)
                until = time.monotonic() + 20
                while seen.get(timeout=max(until - time.monotonic(), 0)) != f"event {n}":
                    pass
            # Who only reads does not wake anybody, and least of all itself.
            file = home / "history" / "runs" / f"{run.run_id}.db"
            before = file.stat().st_mtime_ns
            assert len(watching.all_logs(run.run_id)) >= 3
            assert file.stat().st_mtime_ns == before
        finally:
            watching.dispose()


def test_dagsters_own_reads_what_it_wrote_and_it_reads_what_that_wrote(opened: dg.DagsterInstance, home: Path) -> None:
    mine = execute(define(), opened)
    (home / "dagster.yaml").unlink()
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home))) as own:
        assert type(own.event_log_storage) is SqliteEventLogStorage
        theirs = execute(define(), own)
        for result in (mine, theirs):
            stored = [[e.dagster_event for e in each.all_logs(result.run_id)] for each in (own, opened)]
            assert stored[0] == stored[1]
            assert len(stored[0]) > 10
        assert own.get_latest_materialization_event(A) == opened.get_latest_materialization_event(A)
        key = dg.AssetCheckKey(A, "good")
        checks = [each.event_log_storage.get_asset_check_execution_history(key, 10) for each in (own, opened)]
        assert checks[0] == checks[1]
        assert len(checks[0]) == 2


def test_a_file_is_opened_once_and_not_for_each_event(opened: dg.DagsterInstance) -> None:
    other = dg.AssetKey("other")
    report(opened, 0, other)
    assert numbers(opened, other) == [0]
    connected: list[object] = []

    def count(connection: object, _record: object) -> None:
        connected.append(connection)

    event.listen(Engine, "connect", count)
    try:
        for n in range(1, 20):
            report(opened, n, other)
        assert numbers(opened, other) == list(range(20))
    finally:
        event.remove(Engine, "connect", count)
    assert connected == []


def test_many_threads_and_two_instances_write_at_once(opened: dg.DagsterInstance, home: Path) -> None:
    with open_home(home) as other:

        def work(instance: dg.DagsterInstance, n: int) -> None:
            for k in range(5):
                report(instance, n * 10 + k)

        pairs = [(instance, n) for n, instance in enumerate((opened, other, opened, other))]
        threads = [threading.Thread(target=work, args=pair) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wanted = [n * 10 + k for n in range(4) for k in range(5)]
        assert sorted(numbers(opened)) == wanted == sorted(numbers(other))


def test_a_killed_process_loses_nothing_that_it_has_stored(opened: dg.DagsterInstance, home: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", REPORT, str(home), "10000"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(10)]
    process.kill()
    told += [int(line) for line in process.stdout.read().split()]
    process.wait(timeout=30)
    process.stdout.close()
    assert numbers(opened)[: len(told)] == told
    report(opened, -1)
    assert numbers(opened)[-1] == -1


def test_more_runs_than_files_are_kept_open(opened: dg.DagsterInstance) -> None:
    results = [execute(define(), opened, assets=["a"]) for _ in range(10)]
    counts = [len(opened.all_logs(result.run_id)) for result in results]
    assert counts[0] > 5
    assert set(counts) == {counts[0]}


def test_a_file_that_somebody_removes_is_made_anew(opened: dg.DagsterInstance, home: Path) -> None:
    report(opened, 1)
    for file in (home / "history" / "runs").glob("index.db*"):
        file.unlink()
    report(opened, 2)
    assert numbers(opened) == [2]


def test_all_events_can_be_removed_while_the_files_are_open(opened: dg.DagsterInstance) -> None:
    report(opened, 1)
    opened.event_log_storage.wipe()
    assert numbers(opened) == []
    report(opened, 2)
    assert numbers(opened) == [2]


def test_a_removed_run_is_gone(opened: dg.DagsterInstance) -> None:
    result = execute(define(), opened, assets=["a"])
    opened.delete_run(result.run_id)
    assert opened.all_logs(result.run_id) == []


def test_a_transaction_that_fails_half_way_leaves_all_as_it_was(opened: dg.DagsterInstance) -> None:
    report(opened, 1)
    storage = opened.event_log_storage
    assert isinstance(storage, EventLog)

    def fail() -> None:
        with storage.index_connection() as connection:
            assert connection.execute(text("DELETE FROM event_logs")).rowcount == 1
            raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        fail()
    assert numbers(opened) == [1]
    report(opened, 2)
    assert numbers(opened) == [1, 2]
