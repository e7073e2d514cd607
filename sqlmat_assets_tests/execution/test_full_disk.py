"""A disk that is full: the table keeps its rows, the message says why, the others are built."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sqlmat_assets.execution.build import build
from sqlmat_assets.execution.events import Discarded, Published
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.tables import a_context, a_project, a_table, ask, tables_in

ROOT = Path(__file__).parents[2]
CHILD = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from sqlmat_assets_tests.execution.test_full_disk import build_on_a_small_disk
build_on_a_small_disk(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
"""


def build_on_a_small_disk(path: str, max_bytes: int, many: int) -> None:
    """What a child process does: no file of its own may grow beyond so many bytes, as on a disk that is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))
    for run, rows in (("r1", 10), ("r2", many), ("r3", 20)):
        project = a_project(
            a_table(f"SELECT i, hash(i) AS h FROM range({rows}) AS r(i)", name="first.big"),
            a_table(f"SELECT '{run}' AS run", name="first.small"),
            a_table("SELECT count(*) AS n FROM first.big", name="first.reader", upstream=(Relation("first", "big"),)),
        )
        for event in build(project, list(project.models), a_context(Path(path), run), threads=1):
            if isinstance(event, Published):
                print(run, event.relation, "published")  # noqa: T201 - the test reads it
            elif isinstance(event, Discarded):
                print(run, *str(event.error).splitlines()[:2], sep=" | ")  # noqa: T201 - the test reads it


@pytest.mark.slow
@pytest.mark.parametrize(
    ("max_bytes", "many", "words"),
    [
        # The rows do not fit into the database, or the commit not into its log.
        (3_000_000, 1_000_000, 'IO Error: Could not write file "{path}": File too large'),
        (
            270_000,
            50_000,
            'TransactionContext Error: Failed to commit: Could not write file "{path}.wal": File too large',
        ),
    ],
)
def test_the_table_keeps_its_rows_and_others_are_built(path: Path, max_bytes: int, many: int, words: str) -> None:
    command = [sys.executable, "-c", CHILD, str(path), str(max_bytes), str(many)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert sorted(done.stdout.splitlines()) == [
        "r1 first.big published",
        "r1 first.reader published",
        "r1 first.small published",
        "r2 first.small published",
        f"r2 | {words.format(path=path)} | `first.big` still holds its previous rows",
        "r3 first.big published",
        "r3 first.reader published",
        "r3 first.small published",
    ]
    assert ask(path, "SELECT count(*) FROM first.big") == [(20,)]
    assert tables_in(path) == ["big", "reader", "small"]
