"""A folder as Duro's users have one: the same tables, rows and checks in DuckDB and on the double of Redshift."""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from sqlmat_assets_tests.cli.running import Run
from sqlmat_assets_tests.engines.engine import Engine, Rows, find_duckdb
from sqlmat_assets_tests.folders import write_files
from sqlmat_assets_tests.redshift.cluster import RedshiftDouble, create_user

DURO = Path(__file__).parents[1] / "project/folders/duro"
SCRIPT = """import csv, sys
with open(sys.argv[1], newline="") as given, open(sys.argv[2], "w", newline="") as made:
    rows = list(csv.DictReader(given, delimiter=";", escapechar="\\\\"))
    writer = csv.writer(made, delimiter=";", escapechar="\\\\")
    writer.writerow(["country", "continent"])
    writer.writerows([row["country"].upper(), row["continent"]] for row in rows)
"""
# What the folder reads from outside, and what its script does.
FILES = {
    "first/cities_raw.csv": "city,country\nParis,France\nRome,Italy\nOslo,Norway\n",
    "first/countries_raw.csv": "country,continent\nFrance,Europe\nJapan,Asia\nÉire;x,\n",
    "first/countries.py": SCRIPT,
    "first/countries_requirements.txt": "# nothing but Python\n",
}
TABLES = {
    "first.cities": [("Oslo", "Norway"), ("Paris", "France"), ("Rome", "Italy")],
    "first.cities_raw": [("Oslo", "Norway"), ("Paris", "France"), ("Rome", "Italy")],
    "first.countries": [("FRANCE", "Europe"), ("JAPAN", "Asia"), ("ÉIRE;X", None)],
    "first.countries_detailed": [("FRANCE", "Europe", 6), ("JAPAN", "Asia", 5), ("ÉIRE;X", None, 6)],
    "first.countries_raw": [("France", "Europe"), ("Japan", "Asia"), ("Éire;x", None)],
    "second.child": [("Oslo",), ("Paris",), ("Rome",)],
    "second.parent": [("Oslo",), ("Paris",), ("Rome",)],
}
LONDON = "first/cities_raw.csv", "city,country\nParis,England\nLondon,England\n"
DESIGN = "select diststyle from svv_table_info where \"table\" = 'cities'"


@pytest.fixture
def people(cluster: RedshiftDouble) -> Generator[None]:
    """Those to whom the settings grant something; of the whole server, which outlives the cluster of a test."""
    names = ("jane", "john", "joan")
    for name in names:
        create_user(cluster, name, "Secret-2")
    yield
    listed = ", ".join(names)
    for text in (f"drop owned by {listed} cascade", f"drop role {listed}"):
        cluster.admin("dev", text)


def rows(engine: Engine) -> dict[str, Rows]:
    return {name: sorted(engine.ask(f"select * from {name}"), key=str) for name in TABLES}


def told(run: Run, engine: Engine, sql: Path, code: int) -> dict[str, dict[str, Any]]:
    """What a build says of each table, without what it took."""
    done = run("build", str(sql), "--no-record", "--json", "--warehouse", engine.url)
    assert done.returncode == code, done.stdout + done.stderr
    tables = json.loads(done.stdout)["tables"]
    kept = ("outcome", "rows", "checks", "held_by")
    return {table["name"]: {key: table[key] for key in kept} for table in tables}


@pytest.mark.slow
@pytest.mark.usefixtures("people")
def test_the_same_in_both(run: Run, tmp_path: Path, redshift: Engine) -> None:
    listed, first, second, tables = [], [], [], []
    for engine in (find_duckdb(tmp_path / "warehouse.duckdb"), redshift):
        sql = tmp_path / engine.dialect
        shutil.copytree(DURO, sql)
        settings = (DURO / "global.conf").read_text()
        write_files(sql, {**FILES, "global.conf": f"{settings}dialect = {engine.dialect}\n"})
        listed.append(json.loads(run("ls", str(sql), "--json").stdout))
        first.append(told(run, engine, sql, 0))
        assert rows(engine) == TABLES
        # A check that fails keeps the table, and holds what reads it.
        write_files(sql, dict([LONDON]))
        second.append(told(run, engine, sql, 1))
        tables.append(rows(engine))
    assert listed[0] == listed[1]
    assert {table["name"]: table["kind"] for table in listed[0]}["first.countries"] == "processed"
    assert first[0] == first[1]
    assert {each["outcome"] for each in first[0].values()} == {"published"}
    assert second[0] == second[1]
    assert {name: each["outcome"] for name, each in second[0].items() if each["outcome"] != "unchanged"} == {
        "first.cities_raw": "published",
        "first.cities": "failed",
        "second.child": "held",
        "second.parent": "held",
    }
    assert tables[0] == tables[1] == {**TABLES, "first.cities_raw": [("London", "England"), ("Paris", "England")]}
    assert redshift.ask(DESIGN) == [("KEY(city)",)]
