"""Every kind of table, built by the command with the same rows whatever engine it is in."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from sqlmat_assets.client import connect
from sqlmat_assets_tests.cli.running import Run
from sqlmat_assets_tests.engines.engine import Engine, Rows
from sqlmat_assets_tests.engines.projects import write_project

BUILD = ("build", "--no-record", "--json", "--warehouse")
COPY = """import csv, sys
with open(sys.argv[1], newline="") as given, open(sys.argv[2], "w", newline="") as result:
    rows = csv.reader(given, delimiter=";", escapechar="\\\\")
    csv.writer(result, delimiter=";", escapechar="\\\\").writerows(rows)
"""
TYPED = "id bigint not null, price decimal(10, 2), day date, at timestamp, ok boolean, name varchar"
QUERY = (
    "select 1 as id, cast(1.5 as decimal(10, 2)) as price, date '2024-02-29' as day,\n"
    "    timestamp '2024-02-29 12:30:00.5' as at, true as ok, 'a;\"b\\' as name\n"
    "union all select 2, null, null, null, null, null\n"
)
PROCESSED = {
    "first/frames - 24h.sql": f"create table first.frames ({TYPED})",
    "first/frames.py": "def process(df):\n    df['id'] = df['id'] + 10\n    return df\n",
    "first/lines - 24h.sql": f"create table first.lines ({TYPED})",
    "first/lines.py": COPY,
}
SELECTS = ("first/frames_select.sql", "first/lines_select.sql")
VALUES = (
    Decimal("1.50"),
    datetime.date(2024, 2, 29),
    datetime.datetime(2024, 2, 29, 12, 30, 0, 500_000),  # noqa: DTZ001 - as the engines give it
    True,
    'a;"b\\',
)
NOTHING = (None,) * len(VALUES)
TRIPS = {
    "taxi/raw.csv": (
        "id,pickup,fare\n1,2019-01-05 10:00:00,5.5\n2,2019-01-20 11:00:00,6.5\n3,2019-02-03 12:00:00,7\n"
        "4,2019-03-09 13:00:00,8\n"
    ),
    "taxi/trips - 24h.sql": (
        "-- mode: merge\n-- unique_key: id\n-- on_match: update\nselect id, pickup, fare from taxi.raw\n"
    ),
    "taxi/monthly - 24h.sql": (
        "-- partition_by: month(month) from 2019-01 to 2019-03\n"
        "select cast(date_trunc('month', pickup) as date) as month, count(*) as trips, sum(fare) as fares\n"
        "from taxi.trips group by 1\n"
    ),
    "taxi/monthly_test.sql": "select trips > 0 as some from taxi.monthly\n",
}
MONTHLY = "select extract(month from month), trips, fares from taxi.monthly order by 1"

# What BigQuery writes otherwise: moments without a zone, a backslash in a text, the beginning of a month.
SPELT = (
    ("at timestamp", "at datetime"),
    ("timestamp '", "datetime '"),
    ("b\\' as", "b\\\\' as"),
    ("date_trunc('month', pickup)", "date_trunc(pickup, month)"),
)


def spelt(engine: Engine, files: dict[str, str]) -> dict[str, str]:
    """The files in the words of the engine."""
    if engine.dialect == "bigquery":
        for own, other in SPELT:
            files = {path: text.replace(own, other) if path.endswith(".sql") else text for path, text in files.items()}
    return files


def built(run: Run, engine: Engine, *more: str) -> dict[str, tuple[str, int | None]]:
    done = run(*BUILD, engine.url, *more)
    assert done.returncode == 0, done.stdout + done.stderr
    return {table["name"]: (table["outcome"], table["rows"]) for table in json.loads(done.stdout)["tables"]}


def months(engine: Engine) -> Rows:
    return [(int(str(month)), trips, float(str(fares))) for month, trips, fares in engine.ask(MONTHLY)]


@pytest.mark.slow
def test_rows_that_go_through_a_script_keep_their_types(run: Run, tmp_path: Path, engine: Engine) -> None:
    query = QUERY.replace("\\", "\\\\") if engine.dialect == "redshift" else QUERY
    write_project(tmp_path, engine, spelt(engine, {**PROCESSED, **dict.fromkeys(SELECTS, query)}))
    assert built(run, engine) == {"first.frames": ("published", 2), "first.lines": ("published", 2)}
    assert engine.ask("select * from first.frames order by 1") == [(11, *VALUES), (12, *NOTHING)]
    assert engine.ask("select * from first.lines order by 1") == [(1, *VALUES), (2, *NOTHING)]


def test_what_is_delivered_and_what_python_reads_is_what_is_there(run: Run, tmp_path: Path, engine: Engine) -> None:
    query = QUERY.replace("\\", "\\\\") if engine.dialect == "redshift" else QUERY
    delivery = "disk:\n  to: ../../exports/t.parquet\n"
    files = spelt(engine, {"first/t - 24h.sql": query, "first/t.deliver.yaml": delivery})
    sql = write_project(tmp_path, engine, files)
    assert built(run, engine) == {"first.t": ("published", 2), "first.t__deliver__disk": ("delivered", 2)}
    file = tmp_path / "exports" / "t.parquet"
    expected = [(1, *VALUES), (2, *NOTHING)]
    assert duckdb.read_parquet(str(file)).order("id").fetchall() == expected
    read = connect(project=sql, warehouse=engine.url).table("first.t").wait(fresh=True, timeout=0).to_arrow()
    assert sorted(tuple(row.values()) for row in read.to_pylist()) == expected
    file.unlink()
    assert built(run, engine)["first.t__deliver__disk"] == ("unchanged", 2)
    assert not file.exists()


def test_files_are_tables(run: Run, tmp_path: Path, engine: Engine) -> None:
    sql = write_project(
        tmp_path,
        engine,
        {
            "raw/a.csv": "id,day,name\n1,2024-02-29,é\n2,,\n",
            "raw/b.ndjson": '{"id":1,"day":"2024-02-29","name":"é"}\n{"id":2,"day":null,"name":null}\n',
            "first/all - 24h.sql": "select * from raw.a union all select * from raw.b union all select * from raw.c\n",
        },
    )
    rows = "(values (1::bigint, date '2024-02-29', 'é'), (2, null, null)) as r(id, day, name)"
    duckdb.connect().execute(f"copy (from {rows}) to '{sql / 'raw/c.parquet'}'")
    assert built(run, engine)["first.all"] == ("published", 6)
    day = datetime.date(2024, 2, 29)
    assert engine.ask("select distinct id, day, name from first.all order by id") == [(1, day, "é"), (2, None, None)]
    (sql / "raw/a.csv").write_text("id,day,name\n1,2024-02-29,é\n2,\n")
    refused = run("build", "--no-record", "--warehouse", engine.url)
    assert refused.returncode == 1
    assert "`raw.a` still holds its previous rows" in refused.stdout


def test_months_are_built_merged_and_filled_in(run: Run, tmp_path: Path, engine: Engine) -> None:
    sql = write_project(tmp_path, engine, spelt(engine, TRIPS))
    assert built(run, engine, "--partition", "2019-01..2019-02")["taxi.monthly"] == ("published", 2)
    assert months(engine) == [(1, 2, 12.0), (2, 1, 7.0)]
    raw = sql / "taxi/raw.csv"
    raw.write_text("id,pickup,fare\n2,2019-01-20 11:00:00,60.5\n5,2019-03-10 14:00:00,1.5\n")
    assert built(run, engine, "-s", "+taxi.trips")["taxi.trips"][0] == "published"
    assert engine.ask("select id from taxi.trips order by 1") == [(1,), (2,), (3,), (4,), (5,)]
    assert built(run, engine, "--partition", "2019", "--again", "-s", "taxi.monthly")["taxi.monthly"][0] == "published"
    assert months(engine) == [(1, 2, 66.0), (2, 1, 7.0), (3, 2, 9.5)]
    # Again, and nothing is there twice.
    built(run, engine, "--partition", "2019", "--again")
    assert months(engine) == [(1, 2, 66.0), (2, 1, 7.0), (3, 2, 9.5)]


def test_rows_as_they_were_are_kept(run: Run, tmp_path: Path, engine: Engine) -> None:
    kept = "-- snapshots_interval: 24h\n-- snapshots_stored_for: 90d\n"
    sql = write_project(tmp_path, engine, {"first/t - 24h.sql": f"{kept}select 1 as id\n"})
    built(run, engine)
    (sql / "first/t - 24h.sql").write_text(f"{kept}select 1 as id, 'x' as name\n")
    built(run, engine)
    assert engine.ask("select id, name from first.t") == [(1, "x")]
    assert engine.ask("select id from first.t_history where snapshot_timestamp is not null") == [(1,)]
