"""The clock of a query, stopped."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sqlmat_assets.project.unit_tests.clock import calls_clock, stop_clock

AT = datetime(2026, 1, 2, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("dialect", "call", "value"),
    [
        ("duckdb", "now()", "CAST('2026-01-02 20:30:00+00' AS TIMESTAMPTZ)"),
        ("duckdb", "CURRENT_TIMESTAMP", "CAST('2026-01-02 20:30:00+00' AS TIMESTAMPTZ)"),
        ("duckdb", "today()", "CAST('2026-01-02' AS DATE)"),
        ("duckdb", "current_date", "CAST('2026-01-02' AS DATE)"),
        ("postgres", "current_timestamp(3)", "CAST('2026-01-02 20:30:00+00' AS TIMESTAMPTZ)"),
        ("postgres", "localtimestamp", "CAST('2026-01-02 20:30:00' AS TIMESTAMP)"),
        ("redshift", "getdate()", "CAST('2026-01-02 20:30:00' AS TIMESTAMP)"),
        ("redshift", "sysdate", "CAST('2026-01-02 20:30:00' AS TIMESTAMP)"),
        ("bigquery", "CURRENT_DATETIME()", "CAST('2026-01-02 20:30:00' AS DATETIME)"),
        ("bigquery", "CURRENT_DATE('Asia/Tokyo')", "CAST('2026-01-03' AS DATE)"),
        ("bigquery", "CURRENT_DATETIME('America/New_York')", "CAST('2026-01-02 15:30:00' AS DATETIME)"),
    ],
)
def test_a_call_becomes_a_moment(dialect: str, call: str, value: str) -> None:
    sql = f"SELECT {call} AS a,\n  x -- {call}\nFROM s.t"
    assert calls_clock(sql, dialect)
    assert stop_clock(sql, dialect, AT) == f"SELECT {value} AS a,\n  x -- {call}\nFROM s.t"


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("duckdb", "SELECT 'now()', \"today\", t.now, now, x AS current_date FROM t"),
        ("duckdb", "SELECT current_time"),
        ("duckdb", "SELECT 'not closed"),
        ("bigquery", "SELECT CURRENT_DATE('Nowhere/At_All'), CURRENT_DATE(zone), `current_date`"),
        ("postgres", "SELECT age(a, b), sysdate"),
    ],
)
def test_what_is_no_call_or_not_known_stays(dialect: str, sql: str) -> None:
    assert not calls_clock(sql, dialect)
    assert stop_clock(sql, dialect, AT) == sql
