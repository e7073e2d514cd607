"""PostgreSQL: views."""

from __future__ import annotations

from dataclasses import replace

from sqlmat_assets.execution.events import Discarded, Event, Published
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.tables import a_context, a_table
from sqlmat_assets_tests.warehouses.parts import rows
from sqlmat_assets_tests.warehouses.postgres.on_postgres import OnPostgres
from sqlmat_assets_tests.warehouses.views_contract import ViewsContract


class TestPostgres(OnPostgres, ViewsContract):
    def fetch_comments(self, warehouse: Warehouse) -> tuple[object, object]:
        comments = "SELECT obj_description('first.seen'::regclass), col_description('first.seen'::regclass, 2)"
        (told,) = rows(warehouse, comments)
        return told[0], told[1]

    def test_a_view_of_the_project_that_was_edited_makes_room_for_its_table(self, warehouse: Warehouse) -> None:
        table, view = Relation("first", "cities"), Relation("first", "seen")

        def build(number: int, columns: str, seen: str, *names: str) -> list[Event]:
            models = {
                "cities": a_table(f"SELECT {columns}", name="first.cities"),
                "seen": replace(
                    a_table(f"SELECT {seen} FROM first.cities", name="first.seen", settings={"mode": "view"}),
                    upstream=(table,),
                ),
            }
            context = a_context(warehouse, f"r{number}", views={view: models["seen"].sql})
            return [list(materialize(models[name], context))[-1] for name in names]

        for last in build(1, "1 AS a, 2 AS b", "a, b", "cities", "seen"):
            assert isinstance(last, Published), last
        # As long as its file says so, it stays.
        (last,) = build(2, "3 AS a", "a, b", "cities")
        assert isinstance(last, Discarded)
        assert "a view that reads it would no longer work" in str(last.error)
        assert rows(warehouse, "SELECT * FROM first.seen") == [(1, 2)]
        for last in build(3, "4 AS a", "a", "cities", "seen"):
            assert isinstance(last, Published), last
        assert rows(warehouse, "SELECT * FROM first.seen") == [(4,)]
        # One of people does not.
        rows_of = "CREATE VIEW first.mine AS SELECT a FROM first.seen"
        with warehouse.open_session() as session:
            session.execute(verbatim(rows_of))
        (last,) = build(4, "5 AS c", "c", "cities")
        assert isinstance(last, Discarded)
        assert "`first.mine`" in str(last.error)
        assert rows(warehouse, "SELECT * FROM first.mine") == [(4,)]
