"""Real processes: killed at random moments, racing for one table, read from inside and outside while they swap."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest

from sqlmat_assets.execution.events import Published
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.project.model import Model
from sqlmat_assets_tests.children import Child
from sqlmat_assets_tests.tables import a_check, a_context, a_table, ask, tables_in

pytestmark = pytest.mark.reopens

ROOT = Path(__file__).parents[2]
ROWS = 20_000


def version_of(number: int) -> Model:
    whole = f"SELECT count(*) = {ROWS} AS whole, count(DISTINCT version) = 1 AS one FROM first.cities"
    return a_table(
        f"SELECT {number} AS version, i AS id FROM range({ROWS}) AS r(i)",
        a_check(whole, "whole", "one"),
        description="it has comments too",
    )


def build_versions(path: str, first: int, count: int) -> None:
    """What a child process does: publish so many versions, each in a run of its own, and tell each event."""
    for number in range(first, first + count):
        context = a_context(Path(path), f"p{number}")
        last = None
        for last in materialize(version_of(number), context):
            print(type(last).__name__, flush=True)  # noqa: T201 - the test waits for it
        assert isinstance(last, Published), last


def versions(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, int, int]]:
    return connection.execute("SELECT count(*), min(version), max(version) FROM first.cities").fetchall()


@pytest.mark.slow
def test_killed_at_random_moments_the_table_is_whole_and_the_next_run_heals(path: Path) -> None:
    random_moments = random.Random(20260101)
    build_versions(str(path), 0, 1)
    # How many kills hit a build between its first and its last statement is up to the machine.
    attempt = left_overs = 0
    while attempt < 12 or (left_overs < 2 and attempt < 60):
        attempt += 1
        with Child(build_versions, str(path), 1000 * attempt, 1000) as child:
            for _ in range(random_moments.randint(1, 30)):
                assert child.stdout.readline()
            time.sleep(random_moments.choice((0, 0.001, 0.01)))
            child.kill()
        assert child.returncode == -signal.SIGKILL
        left_overs += len(tables_in(path)) - 1
        ((rows, oldest, newest),) = ask(path, "SELECT count(*), min(version), max(version) FROM first.cities")
        assert (rows, oldest) == (ROWS, newest)
        assert ask(path, "SELECT run FROM _sqlmat.tables") == [(f"p{newest}",)]
        build_versions(str(path), 1000 * attempt + 999, 1)
        assert tables_in(path) == ["cities"]
        assert ask(path, "SELECT max(version) FROM first.cities") == [(1000 * attempt + 999,)]
    assert left_overs >= 2, attempt


@pytest.mark.slow
def test_two_processes_build_one_table(path: Path) -> None:
    with Child(build_versions, str(path), 100, 25) as one, Child(build_versions, str(path), 200, 25) as other:
        # Whoever reads it is not waited for by what they print.
        outputs = [child.stdout.read() for child in (one, other)]
        assert [child.wait() for child in (one, other)] == [0, 0], outputs
    ((rows, oldest, newest),) = ask(path, "SELECT count(*), min(version), max(version) FROM first.cities")
    assert (rows, oldest) == (ROWS, newest)
    assert newest in (124, 224)
    assert ask(path, "SELECT run, builds FROM _sqlmat.tables") == [(f"p{newest}", 50)]
    assert tables_in(path) == ["cities"]


def test_two_threads_build_one_table(path: Path) -> None:
    build_versions(str(path), 0, 1)
    failures: list[BaseException] = []

    def work(first: int) -> None:
        try:
            build_versions(str(path), first, 15)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in (100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    ((rows, oldest, newest),) = ask(path, "SELECT count(*), min(version), max(version) FROM first.cities")
    assert (rows, oldest) == (ROWS, newest)
    assert ask(path, "SELECT run FROM _sqlmat.tables") == [(f"p{newest}",)]
    assert tables_in(path) == ["cities"]


@pytest.mark.slow
def test_readers_in_threads_see_whole_tables_during_swaps(path: Path) -> None:
    build_versions(str(path), 0, 1)
    ended = threading.Event()
    seen: list[tuple[int, int, int]] = []
    errors: list[str] = []
    connection = duckdb.connect(path)

    def read() -> None:
        cursor = connection.cursor()
        while not ended.is_set():
            try:
                seen.extend(versions(cursor))
            except duckdb.Error as error:
                errors.append(str(error))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    build_versions(str(path), 1, 40)
    ended.set()
    for reader in readers:
        reader.join()
    connection.close()
    assert errors == []
    assert [found for found in seen if found[0] != ROWS or found[1] != found[2]] == []
    assert len({newest for _, _, newest in seen}) > 10


READER = """
import duckdb, pathlib, sys, time
reads, busy = 0, 0
while not pathlib.Path(sys.argv[2]).exists():
    try:
        with duckdb.connect(sys.argv[1], read_only=True) as connection:
            found = connection.execute("SELECT count(*), min(version) = max(version) FROM first.cities").fetchall()
    except duckdb.IOException as error:
        if "Could not set lock" not in str(error):
            raise
        busy += 1
    else:
        assert found == [(int(sys.argv[3]), True)], found
        reads += 1
    time.sleep(0.005)
print(reads, busy)
"""


@pytest.mark.slow
def test_another_process_reads_between_builds(path: Path, tmp_path: Path) -> None:
    build_versions(str(path), 0, 1)
    stop = tmp_path / "stop"
    command = [sys.executable, "-c", READER, str(path), str(stop), str(ROWS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        for number in range(1, 31):
            build_versions(str(path), number, 1)
            time.sleep(0.02)
        stop.touch()
        output, problems = reader.communicate(timeout=60)
    assert reader.returncode == 0, problems
    reads, busy = map(int, output.split())
    assert reads > 2, (reads, busy)


STOP = f"""
import signal, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets_tests.tables import a_context, a_table

class Stop(BaseException): pass

def stop(number, frame): raise Stop

signal.signal(signal.SIGTERM, stop)
endless = "SELECT count(*) AS n FROM range(100000000) AS a, range(100000) AS b"
try:
    for event in materialize(a_table(endless), a_context(Path(sys.argv[1]))):
        print("started", flush=True)
except Stop:
    print("stopped")
"""


def test_a_signal_in_the_main_thread_cancels_the_query(path: Path) -> None:
    command = [sys.executable, "-c", STOP, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "started\n"
        time.sleep(0.5)
        child.send_signal(signal.SIGTERM)
        assert child.communicate(timeout=20)[0] == "stopped\n"
    assert child.returncode == 0
    assert tables_in(path) == []
