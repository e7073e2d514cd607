"""`grant_select` from the command line, on tables of every kind in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from sqlmat_assets.components.assets import WHY_TAG
from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions
from sqlmat_assets.project.load import load_project
from sqlmat_assets_tests.cli.running import Run
from sqlmat_assets_tests.components.running import execute, open_instance
from sqlmat_assets_tests.folders import write_files
from sqlmat_assets_tests.postgres import Server

FILES = {
    "global.conf": "dialect = postgres\n",
    "first.conf": "grant_select = reading, counting\n",
    "first/raw.csv": "city,country\nParis,France\nRome,Italy\n",
    "first/raw.conf": "grant_select = null\n",
    "first/cities - 24h.sql": "select city, country from first.raw\n",
    "first/cities.conf": "grant_select -= counting\n",
    "first/seen.sql": "-- mode: view\nselect city from first.cities\n",
    "first/loud - 24h.sql": "create table first.loud (city varchar)\n",
    "first/loud_select.sql": "select city from first.cities\n",
    "first/loud.py": "def process(df):\n    df['city'] = df['city'].str.upper()\n    return df\n",
    "first/files - 24h.load.yaml": ("files: ../../data/*.csv\ncolumns:\n  city: varchar\n  country: varchar\n"),
}
TABLES = ("cities", "files", "loud", "raw", "seen")


@pytest.fixture(autouse=True)
def roles(postgres_server: Server) -> Generator[None]:
    """Roles of the whole server, which outlives the databases of the tests."""
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE ROLE reading; CREATE ROLE counting")
        yield
        connection.execute("DROP ROLE reading, counting")


@pytest.fixture
def instance(tmp_path: Path) -> Generator[dg.DagsterInstance]:
    with open_instance(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_files(tmp_path / "data", {"more.csv": "city,country\nOslo,Norway\n"})
    return write_files(tmp_path / "sql", FILES)


def readers(url: str, *tables: str) -> dict[str, set[str]]:
    """Which of the two can read each table."""
    found: dict[str, set[str]] = {table: set() for table in tables or TABLES}
    with psycopg.connect(url) as connection:
        for role in ("reading", "counting"):
            for table in found:
                query = "SELECT has_schema_privilege(%s, 'first', 'USAGE') AND has_table_privilege(%s, %s, 'SELECT')"
                (can,) = connection.execute(query, (role, role, f"first.{table}")).fetchone() or (None,)
                found[table] |= {role} if can else set()
    return found


def test_tables_of_every_kind_and_what_is_said_of_them(run: Run, folder: Path, postgres_url: str) -> None:
    both = {"reading", "counting"}

    def ran(*arguments: str, code: int = 0) -> str:
        done = run(*arguments, SQLMAT_WAREHOUSE=postgres_url)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    try:
        assert "  first.cities  builds all rows\n    grants SELECT to reading\n" in ran("plan")
        ran("build", "--no-record")
        expected = {"cities": {"reading"}, "files": both, "loud": both, "raw": set[str](), "seen": both}
        assert readers(postgres_url) == expected
        assert "nothing is new, changed or due" in ran("plan")
        assert 'GRANT SELECT ON "first"."cities" TO "reading"' in ran("render", "first.cities")

        (folder / "first.conf").write_text("grant_select = counting\n")
        planned = ran("plan")
        assert planned.startswith("not due, but others may read them now: 4 tables\n  first.")
        assert "  first.cities  builds all rows\n    revokes SELECT from reading\n" in planned
        told = {table["name"]: table for table in json.loads(ran("plan", "--json"))}
        assert (told["first.seen"]["grants_to"], told["first.seen"]["revokes_from"]) == ([], ["reading"])
        built = json.loads(ran("build", "--no-record", "--json"))
        assert {table["outcome"] for table in built["tables"]} == {"unchanged"}
        assert readers(postgres_url) == {
            "cities": set(),
            "files": {"counting"},
            "loud": {"counting"},
            "raw": set(),
            "seen": {"counting"},
        }

        (folder / "first/cities.conf").write_text("owner = a@example.com\ngrant_select += nobody\n")
        said = ran("build", "--no-record", "-s", "first.cities", code=1)
        assert (
            "first.cities\n"
            "  first/cities.conf:2:17: `grant_select` names `nobody`, whom the warehouse does not know\n"
            "    hint: create this user, group or role there, or take it out of the setting\n"
            "  `first.cities` still holds its previous rows\n"
        ) in said
        assert readers(postgres_url)["cities"] == {"counting"}
    finally:
        with psycopg.connect(postgres_url) as connection:
            connection.execute("DROP OWNED BY reading, counting")


def test_the_service_keeps_out_at_once_who_was_taken_out(
    run: Run, folder: Path, postgres_url: str, instance: dg.DagsterInstance
) -> None:
    for name in ("loud - 24h.sql", "loud_select.sql", "loud.py", "files - 24h.load.yaml"):
        (folder / "first" / name).unlink()
    try:
        assert run("build", "--no-record", SQLMAT_WAREHOUSE=postgres_url).returncode == 0
        (folder / "first.conf").write_text("grant_select = counting\n")
        resource = WarehouseResource(url=postgres_url)
        for tags, expected in (({}, {"reading", "counting"}), ({WHY_TAG: "due"}, {"counting"})):
            made = build_definitions(load_project(folder), warehouse=resource)
            definitions = dg.Definitions.merge(made, dg.Definitions(executor=thread_executor))
            assert execute(definitions, instance, assets=["first/raw"], tags=tags).success
            assert readers(postgres_url, "seen") == {"seen": expected}
    finally:
        with psycopg.connect(postgres_url) as connection:
            connection.execute("DROP OWNED BY reading, counting")


def test_on_duckdb_a_plan_says_that_it_has_no_effect(run: Run, folder: Path) -> None:
    for path in folder.rglob("*.*"):
        path.unlink()
    write_files(folder, {"first.conf": "grant_select = joan\n", "first/a - 1h.sql": "select 1 as id\n"})
    line = "`grant_select` of 1 table has no effect: this engine knows no users\n"
    assert run("plan").stdout.endswith(f"\n{line}")
    assert run("build", "--no-record").returncode == 0
    assert run("plan").stdout == (
        f"nothing is new, changed or due\nnot due, and built all the same: 1 fresh (--verbose shows them)\n{line}"
    )
    assert "GRANT" not in run("render", "first.a").stdout
