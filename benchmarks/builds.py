"""The comparison of builds: in turn, each on a new warehouse; then again, and after an edit."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import duckdb
from generate import FIRST, ORDERS, Table
from peers.bare import Bare
from peers.base import FailedError, Peer, Ran, Work
from peers.dbt import DagsterDbt, Dbt
from peers.sqlmat import SqlmatBuild, SqlmatDagster, SqlmatPostgres, SqlmatRecorded
from peers.sqlmesh import SqlMesh
from results import Measure, Results

PEERS: tuple[type[Peer], ...] = (
    Bare,
    SqlmatBuild,
    Dbt,
    SqlmatDagster,
    DagsterDbt,
    SqlmatRecorded,
    SqlmatPostgres,
    SqlMesh,
)
CHECKS = 2
EDIT = ("% 100003 AS amount", "% 100019 AS amount")
# What a table looks like whose checks must fail, and what each says when one of them did.
BAD = {"null": "CASE WHEN customer > 7 THEN customer END AS id", "twice": "customer % 500 AS id"}
REFUSED = {
    "bare": "COUNT",
    "sqlmat": '"passed": false',
    "sqlmat-recorded": '"passed": false',
    "dagster-sqlite": '"failed_checks": [1-9]',
    "dagster-postgres": '"failed_checks": [1-9]',
    "dbt": "FAIL [1-9]",
    "dagster-dbt": '"failed_checks": [1-9]',
    "sqlmesh": "[Aa]udit",
}
Say = Callable[[str], None]


def count_rows(warehouse: Path, tables: Sequence[Table]) -> tuple[int, int, str]:
    """How many of the tables a warehouse has, their rows in all, and a sum over all values.

    Raises:
        FailedError: One is not there.
    """
    rows, checksum = 0, 0
    with duckdb.connect(warehouse, read_only=True) as connection:
        for table in tables:
            query = (
                "SELECT COUNT(*), COALESCE(SUM(HASH(id::BIGINT, orders::BIGINT, amount::BIGINT, trend)), 0) "
                f"FROM {table.name}"
            )
            try:
                found = connection.execute(query).fetchall()[0]
            except duckdb.Error as error:
                raise FailedError(f"{table.name}: {error}") from error
            rows, checksum = rows + found[0], checksum + int(found[1])
    return len(tables), rows, f"{checksum % 2**64:016x}"


def compare_builds(rounds: Mapping[str, int], work: Work, folder: Path, again: int, results: Results, say: Say) -> None:
    """Build in turn, each round in the opposite order of the one before.

    Args:
        rounds: How many of each peer.
        work: What is built.
        folder: Where.
        again: How often each builds once more when nothing has changed, and after an edit.
        results: Take the measures.
        say: Is given a line for each.
    """
    peers: list[Peer] = []
    expected: list[tuple[int, int, str]] = []
    try:
        for peer in start(list(rounds), work, folder, results, say):
            peers.append(peer)  # noqa: PERF402 - what was started is closed below, whatever comes after it
        for number in range(max(rounds.values(), default=0)):
            taking_part = [peer for peer in peers if number < rounds[peer.name]]
            for peer in taking_part if number % 2 == 0 else reversed(taking_part):
                measure = build_once(peer, work, number, expected)
                results.add(measure)
                tell(measure, say)
        for number in range(again):
            for peer in peers:
                if number:
                    attempt("again", peer.name, peer.label, number, peer.build)  # what was edited is as it was
                for measure in build_again(peer, number):
                    results.add(measure)
                    tell(measure, say)
                for measure in build_edited(peer, work, folder / peer.name, number):
                    results.add(measure)
                    tell(measure, say)
    finally:
        for peer in peers:
            close(peer)


def start(names: Sequence[str], work: Work, folder: Path, results: Results, say: Say) -> Iterator[Peer]:
    """Those that could be prepared; of the others, what went wrong is a result too."""
    for kind in PEERS:
        if kind.name not in names:
            continue
        own = folder / kind.name
        own.mkdir(parents=True)
        peer = kind(work, own)
        try:
            peer.prepare()
        except FailedError as error:
            close(peer)
            measure = Measure("build", peer.name, peer.label, 0, error=str(error))
            results.add(measure)
            tell(measure, say)
            continue
        yield peer


def close(peer: Peer) -> None:
    """End what a peer has running."""
    if isinstance(peer, SqlmatPostgres):
        peer.close()


def build_once(peer: Peer, work: Work, number: int, expected: list[tuple[int, int, str]]) -> Measure:
    """Build on a new warehouse, and hold what came of it against what the first one built."""
    try:
        peer.reset()
        ran = peer.build()
        found = hold_to(peer, work, expected)
    except FailedError as error:
        return Measure("build", peer.name, peer.label, number, error=str(error))
    tables, rows, checksum = found
    parts = peer.parts() if isinstance(peer, SqlmatDagster | DagsterDbt) else {}
    details = {"tables": tables, "rows": rows, "checksum": checksum, "checks": peer.checks(), **parts}
    return Measure.of(ran, "build", peer.name, peer.label, number, **details)


def hold_to(peer: Peer, work: Work, expected: list[tuple[int, int, str]]) -> tuple[int, int, str]:
    """What was built.

    Raises:
        FailedError: It is not what the first one built, or not all checks held.
    """
    found = count_rows(peer.warehouse, work.tables)
    if not expected:
        expected.append(found)
    if found != expected[0]:
        raise FailedError(f"built tables, rows and sum {found}, and the first one {expected[0]}")
    if (checks := peer.checks()) != CHECKS * len(work.tables):
        raise FailedError(f"{checks} checks held, of {CHECKS * len(work.tables)}")
    return found


def attempt(
    part: str, what: str, label: str, number: int, work: Callable[[], Ran], count: Callable[[], int] | None = None
) -> Measure:
    """Measure something, or tell why that was not possible; `count` tells how many tables it built."""
    try:
        ran = work()
        details = {} if count is None else {"built": count()}
        return Measure.of(ran, part, what, label, number, **details)
    except FailedError as error:
        return Measure(part, what, label, number, error=str(error))


def build_again(peer: Peer, number: int) -> Iterator[Measure]:
    """The same once more, when nothing has changed."""
    if not peer.warehouse.exists():
        return
    if not isinstance(peer, SqlMesh):
        yield attempt("again", peer.name, peer.label, number, peer.build)
        return
    yield attempt("again", "sqlmesh-plan", "sqlmesh plan, nothing to do", number, peer.plan)
    yield attempt("again", "sqlmesh-run", "sqlmesh run, nothing due", number, peer.run_due)
    yield attempt("again", "sqlmesh-later", "sqlmesh run, days later", number, lambda: peer.run_days_later(number + 2))


def build_edited(peer: Peer, work: Work, folder: Path, number: int) -> Iterator[Measure]:
    """Change one query of the middle layer, and build what is other than before as the tool finds it out."""
    table = work.tables[len(work.tables) // 2]
    match peer:
        case SqlmatBuild() if peer.name == "sqlmat":
            file = next(peer.project.glob(f"{table.schema}/{table.short} *.sql"))
            commit(peer.project)
            build, count = partial(peer.build_some, "-s", "changed+", "--since", "HEAD"), lambda: len(peer.outcomes())
            label = "sqlmat build -s changed+"
        case Dbt() if peer.name == "dbt":
            file = folder / "models" / table.schema / f"{table.short}.sql"
            shutil.rmtree(folder / "before", ignore_errors=True)
            (folder / "before").mkdir()
            shutil.copy(folder / "target" / "manifest.json", folder / "before")
            build, count = partial(peer.build_some, "--select", "state:modified+", "--state", "before"), peer.models
            label = "dbt build --select state:modified+"
        case SqlMesh():
            file = folder / "models" / table.schema / f"{table.short}.sql"
            build, count, label = peer.build, lambda: peer.checks() // CHECKS, peer.label
        case _:
            return
    before = file.read_text()
    after = before.replace(*EDIT)
    assert after != before
    file.write_text(after)
    yield attempt("edited", peer.name, label, number, build, count)
    file.write_text(before)


def commit(folder: Path) -> None:
    """Make a git repository of a folder as it is, unless it is one."""
    if (folder / ".git").exists():
        return
    git = ["git", "-C", str(folder), "-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "before"]):
        done = subprocess.run([*git, *command], check=False, capture_output=True, text=True)
        if done.returncode:
            raise FailedError(done.stderr)


def prove_checks(names: Sequence[str], work: Work, folder: Path, results: Results, say: Say) -> None:
    """See each refuse a table with a NULL, and one with a value twice."""
    for kind, bad in BAD.items():
        tables = [
            Table("s0.good", FIRST.replace("{n}", "0"), {"orders": ORDERS}),
            Table("s1.bad", FIRST.replace("{n}", "1").replace("customer AS id", bad), {"orders": ORDERS}),
        ]
        for peer in start(names, Work(tables, work.orders, work.threads), folder / kind, results, say):
            measure = prove(peer, kind)
            results.add(measure)
            say(f"{'proof':8} {peer.label:32} {kind}: {measure.error or 'refused'}")


def prove(peer: Peer, kind: str) -> Measure:
    """See one refuse a bad table."""
    what = f"{peer.name}-{kind}"
    try:
        peer.reset()
        peer.build()
    except FailedError as error:
        told = (peer.warehouse.parent / "output.txt").read_text(errors="replace")
        refused = re.search(REFUSED[peer.name], told)
        return Measure("proof", what, peer.label, 0, error=None if refused else str(error))
    finally:
        close(peer)
    return Measure("proof", what, peer.label, 0, error="took the table, as if no check had run")


def tell(measure: Measure, say: Say) -> None:
    """Print a line for a measure."""
    head = f"{measure.part:8} {measure.label:36} {measure.round + 1:2}"
    if measure.error is not None:
        say(f"{head}  {measure.error}")
    else:
        figures = f"{measure.seconds:8.2f} s {measure.cpu_seconds:8.2f} s CPU {measure.memory:6.0f} MB"
        say(f"{head} {figures}  load {measure.load:.1f}")
