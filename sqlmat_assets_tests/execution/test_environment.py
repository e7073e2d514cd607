"""Tables in an environment, on a real DuckDB file."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sqlmat_assets.execution.audit import audit_published
from sqlmat_assets.execution.build import build
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.environment import Environment
from sqlmat_assets.execution.events import Discarded, Event, Published
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.piece import WHOLE
from sqlmat_assets.execution.records import fetch_records
from sqlmat_assets.execution.render import read_around, render
from sqlmat_assets.project.model import CheckQuery, Model
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets_tests.tables import a_check, a_context, a_project, a_table, ask, kinds_of, tables_in

PEOPLE = a_table("SELECT 1 AS id", name="first.people")
CITIES = a_table("SELECT people.id AS id FROM first.people", upstream=(PEOPLE.relation,))


def here(path: Path, run: str = "r1") -> Context:
    return a_context(path, run, environment=Environment("dev"))


def publish(model: Model, context: Context) -> list[Event]:
    events = list(materialize(model, context))
    assert isinstance(events[-1], Published), events[-1]
    return events


def test_a_table_is_built_beside_production_which_stays_as_it_is(path: Path) -> None:
    publish(PEOPLE, a_context(path, "p1"))
    before = ask(path, "FROM first.people")
    events = publish(a_table("SELECT 2 AS id", name="first.people"), here(path))
    assert {event.relation for event in events} == {PEOPLE.relation}
    assert ask(path, "FROM first__dev.people") == [(2,)]
    assert ask(path, "FROM first.people") == before
    assert tables_in(path) == tables_in(path, "first__dev") == ["people"]


def test_what_was_not_built_there_is_read_from_production(path: Path) -> None:
    publish(PEOPLE, a_context(path, "p1"))
    publish(CITIES, here(path))
    assert ask(path, "FROM first__dev.cities") == [(1,)]
    assert tables_in(path, "first__dev") == ["cities"]


def test_the_history_of_what_was_built_there_is_read_from_there(path: Path) -> None:
    """And that of production where there is none: for a table that was built there before it had snapshots, too."""
    history = Relation("first", "people_history")
    reader = a_table("SELECT id FROM first.people_history", upstream=(PEOPLE.relation,), sources=(history,))

    def people(number: int, interval: timedelta | None) -> Model:
        return a_table(f"SELECT {number} AS id", name="first.people", settings={"snapshots_interval": interval})

    publish(people(1, timedelta(days=1)), a_context(path, "p1"))
    for number, (interval, expected) in enumerate(((None, 1), (timedelta(days=1), 3)), 2):
        publish(people(number, interval), here(path, f"a{number}"))
        publish(reader, here(path, f"b{number}"))
        assert ask(path, "FROM first__dev.cities") == [(expected,)]
        context = here(path, "shown")
        with context.warehouse.open_session() as session:
            types, records = read_around(session, reader, context)
        shown = [sql for sql in render(reader, context, WHOLE, types, records) if " AS SELECT id FROM " in sql]
        assert ["first__dev" in sql.partition(" AS SELECT ")[2] for sql in shown] == [interval is not None]
    assert ask(path, "SELECT id FROM first.people_history") == [(1,)]


def test_what_was_built_there_is_read_from_there(path: Path) -> None:
    publish(PEOPLE, a_context(path, "p1"))
    changed = a_table("SELECT 2 AS id", name="first.people")
    events = list(build(a_project(changed, CITIES), [changed.relation, CITIES.relation], here(path)))
    assert kinds_of(events).count("Published") == 2
    assert ask(path, "FROM first__dev.cities") == [(2,)]
    publish(CITIES, a_context(path, "p2"))
    assert ask(path, "FROM first.cities") == [(1,)]


def test_what_was_built_there_is_not_read_past_by_way_of_a_view(path: Path) -> None:
    # With a source from outside nothing is recorded of what a view reads; its SQL tells it.
    ask(path, "CREATE SCHEMA other; CREATE TABLE other.t AS SELECT 1 AS people")
    view, sources = {"mode": "view"}, (Relation("other", "t"),)
    near = a_table(
        "WITH cities AS (SELECT id FROM first.people, other.t) SELECT * FROM cities",
        name="first.near",
        upstream=(PEOPLE.relation,),
        sources=sources,
        settings=view,
    )
    far = a_table("SELECT id FROM first.near", name="first.far", upstream=(near.relation,), settings=view)
    cities = a_table("SELECT id FROM first.far", upstream=(far.relation,))
    for model in (PEOPLE, near, far, cities):
        publish(model, a_context(path, "p1"))
    publish(cities, here(path, "r0"))
    publish(a_table("SELECT 2 AS id", name="first.people"), here(path))
    checked = a_table("SELECT 1 AS id", replace(a_check("SELECT id FROM first.near", "c"), reads=(near.relation,)))
    for model, views, hint in (
        (cities, "`first.near` by way of `first.far`", "build those views there too: `-s 'first.far or first.near'`"),
        (far, "`first.near`", "build that view there too: `-s first.near`"),
        (checked, "`first.near`", "build that view there too: `-s first.near`"),
    ):
        (*_, last) = materialize(model, here(path, "r2"))
        assert isinstance(last, Discarded)
        assert str(last.error).startswith(
            f"`{model.relation}` reads production's rows of `first.people` by way of {views}, and `first.people` was "
            f"built in `dev`\n  hint: {hint}\n"
        )
    assert ask(path, "FROM first__dev.cities") == [(1,)]
    for model in (near, far, cities):
        publish(model, here(path, "r3"))
    assert ask(path, "FROM first__dev.cities") == [(2,)]
    assert ask(path, "FROM first.cities") == [(1,)]


def test_a_record_names_its_environment(path: Path) -> None:
    publish(PEOPLE, a_context(path, "p1"))
    publish(PEOPLE, here(path))
    with DuckDBWarehouse(path).open_session() as session:
        found = {str(record.relation): record.environment for record in fetch_records(session)}
    assert found == {"first.people": None, "first__dev.people": "dev"}


@pytest.mark.parametrize(
    "sql", ["SELECT count(*) = 1 AS ok FROM first.cities", "SELECT first.cities.id = 2 AS ok FROM first.cities"]
)
def test_checks_look_at_the_table_there_and_at_what_was_built_there(path: Path, sql: str) -> None:
    publish(PEOPLE, a_context(path, "p1"))
    publish(a_table("SELECT 2 AS id", name="first.people"), here(path))
    both = "SELECT c.id = p.id AS same FROM first.cities AS c, first.people AS p"
    same = a_check(both, "same")
    checks = (a_check(sql, "ok"), CheckQuery(both, same.specs, (CITIES.relation, PEOPLE.relation)))
    model = a_table(CITIES.sql, *checks, upstream=CITIES.upstream)
    publish(model, here(path))
    assert [result.passed for result in audit_published(model, here(path)).results] == [True, True]


def test_a_failing_check_keeps_the_rows_there(path: Path) -> None:
    publish(PEOPLE, here(path))
    bad = a_table("SELECT 3 AS id", a_check("SELECT id < 3 AS small FROM first.people", "small"), name="first.people")
    events = list(materialize(bad, here(path, "r2")))
    last = events[-1]
    assert isinstance(last, Discarded)
    assert last.relation == PEOPLE.relation
    assert "`first__dev.people` still holds its previous rows" in str(last.error)
    assert ask(path, "FROM first__dev.people") == [(1,)]
    assert tables_in(path, "first__dev") == ["people"]


def test_a_strange_table_there_is_not_replaced(path: Path) -> None:
    ask(path, "CREATE SCHEMA first__dev; CREATE TABLE first__dev.people AS SELECT 7 AS id")
    last = list(materialize(PEOPLE, here(path)))[-1]
    assert isinstance(last, Discarded)
    assert "first__dev.people" in str(last.error)
    assert ask(path, "FROM first__dev.people") == [(7,)]


def test_a_table_that_reads_itself_reads_the_rows_there(path: Path) -> None:
    sql = "SELECT coalesce(max(n), 0) + 1 AS n FROM first.counter"
    counter = a_table(sql, name="first.counter", settings={"mode": "append"}, columns=())
    ask(path, "CREATE SCHEMA first")
    publish(a_table("SELECT 10 AS n", name="first.counter"), a_context(path, "p1"))
    publish(a_table("SELECT 1 AS n", name="first.counter"), here(path))
    publish(counter, here(path, "r2"))
    assert ask(path, "FROM first__dev.counter ORDER BY n") == [(1,), (2,)]
    assert ask(path, "FROM first.counter") == [(10,)]


def test_closing_half_way_leaves_nothing(path: Path) -> None:
    events = materialize(PEOPLE, here(path))
    while kinds_of([next(events)]) != ["Written"]:
        pass
    events.close()
    assert tables_in(path, "first__dev") == []


def test_names_are_those_of_the_schema_and_the_environment() -> None:
    assert Environment("dev").relation(Relation("first", "cities")) == Relation("first__dev", "cities")
