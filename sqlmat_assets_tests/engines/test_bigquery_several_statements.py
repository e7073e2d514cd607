"""Files of BigQuery with variables, temporary tables and functions before the SELECT, and what only datasets have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sqlmat_assets_tests.bigquery.server import BigQueryDouble
from sqlmat_assets_tests.cli.running import Run
from sqlmat_assets_tests.engines.engine import Engine, find_bigquery
from sqlmat_assets_tests.folders import write_files

CONF = {"global.conf": "dialect = bigquery\ncatalog = a-project\nusd_per_tib = 104857.60\n"}
RECENT = """\
-- Trips since the last day but one.
declare first_day date default (select date_sub(max(day), interval 1 day) from raw.trips);
create temp table recent as
  select * from raw.trips where day >= first_day;
create temp function doubled(x int64) as (x * 2);
update recent set km = doubled(km) where true;

select
  id, -- of the trip
  km
from recent;
"""


@pytest.fixture
def engine(bigquery_url: str) -> Engine:
    found = find_bigquery(bigquery_url)
    found.ask("CREATE SCHEMA raw")
    found.ask(
        "CREATE TABLE raw.trips AS SELECT 1 AS id, DATE '2019-01-01' AS day, 5 AS km "
        "UNION ALL SELECT 2, DATE '2019-01-02', 6 UNION ALL SELECT 3, DATE '2019-01-03', 7"
    )
    return found


def built(run: Run, engine: Engine, *more: str) -> dict[str, dict[str, Any]]:
    done = run("build", "--no-record", "--json", "--warehouse", engine.url, *more)
    return {each["name"]: each for each in json.loads(done.stdout)["tables"]}


def test_the_last_statement_fills_the_table(run: Run, tmp_path: Path, engine: Engine, bigquery: BigQueryDouble) -> None:
    conf = {"first/recent.conf": "unique = id\ncluster_by = id\n"}
    sql = write_files(tmp_path / "sql", {**CONF, **conf, "first/recent - 24h.sql": RECENT})
    assert built(run, engine)["first.recent"]["outcome"] == "published"
    assert engine.ask("SELECT id, km FROM first.recent ORDER BY 1") == [(2, 12), (3, 14)]
    listed = json.loads(run("ls", "--json").stdout)
    assert [(each["name"], each["sources"]) for each in listed] == [("first.recent", ["raw.trips"])]
    table = bigquery.catalog.table("a-project", "first", "recent")
    assert table.options["clustering"] == {"fields": ["id"]}
    assert table.options["description"] == "Trips since the last day but one."
    (job,) = [job for job in bigquery.jobs.all() if job.query.startswith("declare")]
    before, _, after = job.query.partition("CREATE TABLE `first`.`recent__sqlmat_")
    assert before == RECENT[RECENT.index("declare") : RECENT.index("select\n  id")]
    assert after.endswith(") AS select\n  id, -- of the trip\n  km\nfrom recent")
    # A check that fails keeps what is published.
    (sql / "first/recent - 24h.sql").write_text(RECENT.replace("  id, --", "  1 as id, --"))
    assert built(run, engine)["first.recent"]["outcome"] == "failed"
    assert engine.ask("SELECT id, km FROM first.recent ORDER BY 1") == [(2, 12), (3, 14)]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [("max(day)", "max(dayy)", 2), ("doubled(km)", "doubled(kmm)", 6), ("  km\nfrom", "  kmm\nfrom", 10)],
)
def test_a_mistake_is_told_with_its_line(
    run: Run, tmp_path: Path, engine: Engine, old: str, new: str, line: int
) -> None:
    write_files(tmp_path / "sql", {**CONF, "first/recent - 24h.sql": RECENT.replace(old, new)})
    told = built(run, engine)["first.recent"]
    assert (told["outcome"], f"in first/recent - 24h.sql:{line}" in told["error"]) == ("failed", True), told["error"]


def test_a_lost_answer_runs_the_statements_once(
    run: Run, tmp_path: Path, engine: Engine, bigquery: BigQueryDouble
) -> None:
    write_files(tmp_path / "sql", {**CONF, "first/recent - 24h.sql": RECENT})
    bigquery.faults.drop_where(lambda request: request.about.startswith("declare"), after=True)
    assert built(run, engine)["first.recent"]["outcome"] == "published"
    assert len([job for job in bigquery.jobs.all() if job.query.startswith("declare")]) == 1


def test_a_plan_says_what_a_dry_run_cannot_tell(
    run: Run, tmp_path: Path, engine: Engine, bigquery: BigQueryDouble
) -> None:
    variables = (
        "declare n int64 default 2;\ncreate temp function f(x int64) as (x + n);\nselect f(id) as id from raw.trips"
    )
    files = {"first/recent - 24h.sql": RECENT, "first/shifted - 24h.sql": variables}
    sql = write_files(tmp_path / "sql", {**CONF, **files})
    plan = {each["name"]: each for each in json.loads(run("plan", "--json", "--warehouse", engine.url).stdout)}
    assert plan["first.shifted"]["read_bytes"] == 3 * 8
    assert plan["first.recent"]["read_bytes"] is None
    said = run("plan", "--warehouse", engine.url, "-s", "first.recent").stdout
    assert "what it costs is not known: it makes temporary tables, and a dry run makes none" in " ".join(said.split())
    # What cannot be foreseen is held by the budget of the table alone.
    (sql / "first/recent.conf").write_text("budget = 3\n")
    assert {each["error"] for each in built(run, engine).values()} == {None}
    limits = {
        job.query.split()[1]: job.configuration["query"].get("maximumBytesBilled")
        for job in bigquery.jobs.all()
        if job.query.startswith("declare")
    }
    assert limits == {"first_day": str(3 * (10 << 20)), "n": str(3 * 8 * 5 // 4 + (10 << 20))}


def test_a_processed_table_takes_them_too(run: Run, tmp_path: Path, engine: Engine) -> None:
    script = "import shutil, sys\nshutil.copy(sys.argv[1], sys.argv[2])\n"
    files = {
        "first/recent_select.sql": RECENT,
        "first/recent - 24h.sql": "CREATE TABLE first.recent (id INT64 NOT NULL, km INT64);\n",
        "first/recent.py": script,
    }
    write_files(tmp_path / "sql", {**CONF, **files})
    told = built(run, engine)["first.recent"]
    assert (told["outcome"], told["error"]) == ("published", None), told["error"]
    assert engine.ask("SELECT id, km FROM first.recent ORDER BY 1") == [(2, 12), (3, 14)]


@pytest.mark.parametrize("setting", ["mode: view", "mode: append", "partition_by: day(id) from 2019-01-01"])
def test_they_fill_a_table_as_a_whole_or_not_at_all(run: Run, tmp_path: Path, setting: str) -> None:
    write_files(tmp_path / "sql", {**CONF, "first/recent - 24h.sql": f"-- {setting}\n{RECENT}"})
    key = setting.partition(":")[0]
    done = run("check")
    said = f"`{key}` needs a query that is one SELECT, and this one has statements before it"
    assert (done.returncode, said in " ".join(done.stderr.split())) == (1, True), done.stderr


def test_duckdb_does_not_take_them(run: Run, tmp_path: Path) -> None:
    write_files(tmp_path / "sql", {**CONF, "first/recent - 24h.sql": RECENT})
    done = run("check", "--on", "duckdb")
    assert done.returncode == 1
    assert "it has statements before the SELECT" in " ".join(done.stderr.split())


def test_functions_and_models_of_datasets_are_passed_on(
    run: Run, tmp_path: Path, engine: Engine, bigquery: BigQueryDouble
) -> None:
    engine.ask("CREATE FUNCTION raw.doubled(x INT64) AS (x * 2)")
    engine.ask("CREATE TABLE FUNCTION raw.since(first_day DATE) AS SELECT * FROM raw.trips WHERE day >= first_day")
    bigquery.catalog.models["raw", "minutes"] = {"predicted_minutes": "km * 3"}
    queries = {
        # A remote function is called like this as well.
        "doubled": "select id, raw.doubled(km) as km from raw.trips",
        "since": "select id, km from raw.since(date '2019-01-02') as since",
        "minutes": "select id, predicted_minutes from ml.predict(model raw.minutes, (select id, km from raw.trips))",
        "minutes_of_all": "select id, predicted_minutes from ml.predict(model raw.minutes, table raw.trips)",
    }
    write_files(tmp_path / "sql", {**CONF, **{f"first/{name} - 24h.sql": text for name, text in queries.items()}})
    listed = {each["name"]: each["sources"] for each in json.loads(run("ls", "--json").stdout)}
    assert listed == {
        "first.doubled": ["raw.trips"],
        "first.since": [],
        "first.minutes": ["raw.minutes", "raw.trips"],
        "first.minutes_of_all": ["raw.minutes", "raw.trips"],
    }
    assert {each["outcome"] for each in built(run, engine).values()} == {"published"}
    for name, text in queries.items():
        (job,) = [job for job in bigquery.jobs.all() if job.query.startswith(f"CREATE TABLE `first`.`{name}__")]
        assert job.query.endswith(f" AS {text}")
    assert engine.ask("SELECT id, km FROM first.doubled ORDER BY 1") == [(1, 10), (2, 12), (3, 14)]
    assert engine.ask("SELECT id, km FROM first.since ORDER BY 1") == [(2, 6), (3, 7)]
    assert engine.ask("SELECT * FROM first.minutes ORDER BY 1") == [(1, 15), (2, 18), (3, 21)]
    assert engine.ask("SELECT * FROM first.minutes_of_all ORDER BY 1") == [(1, 15), (2, 18), (3, 21)]
