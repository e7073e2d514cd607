"""PostgreSQL: what hangs on a table stays when another takes its place, and those who read it see nothing of it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Generator

import psycopg
import pytest

from sqlmat_assets.errors import MaterializeError, TransientWarehouseError
from sqlmat_assets.execution.events import Published
from sqlmat_assets.execution.undo import choose_version, find_holdings, find_step
from sqlmat_assets.project.model import Model
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets.warehouses.postgres.adapter import PostgresWarehouse
from sqlmat_assets_tests.tables import a_table
from sqlmat_assets_tests.warehouses.contract import BACKUP, INTERMEDIATE, TARGET, make
from sqlmat_assets_tests.warehouses.parts import build, publish
from sqlmat_assets_tests.warehouses.postgres.on_postgres import OnPostgres
from sqlmat_assets_tests.warehouses.undo_contract import do

Connection = psycopg.Connection[tuple[object, ...]]
Rows = list[tuple[object, ...]]
# Two readers of the table itself and of two views on it, one on top of the other; what each counts goes to stdout.
READER = """
import sys
import psycopg
connection = psycopg.connect(sys.argv[1], autocommit=True)
print("started", flush=True)
count, versions = 0, set()
while not connection.execute("SELECT stopped FROM public.stop").fetchone()[0]:
    for name in ("first.cities", "first.seen", "first.far"):
        (found,) = connection.execute(f"SELECT count(*), min(version), max(version) FROM {name}").fetchall()
        assert found[0] == 200 and found[1] == found[2], (name, found)
        versions.add(found[1])
        count += 1
print(count, len(versions), flush=True)
"""


@pytest.fixture
def admin(postgres_url: str) -> Generator[Connection]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def roles(admin: Connection) -> Generator[None]:
    """Two roles of the whole server, which outlives the database of a test."""
    for name in ("reader", "Maker"):
        admin.execute(f'CREATE ROLE "{name}"'.encode())
    yield
    for name in ("reader", "Maker"):
        admin.execute(f'DROP OWNED BY "{name}" CASCADE'.encode())
        admin.execute(f'DROP ROLE "{name}"'.encode())


def ask(connection: Connection, query: str) -> Rows:
    return connection.execute(query.encode()).fetchall()


def send(connection: Connection, *texts: str) -> None:
    for text in texts:
        connection.execute(text.encode())


def of_version(version: int, more: str = "", **settings: object) -> Model:
    sql = f"SELECT {version} AS version, i AS id{more} FROM generate_series(1, 200) AS s(i)"
    return a_table(sql, settings=settings)


def swap(warehouse: Warehouse, query: str) -> None:
    with warehouse.open_session() as session:
        make(session, INTERMEDIATE, query)
        with session.transaction():
            session.swap(TARGET, INTERMEDIATE, BACKUP, "table")


class TestHanging(OnPostgres):
    @pytest.fixture
    def made(self, warehouse: Warehouse) -> Warehouse:
        with warehouse.open_session() as session:
            make(session, TARGET, "SELECT 1 AS id, 'a' AS name UNION ALL SELECT 2, 'b'")
        return warehouse

    @pytest.mark.usefixtures("roles")
    def test_owner_and_grants_stay(self, made: Warehouse, admin: Connection) -> None:
        send(
            admin,
            'GRANT CREATE ON SCHEMA first TO "Maker"',
            'ALTER TABLE first.cities OWNER TO "Maker"',
            "GRANT SELECT ON first.cities TO reader WITH GRANT OPTION",
            "GRANT UPDATE (name) ON first.cities TO PUBLIC",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA first GRANT DELETE ON TABLES TO reader",
        )
        granted = (
            "SELECT pg_get_userbyid(c.relowner)::text, c.relacl::text, "
            "(SELECT attacl::text FROM pg_attribute WHERE attrelid = c.oid AND attname = 'name') "
            "FROM pg_class AS c WHERE c.oid = 'first.cities'::regclass"
        )
        before = ask(admin, granted)
        assert before[0][0] == "Maker"
        swap(made, "SELECT 3 AS id, 'c' AS name, 4 AS more")
        assert ask(admin, "SELECT * FROM first.cities") == [(3, "c", 4)]
        assert ask(admin, granted) == before
        # A column that is gone takes its grants along.
        swap(made, "SELECT 3 AS id")
        assert ask(admin, "SELECT count(*) FROM information_schema.column_privileges WHERE privilege_type = 'UPDATE' "
                   "AND grantee = 'PUBLIC' AND table_name = 'cities'") == [(0,)]  # fmt: skip

    @pytest.mark.usefixtures("roles")
    def test_who_may_not_change_a_view_does_not_replace_what_it_reads(
        self, made: Warehouse, admin: Connection, postgres_url: str
    ) -> None:
        send(
            admin,
            'GRANT ALL ON SCHEMA first TO "Maker"',
            'ALTER TABLE first.cities OWNER TO "Maker"',
            'ALTER ROLE "Maker" LOGIN',
            "CREATE VIEW first.seen AS SELECT id FROM first.cities",
        )
        maker = open_warehouse(postgres_url.replace("dev@", "Maker@"))
        with pytest.raises(MaterializeError, match="must be owner of view seen"):
            swap(maker, "SELECT 7 AS id, 'x' AS name")
        assert ask(admin, "SELECT count(*) FROM first.seen") == [(2,)]
        send(admin, 'ALTER VIEW first.seen OWNER TO "Maker"')
        with maker.open_session() as session:
            session.execute(statements.drop_table(INTERMEDIATE))
        swap(maker, "SELECT 7 AS id, 'x' AS name")
        assert ask(admin, "SELECT id FROM first.seen") == [(7,)]

    def test_indexes_constraints_policies_triggers_and_comments_stay(self, made: Warehouse, admin: Connection) -> None:
        send(
            admin,
            "ALTER TABLE first.cities ADD CONSTRAINT cities_key PRIMARY KEY (id)",
            'CREATE UNIQUE INDEX "Name of it" ON first.cities USING btree (lower(name) DESC) INCLUDE (id) WHERE id > 0',
            "COMMENT ON INDEX first.\"Name of it\" IS 'it''s an index'",
            "ALTER TABLE first.cities ADD CONSTRAINT positive CHECK (id > 0)",
            "CREATE TABLE first.kinds AS SELECT 1 AS id",
            "ALTER TABLE first.kinds ADD PRIMARY KEY (id)",
            "CREATE POLICY own ON first.cities FOR SELECT USING (id < 100)",
            "ALTER TABLE first.cities ENABLE ROW LEVEL SECURITY",
            "CREATE FUNCTION first.told() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            "CREATE TRIGGER tells AFTER DELETE ON first.cities EXECUTE FUNCTION first.told()",
            "ALTER TABLE first.cities SET (fillfactor = 70)",
            "COMMENT ON TABLE first.cities IS 'of people'",
            "COMMENT ON COLUMN first.cities.name IS 'in English'",
        )
        query = """
            SELECT 1, indexname::text, indexdef FROM pg_indexes WHERE tablename = 'cities'
            UNION ALL SELECT 2, conname::text, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE conrelid = 'first.cities'::regclass AND contype <> 'n'
            UNION ALL SELECT 3, policyname::text, qual FROM pg_policies
            UNION ALL SELECT 4, tgname::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL SELECT 5, relrowsecurity::text, array_to_string(reloptions, ',') FROM pg_class
            WHERE oid = 'first.cities'::regclass
            UNION ALL SELECT 6, obj_description('first.cities'::regclass), col_description('first.cities'::regclass, 2)
            UNION ALL SELECT 7, obj_description('first."Name of it"'::regclass), NULL
            ORDER BY 1, 2
        """
        before = ask(admin, query)
        assert len(before) == 9
        for number in (3, 4):
            swap(made, f"SELECT {number} AS id, 'c' AS name")
            assert ask(admin, query) == before
        # Its own description goes before the one that was there.
        with made.open_session() as session:
            make(session, INTERMEDIATE, "SELECT 5 AS id, 'c' AS name")
            session.execute(statements.comment_on_table(INTERMEDIATE, "of the file"))
            with session.transaction():
                session.swap(TARGET, INTERMEDIATE, BACKUP, "table")
        assert ask(admin, "SELECT obj_description('first.cities'::regclass)") == [("of the file",)]

    def test_an_index_that_the_new_rows_cannot_have_keeps_them_out(self, made: Warehouse, admin: Connection) -> None:
        send(admin, "CREATE UNIQUE INDEX one_each ON first.cities (id)")
        with pytest.raises(MaterializeError) as caught:
            swap(made, "SELECT 1 AS id UNION ALL SELECT 1")
        said = str(caught.value)
        assert said == (
            "`first.cities` cannot be replaced: it has the index `one_each`, and the new table cannot: "
            f'could not create unique index "{said.split(chr(34))[1]}"\n  hint: drop it, or mend the query'
        )
        assert ask(admin, "SELECT count(*) FROM first.cities") == [(2,)]

    @pytest.mark.parametrize(
        ("made_by", "told"),
        [
            (
                "CREATE FUNCTION first.all_of() RETURNS first.cities LANGUAGE sql AS 'SELECT * FROM first.cities'",
                "`function first.all_of()` depends on it",
            ),
            (
                "ALTER TABLE first.cities ADD UNIQUE (id); CREATE TABLE first.s (id int REFERENCES first.cities (id))",
                "cannot drop constraint cities_id_key",
            ),
            ("CREATE TABLE first.heirs () INHERITS (first.cities)", "`table first.heirs` depends on it"),
        ],
        ids=["function", "foreign key", "heir"],
    )
    def test_what_cannot_be_moved_is_named(self, made: Warehouse, admin: Connection, made_by: str, told: str) -> None:
        send(admin, made_by)
        with pytest.raises(MaterializeError) as caught:
            swap(made, "SELECT 7 AS id, 'z' AS name")
        assert told in str(caught.value)
        assert ask(admin, "SELECT count(*) FROM first.cities") == [(2,)]

    @pytest.mark.usefixtures("roles")
    def test_views_that_get_other_types_are_made_anew_with_all_that_hangs_on_them(
        self, made: Warehouse, admin: Connection
    ) -> None:
        send(
            admin,
            "CREATE VIEW first.seen WITH (security_barrier=true) AS SELECT id, name FROM first.cities",
            "CREATE MATERIALIZED VIEW first.counted AS SELECT count(*) AS n, max(id) AS last FROM first.seen",
            "CREATE UNIQUE INDEX once ON first.counted (n)",
            "CREATE VIEW first.far AS SELECT s.id, c.n FROM first.seen AS s CROSS JOIN first.counted AS c",
            "GRANT SELECT ON first.seen, first.counted TO reader",
            "GRANT SELECT (id) ON first.far TO reader",
            "COMMENT ON VIEW first.far IS 'from afar'",
            "COMMENT ON COLUMN first.seen.id IS 'a number'",
        )
        query = """
            SELECT relname::text, relkind::text, relacl::text, reloptions::text, obj_description(oid, 'pg_class'),
                col_description(oid, 1),
                (SELECT attacl::text FROM pg_attribute WHERE attrelid = c.oid AND attname = 'id')
            FROM pg_class AS c WHERE relname IN ('seen', 'counted', 'far', 'once') ORDER BY 1
        """
        before = ask(admin, query)
        swap(made, "SELECT 7 AS id, 'x' AS name")
        # What is materialized from a view that stays is as old as it was.
        assert ask(admin, "SELECT id, n FROM first.far") == [(7, 2)]
        assert ask(admin, query) == before
        for kind in ("bigint", "text", "integer"):
            swap(made, f"SELECT CAST(8 AS {kind}) AS id, 'x' AS name UNION ALL SELECT CAST(9 AS {kind}), 'y'")
            assert [n for _, n in ask(admin, "SELECT id, n FROM first.far")] == [2, 2]
            assert ask(admin, "SELECT last::text FROM first.counted") == [("9",)]
            assert ask(admin, query) == before
        assert ask(admin, "SELECT relname FROM pg_class WHERE relname LIKE 'sqlmat%'") == []

    def test_versions_that_are_kept_and_put_back_are_read_by_views_and_indexed(
        self, warehouse: Warehouse, admin: Connection
    ) -> None:
        def put_back() -> None:
            with warehouse.open_session() as session:
                holdings = find_holdings(session, None, warehouse.capabilities)
                record = holdings.records["first", "cities"]
                version = choose_version(record, holdings.versions_of(record.relation))
                assert version is not None
                step = find_step(session, record, version, warehouse.capabilities)
            do(warehouse, step)

        publish(warehouse, of_version(1, keep_versions=2), "r1")
        send(
            admin,
            "CREATE VIEW first.seen AS SELECT max(version) AS version FROM first.cities",
            "CREATE UNIQUE INDEX by_id ON first.cities (id)",
            "GRANT SELECT ON first.cities TO PUBLIC",
        )
        hanging = (
            "SELECT c.relacl::text, (SELECT count(*) FROM pg_index WHERE indrelid = c.oid), (SELECT * FROM first.seen) "
            "FROM pg_class AS c WHERE c.oid = 'first.cities'::regclass"
        )
        ((acl, indexes, version),) = ask(admin, hanging)
        assert (indexes, version) == (1, 1)
        for number in (2, 3):
            publish(warehouse, of_version(number, keep_versions=2), f"r{number}")
            assert ask(admin, hanging) == [(acl, 1, number)]
        for number in (2, 1):
            put_back()
            assert ask(admin, hanging) == [(acl, 1, number)]
        publish(
            warehouse,
            of_version(5, keep_versions=2, mode="merge", unique_key=("id",), on_match="update"),
            "r5",
        )
        assert ask(admin, hanging) == [(acl, 1, 5)]


class TestReaders(OnPostgres):
    @pytest.mark.slow
    def test_readers_in_other_processes_see_whole_tables_over_200_swaps(
        self, warehouse: PostgresWarehouse, admin: Connection
    ) -> None:
        publish(warehouse, of_version(0), "r0")
        send(
            admin,
            "CREATE VIEW first.seen AS SELECT * FROM first.cities",
            "CREATE VIEW first.far AS SELECT version, id FROM first.seen",
            "CREATE TABLE public.stop AS SELECT false AS stopped",
        )
        command = [sys.executable, "-c", READER, warehouse.label]
        readers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "started\n"
        try:
            for number in range(1, 201):
                # Every tenth time the views are made anew.
                more = ", 'x' AS word" if number % 20 < 10 else ", 1 AS word"
                last = build(warehouse, of_version(number, more), f"r{number}")
                assert isinstance(last, Published), last
        finally:
            send(admin, "UPDATE public.stop SET stopped = true")
            told = [reader.communicate(timeout=60)[0].split() for reader in readers]
        assert [reader.returncode for reader in readers] == [0, 0, 0]
        for count, versions in told:
            assert int(count) > 100
            assert int(versions) > 20

    def test_who_holds_the_table_is_named_and_others_read_meanwhile(self, postgres_url: str, admin: Connection) -> None:
        warehouse = open_warehouse(f"{postgres_url}?wait=1.5")
        with warehouse.open_session() as session:
            make(session, TARGET, "SELECT 1 AS id")
            make(session, INTERMEDIATE, "SELECT 2 AS id")
            send(admin, "CREATE VIEW first.seen AS SELECT * FROM first.cities", "SET application_name = 'a report'")
            send(admin, "BEGIN", "SELECT * FROM first.seen")
            slow, stop = list[float](), threading.Event()

            def read() -> None:
                with psycopg.connect(postgres_url, autocommit=True) as connection:
                    while not stop.is_set():
                        begun = time.monotonic()
                        connection.execute("SELECT * FROM first.seen")
                        slow.append(time.monotonic() - begun)

            reader = threading.Thread(target=read)
            reader.start()
            try:
                with pytest.raises(TransientWarehouseError) as caught, session.transaction():
                    session.swap(TARGET, INTERMEDIATE, BACKUP, "table")
            finally:
                stop.set()
                reader.join()
            pid = admin.info.backend_pid
            head, hint = str(caught.value).splitlines()
            assert head.startswith(
                f"`first.cities` is held by the server process {pid} of `dev` (`a report`), idle in transaction since "
            )
            assert head.endswith(", waited 1.5s")
            assert hint == ("  hint: end that transaction, or wait longer with `?wait=300` in the warehouse URL")
            # In between nobody stands in line.
            assert len(slow) > 3
            send(admin, "COMMIT")
            with session.transaction():
                session.swap(TARGET, INTERMEDIATE, BACKUP, "table")
        assert ask(admin, "SELECT * FROM first.seen") == [(2,)]

    def test_a_table_that_is_held_for_a_moment_is_replaced_afterwards(
        self, warehouse: Warehouse, admin: Connection
    ) -> None:
        publish(warehouse, of_version(1), "r1")
        send(admin, "BEGIN", "SELECT * FROM first.cities")
        timer = threading.Timer(0.8, lambda: send(admin, "COMMIT"))
        timer.start()
        publish(warehouse, of_version(2), "r2")
        timer.join()
        assert ask(admin, "SELECT DISTINCT version FROM first.cities") == [(2,)]
