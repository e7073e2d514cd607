"""Unchanged tables and failures: whatever is said to be unchanged is what the query gives."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Generator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Published, Unchanged
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.project.model import Model
from sqlmat_assets_tests.children import Child
from sqlmat_assets_tests.execution.pair import (
    Fails,
    a_reader,
    a_source,
    due,
    last_of,
    nothing,
    published,
    recorded,
    unchanged,
)
from sqlmat_assets_tests.recording import Killed, RecordingWarehouse, conflict, failing_at, kill, refuse
from sqlmat_assets_tests.tables import a_context, ask, tables_in


class TestFaults:
    """A failure at every statement: whatever is said, it is true of what is published."""

    @pytest.fixture
    def path(self, path: Path) -> Generator[Path]:
        """The file, open all the time: closing it after each of hundreds of builds takes longer than they do."""
        with a_context(path).warehouse.open_session():
            yield path

    def attempt(
        self, path: Path, model: Model, context: Callable[[RecordingWarehouse], Context], fails: Fails
    ) -> tuple[list[str], Any]:
        warehouse = RecordingWarehouse(path, fails)
        try:
            return warehouse.sent, list(materialize(model, context(warehouse)))[-1]
        except Killed:
            return warehouse.sent, Killed

    @pytest.mark.parametrize("how", [refuse, conflict, kill])
    @pytest.mark.parametrize("is_due", [False, True])
    def test_at_every_statement_of_an_unchanged_build(
        self, path: Path, how: Callable[[str], None], is_due: bool
    ) -> None:
        published(a_source(), a_context(path, "r0"))
        published(a_reader(), a_context(path, "r0"))
        identity = recorded(path, "published_at")

        def context(warehouse: RecordingWarehouse) -> Context:
            run = f"r{next(numbers)}"
            return (
                due(warehouse, run, sleep=list[float]().append)
                if is_due
                else a_context(warehouse, run, sleep=list[float]().append)
            )

        numbers = iter(range(1, 1000))
        statements, last = self.attempt(path, a_reader(), context, nothing)
        assert isinstance(last, Unchanged)
        for number in range(1, len(statements) + 1):
            _, last = self.attempt(path, a_reader(), context, failing_at(number, how))
            if how is conflict:
                assert isinstance(last, Unchanged), statements[number - 1]
            assert ask(path, "FROM first.cities") == [(1, "Paris")]
            ask(path, "UPDATE _sqlmat.leases SET pid = 4194304")
            # A refused fingerprint publishes; in every other case the rows are those that they were.
            if recorded(path, "published_at") != identity:
                assert "BIT_XOR" in statements[number - 1]
                identity = recorded(path, "published_at")
            assert isinstance(self.attempt(path, a_reader(), context, nothing)[1], Published | Unchanged)
            identity = recorded(path, "published_at")
            assert tables_in(path) == ["cities", "source"]

    @pytest.mark.parametrize("how", [refuse, kill])
    def test_a_source_whose_build_failed_anywhere_never_makes_its_reader_wrong(
        self, path: Path, how: Callable[[str], None]
    ) -> None:
        def version(number: int) -> Model:
            return a_source(f"SELECT {number} AS id, 'x' AS name")

        published(version(0), a_context(path, "r0"))
        published(a_reader(), a_context(path, "r0"))
        statements, _ = self.attempt(path, version(1), lambda w: a_context(w, "n"), nothing)
        for number in range(1, len(statements) + 1):
            self.attempt(path, version(number + 1), lambda w: a_context(w, "f"), failing_at(number, how))
            ask(path, "UPDATE _sqlmat.leases SET pid = 4194304")
            last = last_of(a_reader(), due(path, f"r{number}"))
            assert isinstance(last, Published | Unchanged)
            assert ask(path, "FROM first.cities") == ask(path, "FROM first.source"), statements[number - 1]
            again = unchanged(a_reader(), due(path, f"s{number}"))
            assert again.statement is None
            assert ask(path, "FROM first.cities") == ask(path, "FROM first.source")


def build_for_ever(path: str, first: int) -> None:
    """What a child process does: a source that changes in two of three builds, and a reader that is due each time."""
    print("started", flush=True)  # noqa: T201 - the test waits for it
    for number in count(first):
        last_of(
            a_source(f"SELECT {number * 2 // 3 % 2} AS id, 'x' AS name FROM range(5000)"), a_context(Path(path), "c1")
        )
        last_of(a_reader(), due(Path(path), f"p{number}"))


@pytest.mark.slow
def test_killed_at_random_moments_nothing_wrong_is_called_unchanged(path: Path) -> None:
    random_moments = random.Random(20260202)
    published(a_source(), a_context(path, "r0"))
    published(a_reader(), a_context(path, "r0"))
    for attempt in range(12):
        with Child(build_for_ever, str(path), attempt) as child:
            assert child.stdout.readline() == "started\n"
            time.sleep(random_moments.uniform(0.05, 0.5))
            child.kill()
        assert child.returncode == -signal.SIGKILL
        assert isinstance(last_of(a_reader(), due(path, f"r{attempt}")), Published | Unchanged)
        assert ask(path, "SELECT DISTINCT id FROM first.cities") == ask(path, "SELECT DISTINCT id FROM first.source")
        assert tables_in(path) == ["cities", "source"]


@pytest.mark.slow
def test_threads_that_build_a_source_and_its_reader_end_with_one_state(path: Path) -> None:
    """Two runs at a time, of which one changes the source: at rest the reader has what its source has."""
    published(a_source(), a_context(path, "r0"))
    published(a_reader(), a_context(path, "r0"))
    for attempt in range(10):

        def change(number: int = attempt) -> None:
            last_of(a_source(f"SELECT {number % 2} AS id, 'x' AS name"), a_context(path, f"s{number}"))

        def read(number: int = attempt) -> None:
            last_of(a_reader(), due(path, f"t{number}"))

        threads = [threading.Thread(target=work) for work in (change, read, read)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        last_of(a_reader(), due(path, f"u{attempt}"))
        assert ask(path, "FROM first.cities") == ask(path, "FROM first.source")
