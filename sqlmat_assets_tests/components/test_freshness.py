"""How late a table may be, as Dagster is told and as it judges."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.freshness_evaluator import CronFreshnessPolicyEvaluator
from dagster._core.loader import LoadingContextForTest
from dagster._core.test_utils import freeze_time

from sqlmat_assets.components.freshness import translate_freshness
from sqlmat_assets.project.conditions import parse_conditions
from sqlmat_assets.project.schedules import Calendar

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("interval", "grace", "warn", "fail"),
    [
        (24 * HOUR, None, 24 * HOUR + 72 * MINUTE, 24 * HOUR + 144 * MINUTE),
        (HOUR, None, 65 * MINUTE, 70 * MINUTE),
        (MINUTE, None, 6 * MINUTE, 11 * MINUTE),
        (HOUR, 30 * MINUTE, 75 * MINUTE, 90 * MINUTE),
    ],
)
def test_freshness(interval: timedelta, grace: timedelta | None, warn: timedelta, fail: timedelta) -> None:
    expected = dg.FreshnessPolicy.time_window(fail_window=fail, warn_window=warn)
    assert translate_freshness(interval, grace) == expected


def test_freshness_without_grace_only_fails() -> None:
    assert translate_freshness(HOUR, timedelta()) == dg.FreshnessPolicy.time_window(fail_window=HOUR)


def test_freshness_of_a_table_that_nobody_needs_fresh() -> None:
    assert translate_freshness(None) is None


@pytest.mark.parametrize(
    ("calendar", "grace", "expected"),
    [
        # The hour more is for the night in which clocks are put back.
        (Calendar("0 9 1 * *", BERLIN), None, dg.FreshnessPolicy.cron("0 10 1 * *", 2 * HOUR, BERLIN)),
        (Calendar("0 9 1 * *"), 30 * MINUTE, dg.FreshnessPolicy.cron("30 9 1 * *", 30 * MINUTE)),
        (Calendar("30 23 * * *"), None, dg.FreshnessPolicy.cron("30 0 * * *", HOUR)),
        (Calendar("0 8-10 * * mon-fri", BERLIN), None, dg.FreshnessPolicy.cron("0 9,10,11 * * mon-fri", HOUR, BERLIN)),
        (Calendar("30 23 * * 5"), None, None),
        (Calendar("0 9 L * *"), None, None),
        (Calendar("*/15 * * * *"), None, None),
        (Calendar("0,30 9 * * *"), 45 * MINUTE, None),
        (Calendar("0 9 * * *", BERLIN, parse_conditions("weekdays mon-fri")), None, None),
    ],
)
def test_freshness_of_a_scheduled_table(
    calendar: Calendar, grace: timedelta | None, expected: dg.FreshnessPolicy | None
) -> None:
    assert translate_freshness(None, grace, calendar) == expected


def test_freshness_of_a_table_with_conditions() -> None:
    assert translate_freshness(HOUR, None, Calendar(conditions=parse_conditions("hours 8-18"))) is None
    assert translate_freshness(HOUR, None, Calendar(timezone=BERLIN)) == translate_freshness(HOUR)


@pytest.mark.parametrize(
    ("built", "now", "state"),
    [
        ("2026-11-01T08:01", "2026-11-01T09:59", "PASS"),
        ("2026-10-01T08:01", "2026-11-01T08:59", "PASS"),
        ("2026-10-01T08:01", "2026-11-01T09:01", "FAIL"),
        ("2026-11-01T08:01", "2026-11-30T23:00", "PASS"),
        ("2026-11-01T09:30", "2026-11-02T09:00", "PASS"),
        # 2:30 of summer time, in the night that has a second one; and after the 2:30 that a night leaves out.
        ("2026-10-25T00:31", "2026-10-25T09:00", "PASS"),
        ("2026-10-24T00:31", "2026-10-25T09:00", "FAIL"),
        ("2026-03-29T01:01", "2026-03-29T09:00", "PASS"),
        ("2026-03-28T01:31", "2026-03-29T09:00", "FAIL"),
    ],
)
def test_dagster_finds_a_scheduled_table_fresh(built: str, now: str, state: str) -> None:
    nightly = not now.startswith("2026-11")
    policy = translate_freshness(None, None, Calendar("30 2 * * *" if nightly else "0 9 1 * *", BERLIN))
    asset = dg.AssetSpec("a", freshness_policy=policy)
    with dg.DagsterInstance.ephemeral() as instance, freeze_time(datetime.fromisoformat(f"{built}+00:00")):
        instance.report_runless_asset_event(dg.AssetMaterialization("a"))
        graph = dg.Definitions(assets=[asset]).resolve_asset_graph()
        with freeze_time(datetime.fromisoformat(f"{now}+00:00")):
            context = LoadingContextForTest(instance)
            found = asyncio.run(CronFreshnessPolicyEvaluator().evaluate_freshness(context, graph.get(asset.key)))
    assert found.value == state
