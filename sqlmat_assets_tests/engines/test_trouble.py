"""A build in PostgreSQL that goes wrong on its way: what is said, what is left, and that the next one goes on."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from sqlmat_assets_tests.cli.running import SQLMAT, Run
from sqlmat_assets_tests.engines.engine import Engine, find_postgres
from sqlmat_assets_tests.engines.projects import write_project
from sqlmat_assets_tests.postgres import serving

BUILD = ("build", "--no-record", "--warehouse")
# Both wait as long as somebody else has the gate: the query, or a check of what it gave.
GATE = "(select pg_advisory_xact_lock_shared(7)) as gate"
PLAIN = "select 1 as version\n"
HELD = f"select 2 as version from {GATE}\n"
HELD_CHECK = f"select count(*) = 1 as one from first.t, {GATE}\n"
WAITING = "select pid from pg_stat_activity where wait_event_type = 'Lock' and wait_event = 'advisory'"
TABLES = "select table_name from information_schema.tables where table_schema = 'first' order by 1"
VERSION = "select version from first.t"


@pytest.fixture
def sql(tmp_path: Path, postgres: Engine, run: Run) -> Path:
    """A project of one table, which is built."""
    return a_project(tmp_path, postgres, run)


def a_project(place: Path, engine: Engine, run: Run) -> Path:
    sql = write_project(place, engine, {"first/t - 24h.sql": PLAIN})
    done = run(*BUILD, engine.url)
    assert done.returncode == 0, done.stdout + done.stderr
    return sql


@contextmanager
def waiting_build(sql: Path, engine: Engine, environment: Mapping[str, str]) -> Generator[subprocess.Popen[str]]:
    """A build that waits in the middle of a statement, until this is left or `open_gate`."""
    gate = psycopg.connect(engine.label, autocommit=True, application_name="gate")
    gate.execute("select pg_advisory_lock(7)")
    command = [SQLMAT, *BUILD[:-1]]
    given = {**environment, "SQLMAT_WAREHOUSE": engine.url}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=sql.parent, env=given, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            wait_until(lambda: engine.ask(WAITING) != [])
            yield process
        finally:
            process.kill()
            gate.close()


def open_gate(engine: Engine) -> None:
    engine.ask("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'gate'")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_session_that_is_ended_is_tried_again(sql: Path, postgres: Engine, environment: Mapping[str, str]) -> None:
    (sql / "first/t - 24h.sql").write_text(HELD)
    with waiting_build(sql, postgres, environment) as process:
        ((pid,),) = postgres.ask(WAITING)
        postgres.ask(f"select pg_terminate_backend({pid})")
        wait_until(lambda: postgres.ask(WAITING) not in ([], [(pid,)]))
        open_gate(postgres)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, ""), out
    assert "1 published in " in out
    assert (postgres.ask(VERSION), postgres.ask(TABLES)) == ([(2,)], [("t",)])


def test_ctrl_c_ends_the_statement_in_the_server(sql: Path, postgres: Engine, environment: Mapping[str, str]) -> None:
    (sql / "first/t - 24h.sql").write_text(HELD)
    with waiting_build(sql, postgres, environment) as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert postgres.ask(WAITING) == []
    assert (process.returncode, "1 cancelled in " in out) == (130, True), out
    assert err.startswith("interrupted: published tables hold their new rows, ")
    assert (postgres.ask(VERSION), postgres.ask(TABLES)) == ([(1,)], [("t",)])


def test_what_a_killed_build_leaves_over_is_removed_by_the_next(
    sql: Path, postgres: Engine, environment: Mapping[str, str], run: Run
) -> None:
    (sql / "first/t - 24h.sql").write_text("select 2 as version\n")
    (sql / "first/t_test.sql").write_text(HELD_CHECK)
    with waiting_build(sql, postgres, environment) as process:
        process.kill()
        process.wait()
        assert postgres.ask(VERSION) == [(1,)]
        (left,) = [name for (name,) in postgres.ask(TABLES) if name != "t"]
        assert str(left).startswith("t__sqlmat_")
        wait_until(lambda: postgres.ask(WAITING) == [])
    done = run(*BUILD, postgres.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (postgres.ask(VERSION), postgres.ask(TABLES)) == ([(2,)], [("t",)])


def test_a_table_that_somebody_holds_stays_and_the_holder_is_named(sql: Path, postgres: Engine, run: Run) -> None:
    (sql / "first/t - 24h.sql").write_text("select 2 as version\n")
    with psycopg.connect(postgres.label, application_name="joans notebook") as reader:
        reader.execute("select * from first.t")
        done = run(*BUILD, f"{postgres.url}?wait=0.5")
        assert done.returncode == 1
        pid = reader.info.backend_pid
        assert f"`first.t` is held by the server process {pid} of `dev` (`joans notebook`), idle in" in done.stdout
        assert "  hint: end that transaction, or wait longer with `?wait=300` in the warehouse URL\n" in done.stdout
        assert "`first.t` still holds its previous rows" in done.stdout
    assert (postgres.ask(VERSION), postgres.ask(TABLES)) == ([(1,)], [("t",)])


def test_two_builds_at_once_both_end_well(sql: Path, postgres: Engine, run: Run) -> None:
    for number in range(6):
        (sql / f"first/u{number} - 24h.sql").write_text("select version, random() as other from first.t\n")
    with ThreadPoolExecutor(2) as two:
        both = [begun.result() for begun in [two.submit(run, *BUILD, postgres.url) for _ in range(2)]]
    assert [done.returncode for done in both] == [0, 0], [done.stdout + done.stderr for done in both]
    assert postgres.ask(TABLES) == [("t",), *((f"u{number}",) for number in range(6))]


def test_a_wrong_password_is_told_without_it(sql: Path, postgres: Engine, run: Run) -> None:
    postgres.ask("create role locked login password 'open sesame'")
    try:
        url = postgres.url.replace("dev:", "locked:")
        done = run(*BUILD, url)
        assert done.returncode == 1
        refused = 'password authentication failed for user "locked"\n  hint: check the user and the password'
        assert refused in done.stderr
        # Without what is in the warehouse, all would be built.
        plan = run("plan", "--warehouse", url)
        assert (plan.returncode, plan.stdout) == (0, "to be built: 1 table\n  first.t  builds all rows\n")
        assert plan.stderr.startswith(f"without what is in {postgres.label.replace('dev@', 'locked@')}: cannot connect")
        assert run("orphans", "--warehouse", url).returncode == 1
    finally:
        postgres.ask("drop role locked")


@pytest.mark.slow
def test_a_server_that_stops_in_the_middle(tmp_path: Path, run: Run, environment: Mapping[str, str]) -> None:
    with serving() as server:
        engine = find_postgres(server.url("postgres"))
        waits = replace(engine, url=f"{engine.url}?wait=1")
        sql = a_project(tmp_path, engine, run)
        (sql / "first/t - 24h.sql").write_text(HELD)
        with waiting_build(sql, waits, environment) as process:
            server.stop(at_once=False)
            out, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "cannot connect to `" in out
        assert "Connection refused" in out
        server.start()
        assert engine.ask(VERSION) == [(1,)]
        done = run(*BUILD, engine.url)
        assert done.returncode == 0, done.stdout + done.stderr
        assert (engine.ask(VERSION), engine.ask(TABLES)) == ([(2,)], [("t",)])
