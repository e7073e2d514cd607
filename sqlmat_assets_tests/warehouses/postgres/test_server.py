"""PostgreSQL: a server that does not let somebody in, ends sessions, stops, or has others waiting."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from sqlmat_assets.errors import CancelledError, MaterializeError, TransientWarehouseError, UsageError
from sqlmat_assets.execution.events import Discarded, Event, Published
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.render import render
from sqlmat_assets.project.model import Kind, Model, RuleKind
from sqlmat_assets.warehouses.base import Pause, Session, Warehouse
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets.warehouses.postgres.adapter import PostgresSession, PostgresWarehouse
from sqlmat_assets.warehouses.postgres.connections import Answer, Connection, open_connection
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.postgres import Server, serving
from sqlmat_assets_tests.tables import a_check, a_context, a_rule, a_table
from sqlmat_assets_tests.warehouses.contract import TARGET, make
from sqlmat_assets_tests.warehouses.parts import Parts, publish, rows

SECRET = "hunter2 & co"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def warehouse(postgres_url: str) -> Warehouse:
    return open_warehouse(postgres_url)


@contextmanager
def admin(url: str) -> Generator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def message(url: str) -> str:
    opened = open_warehouse(url)
    with pytest.raises(MaterializeError) as caught, opened.open_session():
        pass
    assert SECRET not in f"{caught.value!r} {caught.value} {opened!r} {opened.label}"
    assert "hunter2" not in f"{caught.value!r} {opened!r} {opened.label}"
    return str(caught.value)


def running(url: str, part: str) -> list[int]:
    """The server processes whose statement has a part in it."""
    with admin(url) as connection:
        query = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s AND pid <> pg_backend_pid()"
        return [int(str(pid)) for (pid,) in connection.execute(query, [f"%{part}%"]).fetchall()]


def when_running(url: str, part: str, then: Callable[[int], object]) -> threading.Thread:
    """Do something as soon as a statement runs."""

    def work() -> None:
        while not (found := running(url, part)):
            time.sleep(0.02)
        then(found[0])

    thread = threading.Thread(target=work)
    thread.start()
    return thread


class TestCannotConnect:
    def test_wrong_password(self, postgres_server: Server) -> None:
        with admin(postgres_server.url("postgres")) as connection:
            connection.execute(b"CREATE ROLE locked LOGIN PASSWORD 'right'")
        try:
            url = f"postgresql://locked:hunter2%20%26%20co@127.0.0.1:{postgres_server.port}/postgres"
            label = f"postgresql://locked@127.0.0.1:{postgres_server.port}/postgres"
            said = f'connection to server at "127.0.0.1", port {postgres_server.port} failed: '
            assert message(url) == (
                f'cannot connect to `{label}`: {said}password authentication failed for user "locked"\n'
                "  hint: check the user and the password in the warehouse URL, or `$PGPASSWORD`"
            )
            assert message(label) == (
                f"cannot connect to `{label}`: {said}fe_sendauth: no password supplied\n"
                "  hint: put the password into the warehouse URL, `$PGPASSWORD` or `~/.pgpass`"
            )
            with open_warehouse(url.replace("hunter2%20%26%20co", "right")).open_session() as session:
                assert session.fetch_rows(verbatim("SELECT current_user::text")).rows == [("locked",)]
        finally:
            with admin(postgres_server.url("postgres")) as connection:
                connection.execute(b"DROP ROLE locked")

    def test_unknown_database_role_host_and_port(self, postgres_server: Server) -> None:
        label = f"postgresql://dev@127.0.0.1:{postgres_server.port}/nowhere"
        said = f'connection to server at "127.0.0.1", port {postgres_server.port} failed: '
        assert message(label.replace("dev@", "dev:hunter2@")) == (
            f'cannot connect to `{label}`: {said}database "nowhere" does not exist\n'
            "  hint: create it with `createdb nowhere`, or name another database in the warehouse URL"
        )
        assert message(postgres_server.url("postgres", "nobody:hunter2")).endswith(
            'role "nobody" does not exist\n'
            "  hint: create it with `createuser nobody`, or name another user in the warehouse URL"
        )
        assert message("postgresql://dev:hunter2@nowhere.invalid/db").splitlines()[1] == (
            "  hint: check the name of the host in the warehouse URL"
        )
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            assert message(f"postgresql://dev:hunter2@127.0.0.1:{taken.getsockname()[1]}/db").splitlines()[1] == (
                "  hint: start the server, or check host and port in the warehouse URL"
            )

    def test_tls_that_the_server_does_not_have(self, postgres_server: Server) -> None:
        assert message(f"{postgres_server.url('postgres', 'dev:hunter2')}?sslmode=require").splitlines()[1] == (
            "  hint: write `?sslmode=prefer` in the warehouse URL, or have the server offer TLS"
        )

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            (
                "postgresql://dev:hunter2@host",
                "the warehouse URL names no database\n  hint: write `postgresql://user@host:5432/database`",
            ),
            (
                "postgresql://dev:hunter2@host:port/db",
                "the warehouse URL cannot be read\n  hint: write `postgresql://user:password@host:5432/database`, "
                "and `%40` for an `@` in the password",
            ),
            (
                "postgresql://dev:hunter2@host/db?sslmod=require",
                "the warehouse URL has an unknown parameter `sslmod`\n"
                "  hint: known parameters are `wait`, `sslmode`, `sslrootcert`, `connect_timeout`",
            ),
            (
                "postgresql://dev:hunter2@host/db?wait=soon",
                "`wait=soon` in the warehouse URL is no number of seconds\n  hint: write `wait=60`",
            ),
        ],
    )
    def test_urls_that_name_no_database(self, url: str, said: str) -> None:
        with pytest.raises(UsageError) as caught:
            open_warehouse(url)
        assert str(caught.value) == said

    @pytest.mark.parametrize(
        ("url", "label"),
        [
            ("postgresql://dev:hunter2@host:5432/db?sslmode=require", "postgresql://dev@host/db"),
            ("postgresql://host:6000/db?user=dev&password=hunter2", "postgresql://dev@host:6000/db"),
            ("postgresql://d%40v:hunter2@[::1]/my%20db", "postgresql://d%40v@[::1]/my%20db"),
            ("postgresql:///db?host=/var/run/postgresql", "postgresql:///db?host=/var/run/postgresql"),
        ],
    )
    def test_what_people_see_of_a_url(self, url: str, label: str) -> None:
        opened = open_warehouse(url)
        assert opened.label == label
        assert "hunter2" not in repr(opened)
        assert open_warehouse(label).label == label


class TestEnding:
    def test_a_session_that_an_administrator_ends_goes_on_with_the_next_try(
        self, warehouse: Warehouse, postgres_url: str
    ) -> None:
        ended: list[int] = []

        def end(pid: int) -> None:
            with admin(postgres_url) as connection:
                connection.execute("SELECT pg_terminate_backend(%s)", [pid])
            ended.append(pid)

        helper = when_running(postgres_url, "pg_sleep", end)
        table = a_table("SELECT 1 AS id FROM pg_sleep(1)")
        last = list(materialize(table, a_context(warehouse)))[-1]
        helper.join()
        assert isinstance(last, Published), last
        assert len(ended) == 1
        assert rows(warehouse, "SELECT * FROM first.cities") == [(1,)]

    def test_a_session_that_ends_in_a_transaction_has_changed_nothing(
        self, warehouse: Warehouse, postgres_url: str
    ) -> None:
        with warehouse.open_session() as session:
            make(session, TARGET, "SELECT 1 AS id")
            with pytest.raises(TransientWarehouseError) as caught, session.transaction():  # noqa: PT012 - the last of them raises
                session.execute(verbatim("UPDATE first.cities SET id = 2"))
                ((pid,),) = session.fetch_rows(verbatim("SELECT pg_backend_pid()")).rows
                with admin(postgres_url) as connection:
                    connection.execute("SELECT pg_terminate_backend(%s)", [pid])
                session.execute(verbatim("UPDATE first.cities SET id = 3"))
            assert "terminating connection due to administrator command" in caught.value.message
            # Also where whoever asked goes on, and a new connection would let him.
            with pytest.raises(TransientWarehouseError), session.transaction():  # noqa: PT012 - the last of them raises
                ((pid,),) = session.fetch_rows(verbatim("SELECT pg_backend_pid()")).rows
                with admin(postgres_url) as connection:
                    connection.execute("SELECT pg_terminate_backend(%s)", [pid])
                for number in (4, 5):
                    with suppress(TransientWarehouseError):
                        session.execute(verbatim(f"UPDATE first.cities SET id = {number}"))
                with pytest.raises(TransientWarehouseError):
                    session.fetch_columns(TARGET)
            assert session.fetch_rows(verbatim("SELECT id FROM first.cities")).rows == [(1,)]

    def test_an_answer_to_a_commit_that_is_lost(self, warehouse: Warehouse) -> None:
        """What was committed is known to be, and what was not is not."""
        assert isinstance(warehouse, PostgresWarehouse)

        class Losing(Connection):
            commits = True

            def send(self, text: str, values: object = None) -> Answer:
                if text != "COMMIT":
                    return super().send(text, values)  # type: ignore[arg-type] - passed on
                if self.commits:
                    super().send(text)
                self.close()
                raise TransientWarehouseError("lost", text)

        link = Losing(warehouse.place)
        link.connect(lambda _seconds: None)
        session = PostgresSession(link)
        with open_connection(warehouse.place, lambda _seconds: None) as plain:
            make(PostgresSession(plain), TARGET, "SELECT 1 AS id")
        with session.transaction():
            session.execute(verbatim("UPDATE first.cities SET id = 2"))
        link.commits = False
        with pytest.raises(TransientWarehouseError, match="lost"), session.transaction():
            session.execute(verbatim("UPDATE first.cities SET id = 3"))
        link.close()
        assert rows(warehouse, "SELECT id FROM first.cities") == [(2,)]

    def test_a_server_that_does_not_answer_a_commit_nor_comes_back(self, warehouse: Warehouse) -> None:
        """Nobody says that the table holds its previous rows, for it does not."""
        assert isinstance(warehouse, PostgresWarehouse)
        commits = list[str]()

        class Leaving(Connection):
            def send(self, text: str, values: object = None) -> Answer:
                answer = super().send(text, values) if len(commits) < 2 else None  # type: ignore[arg-type] - passed on
                commits.extend([text] if text == "COMMIT" else [])
                if answer is None or len(commits) == 2:
                    self.close()
                    raise TransientWarehouseError("lost", text)
                return answer

        class LeavingWarehouse(PostgresWarehouse):
            @contextmanager
            def open_session(self, pause: Pause = time.sleep) -> Generator[Session]:
                with open_connection(self.place, pause, Leaving) as connection:
                    yield PostgresSession(connection, pause)

        publish(warehouse, a_table("SELECT 1 AS id"), "r1")
        # That of the lease, and that of the publish.
        last = self.build(a_table("SELECT 2 AS id"), LeavingWarehouse(warehouse.place), "r2")
        assert isinstance(last, Discarded)
        assert str(last.error) == (
            "lost\nit is not known whether `first.cities` holds its previous rows or holds the new rows\n"
            "  hint: build it again when the warehouse answers\nstatement: COMMIT"
        )
        assert rows(warehouse, "SELECT id FROM first.cities") == [(2,)]

    @pytest.mark.slow
    @pytest.mark.usefixtures("postgres_server")
    def test_a_server_that_stops_in_the_middle_and_comes_back(self) -> None:
        with serving() as server:
            warehouse = open_warehouse(f"{server.url(server.make_database())}?wait=30")
            publish(warehouse, a_table("SELECT 1 AS id"), "r1")

            def restart(_pid: int) -> None:
                server.stop()
                server.start()

            def crash(_pid: int) -> None:
                server.stop(at_once=False)

            for number, is_there in ((2, True), (3, False)):
                away = restart if is_there else crash
                helper = when_running(warehouse.label, "pg_sleep", away)
                patience = open_warehouse(f"{warehouse.label}?wait={30 if is_there else 0}")
                last = self.build(a_table(f"SELECT {number} AS id FROM pg_sleep(1)"), patience, f"r{number}")
                helper.join()
                assert isinstance(last, Published if is_there else Discarded), last
            assert isinstance(last, Discarded)
            assert "`first.cities` still holds its previous rows" in str(last.error)
            server.start()
            assert rows(warehouse, "SELECT id FROM first.cities") == [(2,)]
            publish(warehouse, a_table("SELECT 4 AS id"), "r4")
            with warehouse.open_session() as session:
                left = [name for name in session.fetch_kinds("first") if "r3" not in name]
            assert left == ["cities"]

    def build(self, model: Model, warehouse: Warehouse, run: str) -> Event:
        return list(materialize(model, a_context(warehouse, run)))[-1]


class TestCancelling:
    def test_a_time_limit_ends_the_statement_in_the_server(self, warehouse: Warehouse, postgres_url: str) -> None:
        publish(warehouse, a_table("SELECT 1 AS id"), "r1")
        slow = a_table("SELECT 2 AS id FROM pg_sleep(60)", settings={"time_limit": timedelta(seconds=0.5)})
        last = list(materialize(slow, a_context(warehouse, "r2")))[-1]
        assert isinstance(last, Discarded)
        assert str(last.error).startswith("cancelled after its time limit of 0.5s")
        assert rows(warehouse, "SELECT id FROM first.cities") == [(1,)]
        assert running(postgres_url, "pg_sleep") == []

    @pytest.mark.slow
    def test_the_statement_of_a_process_that_was_killed_ends(self, warehouse: Warehouse, postgres_url: str) -> None:
        code = (
            "import sys; from sqlmat_assets.warehouses.config import open_warehouse; "
            "from sqlmat_assets_tests.warehouses.parts import rows; "
            "rows(open_warehouse(sys.argv[1]), 'SELECT 1 FROM pg_sleep(600)')"
        )
        with subprocess.Popen([sys.executable, "-c", code, postgres_url], cwd=ROOT) as child:
            when_running(postgres_url, "pg_sleep", lambda _pid: child.kill()).join()
        assert child.returncode == -signal.SIGKILL
        while running(postgres_url, "pg_sleep"):
            time.sleep(0.1)

    def test_a_limit_of_the_server_is_told_as_what_it_is(self, warehouse: Warehouse, postgres_url: str) -> None:
        with admin(postgres_url) as connection:
            name = connection.info.dbname
            connection.execute(f"ALTER DATABASE {name} SET statement_timeout = '300ms'".encode())
        last = list(materialize(a_table("SELECT 2 AS id FROM pg_sleep(60)"), a_context(warehouse)))[-1]
        assert isinstance(last, Discarded)
        assert not isinstance(last.error, CancelledError)
        assert str(last.error).startswith("canceling statement due to statement timeout")

    def test_a_request_that_comes_late_ends_nothing_else(self, warehouse: Warehouse) -> None:
        stop = threading.Event()
        with warehouse.open_session() as session, warehouse.open_session() as other:
            make(other, TARGET, "SELECT 1 AS id")

            def cancel() -> None:
                while not stop.is_set():
                    session.cancel()

            thread = threading.Thread(target=cancel)
            thread.start()
            try:
                ends = [self.is_ended(session) for _ in range(200)]
            finally:
                stop.set()
                thread.join()
            assert any(ends)
            # Once the last request was answered, nothing comes behind it.
            assert [self.is_ended(session) for _ in range(20)] == [False] * 20
            assert session.fetch_rows(verbatim("SELECT id FROM first.cities")).rows == [(1,)]

    def is_ended(self, session: Session) -> bool:
        try:
            session.fetch_rows(verbatim("SELECT 1 FROM pg_sleep(0.002)"))
        except CancelledError:
            return True
        return False

    def test_an_exception_in_the_middle_of_a_statement_ends_it(self, warehouse: Warehouse, postgres_url: str) -> None:
        """As a signal handler raises it, in whatever the main thread does."""
        publish(warehouse, a_table("SELECT 1 AS id"), "r1")

        def chunks() -> Generator[bytes]:
            yield b"1\n"
            raise KeyboardInterrupt

        assert isinstance(warehouse, PostgresWarehouse)
        with open_connection(warehouse.place, lambda _seconds: None) as link:
            link.send("CREATE TABLE first.copied (id int)")
            with pytest.raises(KeyboardInterrupt):
                link.copy_in("COPY first.copied FROM STDIN", chunks())
            assert link.send("SELECT count(*) FROM first.copied").rows == [(0,)]
        assert running(postgres_url, "COPY") == []


class TestNames(Parts):
    def test_names_that_are_too_long_for_the_server_stay_apart(self, warehouse: Warehouse) -> None:
        longest = "c" * 62
        for end in ("a", "b"):
            publish(warehouse, a_table(f"SELECT '{end}' AS n", name=f"first.{longest}{end}"), f"r{end}")
        assert self.names(warehouse) == {f"{longest}a", f"{longest}b"}
        assert rows(warehouse, f"SELECT n FROM first.{longest}b") == [("b",)]


def test_what_is_rendered_can_be_sent_by_hand(warehouse: Warehouse, postgres_url: str, tmp_path: Path) -> None:
    (tmp_path / "raw.csv").write_text("id,name\n1,a\n2,b\n")
    raw = a_table("", name="first.raw", kind=Kind.DATA)
    check = a_check("SELECT count(*) = 2 AS two, 1 = 1 AS one FROM first.cities", "two", "one")
    table = a_table("SELECT * FROM first.raw", check, rules=(a_rule(RuleKind.NOT_NULL, "id"),))
    context = a_context(warehouse, root=tmp_path)
    for model in (replace(raw, path="raw.csv"), table):
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            for statement in render(model, context):
                if not statement.startswith("COPY "):
                    connection.execute(statement.encode())
                    continue
                with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
                    copy.write("1,a\n2,b\n")
    assert rows(warehouse, "SELECT id, name FROM first.cities ORDER BY 1") == [(1, "a"), (2, "b")]
    assert rows(warehouse, "SELECT table_name, row_count FROM _sqlmat.tables ORDER BY 1") == [("cities", 1), ("raw", 1)]


def test_nothing_but_a_postgresql_url_loads_the_driver() -> None:
    code = (
        "import sys; from sqlmat_assets.warehouses.config import open_warehouse; import sqlmat_assets.cli.build; "
        "import sqlmat_assets.definitions; open_warehouse('duckdb:///w.duckdb'); print('psycopg' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told == "False\n"
