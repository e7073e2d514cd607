"""A Redshift cluster, as far as clients can tell: a port, databases of its own, and what is remembered of queries."""

from __future__ import annotations

import itertools
import socket
import ssl
import struct
import threading
import time
import traceback
import uuid
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import timedelta
from hashlib import md5
from typing import Literal

from sqlmat_assets_tests.redshift import catalog, protocol
from sqlmat_assets_tests.redshift.backend import Address, Backend
from sqlmat_assets_tests.redshift.conflicts import Transactions
from sqlmat_assets_tests.redshift.faults import Faults
from sqlmat_assets_tests.redshift.history import Query
from sqlmat_assets_tests.redshift.lexer import literal, quoted
from sqlmat_assets_tests.redshift.objects import ObjectStore
from sqlmat_assets_tests.redshift.protocol import ServerError, Wire
from sqlmat_assets_tests.redshift.session import Session

USER, PASSWORD, DATABASE = "awsuser", "Secret-1", "dev"
Isolation = Literal["serializable", "snapshot"]


class RedshiftDouble:
    """One cluster on a loopback port.

    Args:
        address: The PostgreSQL behind it, with the template of `catalog` installed.
        s3: The URL of the S3 that COPY and UNLOAD use.
        isolation: Of all its databases; Amazon's own default is `snapshot`.
        slots: How many queries run at a time; the others wait in the queue.

    Attributes:
        faults: What is to go wrong.
        tls: With what connections are encrypted, where a client asks for it; None where they cannot be.
        secured: Of each connection, whether it is encrypted.
    """

    def __init__(
        self, address: Address, *, s3: str | None = None, isolation: Isolation = "serializable", slots: int = 15
    ) -> None:
        self.address = address
        self.isolation = isolation
        self.store = None if s3 is None else ObjectStore(s3)
        self.faults = Faults()
        self.tls: ssl.SSLContext | None = None
        self.secured: list[bool] = []
        self._given: dict[str, tuple[str, float]] = {}
        self.long_names: dict[str, str] = {}
        self.transactions = Transactions(serializable=isolation == "serializable")
        self.slots = threading.Semaphore(slots)
        self.queries = itertools.count(1001)
        self.has_late_views = False
        self._told: dict[tuple[str, str], list[str]] = {}
        self._databases = {DATABASE: f"redshift_{uuid.uuid4().hex[:12]}"}
        self._admins: dict[str, Backend] = {}
        self._admin_lock = threading.RLock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self._sessions: set[Session] = set()
        self._closed = threading.Event()
        self.broken: list[Exception] = []

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def start(self) -> None:
        catalog.create_database(self.address, self._databases[DATABASE])
        # Roles are the server's, so several clusters have the one.
        try:
            self.admin(DATABASE, f"create role {USER} superuser login password {literal(PASSWORD)}")
        except ServerError as error:
            if error.sqlstate not in {"42710", "23505"}:
                raise
        threading.Thread(target=self._accept, daemon=True, name="redshift").start()

    def stop(self) -> None:
        self._closed.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.disconnect()
        with self._admin_lock:
            for admin in self._admins.values():
                admin.close()
            self._admins.clear()
        for real in self._databases.values():
            catalog.drop_database(self.address, real)
        if self.broken:
            raise ExceptionGroup("the double of Redshift is broken", self.broken)

    def reset(self) -> None:
        """Make it an empty cluster again, without a connection."""
        self.disconnect()
        self._told = {}
        self.tls, self._given = None, {}
        self.secured.clear()
        for name in [name for name in self._databases if name != DATABASE]:
            with self._admin_lock:
                admin = self._admins.pop(name, None)
            if admin is not None:
                admin.close()
            catalog.drop_database(self.address, self._databases.pop(name))
        for sql in catalog.emptying(self.admin(DATABASE, catalog.SCHEMAS)):
            self.admin(DATABASE, sql)
        self.faults = Faults()
        self.has_late_views = False
        self.long_names.clear()
        self.transactions = Transactions(serializable=self.isolation == "serializable")

    def disconnect(self) -> None:
        """Drop all connections at once, as a restarted cluster does."""
        for session in list(self._sessions):
            session.hang_up()

    @property
    def connections(self) -> int:
        return len(self._sessions)

    def real_database(self, name: str) -> str | None:
        """Return the PostgreSQL database that stands for one of the cluster."""
        return self._databases.get(name)

    def create_database(self, name: str) -> None:
        self._databases[name] = f"redshift_{uuid.uuid4().hex[:12]}"
        catalog.create_database(self.address, self._databases[name])

    def admin(self, database: str, sql: str) -> list[tuple[str | None, ...]]:
        """Run a statement outside any client's transaction, as the server's superuser."""
        with self._admin_lock:
            if database not in self._admins:
                self._admins[database] = Backend(self.address, self._databases[database], catalog.ADMIN)
            try:
                return self._admins[database].run(sql)
            except (OSError, protocol.Gone):
                self._admins.pop(database).close()
                raise

    def look(self, database: str, path: str, sql: str) -> list[tuple[str | None, ...]]:
        """Ask what is committed, with the names that a session sees."""
        with self._admin_lock:
            self.admin(database, f"set search_path to {path}")
            found = self.admin(database, sql)
            self.admin(database, "reset search_path")
            return found

    def remember_names(self, database: str) -> None:
        """Let the system views tell the long names."""
        for short, long in list(self.long_names.items()):
            self.admin(
                database,
                (
                    f"insert into pg_catalog.redshift_long_names values ({literal(short)}, "
                    f"{literal(long)}) on conflict do nothing"
                ),
            )

    def remember(self, query: Query) -> None:
        """Take note of a statement for the system views."""
        if query.is_told and not self._closed.is_set():
            with self._admin_lock:
                for table, rows in query.written().items():
                    self._told.setdefault((query.database, table), []).extend(rows)

    def write_down(self) -> None:
        """Have in the system views what is to be told by them."""
        with self._admin_lock:
            told, self._told = self._told, {}
            for (database, table), rows in told.items():
                if rows:
                    self.admin(database, f"insert into pg_catalog.{table} values {', '.join(rows)}")

    def note_user(self, database: str, pid: int, user: str) -> None:
        """Let the system views tell for whom a connection is."""
        told = f"insert into pg_catalog.redshift_sessions values ({pid}, {literal(user)})"
        self.admin(database, f"{told} on conflict (pid) do update set username = excluded.username")

    def forget(self, session: Session) -> None:
        self._sessions.discard(session)

    def give(self, user: str, password: str, lasts: timedelta) -> None:
        """Let a user in with a password for a while: as `IAM:name` one that is there, as `IAMR:name` a new one."""
        self._given[user] = password, time.monotonic() + lasts.total_seconds()
        if user.startswith("IAMR:"):
            there = self.admin(DATABASE, f"select from pg_catalog.pg_roles where rolname = {literal(user)}")
            if not there:
                self.admin(DATABASE, f"create role {quoted(user)} superuser login")

    def password_hash(self, user: str) -> str | None:
        """Return what the server has stored of a password: `md5` and a hash."""
        if user in self._given:
            password, ends = self._given[user]
            hashed = md5((password + user).encode()).hexdigest()
            return f"md5{hashed}" if time.monotonic() < ends else None
        found = self.admin(
            DATABASE, f"select rolpassword from pg_catalog.pg_authid where rolname = {literal(user)} and rolcanlogin"
        )
        return found[0][0] if found else None

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        wire = Wire(connection)
        try:
            wire, start = self._greet(wire)
            if start is None or self.faults.is_away:
                return
            self.secured.append(isinstance(wire.connection, ssl.SSLSocket))
            session = Session(self, wire, start)
            self._sessions.add(session)
            session.serve()
        except (OSError, protocol.Gone):
            return
        except Exception as error:  # noqa: BLE001 - the double is wrong somewhere: whoever uses it must hear of it
            self.broken.append(error)
            traceback.print_exc()
        finally:
            wire.close()

    def _greet(self, wire: Wire) -> tuple[Wire, dict[str, str] | None]:
        """Return the parameters of the client's start, or None where it only wanted to cancel something.

        What is read and written from here on may be another wire: the encrypted one.
        """
        while True:
            code, body = wire.receive_start()
            if code == protocol.SSL_REQUEST and self.tls is not None:
                wire.send_raw(b"S")
                wire = Wire(self.tls.wrap_socket(wire.connection, server_side=True))
                continue
            if code in {protocol.SSL_REQUEST, protocol.GSS_REQUEST}:
                wire.send_raw(b"N")
                continue
            if code == protocol.CANCEL_REQUEST:
                with socket.create_connection((self.address.host, self.address.port), timeout=10) as server:
                    server.sendall(struct.pack("!II", len(body) + 8, code) + body)
                return wire, None
            return wire, protocol.read_pairs(body)


@contextmanager
def redshift_double(
    address: Address, *, s3: str | None = None, isolation: Isolation = "serializable", slots: int = 15
) -> Generator[RedshiftDouble]:
    """Run a cluster with one empty database."""
    cluster = RedshiftDouble(address, s3=s3, isolation=isolation, slots=slots)
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


def create_user(cluster: RedshiftDouble, name: str, password: str) -> None:
    cluster.admin(DATABASE, f"create user {quoted(name)} password {literal(password)}")
