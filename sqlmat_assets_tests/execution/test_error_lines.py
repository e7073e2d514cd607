"""What an engine says about a line names the line of the file, however little of the file was sent."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from sqlmat_assets.execution.events import Checked, Discarded, Event
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Model
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.folders import write_files
from sqlmat_assets_tests.tables import a_context

RAW = {"s/raw.csv": "id,day\n1,2019-01-01\n2,2019-01-02\n"}
BINDER = 'Binder Error: Referenced column "nope" not found in FROM clause!'
# From 2.0 on, DuckDB marks all of what it means.
MARK = "^" if duckdb.__version__.startswith("1.") else "^^^^"


def load(root: Path, files: dict[str, str]) -> dict[str, Model]:
    project = load_project(write_files(root / "sql", RAW | files))
    assert project.errors == ()
    return {model.relation.name: model for model in project}


def events_of(root: Path, model: Model) -> list[Event]:
    context = a_context(root / "warehouse.duckdb", root=root / "sql")
    raw = load_project(root / "sql").models[Relation("s", "raw")]
    list(materialize(raw, context))
    return list(materialize(model, context))


def refused(root: Path, model: Model) -> str:
    last = events_of(root, model)[-1]
    assert isinstance(last, Discarded), last
    return str(last.error)


def test_comments_above_the_query_count(tmp_path: Path) -> None:
    header = "-- owner: data@example.com\n\n/* All\n   ids. */\n-- More.\n"
    text = "select\n    id,\n    nope  -- What?\nfrom s.raw"
    model = load(tmp_path, {"s/ids - 1h.sql": f"{header}{text}\n"})["ids"]
    assert refused(tmp_path, model) == (
        f'{BINDER}\nCandidate bindings: "day"\n\n'
        "LINE 8:     nope  -- What?\n"
        f"            {MARK}\n"
        "  in s/ids - 1h.sql:8\n"
        "`s.ids` was never built\n"
        'statement: CREATE TABLE "s"."ids__sqlmat_r1_new" AS ' + text
    )


def test_the_mark_stays_below_what_it_means_where_the_number_grows(tmp_path: Path) -> None:
    model = load(tmp_path, {"s/ids - 1h.sql": "-- One of many lines.\n" * 99 + "select\n  nope\nfrom s.raw\n"})["ids"]
    assert f"\nLINE 101:   nope\n            {MARK}\n  in s/ids - 1h.sql:101\n" in refused(tmp_path, model)


def test_a_query_on_the_first_line(tmp_path: Path) -> None:
    model = load(tmp_path, {"s/ids - 1h.sql": "\ufeffselect nope from s.raw"})["ids"]
    told = refused(tmp_path, model)
    assert 'LINE 1: CREATE TABLE "s"."ids__sqlmat_r1_new" AS select nope from s.raw\n' in told
    assert "\n  in s/ids - 1h.sql:1\n" in told


@pytest.mark.parametrize(
    ("sql", "line"),
    [
        # Refused when the columns are asked for, before the range is in it.
        ("select\n  day,\n  nope\nfrom s.raw\n", 6),
        # Refused when the rows are computed, with the range in what is read.
        ("select day,\n  id,\n  id + 1 as next\nfrom s.raw\nwhere\n  cast('x' || day as date) > '2019-01-01'\n", 9),
        (
            "select\n  day\nfrom s.raw\nwhere day >= @partition_start\n  and cast('x' || day as date) > '2019-01-01'\n",
            8,
        ),
    ],
)
def test_a_query_that_is_narrowed_to_a_range(tmp_path: Path, sql: str, line: int) -> None:
    header = "-- partition_by: day(day) from 2019-01-01 to 2019-01-02\n-- By day.\n\n"
    model = load(tmp_path, {"s/ids - 1h.sql": header + sql})["ids"]
    told = refused(tmp_path, model)
    assert f"\nLINE {line}: " in told
    assert f"\n  in s/ids - 1h.sql:{line}\n" in told


def test_a_view(tmp_path: Path) -> None:
    model = load(tmp_path, {"s/ids.sql": "-- mode: view\n-- About.\nselect\n  nope\nfrom s.raw\n"})["ids"]
    assert f"\nLINE 4:   nope\n          {MARK}\n  in s/ids.sql:4\n" in refused(tmp_path, model)


def test_the_query_of_a_processed_table(tmp_path: Path) -> None:
    files = {
        "s/ids_select.sql": "-- What the script gets.\nselect id,\n  nope\nfrom s.raw\n",
        "s/ids.py": "def process(df):\n    return df\n",
        "s/ids - 1h.sql": "create table ids (id integer)",
    }
    told = refused(tmp_path, load(tmp_path, files)["ids"])
    assert f"\nLINE 3:   nope\n          {MARK}\n  in s/ids_select.sql:3\n" in told


def test_what_reads_a_table_that_was_never_built(tmp_path: Path) -> None:
    files = {"s/a - 1h.sql": "select 1 as id", "s/b - 1h.sql": "-- Reads.\nselect *\nfrom s.a\n"}
    told = refused(tmp_path, load(tmp_path, files)["b"])
    assert "\n  in s/b - 1h.sql:3\n  hint: build `s.a` first, which was never built\n`s.b` was never built\n" in told


def test_checks_count_the_lines_of_their_own_file(tmp_path: Path) -> None:
    files = {
        "s/ids - 1h.sql": "-- All ids.\nselect id from s.raw",
        "s/ids_test.sql": "-- First.\nselect id > 0 as positive from s.ids;\n\n"
        "-- Second.\n-- warn\nselect\n  nope = 1 as known\nfrom s.ids;\n",
    }
    model = load(tmp_path, files)["ids"]
    checked = next(event for event in events_of(tmp_path, model) if isinstance(event, Checked))
    assert [(each.name, each.message) for each in checked.results] == [
        ("positive", ""),
        (
            "known",
            f'{BINDER}\nCandidate bindings: "id"\n\n'
            f"LINE 7:   nope = 1 as known\n          {MARK}\n  in s/ids_test.sql:7",
        ),
    ]


def test_checks_that_break_on_a_row(tmp_path: Path) -> None:
    files = {
        "s/ids - 1h.sql": "select id from s.raw",
        "s/ids_test.sql": "-- One.\n\nselect\n  id > 0 as good,\n  cast(id || 'x' as int) > 0 as number\nfrom s.ids\n",
    }
    checked = next(each for each in events_of(tmp_path, load(tmp_path, files)["ids"]) if isinstance(each, Checked))
    assert [each.message.splitlines()[-1:] for each in checked.results] == [[], ["  in s/ids_test.sql:5"]]
