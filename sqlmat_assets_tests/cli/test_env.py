"""Environments from the command line: a change is tried, and production knows nothing of it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from pathlib import Path

import duckdb
import pytest

from sqlmat_assets_tests.cli.running import Run

GIT = ("-c", "user.name=joan", "-c", "user.email=joan@example.com")
CITIES = "first/cities - 24h.sql"
OF_PRODUCTION = ("first.raw_cities", "first.cities", "first.countries", "second.report")


def production(folder: Path) -> list[object]:
    """All rows of all tables of production, and what is recorded of them."""
    with duckdb.connect(folder.parent / "sqlmat.duckdb", read_only=True) as connection:
        tables = [connection.execute(f"FROM {name} ORDER BY ALL").fetchall() for name in OF_PRODUCTION]
        records = "FROM _sqlmat.tables WHERE environment IS NULL ORDER BY ALL"
        return [*tables, connection.execute(records).fetchall()]


def events(home: Path) -> int:
    """How many events an instance has, of runs and of none."""
    count = 0
    for file in (home / "history" / "runs").glob("*.db"):
        with sqlite3.connect(file) as connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'event_logs'").fetchone():
                count += connection.execute("SELECT count(*) FROM event_logs").fetchone()[0]
        connection.close()
    return count


def ask(folder: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(folder.parent / "sqlmat.duckdb", read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_change_is_tried_and_production_knows_nothing_of_it(run: Run, folder: Path) -> None:
    home = folder.parent / ".sqlmat"
    assert run("build").returncode == 0
    before, recorded = production(folder), events(home)
    assert recorded > 0
    for arguments in (("init", "-q", "-b", "main"), ("add", "sql"), ("commit", "-q", "-m", "all")):
        subprocess.run(["git", *GIT, *arguments], cwd=folder.parent, check=True)
    (folder / CITIES).write_text("SELECT city, country, population * 2 AS population FROM first.raw_cities")
    done = run("build", "--env", "Joan", "-s", "changed+", "--since", "HEAD")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("in the environment `joan`; production is as it was\n")
    assert ask(folder, "SELECT sum(population) FROM first__joan.cities") == [(8788000,)]
    assert ask(folder, "SELECT sum(population) FROM first.cities") == [(4394000,)]
    assert ask(folder, "SELECT most FROM second__joan.report") == [(1,)]
    made = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'raw_cities'"
    assert ask(folder, made) == [(1,)]
    differ = run("diff", "first.cities", "--env", "joan", "--key", "city", "--json")
    assert differ.returncode == 1, differ.stderr
    assert json.loads(differ.stdout)["changed_columns"] == [{"name": "population", "rows": 2, "share": 1.0}]
    assert run("diff", "second.report", "--env", "joan").returncode == 0
    assert (production(folder), events(home)) == (before, recorded)
    assert events(home / "env" / "joan") >= 3
    plan = json.loads(run("plan", "--json").stdout)
    assert {each["name"]: each["status"] for each in plan}["first.cities"] == "changed"
    plan = json.loads(run("plan", "--json", "--env", "joan").stdout)
    assert {each["name"]: each["status"] for each in plan} == {
        "first.raw_cities": "new",
        "first.cities": "fresh",
        "first.countries": "fresh",
        "second.report": "fresh",
    }


def test_the_variable_names_it_as_well_and_the_option_wins(run: Run, folder: Path) -> None:
    def environment(*options: str) -> str | None:
        done = run("build", "--json", "--no-record", *options, SQLMAT_ENV="dev")
        return json.loads(done.stdout)["environment"]

    assert [environment(), environment("--env", "joan"), environment("--env", "")] == ["dev", "joan", None]
    assert ask(folder, "SELECT DISTINCT environment FROM _sqlmat.tables ORDER BY 1") == [("dev",), ("joan",), (None,)]


def test_dagster_home_has_it_in_a_folder_below(run: Run, folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert run("build", "--env", "dev", DAGSTER_HOME=str(home)).returncode == 0
    assert events(home / "env" / "dev") > 0
    assert not (home / "history").exists()
    assert not (folder.parent / ".sqlmat" / "history").exists()
    done = run("env", "drop", "dev", DAGSTER_HOME=str(home))
    assert done.returncode == 0
    assert not (home / "env" / "dev").exists()


def test_environments_are_listed_and_dropped(run: Run, folder: Path) -> None:
    label = f"duckdb://{folder.parent / 'sqlmat.duckdb'}"
    empty = run("env", "list")
    assert (empty.returncode, empty.stdout) == (
        0,
        f"no environment in {label}: `sqlmat build --env NAME` makes one\n",
    )
    assert run("build", "--no-record").returncode == 0
    before = production(folder)
    for name in ("dev", "joan"):
        assert run("build", "--env", name, "-s", "first.raw_cities").returncode == 0
    listed = json.loads(run("env", "list", "--json").stdout)
    assert [(each["name"], [(t["name"], t["rows"]) for t in each["tables"]]) for each in listed] == [
        ("dev", [("first__dev.raw_cities", 2)]),
        ("joan", [("first__joan.raw_cities", 2)]),
    ]
    shown = run("env", "list")
    assert "first__joan.raw_cities" in shown.stdout
    assert shown.stderr == "they stay until somebody drops them: `sqlmat env drop NAME`\n"
    with duckdb.connect(folder.parent / "sqlmat.duckdb") as connection:
        connection.execute("CREATE TABLE first__dev.mine AS SELECT 1 AS n")
    done = run("env", "drop", "Dev")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        f"dropped the environment `dev` from {label}: `first__dev.raw_cities`\n",
        "kept the schema `first__dev`: sqlmat did not make `first__dev.mine`\n",
    )
    assert not (folder.parent / ".sqlmat" / "env" / "dev").exists()
    assert (folder.parent / ".sqlmat" / "env" / "joan").exists()
    assert [each["name"] for each in json.loads(run("env", "list", "--json").stdout)] == ["joan"]
    assert production(folder) == before
    again = run("env", "drop", "dev")
    assert (again.returncode, again.stderr) == (
        2,
        "there is no environment `dev`\n  hint: `sqlmat env list` lists them\n",
    )


def test_an_environment_that_a_view_reads_is_not_dropped(run: Run, folder: Path) -> None:
    (folder / "first" / "shown.sql").write_text("-- mode: view\nSELECT * FROM first.cities")
    (folder / "second" / "seen - 1h.sql").write_text("SELECT * FROM first.shown")
    assert run("build", "--env", "dev", "--no-record").returncode == 0
    file = str(folder.parent / "sqlmat.duckdb")
    with duckdb.connect(file) as connection:
        connection.execute("CREATE VIEW mine AS SELECT city FROM first__dev.shown")
        connection.execute("CREATE VIEW fine AS SELECT 'first__dev.cities' AS name")
        connection.execute("CREATE VIEW more AS SELECT * FROM mine")
    done = run("env", "drop", "dev")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "the environment `dev` is not dropped: `main.mine`, `main.more` read it\n  hint: change or drop those first\n"
    )
    with duckdb.connect(file) as connection:
        assert connection.execute("SELECT count(*) FROM mine").fetchone() == (2,)
        connection.execute("DROP VIEW more; DROP VIEW mine")
    assert run("env", "drop", "dev").returncode == 0
    with duckdb.connect(file) as connection:
        assert connection.execute("SELECT name FROM fine").fetchone() == ("first__dev.cities",)
        assert connection.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE schema_name LIKE '%__dev'"
        ).fetchone() == (0,)


def test_an_instance_without_tables_is_listed_and_dropped(run: Run, folder: Path) -> None:
    (folder / CITIES).write_text("SELECT nothing FROM first.raw_cities")
    assert run("build", "--env", "dev", "-s", "first.cities").returncode == 1
    assert json.loads(run("env", "list", "--json").stdout) == [{"name": "dev", "tables": []}]
    done = run("env", "drop", "dev")
    assert done.stdout.endswith(": it had no tables\n")
    assert ask(folder, "SELECT count(*) FROM information_schema.schemata WHERE schema_name = 'first__dev'") == [(0,)]
    assert json.loads(run("env", "list", "--json").stdout) == []


@pytest.mark.parametrize("name", ["production", "Prod"])
@pytest.mark.parametrize("command", [("build", "--env"), ("env", "drop")])
def test_production_is_no_environment(run: Run, folder: Path, command: tuple[str, ...], name: str) -> None:
    done = run(*command, name)
    assert done.returncode == 2
    assert done.stderr.startswith(f"`{name.lower()}` cannot be the name of an environment\n")
    assert not (folder.parent / "sqlmat.duckdb").exists()


def test_a_schema_of_the_project_is_not_written(run: Run, folder: Path) -> None:
    (folder / "First__Dev").mkdir()
    (folder / "First__Dev" / "x.csv").write_text("n\n1\n")
    done = run("build", "--env", "dev")
    assert (done.returncode, done.stderr) == (
        2,
        "the environment `dev` would be built in `first__dev`, which `First__Dev/x.csv` uses\n"
        "  hint: take another name\n",
    )
    assert not (folder.parent / "sqlmat.duckdb").exists()


def test_what_is_built_there_is_in_the_statements_and_the_rest_is_read_from_production(run: Run, folder: Path) -> None:
    assert run("build", "--no-record").returncode == 0
    first = run("render", "first.countries", "--env", "dev").stdout
    assert "FROM first.cities GROUP BY country" in first
    assert 'RENAME TO "countries"' in first
    assert run("build", "--no-record", "--env", "dev", "-s", "first.cities").returncode == 0
    then = run("render", "first.countries", "--env", "dev").stdout
    assert "FROM first__dev.cities" in then.replace('"', "")
    assert "'first__dev', 'countries'" in then


def test_why_reads_the_instance_of_the_environment(run: Run, folder: Path) -> None:
    assert run("build", "--env", "dev", "-s", "first.raw_cities").returncode == 0
    found = json.loads(run("why", "first.raw_cities", "--env", "dev", "--json").stdout)
    assert found["last"]["rows"] == 2
    assert found["service"] != "running"
    assert json.loads(run("why", "first.raw_cities", "--json").stdout)["last"] is None


def test_a_build_of_partitions_is_taken_up_where_it_was_begun(run: Run, folder: Path) -> None:
    (folder / "first" / "days - 24h.sql").write_text(
        "-- partition_by: day(day) from 2019-01-01 to 2019-01-04\n"
        "SELECT CAST(day AS date) AS day, CASE WHEN day = (SELECT bad FROM other.trouble) THEN error('no') END AS e "
        "FROM (VALUES ('2019-01-01'), ('2019-01-02'), ('2019-01-03'), ('2019-01-04')) AS v(day)"
    )
    arguments = ("build", "-s", "first.days", "--partition", "2019-01-01..2019-01-04", "--batch", "1", "--no-record")
    with duckdb.connect(folder.parent / "sqlmat.duckdb") as connection:
        connection.execute("CREATE SCHEMA other; CREATE TABLE other.trouble AS SELECT '2019-01-03' AS bad")
    assert run(*arguments, "--env", "dev").returncode == 1
    with duckdb.connect(folder.parent / "sqlmat.duckdb") as connection:
        connection.execute("UPDATE other.trouble SET bad = 'none'")
    done = run(*arguments, "--env", "dev")
    assert done.returncode == 0
    assert done.stderr.startswith("2 partitions are built already\n")
    assert ask(folder, "SELECT count(*) FROM first__dev.days") == [(4,)]
    # Nobody has asked for it in production, where there is nothing to take up.
    fresh = run(*arguments)
    assert (fresh.returncode, fresh.stderr) == (0, "")
    assert ask(folder, "SELECT count(*) FROM first.days") == [(4,)]
