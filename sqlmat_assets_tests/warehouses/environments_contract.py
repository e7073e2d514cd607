"""What holds on every engine for tables that are built in an environment, beside production."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.execution.environment import Environment
from sqlmat_assets.execution.environment_tables import Dropped, drop_environment, find_environments
from sqlmat_assets.execution.events import Discarded, Event, Published, Run
from sqlmat_assets.project.model import Model, RuleKind
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets_tests.recording import Killed, conflict, failing_at, kill, refuse
from sqlmat_assets_tests.tables import a_check, a_rule, a_table
from sqlmat_assets_tests.warehouses.parts import FIRST, SECOND, Parts, build, days, rows, trips

# More than a build or a drop sends.
MOST_STATEMENTS = 80
DEV, JOAN = Environment("dev"), Environment("joan")
EVERYTHING = "SELECT * FROM {} ORDER BY 1, 2"
RECORDS = "SELECT * FROM _sqlmat.tables WHERE environment IS NULL ORDER BY schema_name, table_name"


def people(version: int) -> Model:
    return a_table(
        f"SELECT {version} AS version, 1 AS id UNION ALL SELECT {version}, 2",
        a_check(f"SELECT version = {version} AS new FROM first.people", "new"),
        name="first.people",
        rules=(a_rule(RuleKind.UNIQUE, "id"),),
    )


def merged(version: int) -> Model:
    sql = f"SELECT {version} AS version, 7 AS id"
    return trips(sql, mode="merge", unique_key=("id",), on_match="update")


def publish(warehouse: Warehouse, model: Model, run: str, environment: Environment | None = None) -> None:
    last = build(warehouse, model, run, environment=environment)
    assert isinstance(last, Published), last


def drop(warehouse: Warehouse, environment: Environment, *schemas: str) -> Dropped:
    now = datetime.now(UTC)
    with warehouse.open_session() as session:
        return drop_environment(session, environment, schemas, Run("d", now), now, warehouse.capabilities)


def kinds(warehouse: Warehouse, schema: str) -> set[str]:
    with warehouse.open_session() as session:
        return set(session.fetch_kinds(schema))


def built(warehouse: Warehouse) -> Mapping[str, list[str]]:
    with warehouse.open_session() as session:
        found = find_environments(session)
    return {name: [str(record.relation) for record in records] for name, records in found.items()}


class EnvironmentsContract(Parts):
    @pytest.mark.parametrize(("how", "make"), [(refuse, people), (kill, people), (conflict, merged), (kill, days)])
    def test_a_fault_at_every_statement_leaves_production_as_it_is(
        self, warehouse: Warehouse, how: Callable[[str], None], make: Callable[[int], Model]
    ) -> None:
        name = make(0).relation.name
        publish(warehouse, make(1), "p1")
        before = rows(warehouse, EVERYTHING.format(f"first.{name}")), rows(warehouse, RECORDS)
        version, at = 2, 0
        # First builds, until one of them has met no fault; then further ones.
        for _ in range(2):
            while True:
                at, version = self.next_fault(at, how), version + 1
                recorder, sent = self.faulty(warehouse, failing_at(at, how))
                last: Event | None
                try:
                    last = build(recorder, make(version), f"e{version}", environment=DEV, sleep=list[float]().append)
                except Killed:
                    last = None
                assert (rows(warehouse, EVERYTHING.format(f"first.{name}")), rows(warehouse, RECORDS)) == before
                assert kinds(warehouse, "first") == {name}
                if isinstance(last, Published):
                    assert rows(warehouse, f"SELECT DISTINCT version FROM first__dev.{name}") == [(version,)]
                if how is kill:
                    self.forget_processes(warehouse)
                if len(sent) < at:
                    break
                assert at < MOST_STATEMENTS
            at = 0
        # What this process could not drop is there until it ends.
        self.forget_processes(warehouse)
        publish(warehouse, make(version + 1), "last", DEV)
        assert kinds(warehouse, "first__dev") == {name}

    def test_two_environments_and_production_are_apart(self, warehouse: Warehouse) -> None:
        for version, environment in enumerate((None, DEV, JOAN), 1):
            publish(warehouse, people(version), f"r{version}", environment)
        found = [rows(warehouse, f"SELECT max(version) FROM {schema}.people") for schema in ("first", *_schemas())]
        assert found == [[(1,)], [(2,)], [(3,)]]
        assert built(warehouse) == {"dev": ["first__dev.people"], "joan": ["first__joan.people"]}

    def test_two_build_in_one_environment_at_once(self, warehouse: Warehouse) -> None:
        publish(warehouse, people(1), "p1")
        ended: list[Event] = []

        def work(version: int) -> Callable[[], object]:
            return lambda: ended.append(build(warehouse, people(version), f"r{version}", environment=DEV))

        self.in_threads(*(work(version) for version in range(2, 6)))
        assert all(isinstance(each, Published) for each in ended), ended
        (versions,) = rows(warehouse, "SELECT min(version), max(version), count(*) FROM first__dev.people")
        assert versions[0] == versions[1]
        assert versions[2] == 2
        assert rows(warehouse, "SELECT DISTINCT version FROM first.people") == [(1,)]
        assert kinds(warehouse, "first__dev") == {"people"}

    def test_an_environment_is_dropped_with_all_that_is_recorded_of_it(self, warehouse: Warehouse) -> None:
        for environment in (None, DEV, JOAN):
            publish(warehouse, days(1), "r1", environment)
        before = rows(warehouse, RECORDS)
        assert drop(warehouse, DEV) == Dropped((DEV.relation(days(1).relation),))
        assert built(warehouse) == {"joan": ["first__joan.trips"]}
        assert rows(warehouse, RECORDS) == before
        partitions = "SELECT schema_name, count(*) FROM _sqlmat.partitions GROUP BY schema_name ORDER BY 1"
        assert rows(warehouse, partitions) == [("first", 3), ("first__joan", 3)]
        assert "first__dev" not in self.schemas(warehouse)
        assert {"first", "first__joan"} <= self.schemas(warehouse)
        publish(warehouse, days(2), "r2", DEV)
        assert rows(warehouse, "SELECT DISTINCT version FROM first__dev.trips") == [(2,)]

    @pytest.mark.parametrize("how", [refuse, kill])
    def test_a_fault_at_every_statement_of_a_drop_drops_all_or_nothing(
        self, warehouse: Warehouse, how: Callable[[str], None]
    ) -> None:
        publish(warehouse, people(1), "p1")
        before = rows(warehouse, RECORDS)
        at = 0
        while True:
            at = self.next_fault(at, how)
            for model in (people(2), days(2)):
                publish(warehouse, model, f"e{at}", DEV)
            recorder, sent = self.faulty(warehouse, failing_at(at, how))
            is_done = False
            try:
                drop(recorder, DEV)
                is_done = True
            except (Killed, MaterializeError):
                if not (self.is_completed and built(warehouse) == {}):
                    assert built(warehouse) == {"dev": ["first__dev.people", "first__dev.trips"]}
                    assert kinds(warehouse, "first__dev") == {"people", "trips"}
            assert rows(warehouse, RECORDS) == before
            assert rows(warehouse, "SELECT DISTINCT version FROM first.people") == [(1,)]
            # What passes may be tried again below what is seen here.
            if is_done and (len(sent) < at or not (how is conflict or self.is_completed)):
                break
            assert at < MOST_STATEMENTS
        assert len(sent) < at
        assert at > 5
        assert built(warehouse) == {}

    def test_snapshots_and_versions_go_with_their_tables(self, warehouse: Warehouse) -> None:
        more = {"snapshots_interval": timedelta(hours=1), "snapshots_stored_for": timedelta(days=1), "keep_versions": 1}
        for environment in (None, DEV):
            for version in (1, 2):
                table = a_table(f"SELECT {version} AS id", name="first.kept", settings=more)
                publish(warehouse, table, f"r{version}", environment)
        before = kinds(warehouse, "first")
        assert "kept_history" in kinds(warehouse, "first__dev") & before
        assert drop(warehouse, DEV).left == {}
        assert "first__dev" not in self.schemas(warehouse)
        assert kinds(warehouse, "first") == before
        for records in ("snapshots", "versions", "tables"):
            assert rows(warehouse, f"SELECT DISTINCT schema_name FROM _sqlmat.{records}") == [("first",)]

    def test_views_go_before_the_tables_that_they_read(self, warehouse: Warehouse) -> None:
        publish(warehouse, people(1), "r1", DEV)
        for number, name in enumerate(("a", "z"), 1):
            reads = "people" if name == "a" else "a"
            view = a_table(f"SELECT id FROM first.{reads}", name=f"first.{name}", settings={"mode": "view"})
            view = replace(view, upstream=(Relation("first", reads),))
            publish(warehouse, view, f"v{number}", DEV)
        publish(warehouse, people(2), "r2", DEV)
        assert {str(each) for each in drop(warehouse, DEV).tables} == {
            "first__dev.people",
            "first__dev.a",
            "first__dev.z",
        }
        assert "first__dev" not in self.schemas(warehouse)

    def test_what_others_made_there_stays(self, warehouse: Warehouse) -> None:
        publish(warehouse, people(1), "r1", DEV)
        rows(warehouse, "CREATE TABLE first__dev.mine AS SELECT 1 AS n")
        assert drop(warehouse, DEV).left == {"first__dev": ("mine",)}
        assert kinds(warehouse, "first__dev") == {"mine"}
        assert built(warehouse) == {}

    def test_a_schema_in_which_nothing_was_published_goes_too(self, warehouse: Warehouse) -> None:
        assert isinstance(build(warehouse, a_table("SELEC", name="first.people"), "r1", environment=DEV), Discarded)
        assert "first__dev" in self.schemas(warehouse)
        assert drop(warehouse, DEV, "first__dev") == Dropped()
        assert "first__dev" not in self.schemas(warehouse)

    def test_what_a_running_build_writes_is_not_dropped(self, warehouse: Warehouse) -> None:
        publish(warehouse, people(1), "r1", DEV)
        rows(warehouse, "CREATE TABLE first__dev.x__sqlmat_r1_new AS SELECT 1 AS n")
        with pytest.raises(MaterializeError, match="the environment `dev` is being built by somebody else"):
            drop(warehouse, DEV)
        assert kinds(warehouse, "first__dev") == {"people", "x__sqlmat_r1_new"}
        self.forget_processes(warehouse)
        assert drop(warehouse, DEV).left == {}
        assert "first__dev" not in self.schemas(warehouse)

    def test_a_part_of_a_table_is_tried_beside_the_whole(self, warehouse: Warehouse) -> None:
        publish(warehouse, days(1), "p1")
        for run, range_ in (("e1", FIRST), ("e2", SECOND)):
            assert isinstance(build(warehouse, days(1), run, range_, environment=DEV), Published)
        counted = "SELECT count(*), count(DISTINCT made) FROM {}.trips"
        assert rows(warehouse, counted.format("first__dev")) == [(800, 2)]
        assert rows(warehouse, counted.format("first")) == [(1200, 3)]

    def test_a_table_of_an_environment_is_not_replaced_by_production(self, warehouse: Warehouse) -> None:
        publish(warehouse, people(1), "r1", DEV)
        last = build(warehouse, replace(people(2), relation=DEV.relation(people(2).relation), checks=()), "r2")
        assert isinstance(last, Discarded)
        assert "`first__dev.people` is a table of the environment `dev`" in str(last.error)
        assert rows(warehouse, "SELECT DISTINCT version FROM first__dev.people") == [(1,)]

    def schemas(self, warehouse: Warehouse) -> set[str]:
        found = rows(warehouse, "SELECT schema_name FROM information_schema.schemata")
        return {str(name) for (name,) in found}


def _schemas() -> tuple[str, ...]:
    return tuple(each.relation(people(1).relation).schema for each in (DEV, JOAN))
