"""What builds in BigQuery cost: foreseen by `plan`, held by budgets, summed by `costs`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sqlmat_assets_tests.bigquery.server import BigQueryDouble
from sqlmat_assets_tests.cli.running import Run
from sqlmat_assets_tests.engines.engine import Engine, find_bigquery
from sqlmat_assets_tests.engines.projects import write_project

# At this price 10 MiB, which is the least that is billed, cost a dollar.
PRICE = "usd_per_tib = 104857.60\n"
ROWS = "".join(f"{number},n\n" for number in range(1000))
NAMES = "-- owner: team:core\n-- budget: 1.50\nselect name, count(*) as n from first.raw group by 1"
FILES = {
    "global.conf": f"dialect = bigquery\nowner = data@example.com\n{PRICE}",
    "first/raw.csv": f"id,name\n{ROWS}",
    "first/ids - 24h.sql": "select id from first.raw",
    "first/names - 12h.sql": NAMES,
    "first/both - 24h.sql": "select ids.id, names.n from first.ids as ids cross join first.names as names",
    "first/seen.sql": "-- mode: view\nselect id from first.both",
}


@pytest.fixture
def engine(bigquery_url: str) -> Engine:
    return find_bigquery(bigquery_url)


def planned(run: Run, engine: Engine, *more: str) -> dict[str, dict[str, Any]]:
    done = run("plan", "--json", "--warehouse", engine.url, *more)
    assert done.returncode == 0, done.stderr
    return {each["name"]: each for each in json.loads(done.stdout)}


def built(run: Run, engine: Engine, *more: str) -> dict[str, dict[str, Any]]:
    done = run("build", "--no-record", "--json", "--warehouse", engine.url, *more)
    return {each["name"]: each for each in json.loads(done.stdout)["tables"]}


def queries(bigquery: BigQueryDouble, word: str) -> list[dict[str, Any]]:
    """The query jobs that were run and have a word in their text."""
    return [job.configuration["query"] for job in bigquery.jobs.all() if word in job.query]


def test_a_plan_tells_what_each_table_costs_before_anything_is_built(
    run: Run, tmp_path: Path, engine: Engine, bigquery: BigQueryDouble
) -> None:
    write_project(tmp_path, engine, FILES)
    done = run("plan", "--warehouse", engine.url)
    assert done.returncode == 0
    assert (
        done.stdout
        == """\
new, never built here: 5 tables
  first.raw    builds all rows
  first.ids    builds all rows
    reads 5.8 KiB, which costs $1.00, and $1.00 a day
    with a guess at `first.raw`, not built yet
  first.names  builds all rows
    reads 5.8 KiB, which costs $1.00, and $2.00 a day
    with a guess at `first.raw`, not built yet
  first.both   builds all rows
    reads 11.5 KiB, which costs $1.00, and $1.00 a day
    with a guess at `first.ids`, `first.names`, not built yet
  first.seen   creates the view

costs by dry runs, at $104,857.60 for a TiB
owner             tables     reads    USD  USD a day
data@example.com       4  17.3 KiB  $2.00      $2.00
team:core              1   5.8 KiB  $1.00      $2.00
all                    5  23.0 KiB  $3.00      $4.00
"""
    )
    assert queries(bigquery, "first") == []


def test_what_is_there_is_no_guess_and_what_was_there_counts_as_it_was(
    run: Run, tmp_path: Path, engine: Engine, bigquery: BigQueryDouble
) -> None:
    write_project(tmp_path, engine, FILES)
    assert {each["outcome"] for each in built(run, engine).values()} == {"published"}
    found = planned(run, engine)
    told = {name: (each["read_bytes"], each["guessed"], each["usd"]) for name, each in found.items()}
    assert told == {
        "first.raw": (0, [], 0.0),
        "first.ids": (8000, [], pytest.approx(1.0)),
        "first.names": (3000, [], pytest.approx(1.0)),
        "first.both": (8008, [], pytest.approx(1.0)),
        "first.seen": (0, [], 0.0),
    }
    bigquery.catalog.drop(bigquery.catalog.table("a-project", "first", "raw"))
    again = planned(run, engine)
    # All of it, 8 bytes for the number and 3 for the text in each row: of what is not there nobody tells the columns.
    assert (again["first.ids"]["read_bytes"], again["first.ids"]["guessed"]) == (11_000, ["first.raw"])


def test_a_table_above_its_budget_is_not_built(
    run: Run, tmp_path: Path, engine: Engine, bigquery: BigQueryDouble
) -> None:
    sql = write_project(tmp_path, engine, FILES)
    built(run, engine)
    (sql / "first/names.conf").write_text("budget = 0.99\n")
    (sql / "first/names - 12h.sql").write_text("select name, count(*) as m from first.raw group by 1")
    assert planned(run, engine)["first.names"]["is_above_budget"]
    assert "above its `budget` of $0.99: a build is refused" in run("plan", "--warehouse", engine.url).stdout
    failed = built(run, engine, "-s", "first.names")["first.names"]
    assert failed["error"] == (
        "building `first.names` would cost $1.00 by its dry run, and its `budget` is $0.99\n"
        "  hint: have the query read fewer columns or partitions, or raise `budget`\n"
        "`first.names` still holds its previous rows"
    )
    assert queries(bigquery, "as m") == []
    assert engine.ask("select n from first.names") == [(1000,)]


def test_what_is_spent_in_a_day_has_an_end(run: Run, tmp_path: Path, engine: Engine) -> None:
    sql = write_project(tmp_path, engine, FILES)
    (sql / "global.conf").write_text(f"{FILES['global.conf']}daily_budget = 2.50\n")
    plan = run("plan", "--warehouse", engine.url).stdout
    assert plan.endswith("all of it, $3.00, is above the `daily_budget` of $2.50: a part of it is refused\n")
    found = built(run, engine, "--threads", "1")
    assert [found[name]["outcome"] for name in ("first.raw", "first.ids", "first.names", "first.both")] == [
        "published",
        "published",
        "published",
        "failed",
    ]
    assert found["first.both"]["error"] == (
        "building `first.both` would cost $1.00 by its dry run; $2.00 of the `daily_budget` of $2.50 are spent today "
        "(UTC)\n"
        "  hint: build it tomorrow, or raise `daily_budget` in `global.conf`\n"
        "`first.both` was never built"
    )
    # Another run asks what was spent: the statements about records count as well.
    error = built(run, engine, "-s", "first.ids")["first.ids"]["error"]
    assert error.startswith("building `first.ids` would cost $1.00 by its dry run; $")


def test_a_query_is_stopped_where_it_would_read_more_than_its_dry_run_told(
    run: Run, tmp_path: Path, engine: Engine, bigquery: BigQueryDouble
) -> None:
    write_project(tmp_path, engine, FILES)
    built(run, engine)
    most = {
        each["query"].split("`")[3][:4]: each.get("maximumBytesBilled") for each in queries(bigquery, "CREATE TABLE")
    }
    mib = 1 << 20
    assert most == {
        "ids_": str(10_000 + 10 * mib),
        "name": str(3750 + 10 * mib),
        "both": str(10_010 + 20 * mib),
    }


def test_what_was_paid_is_told_of_each_build_and_summed(run: Run, tmp_path: Path, engine: Engine) -> None:
    write_project(tmp_path, engine, FILES)
    first = built(run, engine)
    ids = first["first.ids"]
    assert (ids["billed_bytes"] >= 10 << 20, ids["usd"] >= 1, ids["slot_seconds"] > 0) == (True, True, True)
    built(run, engine, "-s", "first.ids")
    done = run("costs", "--json", "--warehouse", engine.url)
    told = json.loads(done.stdout)
    assert {each["table"] for each in told} == {f"first.{name}" for name in ("raw", "ids", "names", "both", "seen")}
    assert {each["owner"] for each in told} == {"data@example.com", "team:core"}
    assert sorted(Counter(each["run"] for each in told).values()) == [1, 5]
    tables = run("costs", "--warehouse", engine.url).stdout.splitlines()
    assert tables[0].split() == ["table", "statements", "read", "billed", "slot", "seconds", "USD"]
    assert tables[-1].startswith("all")
    by_owner = run("costs", "--by", "owner", "--warehouse", engine.url).stdout.splitlines()
    assert [line.split()[0] for line in by_owner] == ["owner", "data@example.com", "team:core", "all"]
    assert len(run("costs", "--by", "day", "--warehouse", engine.url).stdout.splitlines()) == 3
    assert len(run("costs", "--by", "run", "--warehouse", engine.url).stdout.splitlines()) == 4


def test_an_engine_that_bills_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "sql").mkdir()
    url = f"duckdb:///{tmp_path / 'w.duckdb'}"
    assert (
        run("costs", "--warehouse", url).stdout == f"duckdb://{tmp_path / 'w.duckdb'} bills for nothing that is read\n"
    )
    assert run("costs", "--json", "--warehouse", url).stdout == "[]\n"


def test_nothing_was_spent(run: Run, tmp_path: Path, engine: Engine) -> None:
    write_project(tmp_path, engine, {})
    assert run("costs", "--days", "7", "--warehouse", engine.url).stdout == "nothing was spent in the last 7 days\n"
