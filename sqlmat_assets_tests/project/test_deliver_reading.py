"""What a `*.deliver.yaml` says, and every way in which it can be wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from sqlmat_assets.project.deliver_reading import parse_deliveries
from sqlmat_assets.project.deliveries import Delivery, Files, Notice, OtherTable, Place, Sheet
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Kind, Model
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.folders import write_files

EVERYTHING = """
disk:
  to: ../exports/cities.csv.gz
bucket:  # for the archive
  to: s3://exports/cities/
  format: csv
  compression: none
  header: false
  delimiter: ";"
  rows_per_file: 1000000
  keep: 2
  links: 4h
  endpoint: https://s3.example.com
  interval: 24h
cloud:
  to: gs://{{ env.EXPORTS }}/cities
tab:
  to: https://docs.google.com/spreadsheets/d/1aB_c-D/edit#gid=0
  keep: 3
other:
  to: postgresql://joan:{{ env.PASSWORD }}@db.example.com:5433/shop
  table: public.cities
  adopt: true
hook:
  to: https://example.com/hooks/{{ env.HOOK }}
  secret: "{{ env.SECRET }}"
  headers:
    X-Team: data
    Authorization: "Bearer {{ env.TOKEN }}"
  files_of: bucket
"""


def problems_of(text: str) -> list[str]:
    parsed = parse_deliveries(text, "first/cities.deliver.yaml")
    found = [*parsed.problems, *(problem for entry in parsed.entries for problem in entry.problems)]
    return [str(problem).removeprefix("first/cities.deliver.yaml:") for problem in found]


def project_of(folder: Path, text: str, more: Mapping[str, str] | None = None) -> tuple[dict[str, Model], list[str]]:
    files = {"first/cities - 24h.sql": "select 1 as a", "first/cities.deliver.yaml": text}
    project = load_project(write_files(folder, files | dict(more or {})))
    return {str(model.relation): model for model in project}, [str(problem) for problem in project.problems]


def test_all_that_it_can_say() -> None:
    parsed = parse_deliveries(EVERYTHING, "first/cities.deliver.yaml")
    assert problems_of(EVERYTHING) == []
    found = {entry.name: entry.delivery for entry in parsed.entries}
    assert found["disk"] == Delivery(
        "disk",
        Place.FOLDER,
        "../exports/cities.csv.gz",
        2,
        files=Files("../exports/cities.csv.gz", "csv", "gzip", is_one=True),
    )
    assert found["bucket"] == Delivery(
        "bucket",
        Place.S3,
        "s3://exports/cities",
        4,
        files=Files(
            "s3://exports/cities/",
            "csv",
            "none",
            header=False,
            delimiter=";",
            rows_per_file=1_000_000,
            keep=2,
            link_seconds=4 * 3600,
            endpoint="https://s3.example.com",
        ),
        interval_seconds=86400,
        description="for the archive",
    )
    cloud = found["cloud"]
    assert cloud is not None
    assert cloud.files == Files("gs://{{ env.EXPORTS }}/cities", "parquet", "snappy")
    assert found["tab"] == Delivery(
        "tab", Place.SHEETS, "https://docs.google.com/spreadsheets/d/1aB_c-D", 17, sheet=Sheet("1aB_c-D", 3)
    )
    assert found["other"] == Delivery(
        "other",
        Place.POSTGRES,
        "public.cities of postgresql://db.example.com:5433/shop",
        20,
        other_table=OtherTable(
            "postgresql://joan:{{ env.PASSWORD }}@db.example.com:5433/shop", "public.cities", adopt=True
        ),
    )
    assert found["hook"] == Delivery(
        "hook",
        Place.HTTP,
        "https://example.com",
        24,
        notice=Notice(
            "https://example.com/hooks/{{ env.HOOK }}",
            "{{ env.SECRET }}",
            (("Authorization", "Bearer {{ env.TOKEN }}"), ("X-Team", "data")),
            "bucket",
        ),
    )


def test_what_the_page_shows_is_read() -> None:
    page = (Path(__file__).parents[2] / "docs" / "deliveries.md").read_text()
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert problems_of(shown) == []
    found = {entry.name for entry in parse_deliveries(shown, "first/cities.deliver.yaml").entries}
    assert found == {"disk", "bucket", "sheet", "shop", "hook"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["1:1: this names no delivery\n  hint: write a name and, below it, `to: exports/cities.csv`"]),
        ("- a", ["1:1: this names no delivery\n  hint: write a name and, below it, `to: exports/cities.csv`"]),
        (
            "a: [",
            [
                "1:5: this is no YAML: expected the node content, but found '<stream end>'\n"
                "  hint: indent with spaces, and put quotes around a value with `: ` in it"
            ],
        ),
        (
            "Bad-Name:\n  to: a.csv",
            [
                "1:1: `Bad-Name` cannot name a delivery\n"
                "  hint: write it in small letters, digits and `_`: `partner_bucket`"
            ],
        ),
        (
            "a:\n  to: a.csv\na:\n  to: b.csv",
            ["3:1: `a` stands in line 1 already\n  hint: remove one of the two lines"],
        ),
        ("a: s3://b", ["1:1: `a` does not say where the table goes\n  hint: write `to: exports/cities.csv` below it"]),
        ("a:\n  format: csv", ["1:1: `to` is missing\n  hint: write `to: exports/cities.csv`"]),
        ("a:\n  to: 1", ["2:7: `to` cannot be this\n  hint: write `to: exports/cities.csv`"]),
        (
            "a:\n  to: ftp://b/c",
            [
                "2:7: `ftp://b/c` is no place that tables are delivered to\n  hint: write a path, `s3://…`, `gs://…`, "
                "`postgresql://…`, `https://…` or the address of a Google spreadsheet"
            ],
        ),
        (
            "a:\n  to: a.csv\n  fromat: csv",
            ["3:3: a delivery of files has no key `fromat`\n  hint: did you mean `format`?"],
        ),
        (
            "a:\n  to: https://example.com\n  format: csv",
            [
                "3:3: a notification has no key `format`\n"
                "  hint: the keys are `to`, `interval`, `secret`, `headers`, `files_of`"
            ],
        ),
        ("a:\n  to: a.csv\n  to: b.csv", ["3:3: `to` stands in line 2 already\n  hint: remove one of the two lines"]),
        ("a:\n  to: a\n  format: xlsx", ["3:11: `format` cannot be this\n  hint: write one of `csv`, `parquet`"]),
        (
            "a:\n  to: a.csv\n  format: parquet",
            [
                "3:11: `a.csv` is not `format: parquet` by its ending\n"
                "  hint: leave `format` out, or name the file otherwise"
            ],
        ),
        (
            "a:\n  to: a.csv.gz\n  compression: zstd",
            [
                "3:16: `a.csv.gz` is not `compression: zstd` by its ending\n"
                "  hint: leave `compression` out, or name the file otherwise"
            ],
        ),
        (
            "a:\n  to: a\n  compression: brotli",
            ["3:16: parquet is not compressed by `brotli`\n  hint: write one of `snappy`, `gzip`, `zstd`, `none`"],
        ),
        (
            "a:\n  to: a.csv\n  keep: 2",
            ["3:9: `keep` is for a folder, and `a.csv` is one file\n  hint: leave it out, or name a folder"],
        ),
        ("a:\n  to: a\n  keep: none", ["3:9: `keep` cannot be this\n  hint: write `keep: 7`"]),
        ("a:\n  to: a\n  keep: 0", ["3:9: `keep` cannot be this\n  hint: write `keep: 7`"]),
        (
            "a:\n  to: a.parquet\n  header: false",
            ["3:11: `header` is for CSV files only\n  hint: leave it out, or write `format: csv`"],
        ),
        (
            'a:\n  to: a.csv\n  delimiter: ", "',
            ['3:14: `delimiter` has to be one character\n  hint: write `delimiter: ";"`'],
        ),
        (
            "a:\n  to: a\n  links: 4h",
            ["3:10: there are no links to `a`\n  hint: leave `links` out; files in S3 and Cloud Storage have links"],
        ),
        (
            "a:\n  to: s3://b/c\n  links: 8d",
            ["3:10: `8d` is longer than a link can be good for\n  hint: write `links: 7d` or less"],
        ),
        (
            "a:\n  to: s3://b/c\n  interval: often",
            ["3:13: `often` is no interval\n  hint: write a whole number and a unit: `30m`, `24h`, `7d` or `2w`"],
        ),
        (
            "a:\n  to: s3:///c",
            ["2:7: `s3:///c` names no bucket\n  hint: write `s3://bucket/folder` or `gs://bucket/folder`"],
        ),
        (
            "a:\n  to: https://docs.google.com/spreadsheets/u/0/",
            [
                "2:7: `https://docs.google.com/spreadsheets/u/0/` names no spreadsheet\n"
                "  hint: write `https://docs.google.com/spreadsheets/d/…`, as the browser shows it"
            ],
        ),
        ("a:\n  to: postgresql://h/d", ["1:1: `table` is missing\n  hint: write `table: public.cities`"]),
        (
            "a:\n  to: postgresql://h/d\n  table: cities",
            ["3:10: `cities` is no table with its schema\n  hint: write `table: public.cities`"],
        ),
        (
            "a:\n  to: postgresql://h\n  table: a.b",
            [
                "2:7: `postgresql://h` names no database\n"
                "  hint: write `postgresql://user:{{ env.PASSWORD }}@host/database`"
            ],
        ),
        (
            "a:\n  to: postgresql://u:hunter2@h/d\n  table: a.b",
            ["2:7: `to` holds a secret in plain text\n  hint: put it into the environment, and write `{{ env.NAME }}`"],
        ),
        ("a:\n  to: https:///x", ["2:7: `https:///x` names no host\n  hint: write `https://partner.example.com/hook`"]),
        (
            "a:\n  to: https://example.com\n  secret: hunter2",
            [
                "3:11: `secret` holds a secret in plain text\n"
                "  hint: put it into the environment, and write `{{ env.NAME }}`"
            ],
        ),
        (
            "a:\n  to: https://example.com\n  headers: {Authorization: Basic abc}",
            [
                "3:12: `Authorization` holds a secret in plain text\n"
                "  hint: put it into the environment, and write `{{ env.NAME }}`"
            ],
        ),
        (
            "a:\n  to: https://example.com\n  secret: {{ env.SECRET }}",
            ["3:11: `secret` begins with a brace, which YAML does not read as text\n  hint: put quotes around it"],
        ),
        (
            'a:\n  to: https://example.com\n  secret: "{{ SECRET }}"',
            [
                "3:11: `{{ SECRET }}` stands for nothing\n"
                "  hint: write `{{ env.NAME }}` for a variable of the environment"
            ],
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, said: list[str]) -> None:
    assert problems_of(text) == said


def test_deliveries_stand_beside_their_table(tmp_path: Path) -> None:
    conf = {"first/cities.conf": "owner = joan@example.com\ntags = a=b\ngrace = 2h"}
    models, problems = project_of(tmp_path, "disk:\n  to: a.csv\nslow:\n  to: b.csv\n  interval: 7d\n", conf)
    assert problems == []
    disk, slow = models["first.cities__deliver__disk"], models["first.cities__deliver__slow"]
    cities = (Relation("first", "cities"),)
    assert (disk.kind, disk.upstream, disk.path) == (Kind.DELIVERY, cities, "first/cities.deliver.yaml")
    assert (disk.interval, disk.effective_interval) == (None, timedelta(days=1))
    assert (slow.interval, slow.effective_interval) == (timedelta(days=7), timedelta(days=7))
    assert (disk.settings.owner, disk.settings.grace) == (("joan@example.com",), timedelta(hours=2))
    assert models["first.cities"].effective_interval == timedelta(days=1)


def test_a_delivery_is_another_one_only_by_what_it_does(tmp_path: Path) -> None:
    def version(text: str) -> str:
        return str(project_of(tmp_path, text)[0]["first.cities__deliver__disk"].version)

    first = version("disk:\n  to: a.csv\n")
    assert version("# more\n\ndisk:  # a comment\n  interval: 24h\n  to: a.csv\n") == first
    assert version("disk:\n  to: a.csv\n  header: false\n") != first


def test_an_interval_asks_for_a_table_that_has_none(tmp_path: Path) -> None:
    files = {"first/shops.sql": "select 1 as a", "first/shops.deliver.yaml": "disk:\n  to: a.csv\n  interval: 6h\n"}
    project = load_project(write_files(tmp_path, files))
    assert project.problems == ()
    assert project.models[Relation("first", "shops")].effective_interval == timedelta(hours=6)


def test_a_delivery_alone_does_not_say_how_often(tmp_path: Path) -> None:
    files = {"first/shops.sql": "select 1 as a", "first/shops.deliver.yaml": "disk:\n  to: a.csv\n"}
    (problem,) = load_project(write_files(tmp_path, files)).problems
    assert str(problem).startswith("first/shops.sql: `first.shops` has no interval")


def test_one_broken_entry_leaves_the_others(tmp_path: Path) -> None:
    models, problems = project_of(tmp_path, "good:\n  to: a.csv\nbad:\n  to: ftp://b\n")
    assert len(problems) == 1
    assert not models["first.cities__deliver__good"].is_quarantined
    assert models["first.cities__deliver__bad"].is_quarantined
    assert not models["first.cities"].is_quarantined


def test_files_of_another_delivery(tmp_path: Path) -> None:
    hook = "hook:\n  to: https://example.com\n  files_of: {}\n"
    good = f"bucket:\n  to: s3://b/c\n{hook.format('bucket')}"
    models, problems = project_of(tmp_path, good)
    assert problems == []
    assert models["first.cities__deliver__hook"].upstream == (
        Relation("first", "cities"),
        Relation("first", "cities__deliver__bucket"),
    )
    _, problems = project_of(tmp_path, f"bucket:\n  to: s3://b/c\n{hook.format('bukket')}")
    assert problems == [
        "first/cities.deliver.yaml:3:1: there is no delivery `bukket` of this table\n  hint: did you mean `bucket`?"
    ]
    _, problems = project_of(tmp_path, f"bucket:\n  to: https://example.com\n{hook.format('bucket')}")
    assert problems == [
        "first/cities.deliver.yaml:3:1: `bucket` delivers no files\n"
        "  hint: name a delivery to a folder, S3 or Cloud Storage"
    ]


def test_two_files_for_one_table(tmp_path: Path) -> None:
    more = {"first.cities.deliver.yaml": "disk:\n  to: b.csv\nelse:\n  to: c.csv\n"}
    models, problems = project_of(tmp_path, "disk:\n  to: a.csv\n", more)
    assert problems == [
        "first/cities.deliver.yaml:1:1: `disk` stands in line 1 already\n  hint: remove one of the two lines"
    ]
    assert "first.cities__deliver__else" in models


def test_a_table_that_is_called_as_a_delivery_is(tmp_path: Path) -> None:
    more = {"first/cities__deliver__disk - 1h.sql": "select 1 as a"}
    _, problems = project_of(tmp_path, "disk:\n  to: a.csv\n", more)
    assert problems == [
        "first/cities.deliver.yaml:1:1: `first.cities__deliver__disk` is the table of "
        "`first/cities__deliver__disk - 1h.sql` as well\n  hint: give the delivery another name"
    ]


def test_deliveries_come_from_the_cache(tmp_path: Path) -> None:
    root, cache = tmp_path / "sql", tmp_path / "cache"
    write_files(root, {"first/cities - 24h.sql": "select 1 as a", "first/cities.deliver.yaml": EVERYTHING})
    first, again = (load_project(root, cache_dir=cache) for _ in range(2))
    assert first.models == again.models
    assert len(first.deliveries) == 6
