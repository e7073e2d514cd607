"""Checks that are answered by one scan are answered as they are each by itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlmat_assets.execution.audit import audit_published
from sqlmat_assets.execution.events import CheckResult, Event, Published, Unchanged
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.model import CheckQuery, CheckSpec, Model, RuleKind
from sqlmat_assets_tests.recording import RecordingWarehouse, failing_at, refuse
from sqlmat_assets_tests.tables import a_check, a_context, a_rule, a_table

VERSION = CodeVersion("meaning", "text", "30.0.0")
ROWS = (
    "SELECT * FROM (VALUES (1, 'Paris', true, 1.5), (2, NULL, false, NULL), (2, 'Rome', NULL, -0.0)) "
    "AS t(id, name, flag, amount)"
)
VALUES = (
    "count(*) = 3",
    "count(*) > 3",
    "max(id) > NULL",
    "count(DISTINCT id) = count(*)",
    "count(*) FILTER (WHERE id = 2) = 2",
    "bool_and(flag)",
    "id > 0",
    "id > 1",
    "flag",
    "name > ''",
    "true",
    "NULL",
    "1",
    "'true'",
    "'soon'",
    "count(*)",
    "coalesce(amount, 0) >= 0 -- no debts",
    "CASE WHEN id = 1 THEN true ELSE name IS NULL END",
    "id IN (1, 2)",
    "name LIKE '%,%' OR name = 'a, b' IS NULL",
    "error('no')",
    "CAST(name AS INTEGER) > 0",
    "no_such_column > 0",
    "sqlmat_rows > 0",
    "known_0 > 0",
)
EMPTY = "SELECT 1 AS id, 'a' AS name, true AS flag, 1.5 AS amount LIMIT 0"


def check(value: str, name: str) -> CheckQuery:
    return a_check(f"SELECT\n{value}\nAS {name} FROM first.cities", name)


def by_itself(model: Model) -> Model:
    """The same with checks of which nothing is known."""
    return replace(model, checks=tuple(replace(each, values=()) for each in model.checks))


def told(results: tuple[CheckResult, ...]) -> list[CheckResult]:
    return [replace(each, seconds=0.0) for each in results]


@pytest.fixture
def audited(path: Path) -> Path:
    list(materialize(a_table(ROWS), a_context(path)))
    return path


@pytest.mark.parametrize("value", VALUES)
def test_one_check_among_others(audited: Path, value: str) -> None:
    checks = check("id > 0", "before"), check(value, "it"), check("count(*) = 3", "after")
    model = a_table(ROWS, *checks, rules=(a_rule(RuleKind.NOT_NULL, "name"), a_rule(RuleKind.UNIQUE, "id")))
    context = a_context(audited)
    assert told(audit_published(model, context).results) == told(audit_published(by_itself(model), context).results)


@settings(max_examples=30)
@given(st.lists(st.sampled_from(VALUES), min_size=1, max_size=6), st.booleans())
def test_any_checks_together(tmp_path_factory: pytest.TempPathFactory, values: list[str], is_empty: bool) -> None:
    path = tmp_path_factory.mktemp("scan") / "warehouse.duckdb"
    rows = EMPTY if is_empty else ROWS
    list(materialize(a_table(rows), a_context(path)))
    model = a_table(rows, *(check(value, f"c{number}") for number, value in enumerate(values)))
    context = a_context(path)
    assert told(audit_published(model, context).results) == told(audit_published(by_itself(model), context).results)


def test_a_build_scans_once(path: Path) -> None:
    """Two statements of checks, one of them with two columns, a setting, and the fingerprint."""
    both = a_check("SELECT id > 0 AS a, name > '' AS b FROM first.cities", "a", "b", is_blocking=False)
    model = a_table(ROWS, both, check("count(*) = 3", "c"), rules=(a_rule(RuleKind.NOT_NULL, "id"),), version=VERSION)
    warehouse = RecordingWarehouse(path)
    assert isinstance(last(model, warehouse), Published)
    scan, behind = [sql for sql in warehouse.sent if sql.startswith("SELECT COUNT(*)")]
    assert "BIT_XOR" in scan
    # What does not hold is counted by itself.
    assert "name > '' AS b" in behind
    # The rows behind the check that does not hold are asked for with the statement as it was written.
    assert [sql for sql in warehouse.sent if "b FROM" in sql and "LIMIT 20" in sql]
    assert isinstance(last(model, RecordingWarehouse(path), "r2"), Unchanged)


def test_with_a_check_that_the_engine_refuses_the_table_is_compared_all_the_same(path: Path) -> None:
    model = a_table(ROWS, check("id > 0", "a"), replace(check("nothing", "b"), specs=quiet("b")), version=VERSION)
    assert isinstance(last(model, RecordingWarehouse(path)), Published)
    assert isinstance(last(model, RecordingWarehouse(path), "r2"), Unchanged)


def test_a_scan_that_the_engine_refuses_is_made_in_parts(path: Path) -> None:
    model = a_table(ROWS, check("id > 0", "a"), check("count(*) = 3", "b"), version=VERSION)
    warehouse = RecordingWarehouse(path)
    last(model, warehouse)
    (number,) = [number for number, sql in enumerate(warehouse.sent, 1) if "BIT_XOR" in sql]

    broken = RecordingWarehouse(path, failing_at(number, refuse))
    assert isinstance(last(model, broken, "r2"), Unchanged)


def quiet(name: str) -> tuple[CheckSpec, ...]:
    return a_check(f"SELECT true AS {name}", name, is_blocking=False).specs


def last(model: Model, warehouse: RecordingWarehouse, run: str = "r1") -> Event:
    return list(materialize(model, a_context(warehouse, run)))[-1]
