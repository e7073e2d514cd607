"""A failure at every single statement: the published table is whole, and the next build heals the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlmat_assets.execution.events import Discarded, Published
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.project.model import ColumnDoc, Model, RuleKind
from sqlmat_assets_tests.recording import Killed, RecordingWarehouse, conflict, failing_at, kill, refuse
from sqlmat_assets_tests.tables import a_check, a_context, a_rule, a_table, ask, kinds_of, tables_in

# One statement of a build each: CREATE, COMMENT, checks, swap, state and all that lies between.
MOST_STATEMENTS = 40


def model_of(version: int) -> Model:
    return a_table(
        f"SELECT {version} AS version, i AS id FROM range(1000) AS r(i)",
        a_check("SELECT count(*) = 1000 AS whole FROM first.cities", "whole"),
        a_check("SELECT version > 0 AS positive FROM first.cities", "positive"),
        rules=(a_rule(RuleKind.UNIQUE, "id"), a_rule(RuleKind.MAX_ROW_CHANGE, limit=0.5)),
        description="a table",
        columns=(ColumnDoc("id", "a column"),),
    )


def build_failing(path: Path, version: int, fails: Callable[[int, str], None]) -> tuple[list[str], object]:
    warehouse = RecordingWarehouse(path, fails)
    context = a_context(warehouse, f"r{version}", sleep=list[float]().append)
    try:
        return warehouse.sent, list(materialize(model_of(version), context))[-1]
    except Killed:
        return warehouse.sent, Killed


def assert_whole(path: Path, *versions: int) -> None:
    found = ask(path, "SELECT DISTINCT version FROM first.cities") + ask(path, "SELECT count(*) FROM first.cities")
    assert found in ([(version,), (1000,)] for version in versions)
    recorded = ask(path, "SELECT run FROM _sqlmat.tables")
    assert recorded == [(f"r{found[0][0]}",)]


def may_be_refused(sql: str) -> bool:
    """The checks of one statement are asked for again one by one; without a fingerprint the table is published."""
    return 'known_0"' in sql or "BIT_XOR" in sql


def test_the_engine_refuses_at_every_statement_of_a_rebuild(path: Path) -> None:
    assert kinds_of(materialize(model_of(1), a_context(path)))[-1] == "Published"
    statements, _ = build_failing(path, 1, lambda _number, _sql: None)
    assert 12 <= len(statements) <= MOST_STATEMENTS
    whole = 1
    for number, sql in enumerate(statements, 1):
        _, last = build_failing(path, whole + 1, failing_at(number, refuse))
        if may_be_refused(sql):
            whole += 1
            assert isinstance(last, Published), sql
        else:
            assert isinstance(last, Discarded), sql
            assert f"IO Error: no, not {sql[:20]}\n" in str(last.error)
            held = "`first.cities` was not touched", "`first.cities` still holds its previous rows"
            assert any(words in str(last.error) for words in held)
        assert tables_in(path) == ["cities"]
        assert_whole(path, whole)


def test_the_process_ends_at_every_statement_of_a_rebuild(path: Path) -> None:
    assert kinds_of(materialize(model_of(1), a_context(path)))[-1] == "Published"
    statements, _ = build_failing(path, 1, lambda _number, _sql: None)
    whole = 1
    for number, sql in enumerate(statements, 1):
        _, last = build_failing(path, whole + 1, failing_at(number, kill))
        assert last is Killed, sql
        assert_whole(path, whole)
        ask(path, "UPDATE _sqlmat.leases SET pid = 4194304")
        whole += 2
        _, last = build_failing(path, whole, lambda _number, _sql: None)
        assert isinstance(last, Published), sql
        assert_whole(path, whole)
        assert tables_in(path) == ["cities"]


def test_the_engine_refuses_at_every_statement_of_a_first_build(tmp_path: Path) -> None:
    statements, _ = build_failing(tmp_path / "all", 1, lambda _number, _sql: None)
    for number, sql in enumerate(statements, 1):
        if may_be_refused(sql):
            continue
        path = tmp_path / f"{number}.duckdb"
        _, last = build_failing(path, 1, failing_at(number, refuse))
        assert isinstance(last, Discarded), sql
        assert tables_in(path) == []
        _, last = build_failing(path, 2, lambda _number, _sql: None)
        assert isinstance(last, Published), sql
        assert_whole(path, 2)


def test_a_conflict_at_any_statement_is_tried_again(path: Path) -> None:
    assert kinds_of(materialize(model_of(1), a_context(path)))[-1] == "Published"
    statements, _ = build_failing(path, 2, lambda _number, _sql: None)
    for number in range(1, len(statements) + 1):
        _, last = build_failing(path, 2 + number, failing_at(number, conflict))
        assert isinstance(last, Published), statements[number - 1]
        assert_whole(path, 2 + number)


def test_a_conflict_that_does_not_pass_gives_up(path: Path) -> None:
    assert kinds_of(materialize(model_of(1), a_context(path)))[-1] == "Published"
    pauses: list[float] = []

    def fails(_: int, sql: str) -> None:
        if sql == "COMMIT":
            conflict(sql)

    context = a_context(RecordingWarehouse(path), "r2", sleep=pauses.append)
    assert isinstance(context.warehouse, RecordingWarehouse)
    events = materialize(model_of(2), context)
    assert kinds_of([next(events), next(events), next(events)]) == ["Started", "Written", "Checked"]
    context.warehouse.fails = fails
    assert isinstance(next(events), Discarded)
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8]
    assert_whole(path, 1)
    assert tables_in(path) == ["cities"]


def test_left_overs_of_living_runs_stay_and_others_go(path: Path) -> None:
    assert kinds_of(materialize(model_of(1), a_context(path)))[-1] == "Published"
    for run in ("dead", "expired", "alive", "elsewhere", "unknown"):
        ask(path, f"CREATE TABLE first.x__sqlmat_{run}_new AS SELECT 1 AS n")
    ask(path, "CREATE TABLE first.x__sqlmat_dead_old AS SELECT 1 AS n")
    leases = [
        ("'dead'", "host", "4194304", "expires_at"),
        ("'expired'", "'elsewhere'", "1", "expires_at - INTERVAL 2 DAY"),
        ("'alive'", "host", "pid", "expires_at"),
        ("'elsewhere'", "'elsewhere'", "4194304", "expires_at"),
    ]
    for lease in leases:
        ask(path, f"INSERT INTO _sqlmat.leases SELECT {', '.join(lease)} FROM _sqlmat.leases WHERE run = 'r1'")
    assert kinds_of(materialize(model_of(2), a_context(path, "r2")))[-1] == "Published"
    assert tables_in(path) == ["cities", "x__sqlmat_alive_new", "x__sqlmat_elsewhere_new"]
