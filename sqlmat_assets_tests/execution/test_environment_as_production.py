"""What is built in an environment is what production would be, and production stays as it is: for any small project."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sqlmat_assets.execution.build import build
from sqlmat_assets.execution.environment import Environment
from sqlmat_assets.execution.events import Discarded, Skipped
from sqlmat_assets.project.model import CheckQuery, Model, Project
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.tables import a_check, a_context, a_project, a_table, ask

MOST = 4
DEV = Environment("dev")
# Two schemas, and a name that only quotes tell from others.
NAMES = [Relation("first", "a"), Relation("second", "b c"), Relation("first", "c"), Relation("second", "d")]
Reads = Sequence[Collection[int]]


def quoted(relation: Relation) -> str:
    return f'"{relation.schema}"."{relation.name}"'


def a_model(number: int, value: int, reads: Collection[int]) -> Model:
    """A table that adds up those that it reads, hidden in the corners of a query; its check reads them once more."""
    others = [quoted(NAMES[each]) for each in sorted(reads)]
    terms = " + ".join([str(value), *(f"(SELECT max({other}.v) FROM {other})" for other in others)])
    name = NAMES[number]
    check = a_check(f"SELECT v = {terms} AS added FROM {quoted(name)}", "added")
    upstream = tuple(NAMES[each] for each in sorted(reads))
    check = CheckQuery(check.sql, check.specs, (name, *upstream))
    sql = f"WITH a AS (SELECT {terms} AS v) SELECT v FROM a"
    return a_table(sql, check, name=str(name), upstream=upstream)


def a_project_of(values: Sequence[int], reads: Reads) -> Project:
    return a_project(*(a_model(number, values[number], reads[number]) for number in range(MOST)))


def run(path: Path, project: Project, chosen: Collection[int], name: str, environment: Environment | None) -> None:
    context = a_context(path, name, environment=environment)
    events = list(build(project, [NAMES[each] for each in sorted(chosen)], context, threads=2))
    assert not [event for event in events if isinstance(event, Discarded | Skipped)], events


def rows(path: Path, relations: Collection[Relation]) -> list[object]:
    return [ask(path, f"SELECT * FROM {quoted(relation)}") for relation in relations]


numbers = st.integers(0, 50)
values_of_all = st.lists(numbers, min_size=MOST, max_size=MOST)
graphs = st.tuples(*(st.frozensets(st.integers(0, number - 1)) if number else st.just(()) for number in range(MOST)))
chosen_tables = st.frozensets(st.integers(0, MOST - 1), min_size=1)


@pytest.mark.reopens
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs, graphs, values_of_all, st.lists(st.tuples(values_of_all, chosen_tables), min_size=1, max_size=3))
def test_an_environment_is_what_production_would_be(
    before: Reads, after: Reads, values: Sequence[int], edits: Sequence[tuple[Sequence[int], Collection[int]]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, copy = Path(folder, "w.duckdb"), Path(folder, "copy.duckdb")
        run(path, a_project_of(values, before), range(MOST), "r0", None)
        shutil.copy(path, copy)
        records = "FROM _sqlmat.tables WHERE environment IS NULL ORDER BY ALL"
        production = rows(path, NAMES), ask(path, records)
        built: set[int] = set()
        for number, (edited, chosen) in enumerate(edits, 1):
            project = a_project_of(edited, after)
            run(path, project, chosen, f"r{number}", DEV)
            run(copy, project, chosen, f"r{number}", None)
            built |= set(chosen)
            here = [NAMES[each] for each in sorted(built)]
            assert rows(path, [DEV.relation(each) for each in here]) == rows(copy, here)
        assert (rows(path, NAMES), ask(path, records)) == production
        made = ask(path, "SELECT schema_name, table_name FROM _sqlmat.tables WHERE environment = 'dev'")
        assert {(str(schema), str(name)) for schema, name in made} == {
            (f"{NAMES[each].schema}__dev", NAMES[each].name) for each in built
        }
