"""The commands, and Dagster, on a project whose tables are in PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import psycopg
import pytest

from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions
from sqlmat_assets.project.load import load_project
from sqlmat_assets_tests.cli.running import Run
from sqlmat_assets_tests.components.running import execute, open_instance
from sqlmat_assets_tests.folders import write_files

FILES = {
    "global.conf": "dialect = postgres\nkeep_versions = 2\n",
    "first/raw.csv": "City,Country\nParis,France\nRome,Italy\n",
    "first/cities - 24h.sql": "-- unique: city\nselect City, country, 1 as version from first.Raw\n",
    "first/cities_test.sql": "select count(*) = 2 as both from first.cities\n",
    "first/seen - 24h.sql": "-- mode: view\nselect city, version from first.cities\n",
    "first/days - 24h.sql": (
        "-- partition_by: day(day) from 2024-01-01 to 2024-01-03\n"
        "select d::date as day from generate_series(date '2024-01-01', '2024-01-03', interval '1 day') as s(d)\n"
    ),
    "first/loud - 24h.sql": "create table first.loud (city varchar not null, price numeric(10, 2))\n",
    "first/loud_select.sql": "select city, 1.50::numeric(10, 2) as price from first.cities\n",
    "first/loud.py": "def process(df):\n    df['city'] = df['city'].str.upper()\n    return df\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "sql", FILES)


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.mark.slow
def test_a_project_is_built_looked_at_undone_and_tried_elsewhere(run: Run, folder: Path, postgres_url: str) -> None:
    secret = postgres_url.replace("dev@", "dev:hunter2@")

    def ran(*arguments: str, code: int = 0) -> str:
        done = run(*arguments, SQLMAT_WAREHOUSE=secret)
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        assert "hunter2" not in said
        return said

    assert "new, never built here: 5 tables" in ran("plan")
    built = ran("build", "--no-record")
    assert "5 published in " in built
    assert postgres_url in built
    assert "nothing is new, changed or due" in ran("plan")
    assert "5 unchanged in " in ran("build", "--no-record")
    assert ask(postgres_url, "SELECT city, price::text FROM first.loud ORDER BY 1") == [
        ("PARIS", "1.50"),
        ("ROME", "1.50"),
    ]
    # The file is edited: first in an environment, then for everybody, and then that is undone.
    edited = (folder / "first/cities - 24h.sql").read_text().replace("1 as version", "2 as version")
    (folder / "first/cities - 24h.sql").write_text(edited)
    ran("build", "--no-record", "--env", "joan", "-s", "first.cities")
    assert "  city = Paris\n    version  1 → 2\n" in ran("diff", "first.cities", "--env", "joan", code=1)
    assert "first__joan.cities" in ran("env", "list")
    ran("env", "drop", "joan")
    ran("build", "--no-record", "-s", "first.cities")
    assert ask(postgres_url, "SELECT DISTINCT version FROM first.seen") == [(2,)]
    ran("undo", "first.cities")
    assert ask(postgres_url, "SELECT DISTINCT version FROM first.seen") == [(1,)]
    # A mistake is told with its line, and the table stays.
    (folder / "first/cities - 24h.sql").write_text("-- unique: city\nselect city,\n    contry\nfrom first.raw\n")
    failed = ran("build", "--no-record", "-s", "first.cities", code=1)
    assert 'column "contry" does not exist' in failed
    assert "in first/cities - 24h.sql:3" in failed
    assert "`first.cities` still holds its previous rows" in failed
    (folder / "first/seen - 24h.sql").unlink()
    assert "first.seen" in ran("orphans")
    ran("orphans", "--drop", "first.seen")
    assert ask(postgres_url, "SELECT count(*) FROM pg_views WHERE schemaname = 'first'") == [(0,)]


def test_a_project_in_the_sql_of_another_engine_is_refused(run: Run, folder: Path, postgres_url: str) -> None:
    (folder / "global.conf").write_text("")
    told = (
        f"the SQL of the project is that of duckdb, and `{postgres_url}` reads postgres\n"
        "  hint: write `dialect = postgres` into `global.conf`\n"
    )
    for command in (("build", "--no-record"), ("plan",), ("plan", "--json"), ("render", "first.raw")):
        done = run(*command, "--warehouse", postgres_url)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", told), command


@pytest.mark.slow
@pytest.mark.parametrize("executor", [thread_executor, dg.in_process_executor], ids=["threads", "in_process"])
def test_dagster_builds_it(tmp_path: Path, folder: Path, postgres_url: str, executor: dg.ExecutorDefinition) -> None:
    def define() -> dg.Definitions:
        made = build_definitions(load_project(folder), warehouse=WarehouseResource(url=postgres_url))
        return dg.Definitions.merge(made, dg.Definitions(executor=executor))

    assets = ["first/raw", "first/cities", "first/seen", "first/loud"]
    with open_instance(tmp_path / "home") as instance:
        assert execute(define(), instance, assets=assets).success
        assert ask(postgres_url, "SELECT count(*) FROM first.seen") == [(2,)]
        (folder / "first/cities_test.sql").write_text("select count(*) = 3 as both from first.cities\n")
        (folder / "first/raw.csv").write_text("City,Country\nOslo,Norway\n")
        assert not execute(define(), instance, assets=assets).success
    assert ask(postgres_url, "SELECT count(*) FROM first.raw") == [(1,)]
    assert ask(postgres_url, "SELECT count(*) FROM first.cities") == [(2,)]
