"""A project in the SQL of BigQuery, built on DuckDB by the command.

The rows were worked out by hand from what BigQuery's documentation says of each function.
"""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sqlmat_assets_tests.cli.running import Run
from sqlmat_assets_tests.folders import write_files

PROJECT = Path(__file__).parents[1] / "on_duckdb" / "project"
ON = ("--warehouse", "duckdb:///dev.duckdb")
BUILD = ("build", "--no-record", *ON)
HINT = (
    "  hint: docs/bigquery-on-duckdb.md lists what is known; leave the table out here, or say it with what is known\n"
)
REFUSED = (
    "shop/samples - 24h.sql:1:12: the function FARM_FINGERPRINT is unsupported on DuckDB\n"
    f"{HINT}"
    "shop/samples - 24h.sql:3:15: the function FARM_FINGERPRINT is unsupported on DuckDB\n"
    f"{HINT}"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT, tmp_path / "sql"))


def rows(folder: Path, table: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder.parent / "dev.duckdb"), read_only=True) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()


def test_each_file_has_a_verdict(run: Run) -> None:
    done = run("check", "--on", "duckdb")
    assert done.returncode == 1
    assert done.stderr == REFUSED
    assert done.stdout == (
        "shop/amounts - 24h.sql   emulated\n"
        "    CAST(… AS INT64), CAST(… AS STRING), TIMESTAMP, a / b\n"
        "shop/by_month - 24h.sql  emulated\n"
        "    FORMAT_DATE, PIVOT, SUM\n"
        "shop/calendar - 24h.sql  emulated\n"
        "    DATE_TRUNC, EXTRACT, FORMAT_DATE, GENERATE_DATE_ARRAY, IN UNNEST(…),\n"
        "    LAST_DAY, UNNEST\n"
        "shop/carts - 24h.sql     emulated\n"
        "    SELECT AS STRUCT, SPLIT, STRING_AGG, SUM, UNNEST\n"
        "shop/customers.sql       emulated\n"
        "    INITCAP, REGEXP_EXTRACT\n"
        "shop/devices - 24h.sql   emulated\n"
        "    CAST(… AS INT64), JSON_QUERY, JSON_QUERY_ARRAY, JSON_VALUE\n"
        "shop/items - 24h.sql     emulated\n"
        "    SPLIT, UNNEST, UNNEST WITH OFFSET, array[SAFE_OFFSET(n)],\n"
        "    array[SAFE_ORDINAL(n)]\n"
        "shop/latest - 24h.sql    emulated\n"
        "    DATE_DIFF, SUM\n"
        "shop/monthly - 24h.sql   emulated\n"
        "    DATE_TRUNC, GROUP BY an alias, ROUND, SAFE_DIVIDE, SUM\n"
        "shop/orders - 24h.sql    emulated\n"
        "    DATE, DATE_ADD, PARSE_DATE, SAFE.f(…), SAFE_CAST(… AS FLOAT64)\n"
        "shop/orders_test.sql     exact\n"
        "shop/orders_raw.csv      exact\n"
        "shop/sampled - 24h.sql   exact\n"
        "shop/samples - 24h.sql   unsupported\n"
        "\n"
        "14 tables, 3 checks, 2 problems\n"
        "on DuckDB: 3 files exact, 10 emulated, 1 unsupported\n"
    )
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_the_same_for_machines(run: Run) -> None:
    told = json.loads(run("check", "--on", "duckdb", "--json").stdout)
    files = {file["path"]: file for file in told["files"]}
    assert files["shop/latest - 24h.sql"] == {
        "path": "shop/latest - 24h.sql",
        "verdict": "emulated",
        "emulated": ["DATE_DIFF", "SUM"],
        "unsupported": [],
    }
    assert [problem["line"] for problem in files["shop/samples - 24h.sql"]["unsupported"]] == [1, 3]


def test_tables_are_built_and_what_is_unsupported_is_refused(run: Run, folder: Path) -> None:
    done = run(*BUILD)
    assert done.returncode == 1
    assert "shop.samples     failed  0.00 s\nshop.sampled     held by shop.samples\n" in done.stdout
    assert (
        "shop.samples\n"
        "  `shop.samples` is not built: its files have SQL of BigQuery of which nothing is known on DuckDB\n"
        "  shop/samples - 24h.sql:1:12: the function FARM_FINGERPRINT is unsupported on DuckDB\n"
    ) in done.stdout
    assert done.stdout.endswith(f"{folder.parent}/dev.duckdb\ntranspiled from BigQuery to DuckDB\n")
    assert "12 published, 1 failed, 1 held in " in done.stdout
    without_moments = [(*row[:4], *row[5:]) for row in rows(folder, "shop.orders")]
    assert without_moments == [
        (1, "ann", date(2024, 1, 5), 10.5, date(2024, 1, 5), date(2024, 2, 5)),
        (2, "bob", date(2024, 1, 31), None, date(2024, 2, 1), date(2024, 2, 29)),
        (3, "ann", date(2024, 2, 29), 7.0, date(2024, 2, 29), date(2024, 3, 29)),
        (4, "ann", date(2024, 3, 5), 2.25, date(2024, 3, 5), date(2024, 4, 5)),
    ]
    assert rows(folder, "shop.monthly") == [
        (date(2024, 1, 1), 2, 1, 10.5, 10.5),
        (date(2024, 2, 1), 1, 0, 7.0, 7.0),
        (date(2024, 3, 1), 1, 0, 2.25, None),
    ]
    assert rows(folder, "shop.latest") == [("ann", 4, 19.75, 5), ("bob", 2, 0.0, None)]
    assert rows(folder, "shop.items") == [(1, 1, "a", 2.5, "new"), (1, 2, "b", 4.0, None), (2, 1, "a", 2.5, None)]
    assert rows(folder, "shop.carts") == [
        (1, 2, 6.5, [{"sku": "a", "shown": "A"}, {"sku": "b", "shown": "B"}], "new|old|red"),
        (2, 1, 2.5, [{"sku": "a", "shown": "A"}], "red"),
        (3, 0, None, [], None),
    ]
    assert rows(folder, "shop.devices") == [
        (1, "linux", 8, 2, '{"os":"linux","cores":8}'),
        (2, None, None, 0, '{"os":null}'),
        (3, None, None, None, None),
    ]
    assert rows(folder, "shop.by_month") == [("ann", 10.5, 7.0, 2.25), ("bob", 0.0, 0.0, 0.0)]
    assert rows(folder, "shop.calendar") == [
        (date(2024, 1, 6), 7, 0, date(2024, 1, 1), date(2024, 1, 31), "2024-Q1", True),
        (date(2024, 1, 7), 1, 1, date(2024, 1, 1), date(2024, 1, 31), "2024-Q1", True),
        (date(2024, 1, 8), 2, 1, date(2024, 1, 8), date(2024, 1, 31), "2024-Q1", False),
    ]
    assert rows(folder, "shop.amounts") == [(1, "10.5", 5.25, 11), (3, "7", 3.5, 7), (4, "2.25", 1.125, 2)]
    assert rows(folder, "shop.customers") == [("Ann", "a", 3), ("Bob", "b", 1)]


def test_types_and_descriptions_are_those_of_the_files(run: Run, folder: Path) -> None:
    assert run(*BUILD, "-s", "+shop.orders").returncode == 0
    with duckdb.connect(str(folder.parent / "dev.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = 'orders' "
            "ORDER BY column_index"
        ).fetchall()
        table = connection.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'orders'").fetchall()
    assert found == [
        ("id", "BIGINT", "of the order"),
        ("customer", "VARCHAR", None),
        ("ordered_on", "DATE", None),
        ("amount", "DOUBLE", "in euro, where it is a number"),
        ("sold_at", "TIMESTAMP WITH TIME ZONE", None),
        ("sold_on_in_tokyo", "DATE", None),
        ("due_on", "DATE", None),
    ]
    assert table == [("Orders with their dates read, however they were written.",)]


def test_rows_are_merged_and_partitions_replaced(run: Run, folder: Path) -> None:
    wanted = ("-s", "+shop.monthly", "-s", "+shop.amounts")
    assert run(*BUILD, *wanted).returncode == 0
    raw = folder / "shop" / "orders_raw.csv"
    raw.write_text(raw.read_text().replace("10.50", "12") + "5,eve,2024-02-01,100,2199-01-01 00:00:00\n")
    assert run(*BUILD, "-s", "shop.orders_raw", "-s", "shop.orders").returncode == 0
    done = run(*BUILD, "--partition", "2024-02", "-s", "shop.monthly", "-s", "shop.amounts")
    assert done.returncode == 0, done.stdout
    # January is as it was, and so is an order that was sold before the last build.
    assert [row[:2] for row in rows(folder, "shop.monthly")] == [
        (date(2024, 1, 1), 2),
        (date(2024, 2, 1), 2),
        (date(2024, 3, 1), 1),
    ]
    assert rows(folder, "shop.monthly")[0][3] == 10.5
    assert [row[:2] for row in rows(folder, "shop.amounts")] == [(1, "10.5"), (3, "7"), (4, "2.25"), (5, "100")]


def test_plan_and_render_say_what_a_build_does(run: Run) -> None:
    assert run(*BUILD).returncode == 1
    planned = run("plan", *ON, "--partition", "2024-02", "-s", "shop.monthly")
    assert planned.returncode == 0
    assert "shop.monthly" in planned.stdout
    rendered = run("render", "shop.monthly", *ON, "--partition", "2024-02")
    assert rendered.returncode == 0
    assert rendered.stdout.startswith("SET TimeZone = 'UTC';\n")
    assert "CAST(DATE_TRUNC('month', \"ordered_on\") AS DATE)" not in rendered.stdout
    assert 'CAST_TO_TYPE(DATE_TRUNC(\'month\', "ordered_on"), "ordered_on") AS "month"' in rendered.stdout
    refused = run("render", "shop.samples", *ON)
    assert refused.returncode == 1
    assert "shop/samples - 24h.sql:1:12: the function FARM_FINGERPRINT is unsupported on DuckDB" in refused.stderr


def test_nobody_builds_in_a_file_who_has_named_none(run: Run, folder: Path) -> None:
    said = (
        f"the SQL of the project is that of bigquery, and `duckdb://{folder.parent}/sqlmat.duckdb` reads duckdb\n"
        "  hint: name the warehouse, as in `--warehouse duckdb:///dev.duckdb`, to build it there with each query "
        "transpiled from BigQuery to DuckDB\n"
    )
    for command in (("build",), ("plan",), ("render", "shop.orders")):
        done = run(*command)
        assert (done.returncode, done.stderr) == (2, said)
    assert not (folder.parent / "sqlmat.duckdb").exists()
    assert run("build", "--no-record", "--dialect", "bigquery", "-s", "+shop.orders").returncode == 0
    assert (folder.parent / "sqlmat.duckdb").exists()


def test_an_error_names_the_line_of_the_file(run: Run, folder: Path) -> None:
    write_files(
        folder,
        {
            "shop/wrong - 1h.sql": "-- Two\n-- lines.\nSELECT\n  DATE_TRUNC(ordered_on, MONTH) AS month,\n"
            "  customer,\n  amuont * 2 AS double\nFROM shop.orders\n",
            "shop/wrong_test.sql": "SELECT TRUE AS a FROM shop.wrong",
            "shop/latest_test.sql": "SELECT\n  id > 0 AS positive,\n  bougth > 0 AS rich\nFROM shop.latest",
        },
    )
    done = run(*BUILD, "-s", "+shop.wrong", "-s", "shop.latest")
    assert done.returncode == 1
    sent = "which was transpiled from BigQuery to DuckDB; `sqlmat render` shows what was sent"
    assert f"    in shop/wrong - 1h.sql:6, {sent}\n" in done.stdout
    assert f"in shop/latest_test.sql:3, {sent}\n" in done.stdout


def test_a_quotient_of_numeric_values_is_refused_and_says_so(run: Run, folder: Path) -> None:
    write_files(
        folder,
        {
            "shop/prices.csv": "price\n1\n2\n",
            "shop/prices.conf": "columns = price NUMERIC\n",
            "shop/thirds - 1h.sql": "SELECT price / 3 AS third FROM shop.prices\n",
            "shop/doubles - 1h.sql": "SELECT price * price AS square, price * 1.5 AS more FROM shop.prices\n",
        },
    )
    done = run(*BUILD, "-s", "+shop.thirds", "-s", "+shop.doubles")
    assert done.returncode == 1
    assert "the quotient of NUMERIC values is not the same in DuckDB" in done.stdout
    with duckdb.connect(str(folder.parent / "dev.duckdb"), read_only=True) as connection:
        found = connection.sql("SELECT * FROM shop.doubles ORDER BY ALL")
        assert [str(kind) for kind in found.types] == ["DECIMAL(38,9)", "DECIMAL(38,9)"]
        assert [[float(value) for value in row] for row in found.fetchall()] == [[1, 1.5], [4, 3]]


def test_types_and_names_that_duckdb_does_not_have(run: Run, folder: Path) -> None:
    write_files(
        folder,
        {
            "shop/places.csv": "place\nx\n",
            "shop/places.conf": "columns = place GEOGRAPHY\n",
            "shop/Orders - 1h.sql": "SELECT 1 AS a\n",
        },
    )
    done = run("check", "--on", "duckdb")
    assert "shop/places.csv: the type GEOGRAPHY is unsupported on DuckDB\n" in done.stderr
    assert (
        "`shop.orders` and `shop.Orders` are one table on DuckDB, which takes their letters for the same\n"
        "  hint: rename one of the two\n"
    ) in done.stderr


def test_unit_tests_go_by_the_same_list(run: Run, folder: Path) -> None:
    write_files(
        folder,
        {
            "shop/latest_unit/orders.csv": "id,customer,ordered_on:DATE,amount:FLOAT64,sold_at:TIMESTAMP\n"
            "1,ann,2024-01-01,2,2024-01-01 10:00\n2,ann,2024-01-03,,2024-01-03 10:00\n",
            "shop/latest_unit/expected.csv": "customer,id,bought,days_since\nann,2,2,2\n",
            "shop/samples_unit/orders.csv": "id,customer\n1,ann\n",
            "shop/samples_unit/expected.csv": "id,bucket\n",
        },
    )
    done = run("test")
    assert done.returncode == 1
    assert (
        "shop/samples - 24h.sql:1: the query cannot be tested, because nothing is known of the function "
        "FARM_FINGERPRINT of bigquery on DuckDB"
    ) in done.stdout
    assert "1 passed" in done.stdout


def test_another_engine_is_no_engine_of_which_anything_is_known(run: Run, folder: Path) -> None:
    done = run("check", "--on", "postgres")
    assert (done.returncode, done.stderr) == (2, "nothing is known of the SQL of BigQuery on PostgreSQL\n")
    (folder / "global.conf").write_text("dialect = postgres\n")
    done = run("build", "--warehouse", "duckdb:///dev.duckdb")
    assert (done.returncode, done.stderr) == (
        2,
        f"the SQL of the project is that of postgres, and `duckdb://{folder.parent}/dev.duckdb` reads duckdb\n"
        "  hint: write `dialect = duckdb` into `global.conf`\n",
    )


def test_moments_are_in_utc_wherever_the_machine_is(run: Run, folder: Path) -> None:
    write_files(
        folder,
        {
            "s/raw.csv": "id,at\n1,2024-01-31 23:30:00\n2,2024-02-01 00:30:00\n3,2024-02-29 23:59:59\n4,2024-03-01\n",
            "s/raw.conf": "columns = id INT64, at TIMESTAMP\n",
            "s/by_month - 1h.sql": "-- partition_by: month(at) from 2024-01 to 2024-03\n"
            "SELECT id, at, DATE(at) AS day FROM s.raw\n",
            "s/marked - 1h.sql": "-- partition_by: month(day) from 2024-01 to 2024-03\n"
            "SELECT DATE(at) AS day, COUNT(*) AS n FROM s.raw WHERE at >= TIMESTAMP(@partition_start) "
            "AND at < TIMESTAMP(@partition_end) GROUP BY day\n",
        },
    )
    done = run(*BUILD, "-s", "+s.by_month", "-s", "s.marked", TZ="America/New_York")
    assert done.returncode == 0, done.stdout
    again = run(*BUILD, "--partition", "2024-02", "-s", "s.by_month", "-s", "s.marked", "--json", TZ="Asia/Tokyo")
    told = {table["name"]: table["partitions"] for table in json.loads(again.stdout)["tables"]}
    assert told == {name: [{"key": "2024-02-01", "rows": 2}] for name in ("s.by_month", "s.marked")}
    assert [(row[0], row[2]) for row in rows(folder, "s.by_month")] == [
        (1, date(2024, 1, 31)),
        (2, date(2024, 2, 1)),
        (3, date(2024, 2, 29)),
        (4, date(2024, 3, 1)),
    ]
    planned = run("plan", *ON, "--partition", "2024-02", "-s", "s.by_month")
    assert "reads of `s.raw` only the range, by `at`" in planned.stdout
    rendered = run("render", "s.by_month", *ON, "--partition", "2024-02")
    assert 'FROM "s"."raw"\n    WHERE\n      "at" >= CAST(\'2024-02-01 00:00:00+00\' AS TIMESTAMPTZ)' in rendered.stdout
