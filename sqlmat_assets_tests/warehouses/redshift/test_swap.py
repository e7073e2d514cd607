"""Redshift: what hangs on a table when it is replaced, and what happens when others are in the way."""

from __future__ import annotations

import re
import threading
from collections.abc import Generator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlglot import exp

from sqlmat_assets.errors import BreakingViewsError, MaterializeError, TransientWarehouseError
from sqlmat_assets.execution.events import Published
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.project.values import SortKey
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Session, Warehouse
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets.warehouses.redshift.adapter import RedshiftWarehouse
from sqlmat_assets.warehouses.redshift.connections import is_conflict
from sqlmat_assets_tests.redshift.clients import ask, with_psycopg2
from sqlmat_assets_tests.redshift.cluster import PASSWORD, RedshiftDouble, create_user
from sqlmat_assets_tests.tables import a_context, a_table
from sqlmat_assets_tests.warehouses.contract import BACKUP, INTERMEDIATE, TARGET, make, values
from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift


def swap(warehouse: Warehouse, query: str) -> None:
    with warehouse.open_session() as session:
        make(session, INTERMEDIATE, query)
        publish(session)


def publish(session: Session) -> None:
    with session.transaction():
        session.swap(TARGET, INTERMEDIATE, BACKUP, "table")


def drop(session: Session) -> None:
    session.execute(statements.drop_table(TARGET))


class TestSwap(OnRedshift):
    @pytest.fixture
    def made(self, warehouse: Warehouse) -> Warehouse:
        with warehouse.open_session() as session:
            make(session, TARGET, "SELECT 1 AS id, 'a' AS name UNION ALL SELECT 2, 'b'")
        return warehouse

    @pytest.fixture
    def people(self, client: Any, cluster: RedshiftDouble) -> Generator[None]:
        """Roles of the whole server, which outlives the cluster of a test."""
        for name in ("reader", "maker"):
            create_user(cluster, name, "Secret-2")
        ask(client, "create group analysts")
        yield
        for text in ("drop owned by reader, maker, analysts cascade", "drop role reader, maker, analysts"):
            cluster.admin("dev", text)

    def test_the_statements_of_a_swap(self, warehouse: Warehouse) -> None:
        """As in https://docs.aws.amazon.com/redshift/latest/dg/r_LOCK.html and r_ALTER_TABLE.html."""
        assert warehouse.render_swap(TARGET, INTERMEDIATE, BACKUP, "table") == [
            'LOCK TABLE "first"."cities"',
            'ALTER TABLE "first"."cities" RENAME TO "cities__sqlmat_k3_old"',
            'ALTER TABLE "first"."cities__sqlmat_k3_new" RENAME TO "cities"',
            'DROP TABLE "first"."cities__sqlmat_k3_old"',
        ]
        assert warehouse.render_swap(TARGET, INTERMEDIATE, BACKUP, "view", "view") == [
            'ALTER TABLE "first"."cities" RENAME TO "cities__sqlmat_k3_old"',
            'ALTER TABLE "first"."cities__sqlmat_k3_new" RENAME TO "cities"',
            'DROP VIEW "first"."cities__sqlmat_k3_old"',
        ]

    def test_a_delete_names_its_table_and_no_alias(self, warehouse: Warehouse) -> None:
        """https://docs.aws.amazon.com/redshift/latest/dg/r_DELETE.html has no alias."""
        found = warehouse.render_merge_rows(TARGET, INTERMEDIATE, ["id", "name"], ["id"], updates=True)
        assert found[0] == (
            'DELETE FROM "first"."cities" WHERE EXISTS(SELECT 1 FROM "first"."cities__sqlmat_k3_new" AS "staged" '
            'WHERE "staged"."id" = "first"."cities"."id")'
        )

    def test_the_old_table_is_dropped_after_the_commit(self, made: Warehouse, client: Any) -> None:
        with made.open_session() as session:
            make(session, INTERMEDIATE, "SELECT 3 AS id, 'c' AS name")
            with session.transaction():
                session.swap(TARGET, INTERMEDIATE, BACKUP, "table")
                assert values(session, BACKUP) == [(1, "a"), (2, "b")]
            assert session.fetch_kinds("first") == {"cities": "table"}
        assert ask(client, "select * from first.cities") == [(3, "c")]

    def test_what_is_rolled_back_drops_nothing(self, made: Warehouse) -> None:
        with made.open_session() as session:
            make(session, INTERMEDIATE, "SELECT 3 AS id, 'c' AS name")
            with pytest.raises(ZeroDivisionError), session.transaction():  # noqa: PT012 - the first has to succeed
                session.swap(TARGET, INTERMEDIATE, BACKUP, "table")
                raise ZeroDivisionError
            with session.transaction():
                pass
            assert values(session, TARGET) == [(1, "a"), (2, "b")]
            assert set(session.fetch_kinds("first")) == {"cities", INTERMEDIATE.name}

    def test_distribution_and_order_are_those_of_the_settings(self, warehouse: Warehouse, client: Any) -> None:
        settings = {"diststyle": "key", "distkey": "id", "sortkey": SortKey(("name", "id"))}
        last = list(materialize(a_table("SELECT 1 AS id, 'a' AS name", settings=settings), a_context(warehouse, "r1")))[
            -1
        ]
        assert isinstance(last, Published), last
        found = "select diststyle, sortkey1, sortkey_num from svv_table_info where \"table\" = 'cities'"
        assert ask(client, found) == [("KEY(id)", "name", 2)]

    @pytest.mark.parametrize("more", ["", ", 5 AS more"])
    def test_views_read_the_new_table(self, made: Warehouse, client: Any, more: str) -> None:
        ask(client, "create view first.seen as select id, name from first.cities")
        ask(client, "create view first.far as select max(id) as most from first.seen")
        swap(made, f"SELECT 3 AS id, 'c'::text AS name{more}")
        assert ask(client, "select * from first.seen") == [(3, "c")]
        assert ask(client, "select * from first.far") == [(3,)]
        assert ask(client, "select count(*) from pg_class where relname like '%sqlmat%'") == [(0,)]

    @pytest.mark.usefixtures("people")
    def test_views_are_made_anew_where_a_type_has_changed(self, made: Warehouse, client: Any) -> None:
        for text in (
            "create view first.seen as select id, name from first.cities",
            "create view first.far as select max(id) as most, count(*) as n from first.seen",
            "comment on view first.far is 'from afar'",
            "grant select on first.far to reader",
            "grant select on first.seen to group analysts",
        ):
            ask(client, text)
        granted = (
            "select relation_name, privilege_type, identity_name from svv_relation_privileges "
            "where relation_name in ('seen', 'far') order by 1, 2, 3"
        )
        before = ask(client, granted)
        swap(made, "SELECT 3::bigint AS id, 1.5::numeric(3, 1) AS name")
        assert ask(client, "select most, n from first.far") == [(3, 1)]
        assert ask(client, granted) == before
        assert ask(client, "select obj_description('first.far'::regclass, 'pg_class')") == [("from afar",)]

    def test_a_view_that_would_break_is_named_and_keeps_the_table(self, made: Warehouse, client: Any) -> None:
        ask(client, "create view first.seen as select id, name from first.cities")
        with pytest.raises(BreakingViewsError) as caught:
            swap(made, "SELECT 3 AS id")
        assert caught.value.views == (("first", "seen"),)
        head, view, hint = str(caught.value).splitlines()
        assert head == "`first.cities` was not replaced: a view that reads it would no longer work"
        assert view.startswith("  `first.seen`: column ")
        assert hint == "  hint: change or drop what reads it first, or keep the columns"
        assert ask(client, "select count(*) from first.seen") == [(2,)]

    def test_late_binding_views_are_left_alone(self, made: Warehouse, client: Any) -> None:
        ask(client, "create view first.late as select name from first.cities with no schema binding")
        swap(made, "SELECT 3 AS id, 9 AS name")
        assert ask(client, "select * from first.late") == [(9,)]
        swap(made, "SELECT 3 AS id")
        assert ask(client, "select * from first.cities") == [(3,)]

    @pytest.mark.usefixtures("people")
    def test_owner_grants_and_comments_stay(self, made: Warehouse, client: Any) -> None:
        for text in (
            "grant all on schema first to maker",
            "alter table first.cities owner to maker",
            "grant select on first.cities to reader with grant option",
            "grant delete on first.cities to group analysts",
            "grant select on first.cities to public",
            "comment on table first.cities is 'it''s of people'",
            "comment on column first.cities.name is 'in English'",
        ):
            ask(client, text)
        hanging = (
            "select identity_name, privilege_type, admin_option from svv_relation_privileges "
            "where relation_name = 'cities' union all select tableowner::text, null, null from pg_tables "
            "where tablename = 'cities' union all select obj_description('first.cities'::regclass, 'pg_class'), "
            "col_description('first.cities'::regclass, 2), null order by 1, 2"
        )
        before = ask(client, hanging)
        assert ("public", "SELECT", False) in before
        assert ("it's of people", "in English", None) in before
        swap(made, "SELECT 3 AS id, 'c' AS name")
        assert ask(client, hanging) == before

    @pytest.mark.usefixtures("people")
    @pytest.mark.parametrize("change", ["", "::varchar(9)"])
    def test_grants_on_columns_stay_with_the_columns(self, made: Warehouse, client: Any, change: str) -> None:
        for text in (
            "create view first.seen as select id, name from first.cities",
            "grant select (name), update (id, name) on first.cities to reader",
            "grant select (id) on first.cities to group analysts",
            "grant select (id) on first.seen to reader",
        ):
            ask(client, text)
        granted = (
            "select relation_name, column_name, privilege_type, identity_name from svv_column_privileges "
            "order by 1, 2, 3, 4"
        )
        before = ask(client, granted)
        assert len(before) == 5
        swap(made, f"SELECT 3 AS id, 'c'{change} AS name")
        assert ask(client, granted) == before
        ask(client, "drop view first.seen")
        swap(made, "SELECT 3 AS id")
        assert ask(client, granted) == [each for each in before if each[:2] == ("cities", "id")]

    def test_names_in_other_letters_are_the_same_table(self, made: Warehouse) -> None:
        other = statements.table(TARGET)
        other.this.set("this", "CITIES")
        with made.open_session() as session:
            assert len(session.fetch_rows(exp.select("*").from_(other)).rows) == 2


class TestOthers(OnRedshift):
    def test_a_conflict_passes(self, warehouse: Warehouse, client: Any) -> None:
        with warehouse.open_session() as session:
            make(session, TARGET, "SELECT 1 AS id")
            ask(client, "create table first.other as select 1 as id")
            with pytest.raises(TransientWarehouseError) as caught, session.transaction():  # noqa: PT012 - in this order
                session.fetch_rows(statements.count_rows(TARGET))
                ask(client, "begin")
                ask(client, "select count(*) from first.other")
                ask(client, "insert into first.cities values (2)")
                ask(client, "commit")
                session.execute(statements.verbatim("INSERT INTO first.other VALUES (5)"))
            assert is_conflict(caught.value)
            # The same a second time, without anybody in the way.
            with session.transaction():
                session.execute(statements.verbatim("INSERT INTO first.other VALUES (5)"))
            assert len(ask(client, "select * from first.other")) == 2

    def test_a_connection_that_is_lost_at_the_commit_is_transient(
        self, warehouse: Warehouse, cluster: RedshiftDouble, client: Any
    ) -> None:
        with warehouse.open_session() as session:
            make(session, TARGET, "SELECT 1 AS id")
            make(session, INTERMEDIATE, "SELECT 2 AS id")
            cluster.faults.drop_at(1, matching="commit")
            with pytest.raises(TransientWarehouseError) as caught:
                publish(session)
            assert str(caught.value).startswith(f"the connection to `{warehouse.label}` was lost: ")
            assert PASSWORD not in str(caught.value)
            publish(session)
        assert ask(client, "select * from first.cities") == [(2,)]

    @pytest.mark.parametrize("after", [False, True])
    def test_a_connection_that_is_lost_in_a_swap_leaves_a_whole_table(
        self, warehouse: Warehouse, cluster: RedshiftDouble, client: Any, *, after: bool
    ) -> None:
        with warehouse.open_session() as session:
            make(session, TARGET, "SELECT 1 AS id")
            make(session, INTERMEDIATE, "SELECT 2 AS id")
            number, found = 0, [(1,)]
            while found == [(1,)] and number < 60:
                number += 1
                cluster.faults.drop_at(number, after=after)
                with suppress(TransientWarehouseError):
                    publish(session)
                cluster.faults.drop_at(0)
                found = ask(client, "select * from first.cities")
                assert found in ([(1,)], [(2,)])
            assert number > 5
            assert found == [(2,)]

    def test_a_reader_has_the_old_rows_until_he_is_done(self, warehouse: Warehouse, client: Any) -> None:
        with warehouse.open_session() as session:
            make(session, TARGET, "SELECT 1 AS id")
            make(session, INTERMEDIATE, "SELECT 2 AS id")
            ask(client, "begin")
            assert ask(client, "select * from first.cities") == [(1,)]
            thread = threading.Thread(target=publish, args=(session,))
            thread.start()
            thread.join(0.3)
            assert thread.is_alive()
            ask(client, "commit")
            thread.join(30)
        assert ask(client, "select * from first.cities") == [(2,)]

    def test_who_holds_a_table_for_too_long_is_named(
        self, warehouse: Warehouse, client: Any, cluster: RedshiftDouble
    ) -> None:
        assert isinstance(warehouse, RedshiftWarehouse)
        create_user(cluster, "reader", "Secret-2")
        hasty = RedshiftWarehouse(replace(warehouse.place, wait=timedelta(seconds=0.2)))
        with hasty.open_session() as session:
            make(session, TARGET, "SELECT 1 AS id")
            make(session, INTERMEDIATE, "SELECT 2 AS id")
            ask(client, "grant select on first.cities to reader")
            ask(client, "grant usage on schema first to reader")
            reader = with_psycopg2(cluster, user="reader", password="Secret-2")
            assert ask(reader, "select * from first.cities") == [(1,)]
            number = reader.info.backend_pid
            for work in (publish, drop):
                with pytest.raises(TransientWarehouseError) as caught:
                    work(session)
                told, hint = str(caught.value).splitlines()
                assert re.fullmatch(
                    rf"`first.cities` is held by the server process {number} of `reader` since \S+, waited 0.2s", told
                )
                assert hint == "  hint: end that transaction, or wait longer with `?wait=300` in the warehouse URL"
            assert session.fetch_rows(statements.verbatim("SHOW statement_timeout")).rows == [("0",)]
            reader.close()
            publish(session)
        assert ask(client, "select * from first.cities") == [(2,)]
        cluster.admin("dev", "drop owned by reader cascade")
        cluster.admin("dev", "drop role reader")

    def test_who_reads_the_old_table_for_long_does_not_fail_the_publish(
        self, warehouse: Warehouse, client: Any, cluster: RedshiftDouble
    ) -> None:
        """The old one stays beside the new one, until somebody sweeps."""
        assert isinstance(warehouse, RedshiftWarehouse)
        hasty = RedshiftWarehouse(replace(warehouse.place, wait=timedelta(seconds=0.1)))
        with hasty.open_session() as session:
            make(session, TARGET, "SELECT 1 AS id")
            make(session, INTERMEDIATE, "SELECT 2 AS id")
            with session.transaction():
                session.swap(TARGET, INTERMEDIATE, BACKUP, "table")
                # He comes between the commit and the drop.
                cluster.faults.slow(0.5, matching="drop table")
                reader = threading.Timer(0.2, lambda: ask(client, f"begin; select * from first.{BACKUP.name}"))
                reader.start()
            reader.join()
            assert set(session.fetch_kinds("first")) == {"cities", BACKUP.name}
        cluster.faults.slow(0)
        ask(client, "commit")

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({f":{PASSWORD}@": ":Wrong-9@"}, "password authentication failed"),
            ({"/dev?": "/nothing?"}, "does not exist\n  hint: check the user and the database in the warehouse URL"),
        ],
        ids=["password", "database"],
    )
    def test_who_is_not_let_in_is_told_why_without_the_password(
        self, redshift_url: str, change: dict[str, str], told: str
    ) -> None:
        for old, new in change.items():
            redshift_url = redshift_url.replace(old, new)
        with pytest.raises(MaterializeError) as caught, open_warehouse(redshift_url).open_session():
            pass
        assert told in str(caught.value)
        assert "Wrong-9" not in str(caught.value)
        assert PASSWORD not in str(caught.value)
