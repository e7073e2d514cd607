"""Every command on one project, with the same answers whatever engine the tables are in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from sqlmat_assets_tests.cli.running import Run
from sqlmat_assets_tests.engines.engine import Engine
from sqlmat_assets_tests.engines.projects import GEOGRAPHY, write_project

Ran = Callable[..., str]


@pytest.fixture
def sql(tmp_path: Path, engine: Engine) -> Path:
    return write_project(tmp_path, engine, GEOGRAPHY)


@pytest.fixture
def ran(run: Run, engine: Engine, sql: Path) -> Ran:
    """Run a command on the warehouse of the test, and give what it printed."""

    def run_there(*arguments: str, code: int = 0) -> str:
        done = run(*arguments, SQLMAT_WAREHOUSE=engine.url)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run_there


def outcomes(told: str) -> dict[str, str]:
    return {table["name"]: table["outcome"] for table in json.loads(told)["tables"]}


def test_the_files_mean_the_same(ran: Ran) -> None:
    assert ran("check") == "7 tables, 5 checks, no problems\n"
    tables = {table["name"]: table for table in json.loads(ran("ls", "--json"))}
    assert {name: (table["kind"], table["effective_interval_minutes"]) for name, table in tables.items()} == {
        "first.cities": ("query", 1440),
        "first.cities_raw": ("data", 1440),
        "first.known": ("query", None),
        "first.people": ("query", 60),
        "first.shops": ("query", 60),
        "first.shops_raw": ("data", 60),
        "second.parent": ("query", 24),
    }
    assert tables["first.shops"]["upstream"] == ["first.shops_raw", "first.cities"]
    assert ran("test").startswith("passed  first/shops_unit\n1 case: 1 passed in ")


def test_a_build_makes_the_same_rows_and_the_next_one_leaves_them(ran: Ran, engine: Engine) -> None:
    assert ": 7 tables\n  first.cities_raw  builds all rows\n" in ran("plan")
    told = json.loads(ran("build", "--json"))
    assert told["warehouse"] == engine.label
    assert {table["name"]: (table["outcome"], table["rows"]) for table in told["tables"]} == {
        "first.cities": ("published", 3),
        "first.cities_raw": ("published", 3),
        "first.known": ("published", None),
        "first.people": ("published", 2),
        "first.shops": ("published", 3),
        "first.shops_raw": ("published", 3),
        "second.parent": ("published", 1),
    }
    # Redshift and BigQuery tell what they have read, and how long the statements stood in line.
    read = [(table["scanned_bytes"], table["queued_seconds"]) for table in told["tables"] if table["rows"]]
    assert all((None not in each) == (engine.dialect in ("redshift", "bigquery")) for each in read)
    checks = {check["name"]: check for table in told["tables"] for check in table["checks"]}
    assert {name: check["passed"] for name, check in checks.items()} == {
        "correct_capital_of_france": True,
        "country_is_known": False,
        "not_null_city": True,
        "not_null_country": True,
        "unique_country": True,
    }
    assert checks["country_is_known"]["message"] == "false in 1 of 3 rows"
    assert engine.ask("select shop_id, city, country from first.shops order by 1") == [
        (1, "Rome", "Italy"),
        (2, "Atlantis", None),
        (3, "Rome", "Italy"),
    ]
    assert engine.ask("select country, shops from first.people order by 2") == [(None, 1), ("Italy", 2)]
    assert engine.ask("select countries from second.parent") == [(3,)]
    assert set(outcomes(ran("build", "--json")).values()) == {"unchanged"}
    assert "nothing is new, changed or due" in ran("plan")


def test_a_check_that_fails_keeps_the_table_and_holds_what_reads_it(ran: Ran, sql: Path, engine: Engine) -> None:
    ran("build", "--no-record")
    (sql / "first/cities_raw.csv").write_text("city,country\nLyon,France\nOslo,Norway\n")
    said = ran("build", code=1)
    assert (
        "first.cities\n"
        "  1 check of `first.cities` failed\n"
        "    `correct_capital_of_france`: is false\n"
        "  `first.cities` still holds its previous rows\n"
        "  rows where `correct_capital_of_france` does not hold:\n"
        "    city  country  correct_capital_of_france\n"
        "    Lyon  France   false\n"
    ) in said
    assert ["first.shops", "held", "by", "first.cities"] in [line.split() for line in said.splitlines()]
    assert engine.ask("select city from first.cities order by 1") == [("Oslo",), ("Paris",), ("Rome",)]
    # The build that is mended goes on where this one stopped.
    (sql / "first/cities_raw.csv").write_text("city,country\nParis,France\nOslo,Norway\n")
    assert outcomes(ran("build", "--json"))["first.people"] == "published"


def test_a_change_is_tried_compared_published_and_undone(ran: Ran, sql: Path, engine: Engine) -> None:
    ran("build")
    file = sql / "first/cities - 24h.sql"
    file.write_text("select case city when 'Oslo' then 'Bergen' else city end as city, country from first.cities_raw\n")
    assert "first.cities" in ran("plan")
    assert "in the environment" in ran("build", "--env", "joan", "-s", "first.cities")
    assert "  country = Norway\n    city  Oslo → Bergen\n" in ran("diff", "first.cities", "--env", "joan", code=1)
    assert "first__joan.cities" in ran("env", "list")
    ran("env", "drop", "joan")
    ran("build", "-s", "first.cities")
    assert engine.ask("select city from first.cities order by 1") == [("Bergen",), ("Paris",), ("Rome",)]
    assert [line.split()[2] for line in ran("undo", "first.cities", "--list").splitlines()[1:3]] == ["3", "3"]
    ran("undo", "first.cities")
    assert engine.ask("select city from first.cities order by 1") == [("Oslo",), ("Paris",), ("Rome",)]
    assert "put back" in ran("why", "first.cities")


def test_a_table_whose_file_is_gone_is_found_and_dropped(ran: Ran, sql: Path, engine: Engine) -> None:
    ran("build", "--no-record")
    (sql / "first/people — 1h.sql").unlink()
    assert "first.people" in ran("orphans")
    ran("orphans", "--drop", "first.people")
    there = "select table_name from information_schema.tables where table_schema = 'first' order by 1"
    assert engine.ask(there) == [("cities",), ("cities_raw",), ("known",), ("shops",), ("shops_raw",)]


def test_the_statements_that_are_shown_build_the_table(ran: Ran) -> None:
    shown = ran("render", "first.cities")
    assert re.search(r"CREATE TABLE .*cities__sqlmat_\w+_new[`\"] ", shown)
    assert "from first.cities_raw;\n" in shown
    assert shown.index(" AS select") < shown.index("as correct_capital_of_france") < shown.index("RENAME TO")


def test_a_mistake_is_told_with_its_line_and_the_table_stays(ran: Ran, sql: Path, engine: Engine) -> None:
    ran("build", "--no-record")
    (sql / "first/people — 1h.sql").write_text("select\n    country,\n    shop_number\nfrom first.shops\n")
    (sql / "first/shops_test.sql").write_text("-- warn\nselect\n    kuntry is null as none from first.shops\n")
    said = ran("build", "--no-record", code=1)
    assert "    in first/people — 1h.sql:3\n  `first.people` still holds its previous rows\n" in said
    assert "in first/shops_test.sql:3\n" in said
    assert engine.ask("select country, shops from first.people order by 2") == [(None, 1), ("Italy", 2)]
