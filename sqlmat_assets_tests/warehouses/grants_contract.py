"""What holds for `grant_select` on every engine that has grants; an engine's tests inherit it with their warehouse."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sqlmat_assets.execution.build import build as build_all
from sqlmat_assets.execution.environment import Environment
from sqlmat_assets.execution.events import Discarded, LeftAlone, Published, Run, Unchanged
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.model import Kind, Model
from sqlmat_assets.project.reasons import Reason, Reasons
from sqlmat_assets.project.settings import Place
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets_tests.recording import Killed, conflict, failing_at, kill, refuse
from sqlmat_assets_tests.tables import a_check, a_context, a_project, a_table
from sqlmat_assets_tests.warehouses.parts import DAYS, FIRST, SECOND, Parts, build, publish, rows
from sqlmat_assets_tests.warehouses.undo_contract import do, find

# Who may sign in; `ann` is in the group `analysts`, and `stranger` is never named.
PEOPLE = ("joan", "metabase", "etl-user", "ann", "stranger")
CITIES = "first.cities"


def granted(*grantees: str, sql: str = "SELECT 1 AS id, 'Rome' AS city", name: str = CITIES, **more: object) -> Model:
    settings = {"grant_select": grantees, **more.pop("settings", {})}  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType, reportCallIssue, reportArgumentType] - a dictionary
    places = {each: Place("first/cities.conf", 2, 16) for each in grantees}
    return a_table(sql, name=name, settings=settings, granted_in=places, version=CodeVersion(sql, sql, "30"), **more)  # pyright: ignore[reportArgumentType] - the rest of its fields


class GrantsContract(Parts):
    def can_read(self, person: str, relation: str) -> bool:
        """Whether a person who signs in can read a table."""
        raise NotImplementedError

    def by_hand(self, text: str) -> None:
        """Send a statement as whoever may do all."""
        raise NotImplementedError

    def readers(self, relation: str = CITIES) -> set[str]:
        return {person for person in PEOPLE if self.can_read(person, relation)}

    def noted(self, warehouse: Warehouse) -> object:
        return rows(warehouse, "SELECT granted FROM _sqlmat.tables")[0][0]

    def test_those_who_are_named_can_read_the_first_build(self, warehouse: Warehouse) -> None:
        publish(warehouse, granted("joan", "etl-user", "group analysts"), "r1")
        assert self.readers() == {"joan", "etl-user", "ann"}
        assert self.noted(warehouse) == '["joan", "etl-user", "group analysts"]'

    def test_nobody_is_named(self, warehouse: Warehouse) -> None:
        publish(warehouse, granted(), "r1")
        assert self.readers() == set()
        assert self.noted(warehouse) is None

    def test_everybody_is_named(self, warehouse: Warehouse) -> None:
        publish(warehouse, granted("public"), "r1")
        assert self.readers() == set(PEOPLE)
        publish(warehouse, granted("joan", sql="SELECT 2 AS id"), "r2")
        assert self.readers() == {"joan"}

    def test_what_was_granted_by_hand_stays(self, warehouse: Warehouse) -> None:
        publish(warehouse, granted("joan", "ann"), "r1")
        self.by_hand("GRANT USAGE ON SCHEMA first TO metabase")
        self.by_hand("GRANT SELECT ON first.cities TO metabase")
        publish(warehouse, granted("joan", sql="SELECT 2 AS id"), "r2")
        assert self.readers() == {"joan", "metabase"}
        publish(warehouse, granted(sql="SELECT 3 AS id"), "r3")
        assert self.readers() == {"metabase"}

    def test_what_was_taken_away_by_hand_is_given_again_with_the_next_rows(self, warehouse: Warehouse) -> None:
        publish(warehouse, granted("joan"), "r1")
        self.by_hand("REVOKE SELECT ON first.cities FROM joan")
        assert isinstance(build(warehouse, granted("joan"), "r2"), Unchanged)
        assert self.readers() == set()
        publish(warehouse, granted("joan", sql="SELECT 2 AS id"), "r3")
        assert self.readers() == {"joan"}

    def test_one_user_in_two_spellings(self, warehouse: Warehouse) -> None:
        publish(warehouse, granted("joan", '"ann"'), "r1")
        assert isinstance(build(warehouse, granted('"joan"', "ann"), "r2"), Unchanged)
        assert self.readers() == {"joan", "ann"}

    def test_rows_that_stay_are_read_by_others(self, warehouse: Warehouse) -> None:
        publish(warehouse, granted("joan", "ann"), "r1")
        assert isinstance(build(warehouse, granted("ann", "metabase"), "r2"), Unchanged)
        assert self.readers() == {"ann", "metabase"}
        assert self.noted(warehouse) == '["ann", "metabase"]'

    def test_a_table_that_is_not_even_built_is_read_by_others(self, warehouse: Warehouse) -> None:
        publish(warehouse, granted("joan"), "r1")
        context = a_context(warehouse, "r2")
        due = Run("r2", datetime.now(UTC), reasons=Reasons.of({granted().relation: Reason.DUE}))
        last = list(materialize(granted("ann"), replace(context, run=due)))[-1]
        assert isinstance(last, Unchanged)
        assert last.statement is None
        assert (self.readers(), self.noted(warehouse)) == ({"ann"}, '["ann"]')

    def test_a_build_that_fails_lets_nobody_in_whom_the_file_takes_out(self, warehouse: Warehouse) -> None:
        publish(warehouse, granted("joan", "ann"), "r1")
        bad = granted("ann", sql="SELECT 2 AS id")
        bad = replace(bad, checks=(a_check("SELECT id = 1 AS one FROM first.cities", "one"),))
        assert isinstance(build(warehouse, bad, "r2"), Discarded)
        assert rows(warehouse, "SELECT id FROM first.cities") == [(1,)]
        assert self.readers() == {"ann"}

    def test_whom_the_warehouse_does_not_know_is_named_with_his_place(self, warehouse: Warehouse) -> None:
        last = build(warehouse, granted("joan", "nobody", "group nobodies"), "r1")
        assert isinstance(last, Discarded)
        told = (
            "first/cities.conf:2:16: `grant_select` names `nobody`, whom the warehouse does not know\n"
            "  hint: create this user, group or role there, or take it out of the setting\n"
            "first/cities.conf:2:16: `grant_select` names `group nobodies`, whom the warehouse does not know\n"
            "  hint: create this user, group or role there, or take it out of the setting\n"
        )
        assert str(last.error) == f"{told}`first.cities` was never built"
        assert self.names(warehouse) == set()

    def test_of_a_table_with_somebody_unknown_all_others_are_settled(self, warehouse: Warehouse) -> None:
        publish(warehouse, granted("joan"), "r1")
        last = build(warehouse, granted("ann", "nobody", sql="SELECT 2 AS id"), "r2")
        assert isinstance(last, Discarded)
        assert str(last.error) == (
            "first/cities.conf:2:16: `grant_select` names `nobody`, whom the warehouse does not know\n"
            "  hint: create this user, group or role there, or take it out of the setting\n"
            "`first.cities` still holds its previous rows"
        )
        assert rows(warehouse, "SELECT id FROM first.cities") == [(1,)]
        assert self.readers() == {"ann"}

    def test_whoever_is_gone_is_in_nobodys_way(self, warehouse: Warehouse) -> None:
        publish(warehouse, granted("joan"), "r1")
        with warehouse.open_session() as session, session.transaction():
            session.revoke_select(granted().relation, ["nobody"])
        assert self.readers() == {"joan"}

    def test_the_owner_stays_one(self, warehouse: Warehouse) -> None:
        publish(warehouse, granted("joan", self.owner), "r1")
        assert isinstance(build(warehouse, granted("joan"), "r2"), Unchanged)
        publish(warehouse, granted("joan", sql="SELECT 2 AS id"), "r3")
        assert rows(warehouse, self.rights_of_the_owner) == [(True,)]

    owner: str
    rights_of_the_owner: str

    def test_views(self, warehouse: Warehouse) -> None:
        publish(warehouse, granted("joan", settings={"mode": "view"}), "r1")
        assert self.readers() == {"joan"}
        assert isinstance(build(warehouse, granted("ann", settings={"mode": "view"}), "r2"), Unchanged)
        assert self.readers() == {"ann"}
        publish(warehouse, granted("ann", "joan"), "r3")
        assert self.readers() == {"joan", "ann"}

    def test_tables_in_parts(self, warehouse: Warehouse) -> None:
        sql = "SELECT CAST('2019-01-01' AS DATE) AS made, 1 AS id UNION ALL SELECT CAST('2019-01-02' AS DATE), 2"
        parts = {"partition_by": DAYS}
        publish(warehouse, granted("joan", sql=sql, settings=parts), "r1", FIRST)
        assert self.readers() == {"joan"}
        publish(warehouse, granted("ann", sql=sql, settings=parts), "r2", SECOND)
        assert (self.readers(), len(rows(warehouse, "SELECT * FROM first.cities"))) == ({"ann"}, 2)

    def test_tables_that_are_merged(self, warehouse: Warehouse) -> None:
        more = {"mode": "merge", "unique_key": ("id",), "on_match": "update"}
        publish(warehouse, granted("joan", settings=more), "r1")
        publish(warehouse, granted("ann", sql="SELECT 2 AS id, 'Oslo' AS city", settings=more), "r2")
        assert self.readers() == {"ann"}
        assert len(rows(warehouse, "SELECT id FROM first.cities")) == 2

    def test_tables_that_are_loaded(self, warehouse: Warehouse, tmp_path: Path) -> None:
        (tmp_path / "cities.csv").write_text("id,city\n1,Rome\n")
        model = replace(granted("joan"), kind=Kind.DATA, path="cities.csv")
        assert isinstance(build(warehouse, model, "r1", root=tmp_path), Published)
        assert self.readers() == {"joan"}

    def test_snapshots_are_read_by_whoever_reads_the_table(self, warehouse: Warehouse) -> None:
        more = {"snapshots_interval": timedelta(days=1)}
        publish(warehouse, granted("joan", settings=more), "r1")
        assert self.readers("first.cities_history") == {"joan"}
        assert isinstance(build(warehouse, granted("ann", settings=more), "r2"), Unchanged)
        assert self.readers("first.cities_history") == {"ann"}

    def test_whoever_is_taken_out_reads_no_earlier_version_either(self, warehouse: Warehouse) -> None:
        keeps = {"keep_versions": 3}
        publish(warehouse, granted("joan", "ann", settings=keeps), "r1")
        publish(warehouse, granted("joan", "ann", sql="SELECT 2 AS id", settings=keeps), "r2")
        (version,) = self.names(warehouse) - {"cities"}
        kept = f'first."{version}"'
        assert self.readers(kept) == {"joan", "ann"}
        assert isinstance(
            build(warehouse, granted("ann", "metabase", sql="SELECT 2 AS id", settings=keeps), "r3"), Unchanged
        )
        assert self.readers(kept) == {"ann"}
        assert self.readers() == {"ann", "metabase"}

    def test_an_undo_changes_no_rights(self, warehouse: Warehouse) -> None:
        keeps = {"keep_versions": 3}
        publish(warehouse, granted("joan", settings=keeps), "r1")
        publish(warehouse, granted("ann", sql="SELECT 2 AS id", settings=keeps), "r2")
        now = granted("metabase", sql="SELECT 2 AS id", settings=keeps)
        do(warehouse, find(warehouse).hold((), now.version))
        assert rows(warehouse, "SELECT id FROM first.cities") == [(1,)]
        assert (self.readers(), self.noted(warehouse)) == ({"ann"}, '["ann"]')
        # What nobody builds, because a person has put it back, is read by others all the same.
        context = a_context(warehouse, "r3")
        alone = Run("r3", datetime.now(UTC), named=frozenset())
        assert isinstance(list(materialize(now, replace(context, run=alone)))[-1], LeftAlone)
        assert (self.readers(), self.noted(warehouse)) == ({"metabase"}, '["metabase"]')

    def test_an_environment_is_read_by_nobody_else(self, warehouse: Warehouse) -> None:
        publish(warehouse, granted("joan"), "r1")
        last = build(warehouse, granted("joan", "nobody"), "r2", environment=Environment("dev"))
        assert isinstance(last, Published)
        assert self.readers("first__dev.cities") == set()
        assert self.readers() == {"joan"}

    def test_a_run_of_the_service_settles_tables_that_it_does_not_build(self, warehouse: Warehouse) -> None:
        for name in ("first.a", "first.b", "first.c"):
            publish(warehouse, granted("joan", name=name), f"r{name[-1]}")
        others = (granted("ann", name="first.b"), granted("nobody", name="first.c"), granted(name="first.never"))
        run = a_context(warehouse, "next", others=others)
        assert isinstance(list(materialize(granted("joan", name="first.a"), run))[-1], Unchanged)
        assert [self.readers(f"first.{name}") for name in "abc"] == [{"joan"}, {"ann"}, set()]
        found = rows(warehouse, "SELECT table_name, granted FROM _sqlmat.tables ORDER BY 1")
        assert found == [("a", '["joan"]'), ("b", '["ann"]'), ("c", None)]

    def test_many_tables_of_a_schema_at_once(self, warehouse: Warehouse) -> None:
        models = [granted("joan", "group analysts", name=f"first.t{number}") for number in range(8)]
        project = a_project(*models)
        events = list(build_all(project, list(project.models), a_context(warehouse), threads=4))
        assert [event for event in events if isinstance(event, Discarded)] == []
        assert all(self.can_read("ann", f"first.t{number}") for number in range(8))

    def test_runs_that_let_others_in_at_the_same_moment(self, warehouse: Warehouse) -> None:
        publish(warehouse, granted(), "r0")
        builds = [lambda n=n: build(warehouse, granted("joan", "ann"), f"r{n}") for n in range(1, 4)]
        self.in_threads(*builds)
        assert (self.readers(), self.noted(warehouse)) == ({"joan", "ann"}, '["joan", "ann"]')

    @pytest.mark.parametrize("how", [refuse, kill, conflict])
    def test_a_fault_at_every_statement(self, warehouse: Warehouse, how: Callable[[str], None]) -> None:
        may = ", ".join(f"has_table_privilege('{each}', 'first.cities', 'select')" for each in ("joan", "ann"))
        may = f"SELECT {may}"
        publish(warehouse, granted("joan"), "r0")
        recorder, sent = self.faulty(warehouse, lambda _number, _sql: None)
        build(recorder, granted("ann"), "all")
        build(warehouse, granted("joan"), "back")
        at = next(place for place, text in enumerate(sent) if text.startswith("REVOKE"))
        # From the first question of it to the first statement behind it.
        for number in range(at - 5, sent.index("COMMIT", at) + 3):
            faulty, _ = self.faulty(warehouse, failing_at(number, how))
            with suppress(Killed):
                build(faulty, granted("ann"), f"r{number}", sleep=list[float]().append)
            told = self.noted(warehouse)
            assert rows(warehouse, may) == [(told == '["joan"]', told == '["ann"]')], (number, told)
            self.forget_processes(warehouse)
            build(warehouse, granted("joan"), f"b{number}")
            assert rows(warehouse, may) == [(True, False)]
