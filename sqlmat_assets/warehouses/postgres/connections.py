"""Connections to PostgreSQL: kept while a session of this process is open, made anew when the server has ended one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

import psycopg
from psycopg import pq

from sqlmat_assets.errors import CancelledError
from sqlmat_assets.warehouses.base import Pause
from sqlmat_assets.warehouses.postgres.errors import explain_connecting, is_away, is_starting, translate
from sqlmat_assets.warehouses.postgres.values import register

_POLL_SECONDS = 0.2
_CANCEL_SECONDS = 5.0
_SETTINGS = """
    SELECT set_config('DateStyle', 'ISO, YMD', false), set_config('IntervalStyle', 'postgres', false),
        set_config('extra_float_digits', '1', false), set_config('bytea_output', 'hex', false),
        set_config('client_connection_check_interval', '5s', false), set_config('lock_timeout', %s, false)
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A database of a server.

    Args:
        conninfo: What the driver is given; holds the password.
        label: The URL without secrets.
        wait: For how long to wait for a server that starts, and for somebody who holds a lock.
    """

    conninfo: str = field(repr=False)
    label: str
    wait: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the columns (name, type) of the last result, its rows, and how many were touched."""

    columns: tuple[tuple[str, str], ...]
    rows: Sequence[tuple[Any, ...]]
    count: int


class Link(Protocol):
    """What a session needs of a connection; all raise `WarehouseError`."""

    @property
    def place(self) -> Place: ...

    @property
    def is_in_transaction(self) -> bool: ...

    def send(self, text: str, values: Mapping[str, object] | None = None) -> Answer:
        """Send one statement, or several without values and get the answer to the last."""
        ...

    def copy_in(self, text: str, chunks: Iterable[bytes]) -> int: ...

    def copy_out(self, text: str) -> Generator[bytes]: ...

    def cancel(self) -> None: ...


class Connection:
    """One connection, made when it is needed and again after it was lost outside of a transaction."""

    def __init__(self, place: Place, pause: Pause = time.sleep) -> None:
        self.place = place
        self._pause = pause
        self._raw: psycopg.Connection[tuple[Any, ...]] | None = None
        self._guard = threading.Lock()
        self._is_running = False
        self._is_cancelled = False

    @property
    def is_in_transaction(self) -> bool:
        return self._raw is not None and self._raw.pgconn.transaction_status in (
            pq.TransactionStatus.INTRANS,
            pq.TransactionStatus.INERROR,
        )

    @property
    def is_idle(self) -> bool:
        """Whether the next session can use it."""
        raw = self._raw
        return raw is not None and not raw.closed and raw.pgconn.transaction_status == pq.TransactionStatus.IDLE

    def connect(self, pause: Pause, *, is_again: bool = False) -> None:
        """Have a connection; a server that is just starting is waited for, one that was there before as well.

        Raises:
            WarehouseError: There is none to be had.
        """
        self._pause = pause
        deadline = time.monotonic() + self.place.wait.total_seconds()
        while self._raw is None or self._raw.closed:
            try:
                self._raw = _connect(self.place)
            except psycopg.Error as error:
                found = explain_connecting(error, self.place.label)
                waits = is_starting(found) or (is_again and is_away(found))
                if not waits or time.monotonic() >= deadline:
                    raise found from error
                self._pause(_POLL_SECONDS)

    def send(self, text: str, values: Mapping[str, object] | None = None) -> Answer:
        with self._running(text) as raw, raw.cursor() as cursor:
            cursor.execute(text.encode(), values)
            while cursor.nextset():
                pass
            columns = tuple((each.name, _type_of(each)) for each in cursor.description or ())
            return Answer(columns, cursor.fetchall() if columns else [], max(cursor.rowcount, 0))

    def copy_in(self, text: str, chunks: Iterable[bytes]) -> int:
        with self._running(text) as raw, raw.cursor() as cursor:
            with cursor.copy(text.encode()) as copy:
                for chunk in chunks:
                    copy.write(chunk)
            return max(cursor.rowcount, 0)

    def copy_out(self, text: str) -> Generator[bytes]:
        with self._running(text) as raw, raw.cursor() as cursor, cursor.copy(text.encode()) as copy:
            for chunk in copy:
                yield bytes(chunk)

    def cancel(self) -> None:
        # The guard is held until the server has taken the request, so that it cannot end the next statement.
        with self._guard:
            if self._is_running and self._raw is not None:
                self._is_cancelled = True
                with suppress(psycopg.Error):
                    self._raw.cancel_safe(timeout=_CANCEL_SECONDS)

    def close(self) -> None:
        """End it; what was not committed is rolled back."""
        if self._raw is not None:
            with suppress(psycopg.Error):
                self._raw.close()
            self._raw = None

    @contextmanager
    def _running(self, text: str) -> Generator[psycopg.Connection[tuple[Any, ...]]]:
        if self._raw is None or self._raw.closed:
            self.connect(self._pause, is_again=True)
        raw = self._raw
        assert raw is not None  # noqa: S101 - for the type checker
        with self._guard:
            self._is_running, self._is_cancelled = True, False
        try:
            yield raw
        except psycopg.errors.QueryCanceled as error:
            # Of a time limit that the server has for everybody it is told as what it is.
            if self._is_cancelled:
                raise CancelledError(str(error).strip()) from error
            raise translate(error, text, self.place.label) from error
        except psycopg.Error as error:
            found = translate(error, text, self.place.label)
            if raw.closed or raw.pgconn.status != pq.ConnStatus.OK:
                self.close()
            raise found from error
        except BaseException:
            # The statement may run on, or be half sent: nothing can be asked here any more.
            with suppress(psycopg.Error):
                raw.cancel_safe(timeout=_CANCEL_SECONDS)
            if raw.pgconn.transaction_status == pq.TransactionStatus.ACTIVE:
                self.close()
            raise
        finally:
            with self._guard:
                self._is_running = False


def _connect(place: Place) -> psycopg.Connection[tuple[Any, ...]]:
    raw = psycopg.connect(place.conninfo, autocommit=True, prepare_threshold=None, client_encoding="UTF8")
    register(raw)
    milliseconds = round(place.wait.total_seconds() * 1000)
    raw.execute(_SETTINGS, [str(max(milliseconds, 1))])
    return raw


def _type_of(column: psycopg.Column) -> str:
    """The type as the catalog would tell it of a table's column."""
    found = psycopg.adapters.types.get(column.type_code)
    if found is None:
        return f"type {column.type_code}"
    name, sized, sizes = found.regtype, "(" in column.type_display, column.type_display.partition("(")[2]
    if sized:
        # `timestamp(3) without time zone`, but `character varying(20)`.
        first, zone, rest = name.partition(" with")
        name = f"{first}({sizes.partition(')')[0]}){zone}{rest}"
    return f"{name}[]" if column.type_code == found.array_oid else name


@dataclass(slots=True)
class _Pool:
    """The connections of this process to one place; `sessions` are open, and the `idle` ones wait for the next."""

    guard: threading.Lock = field(default_factory=threading.Lock)
    sessions: int = 0
    idle: list[Connection] = field(default_factory=list[Connection])


_pools: dict[Place, _Pool] = {}
_pools_guard = threading.Lock()


@contextmanager
def open_connection(
    place: Place, pause: Pause, make: Callable[[Place, Pause], Connection] = Connection
) -> Generator[Connection]:
    """Give a connection; all are closed when the last session of the process has ended.

    Args:
        place: Where to.
        pause: Waits for a server that starts.
        make: Makes one that connects when it is needed.

    Raises:
        WarehouseError: There is none to be had.
    """
    with _pools_guard:
        pool = _pools.setdefault(place, _Pool())
    with pool.guard:
        pool.sessions += 1
        connection = pool.idle.pop() if pool.idle else make(place, pause)
    ended_well = False
    try:
        connection.connect(pause)
        yield connection
        ended_well = True
    finally:
        with pool.guard:
            pool.sessions -= 1
            if ended_well and connection.is_idle:
                pool.idle.append(connection)
            else:
                connection.close()
            while pool.idle and not pool.sessions:
                pool.idle.pop().close()
