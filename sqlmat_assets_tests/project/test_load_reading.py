"""What a `*.load.yaml` says, and every way in which it can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.load_reading import parse_load
from sqlmat_assets.project.loads import Load, LoadColumn
from sqlmat_assets.project.model import Model
from sqlmat_assets.relation import Relation

GOOD = """# Trips as they are sent.
# schedule: 0 9 1 * *

files: ../files/trips_{partition}.csv.gz
filename: source  # the file
columns:
  id: bigint
  fare: "decimal(10, 2)"   # in # dollars
  'tip#': double
"""


def load(folder: Path, text: str, conf: str = "", name: str = "trips.load.yaml") -> tuple[Model, list[str]]:
    (folder / "taxi").mkdir(exist_ok=True)
    (folder / "taxi" / name).write_text(text)
    (folder / "taxi" / "trips.conf").write_text(conf)
    project = load_project(folder)
    return project.models[Relation("taxi", "trips")], [str(problem) for problem in project.problems]


def test_all_that_it_can_say(tmp_path: Path) -> None:
    model, problems = load(tmp_path, GOOD, "partition_by = month(month) from 2019-01 to 2019-12")
    assert problems == []
    assert model.load == Load(
        "../files/trips_{partition}.csv.gz",
        (
            LoadColumn("id", "bigint"),
            LoadColumn("fare", "decimal(10, 2)", "in # dollars"),
            LoadColumn("tip#", "double"),
        ),
        "source",
        "the file",
    )
    assert (model.description, model.settings.schedule) == ("Trips as they are sent.", "0 9 1 * *")
    assert [(column.name, column.description) for column in model.columns] == [
        ("id", None),
        ("fare", "in # dollars"),
        ("tip#", None),
        ("source", "the file"),
        ("month", None),
    ]


def test_what_is_kept_of_it_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "taxi").mkdir()
    (tmp_path / "taxi" / "trips - 1d.load.yaml").write_text("files: ../*.csv\ncolumns:\n  id: bigint # counts\n")
    first, again = (load_project(tmp_path, cache_dir=tmp_path / ".cache") for _ in range(2))
    assert dict(first.models) == dict(again.models)
    assert first.models[Relation("taxi", "trips")].load is not None


def version(folder: Path, text: str) -> tuple[str, str]:
    found = load(folder, text)[0].version
    assert found is not None
    return found.semantic, found.text


def test_its_text_is_the_code_of_the_table(tmp_path: Path) -> None:
    text = "files: ../a.csv\ncolumns:\n  id: bigint\n"
    base = version(tmp_path, text)
    commented = version(tmp_path, text + "# a comment\n")
    assert (commented[0] == base[0], commented[1] == base[1]) == (True, False)
    for change in ("a.csv", "b.csv"), ("bigint", "int"), ("id", "number"):
        assert version(tmp_path, text.replace(*change))[0] != base[0]


COLUMNS = "columns: {id: bigint}\n"
PROBLEMS = {
    "nothing": (
        "",
        ["1:1: this says nothing of files and columns\n  hint: write `files: …` and, below `columns:`, `name: type`"],
    ),
    "no YAML": (
        "files: [a\ncolumns: {",
        [
            "2:8: this is no YAML: expected ',' or ']', but got ':'\n"
            "  hint: indent with spaces, and put quotes around a value with `: ` in it"
        ],
    ),
    "two documents": (
        "files: a.csv\n---\nfiles: b.csv\n",
        [
            "2:1: this is no YAML: but found another document\n"
            "  hint: indent with spaces, and put quotes around a value with `: ` in it"
        ],
    ),
    "a near miss": (
        "file: a.csv\n" + COLUMNS,
        [
            "1:1: `files` is missing\n"
            "  hint: write `files: data/trips_{partition}.csv.gz` or `files: data/trips_*.csv`",
            "1:1: there is no key `file`\n  hint: did you mean `files`?",
        ],
    ),
    "a strange key": (
        "files: a.csv\nbanana: 1\n" + COLUMNS,
        ["2:1: there is no key `banana`\n  hint: the keys are `files`, `table`, `query`, `columns`, `filename`, …"],
    ),
    "a setting": (
        "files: a.csv\n" + COLUMNS + "owner: joe@example.com\n",
        [
            "3:1: `owner` is a setting, and no key of a load\n"
            "  hint: write it into `taxi/trips.conf`, or into a comment on top of this file"
        ],
    ),
    "a key twice": (
        "files: a.csv\n" + COLUMNS + "files: b.csv\n",
        ["3:1: `files` stands in line 1 already\n  hint: remove one of the two lines"],
    ),
    "no columns": (
        "files: a.csv\n",
        ["1:1: `columns` is missing\n  hint: write each column of the files below `columns:`, as `name: type`"],
    ),
    "columns without types": (
        "files: a.csv\ncolumns: [id]\n",
        [
            "2:10: `columns` has to say the type of each column\n"
            "  hint: write each in a line of its own, as `name: type`"
        ],
    ),
    "no type": (
        "files: a.csv\ncolumns:\n  id: bignt\n  at:\n",
        [
            "3:7: `bignt` is no type for `id`\n  hint: write a type such as `bigint`, `varchar` or `timestamp`",
            "4:6: `` is no type for `at`\n  hint: write a type such as `bigint`, `varchar` or `timestamp`",
        ],
    ),
    "two columns of one name": (
        "files: a.csv\ncolumns:\n  id: int\n  ID: int\n",
        ["4:3: `ID` is the name of another column, `id`\n  hint: give each column a name of its own"],
    ),
    "a list of files": (
        "files: [a.csv]\n" + COLUMNS,
        ["1:8: `files` has to be one text\n  hint: write `files: data/trips_{partition}.csv.gz`"],
    ),
    "another place": (
        "files: ftp://example.com/a.csv\n" + COLUMNS,
        [
            "1:8: nothing here reads `ftp://example.com/a.csv`\n"
            "  hint: write a path, or a URL that begins with one of `s3`, `gs`, `http`, `https`"
        ],
    ),
    "a place that is nearly one": (
        "files: gcs://bucket/a.csv\n" + COLUMNS,
        ["1:8: nothing here reads `gcs://bucket/a.csv`\n  hint: did you mean `gs://`?"],
    ),
    "a password in a URL": (
        "files: https://joan:s3cret@example.com/a.csv\n" + COLUMNS,
        [
            "1:8: a user or a password stands in the URL\n"
            "  hint: write `connection: shop`, and put the URL with the password into `SQLMAT_CONNECTION_SHOP`"
        ],
    ),
    "a pattern on a web server": (
        "files: https://example.com/*.csv\n" + COLUMNS,
        [
            "1:8: nothing tells which files `https://example.com/*.csv` could mean: a web server lists none\n"
            "  hint: name one file, with `{partition}` in its name where there are several"
        ],
    ),
    "a URL as the name of a connection": (
        "files: s3://bucket/a.csv\nconnection: s3://minio\n" + COLUMNS,
        [
            "2:13: `s3://minio` is no name of a connection\n"
            "  hint: write a word such as `shop`, whose URL is in `SQLMAT_CONNECTION_SHOP`"
        ],
    ),
    "another strategy": (
        "files: a.csv\nstrategy: manifst\n" + COLUMNS,
        ["2:11: there is no strategy `manifst`\n  hint: did you mean `manifest`?"],
    ),
    "a strange strategy": (
        "files: a.csv\nstrategy: upsert\n" + COLUMNS,
        [
            "2:11: there is no strategy `upsert`\n"
            "  hint: the strategies are `bulk`, `manifest`, `time_series`, `incremental`"
        ],
    ),
    "bad rows that are no number": (
        "files: a.csv\nmax_bad_rows: 1%\n" + COLUMNS,
        ["2:15: `1%` is no number of rows\n  hint: write `max_bad_rows: 10`"],
    ),
    "a series without folders": (
        "files: '*.csv'\nstrategy: time_series\nfolder: day\n" + COLUMNS,
        [
            "2:11: `strategy: time_series` needs folders that have an order\n"
            "  hint: write `{number}`, `{day}` or `{hour}` in the place of their names: "
            "`files: s3://bucket/events/{day}/*.csv`"
        ],
    ),
    "a series without a column for the folder": (
        "files: '{day}/*.csv'\nstrategy: time_series\n" + COLUMNS,
        [
            "2:11: `strategy: time_series` needs a column for the day\n"
            "  hint: name it in a line of its own: `folder: day`"
        ],
    ),
    "folders without a series": (
        "files: '{day}/*.csv'\nfolder: day\nfrom: 2019-01-01\n" + COLUMNS,
        [
            "1:8: `{day}` has no effect without `strategy: time_series`\n  hint: write that, or remove `{day}`",
            "2:1: `folder` has no effect without `strategy: time_series`\n  hint: write that, or remove `folder`",
            "3:1: `from` has no effect without `strategy: time_series`\n  hint: write that, or remove `from`",
        ],
    ),
    "several folders": (
        "files: '{day}/{hour}/*.csv'\nstrategy: time_series\nfolder: day\n" + COLUMNS,
        ["1:8: the pattern has several placeholders for folders\n  hint: leave one, with a format: `{day:%Y/%m/%d}`"],
    ),
    "a bound that is none": (
        "files: '{number}/*.csv'\nstrategy: time_series\nfolder: n\nfrom: 2019-01-01\nto: 7\n" + COLUMNS,
        ["4:7: `2019-01-01` is no number\n  hint: write `from: 17`"],
    ),
    "the folder in a column of the file": (
        "files: '{number}/*.csv'\nstrategy: time_series\nfolder: ID\n" + COLUMNS,
        [
            "3:9: `ID` is a column of the files, and is also to be made from the folder of the file\n"
            "  hint: name one of the two otherwise"
        ],
    ),
    "a value inside of another in CSV": (
        "files: a.csv.gz\ncolumns: {user: {name: varchar}}\n",
        [
            "2:10: `user.name` stands inside of another value, and there are none in CSV\n"
            "  hint: write its column's name, as `name: type`"
        ],
    ),
    "two values with one name": (
        "files: a.ndjson\ncolumns:\n  user: {name: varchar}\n  user_name: varchar\n  b: {c: varchar as user_name}\n",
        [
            "4:3: `user_name` is the name of another column, `user_name`\n  hint: give each column a name of its own",
            "5:7: `user_name` is the name of another column, `user_name`\n  hint: give each column a name of its own",
        ],
    ),
    "no type inside of a value": (
        "files: a.ndjson\ncolumns:\n  user: {name: text, at: bignt as b}\n",
        [
            "3:26: `bignt as b` is no type for `user.at`\n"
            "  hint: write a type such as `bigint`, `varchar` or `timestamp`",
        ],
    ),
    "another format": (
        "files: a.xlsx\n" + COLUMNS,
        [
            "1:8: `a.xlsx` names files of no known format\n"
            "  hint: the endings are `.csv`, `.csv.gz`, `.ndjson`, `.ndjson.gz`, `.parquet`"
        ],
    ),
    "another placeholder": (
        "files: '{month}.csv'\n" + COLUMNS,
        [
            "1:8: `{month}` stands for nothing\n  hint: write `{partition}`, or `{number}`, `{day}` or `{hour}` "
            "for folders with `strategy: time_series`",
        ],
    ),
    "the name of the file in a column of it": (
        "files: a.csv\nfilename: ID\n" + COLUMNS,
        [
            "2:11: `ID` is a column of the files, and is also to be made from the name of the file\n"
            "  hint: name one of the two otherwise"
        ],
    ),
    "partitions without settings": (
        "files: '{partition}.csv'\n" + COLUMNS,
        [
            "1:8: `{partition}` is in the pattern, and the table has no partitions\n"
            "  hint: set `partition_by = month(…) from …`, or write `*`"
        ],
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_problems(tmp_path: Path, case: str) -> None:
    text, expected = PROBLEMS[case]
    model, problems = load(tmp_path, text, name="trips - 1d.load.yaml")
    assert problems == [f"taxi/trips - 1d.load.yaml:{problem}" for problem in expected]
    assert model.is_quarantined


BY_DAY = "partition_by = day(day) from 2019-01-01"
WITH_PARTITIONS = {
    "files that belong to no partition": (
        "files: '*.csv'\n" + COLUMNS,
        BY_DAY,
        "1:8: `files` does not say which files belong to a partition of `day`\n"
        "  hint: put `{partition}` into the pattern",
    ),
    "two ways to load a part": (
        "files: '{partition}.csv'\nstrategy: manifest\n" + COLUMNS,
        BY_DAY,
        "2:11: `strategy: manifest` and `partition_by` are two ways to load a part of the table\n"
        "  hint: leave `strategy` out, or write `partition_by: null` into a comment on top of this file",
    ),
    "one file for several days": (
        "files: '{partition:%Y-%m}.csv'\n" + COLUMNS,
        BY_DAY,
        "1:8: `{partition:%Y-%m}` has one text for several partitions\n"
        "  hint: write `{partition}`, or a format that tells them apart",
    ),
    "one file for several years": (
        "files: '{partition:%m-%d}.csv'\n" + COLUMNS,
        BY_DAY,
        "1:8: `{partition:%m-%d}` has one text for several partitions\n"
        "  hint: write `{partition}`, or a format that tells them apart",
    ),
    "the time of a value": (
        "files: '{partition:%Y}.csv'\n" + COLUMNS,
        "partition_by = country in (FR, DE)",
        "1:8: `{partition:%Y}` has one text for several partitions\n"
        "  hint: write `{partition}`, or a format that tells them apart",
    ),
    "the partition in a column of the file": (
        "files: '{partition}.csv'\ncolumns: {Day: date}\n",
        BY_DAY,
        "1:8: `Day` is a column of the files, and is also to be made from the partition in the name of the file\n"
        "  hint: name one of the two otherwise",
    ),
}


@pytest.mark.parametrize("case", WITH_PARTITIONS)
def test_what_does_not_go_with_partitions(tmp_path: Path, case: str) -> None:
    text, conf, expected = WITH_PARTITIONS[case]
    assert load(tmp_path, text, conf)[1] == [f"taxi/trips.load.yaml:{expected}"]


@pytest.mark.parametrize("conf", ["taxi/trips.conf", "taxi.conf", "global.conf"])
def test_partitions_that_cannot_be_read_are_one_problem(tmp_path: Path, conf: str) -> None:
    (tmp_path / "taxi").mkdir()
    (tmp_path / "taxi" / "trips - 1d.load.yaml").write_text("files: '{partition}.csv'\n" + COLUMNS)
    (tmp_path / conf).write_text("partition_by = month(day) from yesterday")
    project = load_project(tmp_path)
    assert [problem.path for problem in project.problems] == [conf]
    assert project.models[Relation("taxi", "trips")].is_quarantined


@pytest.mark.parametrize(
    ("pattern", "by"),
    [
        ("{partition:%Y}/{partition:%m}/{partition:%d}.csv", BY_DAY),
        ("{partition:%G-W%V}.csv", "partition_by = week(week) from 2019-01-07"),
        ("{partition:%Y%m%d%H}.ndjson.gz", "partition_by = hour(hour) from 2019-01-01T00"),
    ],
)
def test_formats_of_a_partition(tmp_path: Path, pattern: str, by: str) -> None:
    assert load(tmp_path, f"files: '{pattern}'\n{COLUMNS}", by)[1] == []


@pytest.mark.parametrize("text", ["\t", "a: b: c", "&a [*a]", "files: !!python/object:os.system x", "? [a]\n: b\n"])
def test_it_never_raises(text: str) -> None:
    assert parse_load(text, "duckdb", "a/b.load.yaml").problems
