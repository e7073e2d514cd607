"""What the contracts need to run on a real PostgreSQL server."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb
import pytest

from sqlmat_assets.warehouses.base import Pause, Session, Warehouse
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets.warehouses.postgres.adapter import PostgresSession, PostgresWarehouse
from sqlmat_assets.warehouses.postgres.connections import Answer, Connection, Place, open_connection
from sqlmat_assets_tests.recording import Killed
from sqlmat_assets_tests.warehouses.parts import Fails


@dataclass(frozen=True, slots=True)
class RecordingPostgres(PostgresWarehouse):
    """A real server behind a counter, as `RecordingWarehouse` is for DuckDB.

    What is to fail fails in the server, so that it ends the transaction as any other error does.
    """

    fails: Callable[[int, str], None] = lambda _number, _sql: None
    sent: list[str] = field(default_factory=list[str])

    @contextmanager
    def open_session(self, pause: Pause = time.sleep) -> Generator[Session]:
        with open_connection(self.place, pause) as connection:
            yield PostgresSession(_RecordingLink(connection, self), pause)


class _RecordingLink:
    def __init__(self, link: Connection, warehouse: RecordingPostgres) -> None:
        self._link = link
        self._warehouse = warehouse
        self._is_dead = False

    @property
    def place(self) -> Place:
        return self._link.place

    @property
    def is_in_transaction(self) -> bool:
        return not self._is_dead and self._link.is_in_transaction

    def send(self, text: str, values: Mapping[str, object] | None = None) -> Answer:
        if self._is_dead:
            raise Killed
        self._warehouse.sent.append(text)
        try:
            self._warehouse.fails(len(self._warehouse.sent), text)
        except Killed:
            self._is_dead = True
            raise
        except duckdb.TransactionException:
            return self._link.send(_raising("40001"))
        except duckdb.Error:
            return self._link.send(_raising("58030"))
        return self._link.send(text, values)

    def copy_in(self, text: str, chunks: Iterable[bytes]) -> int:
        return self._link.copy_in(text, chunks)

    def copy_out(self, text: str) -> Generator[bytes]:
        return self._link.copy_out(text)

    def cancel(self) -> None:
        self._link.cancel()


def _raising(state: str) -> str:
    return f"DO $$BEGIN RAISE EXCEPTION 'no, not this' USING ERRCODE = '{state}'; END$$"


class OnPostgres:
    """To be inherited before a contract."""

    @pytest.fixture
    def warehouse(self, postgres_url: str) -> Generator[Warehouse]:
        warehouse = open_warehouse(postgres_url)
        # While one session is open, others begin at once.
        with warehouse.open_session():
            yield warehouse

    def faulty(self, warehouse: Warehouse, fails: Fails) -> tuple[Warehouse, list[str]]:
        assert isinstance(warehouse, PostgresWarehouse)
        recorder = RecordingPostgres(warehouse.place, fails)
        return recorder, recorder.sent
