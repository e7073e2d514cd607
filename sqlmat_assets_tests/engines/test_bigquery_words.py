"""What only BigQuery has: tables by days, partitions by ingestion, system views, legacy SQL, how jobs are run."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from sqlmat_assets_tests.bigquery.server import BigQueryDouble
from sqlmat_assets_tests.bigquery.wire import ApiError
from sqlmat_assets_tests.cli.running import Run
from sqlmat_assets_tests.engines.engine import Engine, find_bigquery
from sqlmat_assets_tests.folders import write_files

CONF = {"global.conf": "dialect = bigquery\ncatalog = a-project\n"}
DAYS = (1, 2, 3)


@pytest.fixture
def engine(bigquery_url: str) -> Engine:
    found = find_bigquery(bigquery_url)
    found.ask("CREATE SCHEMA raw")
    for day in DAYS:
        found.ask(f"CREATE TABLE raw.events_2019010{day} AS SELECT {day} AS id, 'word' AS word")
    found.ask("CREATE TABLE raw.ingested (id INT64) PARTITION BY _PARTITIONDATE")
    found.ask("INSERT INTO raw.ingested (id) VALUES (7)")
    return found


def built(run: Run, url: str, *more: str) -> dict[str, tuple[str, str | None]]:
    done = run("build", "--no-record", "--json", "--warehouse", url, *more)
    return {each["name"]: (each["outcome"], each["error"]) for each in json.loads(done.stdout)["tables"]}


def test_what_only_bigquery_has_is_read(run: Run, tmp_path: Path, engine: Engine) -> None:
    write_files(
        tmp_path / "sql",
        {
            **CONF,
            "first/sharded - 24h.sql": (
                "select id, _table_suffix as day from `a-project.raw.events_*` where _table_suffix >= '20190102'"
            ),
            "first/one_day - 24h.sql": "select id from raw.events_20190101",
            "first/arrived - 24h.sql": "select id, date(_partitiontime) as day from raw.ingested",
            "first/tables - 24h.sql": "select table_name from raw.INFORMATION_SCHEMA.TABLES",
            "first/structs - 24h.sql": "select id, [struct(id as n)] as inside from raw.events_20190101",
            "first/unnested - 24h.sql": "select s.id, one.n from first.structs as s, s.inside as one",
        },
    )
    assert set(built(run, engine.url).values()) == {("published", None)}
    assert engine.ask("SELECT id, day FROM first.sharded ORDER BY 1") == [(2, "20190102"), (3, "20190103")]
    today = datetime.datetime.now(datetime.UTC).date()
    assert engine.ask("SELECT id, day FROM first.arrived") in [[(7, today)], [(7, today - datetime.timedelta(days=1))]]
    names = engine.ask("SELECT table_name FROM first.tables ORDER BY 1")
    assert names == [("events_20190101",), ("events_20190102",), ("events_20190103",), ("ingested",)]
    assert engine.ask("SELECT id, n FROM first.unnested") == [(1, 1)]


def test_legacy_sql_fills_a_table_too(run: Run, tmp_path: Path, engine: Engine, bigquery: BigQueryDouble) -> None:
    text = "#legacySQL\n-- owner: data@example.com\nselect id, word from [a-project:raw.events_20190101]\n"
    sql = write_files(tmp_path / "sql", {**CONF, "first/old - 24h.sql": text})
    assert built(run, engine.url) == {"first.old": ("published", None)}
    assert engine.ask("SELECT id, word FROM first.old") == [(1, "word")]
    (job,) = [job for job in bigquery.jobs.all() if job.configuration.get("query", {}).get("useLegacySql")]
    assert job.configuration["query"]["destinationTable"]["tableId"].startswith("old__sqlmat_")
    # Checks are in standard SQL, and one that fails keeps the table.
    (sql / "first/old_test.sql").write_text("select id = 2 as is_two from first.old")
    outcome, error = built(run, engine.url)["first.old"]
    assert (outcome, "`is_two`: is false" in str(error)) == ("failed", True)
    plan = json.loads(run("plan", "--json", "--warehouse", engine.url).stdout)
    assert [each["read_bytes"] for each in plan] == [8 + 6]


def test_jobs_are_run_where_and_how_the_url_says(
    run: Run, tmp_path: Path, engine: Engine, bigquery: BigQueryDouble
) -> None:
    sql = {**CONF, "first/t - 24h.sql": "-- owner: data@example.com\nselect id from raw.events_20190101"}
    write_files(tmp_path / "sql", sql)
    assert built(run, f"{engine.url}&priority=batch&max_bytes_billed=20MB") == {"first.t": ("published", None)}
    (job,) = [job for job in bigquery.jobs.all() if job.query.startswith("CREATE TABLE `first`")]
    told = job.configuration
    assert (told["query"]["priority"], told["query"]["maximumBytesBilled"]) == ("BATCH", str(8 * 5 // 4 + (10 << 20)))
    assert (told["labels"]["asset"], told["labels"]["owner"], len(told["labels"]["run"])) == (
        "first_t",
        "data_example_com",
        8,
    )
    assert job.location == "EU"
    refused = built(run, engine.url.replace("location=EU", "location=US"))
    assert "was not found in location" in str(refused)


@pytest.mark.parametrize("reason", ["backendError", "rateLimitExceeded", "jobRateLimitExceeded", "internalError"])
def test_what_bigquery_calls_passing_is_tried_again(
    run: Run, tmp_path: Path, engine: Engine, bigquery: BigQueryDouble, reason: str
) -> None:
    write_files(tmp_path / "sql", {**CONF, "first/t - 24h.sql": "select id from raw.events_20190101"})
    # At the request, and in a job that was taken.
    bigquery.faults.answer_where(lambda request: "CREATE TABLE `first`" in request.about, ApiError(reason, "not now"))
    bigquery.jobs.refusals.append((lambda job: job.query.startswith("CREATE TABLE `first`"), ApiError(reason, "no")))
    assert built(run, engine.url) == {"first.t": ("published", None)}
    made = [job.error for job in bigquery.jobs.all() if job.query.startswith("CREATE TABLE `first`")]
    assert [error is None for error in made] == [False, True]


def test_what_does_not_pass_is_not_tried_again(
    run: Run, tmp_path: Path, engine: Engine, bigquery: BigQueryDouble
) -> None:
    write_files(tmp_path / "sql", {**CONF, "first/t - 24h.sql": "select id from raw.events_20190101"})
    bigquery.jobs.refusals.append(
        (lambda job: "CREATE TABLE `first`" in job.query, ApiError("quotaExceeded", "too much"))
    )
    outcome, error = built(run, engine.url)["first.t"]
    assert (outcome, str(error).splitlines()[0]) == ("failed", "too much")
    assert len([job for job in bigquery.jobs.all() if job.query.startswith("CREATE TABLE `first`")]) == 1
