"""Tables that are loaded from files: whole, by partition, and not at all where a file is missing or wrong."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sqlmat_assets.execution.events import Discarded, Event, Published, PublishedPartition, Run, Unchanged
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.piece import Piece
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.partitions.ranges import ListRange, TimeRange
from sqlmat_assets.project.partitions.spec import ListPartitioning, TimePartitioning
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.tables import a_context, ask

TRIPS = Relation("taxi", "trips")
BY_MONTH = "partition_by = month(month) from 2019-01 to 2019-03"
MONTHLY = """# Trips as they are sent.
# min_rows: 1
files: ../../files/trips_{partition}.csv.gz
filename: source  # the file
columns:
  id: bigint  # counts up
  fare: double
"""


def a_folder(root: Path, load: str, conf: str = "") -> Path:
    folder = root / "sql" / "taxi"
    folder.mkdir(parents=True)
    (folder / "trips.load.yaml").write_text(load)
    (folder / "trips.conf").write_text(conf)
    (root / "files").mkdir()
    return root / "files"


def put(path: Path, *rows: str, header: str = "id,fare") -> None:
    path.write_bytes(gzip.compress("\n".join([header, *rows, ""]).encode(), mtime=0))


def the_model(root: Path) -> Model:
    project = load_project(root / "sql")
    assert project.problems == ()
    return project.models[TRIPS]


def build(root: Path, *partitions: str, run: str = "r1") -> Event:
    model, by = the_model(root), the_model(root).settings.partition_by
    piece = Piece()
    if partitions:
        match by:
            case TimePartitioning():
                piece = Piece(tuple(by.bounds(key) for key in partitions))
            case ListPartitioning():
                piece = Piece((ListRange(partitions),))
            case None:
                raise AssertionError
    context = a_context(root / "w.duckdb", run, root=root / "sql")
    return list(materialize(model, context, piece))[-1]


def refused(root: Path, *partitions: str) -> str:
    last = build(root, *partitions, run="r9")
    assert isinstance(last, Discarded), last
    return str(last.error).replace(f"{root}/", "")


def published(root: Path, *partitions: str, run: str = "r1") -> Published:
    last = build(root, *partitions, run=run)
    assert isinstance(last, Published), last
    return last


def rows(root: Path) -> list[tuple[object, ...]]:
    return ask(root / "w.duckdb", "SELECT id, source, strftime(month, '%Y-%m') FROM taxi.trips ORDER BY ALL")


@pytest.fixture
def months(tmp_path: Path) -> Path:
    files = a_folder(tmp_path, MONTHLY, BY_MONTH)
    for month in (1, 2, 3):
        put(files / f"trips_2019-0{month}.csv.gz", f"{month},1.5", f"{month}0,")
    return files


def test_all_partitions_that_have_ended(tmp_path: Path, months: Path) -> None:
    built = published(tmp_path)
    assert [(column.name, column.type, column.description) for column in built.columns] == [
        ("id", "BIGINT", "counts up"),
        ("fare", "DOUBLE", None),
        ("source", "VARCHAR", "the file"),
        ("month", "DATE", None),
    ]
    assert built.partitions == tuple(PublishedPartition(f"2019-0{month}-01", 2) for month in (1, 2, 3))
    assert rows(tmp_path) == [
        (number, f"trips_2019-0{month}.csv.gz", f"2019-0{month}")
        for number, month in ((1, 1), (2, 2), (3, 3), (10, 1), (20, 2), (30, 3))
    ]


def test_a_corrected_file_replaces_its_month(tmp_path: Path, months: Path) -> None:
    published(tmp_path)
    put(months / "trips_2019-02.csv.gz", "7,2.5")
    put(months / "trips_2019-03.csv.gz", "8,2.5")
    assert published(tmp_path, "2019-02", run="r2").partitions == (PublishedPartition("2019-02-01", 1),)
    assert [row[::2] for row in rows(tmp_path)] == [
        (1, "2019-01"),
        (3, "2019-03"),
        (7, "2019-02"),
        (10, "2019-01"),
        (30, "2019-03"),
    ]


def test_the_same_month_twice_is_the_same_table(tmp_path: Path, months: Path) -> None:
    published(tmp_path)
    before = rows(tmp_path)
    assert isinstance(build(tmp_path, "2019-01", "2019-02", run="r2"), Unchanged)
    assert rows(tmp_path) == before


def test_only_the_files_of_the_asked_months_are_read(tmp_path: Path, months: Path) -> None:
    (months / "trips_2019-01.csv.gz").unlink()
    put(months / "trips_2019-03.csv.gz", "nonsense")
    published(tmp_path, "2019-02")
    assert [row[0] for row in rows(tmp_path)] == [2, 20]


def test_a_missing_month_is_named_and_nothing_is_loaded(tmp_path: Path, months: Path) -> None:
    published(tmp_path)
    before = rows(tmp_path)
    for month in (2, 3):
        (months / f"trips_2019-0{month}.csv.gz").unlink()
    put(months / "trips_2019-01.csv.gz", "9,9")
    assert refused(tmp_path, "2019-01", "2019-02", "2019-03") == (
        "2 files are missing, nothing was loaded:\n"
        "  files/trips_2019-02.csv.gz\n"
        "  files/trips_2019-03.csv.gz\n"
        "`taxi.trips` still holds its previous rows"
    )
    assert rows(tmp_path) == before


def test_a_bad_row_names_its_line_and_nothing_is_replaced(tmp_path: Path, months: Path) -> None:
    published(tmp_path)
    before = rows(tmp_path)
    put(months / "trips_2019-01.csv.gz", "9,9")
    put(months / "trips_2019-02.csv.gz", "5,1.0", "6,much")
    assert refused(tmp_path, "2019-01", "2019-02") == (
        "files/trips_2019-02.csv.gz:3: `much` in the column `fare` is no `DOUBLE`\n"
        "  hint: write a value of that type, or declare another type for `fare`\n"
        "`taxi.trips` still holds its previous rows"
    )
    assert rows(tmp_path) == before


def test_a_check_keeps_a_month_out(tmp_path: Path, months: Path) -> None:
    published(tmp_path)
    before = rows(tmp_path)
    put(months / "trips_2019-02.csv.gz")
    assert "min_rows" in refused(tmp_path, "2019-02")
    assert rows(tmp_path) == before


def test_values_of_a_list(tmp_path: Path) -> None:
    load = "files: ../../files/{partition}.csv.gz\ncolumns: {id: bigint, fare: double}\nfilename: source\n"
    files = a_folder(tmp_path, load, "partition_by = colour in (green, 'a*b')")
    put(files / "green.csv.gz", "1,")
    put(files / "a*b.csv.gz", "2,")
    put(files / "axb.csv.gz", "3,")
    published(tmp_path)
    put(files / "a*b.csv.gz", "4,")
    published(tmp_path, "a*b", run="r2")
    assert ask(tmp_path / "w.duckdb", "SELECT id, colour FROM taxi.trips ORDER BY id") == [(1, "green"), (4, "a*b")]


def test_folders_by_date(tmp_path: Path) -> None:
    load = "files: ../../files/{partition:%Y}/{partition:%m}/*.csv.gz\ncolumns: {id: bigint, fare: double}\n"
    files = a_folder(tmp_path, load, BY_MONTH)
    for month in ("01", "02"):
        (files / "2019" / month).mkdir(parents=True)
        for part in "ab":
            put(files / "2019" / month / f"{part}.csv.gz", f"{int(month)},")
    assert published(tmp_path, "2019-01", "2019-02").rows == 4
    assert refused(tmp_path, "2019-03").startswith("1 file is missing, nothing was loaded:\n  files/2019/03/*.csv.gz")


def test_all_files_of_a_pattern(tmp_path: Path) -> None:
    files = a_folder(tmp_path, "files: ../../files/*.csv.gz\ncolumns: {fare: double, id: bigint}\nfilename: source\n")
    assert refused(tmp_path) == (
        "no file matches `../../files/*.csv.gz`\n"
        "  hint: a relative path begins where the `.load.yaml` is\n"
        "`taxi.trips` was never built"
    )
    put(files / "a.csv.gz", "1,2.5")
    put(files / "b.csv.gz", "2.5,2", header="fare,id")
    published(tmp_path)
    assert ask(tmp_path / "w.duckdb", "SELECT * FROM taxi.trips ORDER BY id") == [
        (2.5, 1, "a.csv.gz"),
        (2.5, 2, "b.csv.gz"),
    ]


def test_an_absolute_path(tmp_path: Path) -> None:
    a_folder(tmp_path, f"files: {tmp_path}/here.csv.gz\ncolumns: {{id: bigint, fare: double}}\n")
    put(tmp_path / "here.csv.gz", "1,2.5")
    assert published(tmp_path).rows == 1


def test_a_month_goes_on_until_its_end(tmp_path: Path, months: Path) -> None:
    model = the_model(tmp_path)
    context = a_context(tmp_path / "w.duckdb", root=tmp_path / "sql")
    in_february = Run("r1", datetime(2019, 2, 14, tzinfo=UTC))
    context = a_context(tmp_path / "w.duckdb", root=tmp_path / "sql", now=lambda: in_february.decided_at)
    context = type(context)(context.warehouse, context.names, in_february, context.now, context.root)
    assert isinstance(list(materialize(model, context))[-1], Published)
    assert {row[2] for row in rows(tmp_path)} == {"2019-01"}


def test_a_range_is_one_statement(tmp_path: Path, months: Path) -> None:
    by = the_model(tmp_path).settings.partition_by
    assert isinstance(by, TimePartitioning)
    piece = Piece((TimeRange(by.start, by.bounds("2019-03").end),))
    context = a_context(tmp_path / "w.duckdb", root=tmp_path / "sql")
    last = list(materialize(the_model(tmp_path), context, piece))[-1]
    assert isinstance(last, Published)
    assert last.statement.count("CREATE TABLE") == 1
    assert last.statement.count("READ_CSV") == 1
