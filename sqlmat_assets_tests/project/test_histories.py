"""Who reads the history of a table with snapshots, and what does not go together with snapshots."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlmat_assets.project.graph import ModelGraph
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Project
from sqlmat_assets.relation import Relation

CITIES = "-- snapshots_interval: 24h\nselect 1 as id\n"
COLUMN = "`snapshot_timestamp`, which is the one that its snapshots get in `first.cities_history`"


def load(root: Path, dialect: str | None = None, **files: str) -> Project:
    """A project with files of the schema `first`; `__` in a name stands for ` - `."""
    for name, text in files.items():
        file = name.replace("__", " - ") + ("" if name.endswith("conf") else ".sql")
        path = root / "first" / file.replace("_conf", ".conf")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return load_project(root, dialect=dialect)


def told(project: Project) -> list[str]:
    return [str(problem) for problem in project.problems]


def reads(project: Project, name: str) -> tuple[list[str], list[str]]:
    model = project.models[Relation("first", name)]
    return [read.name for read in model.upstream], [read.name for read in model.sources]


def test_who_reads_a_history_comes_after_its_table(tmp_path: Path) -> None:
    project = load(
        tmp_path, cities__24h=CITIES, a__1h="select * from first.CITIES_history h join first.cities using (id)"
    )
    assert told(project) == []
    assert reads(project, "a") == (["cities"], ["cities_history"])
    project = load(tmp_path, a__1h="select * from First.Cities_History")
    assert told(project) == []
    assert reads(project, "a")[0] == ["cities"]
    assert [relation.name for relation in ModelGraph(project).order()] == ["cities", "a"]


def test_it_gives_its_table_an_interval(tmp_path: Path) -> None:
    project = load(tmp_path, cities=CITIES, a__1h="select * from first.cities_history")
    assert told(project) == []
    assert (
        project.models[Relation("first", "cities")].effective_interval
        == project.models[Relation("first", "a")].interval
    )


def test_without_snapshots_it_is_a_table_from_elsewhere(tmp_path: Path) -> None:
    project = load(tmp_path, cities__24h="select 1 as id", a__1h="select * from first.cities_history")
    assert told(project) == []
    assert reads(project, "a") == ([], ["cities_history"])


def test_a_table_may_read_its_own_history(tmp_path: Path) -> None:
    project = load(tmp_path, cities__24h=CITIES + "where 2 not in (select id from first.cities_history)")
    assert told(project) == []
    assert reads(project, "cities") == ([], ["cities_history"])


def test_a_circle_by_way_of_a_history_is_none(tmp_path: Path) -> None:
    """What the table itself reads sees the snapshots of the runs before."""
    project = load(
        tmp_path,
        cities__24h=CITIES.replace("1 as id", "id from first.a"),
        a="select 1 as id from first.b",
        b="select id from first.cities_history",
    )
    assert [problem.is_warning for problem in project.problems] == [True]
    assert reads(project, "b") == ([], ["cities_history"])
    assert [relation.name for relation in ModelGraph(project).order()] == ["b", "a", "cities"]


def test_two_that_read_each_others_histories(tmp_path: Path) -> None:
    project = load(
        tmp_path,
        a__24h="-- snapshots_interval: 24h\nselect id from first.b_history",
        b__24h="-- snapshots_interval: 24h\nselect id from first.a_history",
    )
    assert [problem.is_warning for problem in project.problems] == [True]
    assert (reads(project, "a")[0], reads(project, "b")[0]) == (["b"], [])


def test_a_circle_is_a_problem_where_the_tables_themselves_are_read(tmp_path: Path) -> None:
    project = load(tmp_path, cities__24h=CITIES.replace("1 as id", "id from first.a"), a="select id from first.cities")
    assert len(told(project)) == 1
    assert all(model.is_quarantined for model in project)


def test_a_check_may_read_a_history(tmp_path: Path) -> None:
    check = "select count(*) > 0 as kept from first.cities_history where id in (select id from first.cities)"
    project = load(tmp_path, cities__24h=CITIES, cities_test=check)
    assert told(project) == []
    assert load(tmp_path, cities__24h="select 1 as id").errors != ()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"cities_history__24h": "select 1 as id"},
            [
                "first/cities - 24h.sql:1:24: the snapshots of `first.cities` (`first/cities - 24h.sql`) would be"
                " kept in `first.cities_history`, which `first/cities_history - 24h.sql` makes\n"
                "  hint: give one of the two files another name, or remove `snapshots_interval`"
            ],
        ),
        (
            {"cities__24h": CITIES.replace("1 as id", "now() as Snapshot_Timestamp")},
            [
                f"first/cities - 24h.sql: `first.cities` has a column {COLUMN}\n"
                "  hint: give the column another name, or remove `snapshots_interval`"
            ],
        ),
        (
            {"cities__24h": "-- snapshots_stored_for: 7d\nselect 1 as id"},
            [
                "first/cities - 24h.sql:1:26: `snapshots_stored_for` has no effect without `snapshots_interval`\n"
                "  hint: set `snapshots_interval` as well"
            ],
        ),
        (
            {"cities__24h": "-- snapshots_stored_for: 7d\n-- snapshots_interval: 14d\nselect 1 as id"},
            [
                "first/cities - 24h.sql:1:26: warning: snapshots are removed after 7d although the next one is due only"
                " after 14d\n  hint: set `snapshots_stored_for` to no less than `snapshots_interval`"
            ],
        ),
    ],
)
def test_what_does_not_go_together(tmp_path: Path, files: dict[str, str], expected: list[str]) -> None:
    assert told(load(tmp_path, **{"cities__24h": CITIES, **files})) == expected


def test_a_history_that_begins_only_after_what_reads_it(tmp_path: Path) -> None:
    project = load(
        tmp_path,
        cities__24h="-- snapshots_interval: 24h\nselect id from first.a",
        a="select id from first.b",
        b="-- What was.\nselect 1 as id,\n  (select count(*) from first.cities_history) as n",
    )
    assert told(project) == [
        "first/b.sql:3:25: warning: `first.b` reads `first.cities_history`, which begins with the first build of"
        " `first.cities`, and `first.cities` depends on `first.b`: until then neither can be built\n"
        "  hint: if it is not there yet, make an empty `first.cities_history` with the columns of `first.cities` and"
        " `snapshot_timestamp` (TIMESTAMP)"
    ]
    assert not project.models[Relation("first", "b")].is_quarantined


def test_what_is_inherited_is_meant_for_those_that_can_have_it(tmp_path: Path) -> None:
    (tmp_path / "first.conf").write_text("snapshots_interval = 24h\nsnapshots_stored_for = 7d\n")
    project = load(tmp_path, cities__24h="select 1 as id", seen="-- mode: view\nselect 1 as id")
    assert told(project) == []
    project = load(tmp_path, cities_conf="snapshots_interval = null\n")
    assert told(project) == []


def test_names_are_those_of_the_engine(tmp_path: Path) -> None:
    project = load(tmp_path, "bigquery", cities__24h=CITIES, a__1h="select * from first.Cities_history")
    assert reads(project, "a") == ([], ["Cities_history"])
