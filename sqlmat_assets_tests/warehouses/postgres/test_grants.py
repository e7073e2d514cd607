"""PostgreSQL: who may read a table."""

from __future__ import annotations

from collections.abc import Generator

import psycopg
import pytest

from sqlmat_assets.execution.events import Discarded, Published
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets_tests.postgres import Server
from sqlmat_assets_tests.warehouses.grants_contract import PEOPLE, GrantsContract, granted
from sqlmat_assets_tests.warehouses.parts import build, publish, rows
from sqlmat_assets_tests.warehouses.postgres.on_postgres import OnPostgres


@pytest.fixture(scope="module")
def people(postgres_server: Server) -> Generator[None]:
    """Roles of the whole server, which outlives the databases of the tests."""
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE ROLE analysts")
        for name in (*PEOPLE, "Big", "builder"):
            connection.execute(f'CREATE ROLE "{name}" LOGIN'.encode())
        connection.execute("GRANT analysts TO ann")
        yield
        # Those of the databases that are gone went with them.
        for name in (*PEOPLE, "Big", "builder", "analysts"):
            connection.execute(f'DROP OWNED BY "{name}"; DROP ROLE "{name}"'.encode())


@pytest.mark.usefixtures("people")
class TestPostgres(OnPostgres, GrantsContract):
    owner = "dev"
    rights_of_the_owner = (
        "SELECT count(*) = 1 FROM pg_class CROSS JOIN aclexplode(relacl) AS a WHERE oid = 'first.cities'::regclass "
        "AND a.grantee = relowner AND a.privilege_type = 'SELECT'"
    )

    @pytest.fixture(autouse=True)
    def place(self, postgres_url: str) -> None:
        self.url = postgres_url

    def can_read(self, person: str, relation: str) -> bool:
        with psycopg.connect(self.url.replace("dev@", f"{person}@"), autocommit=True) as connection:
            try:
                connection.execute(f"SELECT * FROM {relation} LIMIT 0".encode())
            except psycopg.errors.InsufficientPrivilege:
                return False
            return True

    def by_hand(self, text: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(text.encode())

    def test_names_are_found_as_sql_finds_them(self, warehouse: Warehouse) -> None:
        publish(warehouse, granted('"Big"', "Joan", "role analysts"), "r1")
        assert self.readers() == {"joan", "ann"}
        assert self.can_read("Big", "first.cities")
        assert isinstance(build(warehouse, granted('"Joan"'), "r2"), Discarded)
        # The others were taken out all the same.
        assert self.readers() == set()

    def test_a_schema_of_somebody_else_stays_his(self, warehouse: Warehouse) -> None:
        name = self.url.rpartition("/")[2]
        for text in (
            "CREATE SCHEMA first",
            "CREATE SCHEMA _sqlmat AUTHORIZATION builder",
            "GRANT USAGE, CREATE ON SCHEMA first TO builder",
            f"GRANT CONNECT ON DATABASE {name} TO builder",
        ):
            self.by_hand(text)
        theirs = open_warehouse(self.url.replace("dev@", "builder@"))
        assert isinstance(build(theirs, granted("joan"), "r1"), Published)
        assert self.readers() == set()
        self.by_hand("GRANT USAGE ON SCHEMA first TO joan")
        assert self.readers() == {"joan"}

    def test_the_right_to_find_what_is_in_a_schema_is_given_once(self, warehouse: Warehouse) -> None:
        recorder, sent = self.faulty(warehouse, lambda _number, _sql: None)
        publish(recorder, granted("joan"), "r1")
        publish(recorder, granted("joan", sql="SELECT 2 AS id"), "r2")
        assert [text for text in sent if "USAGE ON" in text] == ['GRANT USAGE ON SCHEMA "first" TO "joan"']

    def test_grants_cost_nothing_where_there_are_none(self, warehouse: Warehouse) -> None:
        recorder, sent = self.faulty(warehouse, lambda _number, _sql: None)
        publish(recorder, granted(), "r1")
        publish(recorder, granted(sql="SELECT 2 AS id"), "r2")
        assert [text for text in sent if "GRANT" in text or "pg_roles" in text] == []
        assert rows(warehouse, "SELECT relacl FROM pg_class WHERE oid = 'first.cities'::regclass") == [(None,)]
