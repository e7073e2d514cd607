from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.mode_problems import future_starts
from sqlmat_assets.project.model import Project
from sqlmat_assets.project.partitions.grains import Grain
from sqlmat_assets.project.partitions.spec import TimePartitioning
from sqlmat_assets.relation import Relation

T = Relation("s", "t")
ONE = "select id, at, day from s.source\n"
ALL = "-- mode: merge\n-- unique_key: id\n-- on_match: update\n-- order_by: at desc, id\n-- on_change: rebuild\n"


def load(root: Path, files: dict[str, str], dialect: str | None = None) -> Project:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return load_project(root, dialect=dialect)


def problems(root: Path, text: str, dialect: str | None = None) -> list[str]:
    return [str(problem) for problem in load(root, {"s/t - 1h.sql": text}, dialect).problems]


@pytest.mark.parametrize(
    "text",
    [
        ALL + ONE,
        "-- mode: append\n-- unique_key: id\n" + ONE,
        "-- mode: append\nselect id, at from s.source where at > @last_built",
        "-- mode: append\nselect id from s.source where id > (select max(id) from s.t)",
        "-- partition_by: day(DAY) from 2019-01-01\n-- on_change: rebuild\n-- on_schema_change: add\n" + ONE,
        "-- partition_by: day(day) from 2019-01-01\nselect * from s.source where day >= @partition_start",
        "-- mode: merge\n-- unique_key: id\n-- partition_by: day(day) from 2019-01-01\n" + ONE,
        "-- mode: replace\n" + ONE,
        "select abs(@id) as id, '@last_built' as a, @x as b from s.source -- @partition_start",
    ],
)
def test_what_goes_together(text: str, tmp_path: Path) -> None:
    assert problems(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "-- mode: merge\n" + ONE,
            [
                "s/t - 1h.sql:1:10: `mode = merge` needs a `unique_key`\n"
                "  hint: set `unique_key` to the columns that tell rows apart"
            ],
        ),
        (
            "-- mode: append\n" + ONE,
            [
                "s/t - 1h.sql:1:10: `mode = append` would add every row again with each build\n"
                "  hint: set a `unique_key`, or let the query read only what is new: `where updated_at > @last_built`"
            ],
        ),
        (
            "-- unique_key: id\n" + ONE,
            [
                "s/t - 1h.sql:1:16: `unique_key` has no effect: each build replaces the whole table\n"
                "  hint: write `unique` for a check, or set `mode = merge`"
            ],
        ),
        (
            "-- mode: append\n-- unique_key: id\n-- on_match: keep\n-- order_by: id\n" + ONE,
            [
                "s/t - 1h.sql:3:14: `on_match` has no effect without `mode = merge`\n"
                "  hint: set `mode = merge`, or remove `on_match`",
                "s/t - 1h.sql:4:14: `order_by` has no effect without `mode = merge`\n"
                "  hint: set `mode = merge`, or remove `order_by`",
            ],
        ),
        (
            "-- partitions_per_run: 1\n" + ONE,
            [
                "s/t - 1h.sql:1:24: `partitions_per_run` has no effect without `partition_by`\n"
                "  hint: set `partition_by`, or remove `partitions_per_run`"
            ],
        ),
        (
            "-- on_change: next\n-- on_schema_change: fail\n" + ONE,
            [
                "s/t - 1h.sql:1:15: `on_change` has no effect: each build replaces the whole table\n"
                "  hint: remove `on_change`, or set `partition_by` or a `mode`",
                "s/t - 1h.sql:2:22: `on_schema_change` has no effect: each build replaces the whole table\n"
                "  hint: remove `on_schema_change`, or set `partition_by` or a `mode`",
            ],
        ),
        (
            "-- partition_by: day(dey) from 2019-01-01\n" + ONE,
            [
                "s/t - 1h.sql:1:18: `partition_by` names `dey`, which the SELECT does not give\n"
                "  hint: did you mean `day`?"
            ],
        ),
        (
            "-- mode: merge\n-- unique_key: id, ad\n-- order_by: updated\n" + ONE,
            [
                "s/t - 1h.sql:2:16: `unique_key` names `ad`, which is no column of `s.t`\n"
                "  hint: its columns are `id`, `at`, `day`",
                "s/t - 1h.sql:3:14: `order_by` names `updated`, which is no column of `s.t`\n"
                "  hint: its columns are `id`, `at`, `day`",
            ],
        ),
        (
            "-- mode: mrge\n-- unique_key: id\n-- on_match: update\nselect id from s.source where id > @last_built",
            [
                "s/t - 1h.sql:1:10: `mode` cannot be `mrge`: it is one of `replace`, `append`, `merge`, `view`\n"
                "  hint: write it like `mode = merge`"
            ],
        ),
        (
            "-- mode: merge\n-- unique_key: a,,b\n" + ONE,
            [
                "s/t - 1h.sql:2:16: `unique_key` cannot be `a,,b`: it is a list with commas between its items\n"
                "  hint: write it like `unique_key = country, city_id`"
            ],
        ),
        (
            "select id from s.source where at >= @partition_start",
            [
                "s/t - 1h.sql:1:37: `@partition_start` has no value: the table is not partitioned\n"
                "  hint: set `partition_by`, or write the value"
            ],
        ),
        (
            "-- partition_by: week(id)\nselect id from s.source where at >= @partition_start",
            [
                "s/t - 1h.sql:1:18: `partition_by`: `week(id)` does not say where the first partition begins\n"
                "  hint: write `week(id) from 2019-01-07`"
            ],
        ),
        (
            "select id from s.source\nwhere at >= @last_built",
            [
                "s/t - 1h.sql:2:13: `@last_built` would leave out the older rows: each build replaces the whole table\n"
                "  hint: set `mode` to `append` or `merge`, or leave it out"
            ],
        ),
        (
            "select id from s.source where at >= @LAST_BUILD and at < @end_ds",
            [
                "s/t - 1h.sql:1:37: `@LAST_BUILD` is not known\n  hint: did you mean `@last_built`?",
                "s/t - 1h.sql:1:58: `@end_ds` is not known\n  hint: did you mean `@partition_end`?",
            ],
        ),
    ],
)
def test_what_does_not_go_together(text: str, expected: list[str], tmp_path: Path) -> None:
    assert problems(tmp_path, text) == expected


@pytest.mark.parametrize("dialect", ["postgres", "redshift", "bigquery"])
def test_names_are_read_in_every_dialect(dialect: str, tmp_path: Path) -> None:
    head = "-- partition_by: day(day) from 2019-01-01\n"
    body = "select day, id from s.source where day >= @partition_start and day < @partition_end and at > @mine"
    project = load(tmp_path, {"s/t - 1h.sql": head + body}, dialect)
    assert project.problems == ()
    assert project.models[T].sources == (Relation("s", "source"),)
    slip = load(tmp_path, {"s/t - 1h.sql": head + body.replace("_end", "_ende").replace("mine", "last_build")}, dialect)
    warning = "warning: " if dialect == "bigquery" else ""
    assert [str(problem).splitlines()[0] for problem in slip.problems] == [
        f"s/t - 1h.sql:2:70: {warning}`@partition_ende` is not known",
        f"s/t - 1h.sql:2:95: {warning}`@last_build` is not known",
    ]


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "redshift", "bigquery"])
def test_the_bounds_of_a_build_are_the_same_each_time(dialect: str, tmp_path: Path) -> None:
    head = "-- partition_by: day(day) from 2019-01-01\n-- mode: append\n"
    text = "select day from s.source where day >= @partition_start and day < @partition_end and day > @last_built"
    first = load(tmp_path / "a", {"s/t - 1h.sql": head + text}, dialect).models[T]
    again = load(tmp_path / "b", {"s/t - 1h.sql": head + text.replace(" and", "\n  and")}, dialect).models[T]
    assert first.varies is None
    assert first.version is not None
    assert again.version is not None
    assert first.version.is_same(again.version)


def test_a_check_has_no_bounds(tmp_path: Path) -> None:
    text = "-- partition_by: day(day) from 2019-01-01\n" + ONE
    checks = "select true as fine;\n\nselect id > 0 as\n  ok from s.t where day >= @Partition_Start and at > @mine"
    project = load(tmp_path, {"s/t - 1h.sql": text, "s/t_test.sql": checks})
    assert [str(problem) for problem in project.problems] == [
        "s/t_test.sql:4:28: `@Partition_Start` has no value in a check\n"
        "  hint: leave it out: a check sees the rows that are about to be published"
    ]


def test_settings_that_are_inherited_are_for_those_that_can_have_them(tmp_path: Path) -> None:
    conf = "mode = merge\nunique_key = id\non_match = update\npartition_by = day(day) from 2019-01-01\n"
    files = {"s.conf": conf, "s/d.csv": "id,day\n1,2019-01-01\n", "s/t - 1h.sql": ONE, "s/u - 1h.sql": ONE}
    project = load(tmp_path, {**files, "s/u.conf": "mode = replace\n"})
    assert project.problems == ()
    data = project.models[Relation("s", "d")].settings
    assert (data.mode, data.unique_key, data.partition_by) == ("replace", (), None)
    assert project.models[T].settings.partition_by == TimePartitioning(
        "day", Grain.DAY, datetime(2019, 1, 1, tzinfo=UTC)
    )


def test_a_data_file_is_loaded_whole(tmp_path: Path) -> None:
    files = {"s/d.csv": "id,day\n1,2019-01-01\n", "s/d.conf": "mode = merge\nunique_key = id"}
    assert [str(problem) for problem in load(tmp_path, files).problems] == [
        "s/d.conf:1:8: `mode` is for tables of a query: a data file is always loaded whole\n  hint: remove `mode`",
        "s/d.conf:2:14: `unique_key` is for tables of a query: a data file is always loaded whole\n"
        "  hint: remove `unique_key`",
    ]


def test_columns_of_a_load_stand_in_its_own_file(tmp_path: Path) -> None:
    files = {"s/d - 1h.load.yaml": "files: d.csv\ncolumns:\n  id: bigint\n", "s/d.conf": "columns = id text"}
    assert [str(problem) for problem in load(tmp_path, files).problems] == [
        "s/d.conf:1:11: the columns of a load stand in its own file\n  hint: write them under `columns:` there"
    ]


def test_a_first_partition_in_the_future_warns(tmp_path: Path) -> None:
    project = load(tmp_path, {"s/t - 1h.sql": "-- partition_by: month(day) from 2029-03\n" + ONE})
    assert list(future_starts(project, datetime(2029, 3, 1, tzinfo=UTC))) == []
    assert [str(problem) for problem in future_starts(project, datetime(2029, 2, 28, tzinfo=UTC))] == [
        "s/t - 1h.sql: warning: the first partition `2029-03` has not begun\n"
        "  hint: correct `partition_by` behind `from`"
    ]
