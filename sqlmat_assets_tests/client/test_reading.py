"""Reading tables from Python, and what is said where they cannot be read."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb
import pytest

from sqlmat_assets.cli import run
from sqlmat_assets.client import Column, WaitTimeoutError, connect, table
from sqlmat_assets.errors import UsageError
from sqlmat_assets_tests.children import Child
from sqlmat_assets_tests.client.conftest import Place
from sqlmat_assets_tests.folders import write_files


def hold(path: str) -> None:
    """Have a DuckDB file open until the process is killed."""
    with duckdb.connect(path):
        sys.stdout.write("held\n")
        time.sleep(600)


def test_rows_as_arrow_and_as_pandas(place: Place) -> None:
    cities = place.connect().table("first.cities")
    assert cities.to_arrow().to_pylist() == [
        {"city": "Paris", "country": "France"},
        {"city": "Ottawa", "country": "Canada"},
    ]
    assert cities.to_pandas().to_dict("list") == {"city": ["Paris", "Ottawa"], "country": ["France", "Canada"]}


def test_names_are_read_as_the_warehouse_reads_them(place: Place) -> None:
    cities = place.connect().table("First.CITIES")
    assert (repr(cities), cities.is_fresh) == ("table('first.cities')", True)


def test_the_warehouse_is_free_between_batches(place: Place) -> None:
    batches = place.connect().table("first.cities").to_batches(1)
    assert next(batches).to_pydict() == {"city": ["Paris"], "country": ["France"]}
    with duckdb.connect(place.folder / "sqlmat.duckdb") as connection:
        connection.execute("DROP TABLE first.cities")
    assert next(batches).to_pydict() == {"city": ["Ottawa"], "country": ["Canada"]}


def test_a_file_is_there_when_it_is_whole(place: Place, tmp_path: Path) -> None:
    cities = place.connect().table("first.cities")
    target = tmp_path / "out" / "cities.parquet"
    assert cities.save(target) == target
    assert duckdb.read_parquet(str(target)).fetchall() == [("Paris", "France"), ("Ottawa", "Canada")]
    assert [each.name for each in target.parent.iterdir()] == ["cities.parquet"]
    with pytest.raises(UsageError) as caught:
        cities.save(tmp_path / "cities.xlsx")
    assert str(caught.value) == (
        f"`{tmp_path}/cities.xlsx` is no data file\n  hint: its ending has to be .csv, .csv.gz, .parquet"
    )


def test_a_warehouse_that_somebody_holds_is_waited_for_no_longer_than_asked(place: Place) -> None:
    told: list[str] = []
    label = place.connect().warehouse.label
    with Child(hold, str(place.folder / "sqlmat.duckdb")) as child:
        assert child.stdout.readline() == "held\n"
        with pytest.raises(WaitTimeoutError) as caught:
            place.connect(told.append).table("first.cities").to_arrow(timeout=1)
    assert str(caught.value) == f"{label} could not be read within 1s: another process has it open"
    assert told == [f"waiting for {label}, which another process has open"]
    assert place.connect().table("first.cities").to_arrow().num_rows == 2


def test_what_is_not_there(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = {
        "where the tables are": lambda: table("first.cities"),
        "project": lambda: connect(project="nowhere"),
        "instance": lambda: connect(project=place.project, dagster=tmp_path),
        "name": lambda: place.connect().table("cities"),
        "table": lambda: place.connect().table("first.citis").to_pandas(),
        "warehouse": lambda: connect(warehouse=f"duckdb:///{tmp_path}/none.duckdb").table("first.cities").schema(),
    }
    found = {}
    for what, ask in said.items():
        with pytest.raises(UsageError) as caught:
            ask()
        found[what] = str(caught.value)
    label = place.connect().warehouse.label
    assert found == {
        "where the tables are": "nothing says where the tables are\n"
        "  hint: set `SQLMAT_WAREHOUSE`, or call `connect(warehouse=…)`",
        "project": "there is no folder `nowhere`\n  hint: name the project folder, the one that holds the SQL",
        "instance": f"`{tmp_path}` holds no Dagster instance\n"
        "  hint: name `$DAGSTER_HOME`, or the URL of Dagster's web server",
        "name": "`cities` is no table with its schema\n  hint: write `first.cities`",
        "table": f"there is no table `first.citis` in {label}\n  hint: did you mean `first.cities`?",
        "warehouse": f"there is no warehouse at duckdb://{tmp_path}/none.duckdb\n"
        "  hint: build something first, or name another one",
    }


def test_a_table_of_postgresql(tmp_path: Path, postgres_url: str) -> None:
    sql = "select 1.50::numeric(5, 2) as price, -- in euros\n    '{\"a\": 1}'::jsonb as more\n"
    write_files(tmp_path / "sql", {"global.conf": "dialect = postgres\n", "shop/prices - 1h.sql": sql})
    assert run(["build", str(tmp_path / "sql"), "--warehouse", postgres_url, "--no-record"]) == 0
    prices = connect(project=tmp_path / "sql", warehouse=postgres_url).table("shop.prices").wait(fresh=True, timeout=0)
    assert prices.schema() == (Column("price", "numeric(5,2)", "in euros"), Column("more", "jsonb"))
    (row,) = prices.to_arrow().to_pylist()
    assert str(row["price"]) == "1.50"
    assert row["more"] == '{"a": 1}'
