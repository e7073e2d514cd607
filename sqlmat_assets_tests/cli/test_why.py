"""`sqlmat why`: sentences for every verdict, and the command on what a real instance has recorded."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sqlmat_assets.cli.why import say
from sqlmat_assets.components.home import open_instance
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions, load_folder
from sqlmat_assets.project.model import Kind, Model
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.project.partitions.ranges import ListRange, TimeRange
from sqlmat_assets.project.reasons import Reason
from sqlmat_assets.project.settings import ModelSettings
from sqlmat_assets.project.timings import Verdict
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.cli.running import SQLMAT, Run
from sqlmat_assets_tests.components.running import execute

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CITIES = Relation("first", "cities")
MODEL = Model(CITIES, "first/cities - 24h.sql", Kind.QUERY, "duckdb", "SELECT 1", 24 * HOUR, 24 * HOUR)
INHERITED = Model(CITIES, "first/cities.sql", Kind.QUERY, "duckdb", "SELECT 1", None, HOUR)
SCHEDULED = Model(
    CITIES, "first/cities.sql", Kind.QUERY, "duckdb", "SELECT 1", settings=ModelSettings(schedule="0 9 1 * *")
)

MONTHLY = replace(
    SCHEDULED,
    settings=ModelSettings(schedule="0 9 1 * *", partition_by=parse_partition_by("month(day) from 2019-01")),
)


@pytest.mark.parametrize(
    ("model", "verdict", "sentence"),
    [
        (MODEL, Verdict(Reason.NEW), "is built at the next tick: it never was"),
        (
            MODEL,
            Verdict(Reason.CHANGED),
            "is built at the next tick: its SQL, checks or settings have changed since its last build",
        ),
        (
            MODEL,
            Verdict(Reason.DUE, NOON - HOUR),
            "is built at the next tick: due 1h ago, at 2026-01-02 11:00:00 UTC, at most 24h old",
        ),
        (
            SCHEDULED,
            Verdict(Reason.SCHEDULED, NOON - 3 * HOUR),
            "is built at the next tick: due 3h ago, at 2026-01-02 09:00:00 UTC, schedule `0 9 1 * *`, UTC",
        ),
        (
            MONTHLY,
            Verdict(
                Reason.SCHEDULED,
                NOON - 3 * HOUR,
                range_=TimeRange(datetime(2025, 11, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
            ),
            "is built at the next tick: due 3h ago, at 2026-01-02 09:00:00 UTC, schedule `0 9 1 * *`, UTC; "
            "partitions 2025-11 to 2025-12",
        ),
        (MODEL, Verdict(Reason.NEW, range_=ListRange((7,))), "is built at the next tick: it never was; partition 7"),
        (
            MODEL,
            Verdict(Reason.READ),
            "is built at the next tick: a scheduled table reads it, and its time has come",
        ),
        (
            MODEL,
            Verdict(Reason.RETRY, failures=2),
            "is built at the next tick: it has failed 2 times, and is tried again",
        ),
        (
            INHERITED,
            Verdict(Reason.FRESH, NOON + timedelta(minutes=5)),
            "fresh; due in 5m, at 2026-01-02 12:05:00 UTC, at most 1h old because of a table that reads it",
        ),
        (
            MODEL,
            Verdict(Reason.UNASKED),
            "built, and nothing asks for newer rows: no interval, no schedule, no reader that has one",
        ),
        (MODEL, Verdict(Reason.RUNNING, run="1b4e28ba-2fa1"), "being built by run 1b4e28ba"),
        (
            MODEL,
            Verdict(Reason.WAITING, waits_for=(Relation("first", "a"), Relation("first", "b"))),
            "due, and waits for `first.a`, `first.b`, which it reads, to be built first",
        ),
        (
            MODEL,
            Verdict(Reason.OUTSIDE, next_at=NOON + HOUR),
            "due, but outside its hours; next in 1h, at 2026-01-02 13:00:00 UTC",
        ),
        (
            MODEL,
            Verdict(Reason.BACKING_OFF, next_at=NOON + timedelta(seconds=90), failures=1),
            "failed once; tried again in 1m 30s, at 2026-01-02 12:01:30 UTC",
        ),
        (
            MODEL,
            Verdict(Reason.HELD, waits_for=(Relation("first", "a"),)),
            "held: `first.a`, which it reads, has failed, is held, or has problems in its files",
        ),
        (
            MODEL,
            Verdict(Reason.QUARANTINED),
            "not built while its files have problems",
        ),
    ],
    ids=lambda value: value.reason.name if isinstance(value, Verdict) else None,
)
def test_every_verdict_is_a_sentence(model: Model, verdict: Verdict, sentence: str) -> None:
    assert say(verdict, model, NOON) == sentence


def test_nothing_complains_when_the_process_ends(run: Run, folder: Path) -> None:
    """Where the warehouse was asked which versions were put back; in a process that ends by itself."""
    (folder / "global.conf").write_text("keep_versions = 1\n")
    assert run("build", "-s", "+first.cities").returncode == 0
    command = [SQLMAT, "why", "first.cities"]
    done = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "  last build" in done.stdout


def test_a_table_that_was_never_built(run: Run) -> None:
    done = run("why", "first.countries")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "first.countries  first/countries.sql",
        "  is built at the next tick: it never was",
        "  never built",
        "  nothing is built by itself: Dagster's daemon has never run here",
        "  hint: start `sqlmat dev`, or the daemon of your deployment",
    ]


def test_what_build_published_is_fresh_and_says_who_asked(run: Run) -> None:
    assert run("build").returncode == 0
    told = json.loads(run("why", "second.report", "--json").stdout)
    assert (told["reason"], told["is_built_at_next_tick"], told["failures"]) == ("fresh", False, 0)
    assert told["last"]["why"] == "asked for by a person"
    assert told["last"]["rows"] == 1
    due_at, decided_at = told["due_at"], told["last"]["decided_at"]
    assert datetime.fromisoformat(due_at) - datetime.fromisoformat(decided_at) == HOUR


def test_an_edit_that_can_change_the_rows_is_one_and_a_comment_is_none(run: Run, folder: Path) -> None:
    assert run("build").returncode == 0
    report = folder / "second" / "report - 1h.sql"
    report.write_text("-- how many\nselect MAX(cities) most\nfrom first.countries\n")
    assert json.loads(run("why", "second.report", "--json").stdout)["reason"] == "fresh"
    report.write_text("select min(cities) as most from first.countries\n")
    assert json.loads(run("why", "second.report", "--json").stdout)["reason"] == "changed"


def test_what_failed_and_what_it_holds_are_told_with_the_chain(run: Run, folder: Path, tmp_path: Path) -> None:
    assert run("build").returncode == 0
    (folder / "first" / "raw_cities.csv").write_text("city,country,population\nBerlin,DE,-1\n")
    (folder / "first" / "countries.sql").write_text("SELECT country, count(*) AS n FROM first.cities GROUP BY country;")
    resource = WarehouseResource(url=f"duckdb:///{folder.parent / 'sqlmat.duckdb'}")
    instance = open_instance(tmp_path / ".sqlmat")
    try:
        definitions = build_definitions(load_folder(folder), warehouse=resource)
        result = execute(definitions, instance, assets=["first/raw_cities", "first/cities"])
    finally:
        instance.dispose()
    assert not result.success
    failed = run("why", "first.cities").stdout.splitlines()
    assert failed[1].startswith("  failed once; tried again in ")
    held = run("why", "first.countries").stdout.splitlines()
    assert held[1] == "  held: `first.cities`, which it reads, has failed, is held, or has problems in its files"
    assert held[2].startswith("    first.cities: failed once; tried again in ")


def test_what_a_build_could_not_publish_is_told(run: Run, folder: Path) -> None:
    (folder / "first" / "raw_cities.csv").write_text("city,country,population\nBerlin,DE,-1\n")
    assert run("build", "--no-record").returncode == 1
    assert run("why", "first.cities").stdout.splitlines()[1] == "  is built at the next tick: it never was"
    built = json.loads(run("build", "--json").stdout)
    told = run("why", "first.cities").stdout.splitlines()
    assert told[1].startswith("  failed once; tried again in ")
    assert told[2] == "  never built"
    assert told[3].startswith("  last attempt failed ")
    assert told[3].endswith(f", run {built['run']}")
    assert told[4] == "    1 check of `first.cities` failed"
    failed = json.loads(run("why", "first.cities", "--json").stdout)["last_failure"]
    assert (failed["run"], failed["said"]) == (built["run"], "1 check of `first.cities` failed")
    held = run("why", "first.countries").stdout.splitlines()
    assert held[1] == "  held: `first.cities`, which it reads, has failed, is held, or has problems in its files"
    assert json.loads(run("why", "first.countries", "--json").stdout)["last_failure"] is None
    # Nobody has tried what has problems in its files.
    (folder / "first/cities - 24h.sql").write_text("SELEC 1 AS id\n")
    run("build")
    assert json.loads(run("why", "first.cities", "--json").stdout)["failures"] == 0


def test_the_problems_of_a_table_are_told(run: Run, folder: Path) -> None:
    (folder / "first/cities - 24h.sql").write_text("SELEC 1 AS id\n")
    lines = run("why", "first.cities").stdout.splitlines()
    assert lines[1] == "  not built while its files have problems"
    assert lines[2].startswith("    first/cities - 24h.sql:1:")


def test_a_name_that_is_none_is_wrong_usage(run: Run) -> None:
    done = run("why", "first.citys")
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "there is no table `first.citys`"
    assert done.stderr.splitlines()[1] == "  hint: did you mean `first.cities`?"
