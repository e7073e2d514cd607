"""What a `*.load.yaml` says of a database, and every way in which it can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlmat_assets.project.loads import Asked, Load, LoadColumn, Strategy
from sqlmat_assets_tests.project.test_load_reading import load

GOOD = """connection: shop
table: public.orders
strategy: incremental
key: id
reload: 7d
columns:
  id: bigint
  Total: "decimal(10, 2) as total"  # with tax
"""


def test_all_that_it_can_say(tmp_path: Path) -> None:
    model, problems = load(tmp_path, GOOD)
    assert problems == []
    assert model.load == Load(
        "",
        (LoadColumn("id", "bigint"), LoadColumn("total", "decimal(10, 2)", "with tax", ("Total",))),
        connection="shop",
        strategy=Strategy.INCREMENTAL,
        asked=Asked("public.orders", key="id", reload="7d"),
    )


def test_a_query(tmp_path: Path) -> None:
    model, problems = load(tmp_path, "connection: shop\nquery: |\n  select 1 as id;\ncolumns: {id: bigint}\n")
    assert problems == []
    assert model.load is not None
    assert model.load.asked == Asked(query="select 1 as id")


def test_what_is_read_changes_the_version(tmp_path: Path) -> None:
    versions = {
        getattr(load(tmp_path, text)[0].version, "semantic", None)
        for text in (GOOD, GOOD.replace("orders", "others"), GOOD.replace("shop", "store"), GOOD.replace("7d", "8d"))
    }
    assert len(versions) == 3  # when all is read anew changes no row


COLUMNS = "columns: {id: bigint}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f"connection: shop\ntable: orders\nquery: select 1\n{COLUMNS}",
            "3:1: `table` and `query` are two ways to say what is read\n  hint: leave one of them",
        ),
        (
            f"connection: shop\ntable: select 1\n{COLUMNS}",
            "2:8: `select 1` is no name of a table\n  hint: write `table: public.orders`, or `query: select …`",
        ),
        (
            f"table: orders\n{COLUMNS}",
            "1:1: `connection` is missing\n  hint: write `connection: shop`, whose URL is in `SQLMAT_CONNECTION_SHOP`",
        ),
        (
            f"connection: shop\ntable: orders\nstrategy: manifest\n{COLUMNS}",
            "3:11: `strategy: manifest` is for files\n  hint: write `bulk`, or `incremental` with `key: …`",
        ),
        (
            f"connection: shop\ntable: orders\nstrategy: incremental\n{COLUMNS}",
            "3:11: `strategy: incremental` needs a column that grows\n  hint: name it in a line of its own: `key: id`",
        ),
        (
            f"connection: shop\ntable: orders\nkey: id\n{COLUMNS}",
            "3:1: `key` has no effect without `strategy: incremental`\n  hint: write that, or remove `key`",
        ),
        (
            f"connection: shop\ntable: orders\nstrategy: incremental\nkey: at\n{COLUMNS}",
            "4:6: `at` is none of the `columns`\n  hint: add `at: bigint` to them",
        ),
        (
            f"connection: shop\ntable: orders\nfilename: name\n{COLUMNS}",
            "3:1: `filename` is for files, and not for tables of a database\n  hint: remove it",
        ),
        (
            f"files: a.csv\nreload: 7d\n{COLUMNS}",
            "2:1: `reload` is for tables of a database\n  hint: write `table: …` and `connection: …`, or remove it",
        ),
        (
            f"files: a.csv\nstrategy: incremental\n{COLUMNS}",
            "2:11: `incremental` is for tables of a database\n"
            "  hint: write `table: …` and `connection: …`, or remove it",
        ),
        (
            "connection: shop\ntable: orders\ncolumns:\n  a:\n    b: bigint\n",
            "4:3: `a.b` stands inside of another value, and there are none in a table\n"
            "  hint: write its column's name, as `name: type`",
        ),
    ],
)
def test_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    assert load(tmp_path, text)[1] == [f"taxi/trips.load.yaml:{said}"]


def test_there_are_no_partitions(tmp_path: Path) -> None:
    text = f"connection: shop\ntable: orders\n{COLUMNS}"
    assert load(tmp_path, text, "partition_by = month(month) from 2019-01")[1] == [
        "taxi/trips.load.yaml:2:8: a table that is loaded from a database has no partitions\n"
        "  hint: leave `partition_by` out, or make a table with partitions of it by a query"
    ]
