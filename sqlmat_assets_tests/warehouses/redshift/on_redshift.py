"""What the contracts need to run on the double of Redshift."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb
import pytest

from sqlmat_assets.warehouses.base import Pause, Session, Warehouse
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets.warehouses.postgres.connections import Answer, Connection, Place, open_connection
from sqlmat_assets.warehouses.redshift.adapter import RedshiftSession, RedshiftWarehouse
from sqlmat_assets.warehouses.redshift.connections import RedshiftConnection
from sqlmat_assets_tests.recording import Killed
from sqlmat_assets_tests.redshift.cluster import DATABASE, PASSWORD, USER, RedshiftDouble
from sqlmat_assets_tests.warehouses.parts import Fails

ROLE = "arn:aws:iam::123456789012:role/load"


def url_of(cluster: RedshiftDouble, bucket: str, s3: str) -> str:
    """All that a build in the double needs to be told."""
    staging = f"staging=s3://{bucket}/rows&iam_role={ROLE}&region=us-east-1&s3_endpoint={s3}"
    return f"redshift://{USER}:{PASSWORD}@127.0.0.1:{cluster.port}/{DATABASE}?sslmode=disable&{staging}"


@dataclass(frozen=True, slots=True)
class RecordingRedshift(RedshiftWarehouse):
    """The double behind a counter, as `RecordingWarehouse` is for DuckDB; what is to fail fails in the server."""

    fails: Callable[[int, str], None] = lambda _number, _sql: None
    sent: list[str] = field(default_factory=list[str])

    @contextmanager
    def open_session(self, pause: Pause = time.sleep) -> Generator[Session]:
        with open_connection(self.place, pause, RedshiftConnection) as connection:
            yield RedshiftSession(_RecordingLink(connection, self), self.place, pause)


class _RecordingLink:
    def __init__(self, link: Connection, warehouse: RecordingRedshift) -> None:
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
        # What a build took is asked once the table is published: it has no number among the statements of that.
        is_counted = "sys_query_history" not in text
        if is_counted:
            self._warehouse.sent.append(text)
        try:
            self._warehouse.fails(len(self._warehouse.sent) if is_counted else 0, text)
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
    # What no cluster has, but the server behind the double: a way to have an error with a state of its own.
    return f"DO $$BEGIN RAISE EXCEPTION 'no, not this' USING ERRCODE = '{state}'; END$$"


class OnRedshift:
    """To be inherited before a contract."""

    fault_every = 9
    kills = 1
    changes = 12

    @pytest.fixture
    def redshift_url(self, cluster: RedshiftDouble, bucket: str, s3_server: str) -> str:
        return url_of(cluster, bucket, s3_server)

    @pytest.fixture
    def warehouse(self, redshift_url: str, monkeypatch: pytest.MonkeyPatch) -> Generator[Warehouse]:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        # For processes that are started with the label alone.
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        monkeypatch.setenv("PGSSLMODE", "disable")
        opened = open_warehouse(redshift_url)
        assert isinstance(opened, RedshiftWarehouse)
        warehouse = RecordingRedshift(opened.place)
        # While one session is open, others begin at once.
        with warehouse.open_session():
            yield warehouse

    def faulty(self, warehouse: Warehouse, fails: Fails) -> tuple[Warehouse, list[str]]:
        assert isinstance(warehouse, RedshiftWarehouse)
        recorder = RecordingRedshift(warehouse.place, fails)
        return recorder, recorder.sent
