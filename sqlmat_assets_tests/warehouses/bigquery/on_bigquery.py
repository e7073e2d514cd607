"""What the contracts need to run on the double of BigQuery."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

import duckdb
import pytest
import sqlglot
from google.api_core import exceptions as google
from google.cloud.bigquery.job import QueryJob

from sqlmat_assets.warehouses.base import Pause, Session, Warehouse
from sqlmat_assets.warehouses.bigquery.adapter import BigQueryWarehouse, open_on
from sqlmat_assets.warehouses.bigquery.clients import open_link
from sqlmat_assets.warehouses.bigquery.connection import Connection
from sqlmat_assets.warehouses.bigquery.link import Result
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets_tests.bigquery.server import BigQueryDouble
from sqlmat_assets_tests.recording import Killed
from sqlmat_assets_tests.warehouses.parts import Fails

T = TypeVar("T")
# What the contracts write that BigQuery calls otherwise.
_FOREIGN = re.compile(
    r"DOUBLE PRECISION|VARCHAR|TIMESTAMP WITH TIME ZONE|INTERVAL '|\"\w+\"|EXTRACT\(epoch|CAST\([^()]* AS \w+\)",
    re.IGNORECASE,
)
_WITHOUT_WHERE = re.compile(r"DELETE FROM |UPDATE ")


@lru_cache(4096)
def in_its_words(text: str) -> str:
    """A statement of the contracts as BigQuery takes it; what the adapter has written has back-quotes, and stays."""
    if _WITHOUT_WHERE.match(text) and " WHERE " not in text:
        text = f"{text} WHERE TRUE"
    if "`" in text or _FOREIGN.search(text) is None:
        return text
    return sqlglot.transpile(text, read="duckdb", write="bigquery")[0]


@dataclass(frozen=True, slots=True)
class RecordingBigQuery(BigQueryWarehouse):
    """The double behind a counter, as `RecordingWarehouse` is for DuckDB."""

    fails: Callable[[int, str], None] = lambda _number, _sql: None
    sent: list[str] = field(default_factory=list[str])

    @contextmanager
    def open_session(self, pause: Pause = time.sleep) -> Generator[Session]:
        with open_link(self.place, self.connect, pause) as link:
            assert isinstance(link, Connection)
            yield from open_on(_RecordingConnection(link, self))


class _RecordingConnection(Connection):
    def __init__(self, link: Connection, warehouse: RecordingBigQuery) -> None:
        super().__init__(link._client, link.place, link._pause)
        self._warehouse = warehouse
        self._is_dead = False

    def run(self, text: str, job_id: str | None = None) -> QueryJob:
        return super().run(in_its_words(text), job_id)

    def fetch_quickly(self, text: str) -> Result:
        return super().fetch_quickly(in_its_words(text))

    def dry_run(self, text: str) -> QueryJob:
        return super().dry_run(in_its_words(text))

    def attempt(self, about: str, work: Callable[[], T]) -> T:
        if self._is_dead:
            raise Killed
        self._warehouse.sent.append(about)
        try:
            self._warehouse.fails(len(self._warehouse.sent), about)
        except Killed:
            self._is_dead = True
            raise
        except duckdb.TransactionException:
            raise google.ServiceUnavailable("no, not now") from None
        except duckdb.Error:
            raise google.Forbidden("no, not this") from None
        return super().attempt(about, work)

    def cancel(self) -> None:
        if not self._is_dead:
            super().cancel()


class OnBigQuery:
    """To be inherited before a contract."""

    fault_every = 13
    kills = 1
    changes = 8
    is_completed = True

    def begins(self, sent: str) -> bool:
        return sent.startswith("create publishing_")

    @pytest.fixture
    def warehouse(self, bigquery: BigQueryDouble, bigquery_url: str) -> Generator[Warehouse]:
        opened = open_warehouse(bigquery_url)
        assert isinstance(opened, BigQueryWarehouse)
        warehouse = RecordingBigQuery(opened.place)
        # While one session is open, others begin at once.
        with warehouse.open_session():
            yield warehouse

    def faulty(self, warehouse: Warehouse, fails: Fails) -> tuple[Warehouse, list[str]]:
        assert isinstance(warehouse, BigQueryWarehouse)
        recorder = RecordingBigQuery(warehouse.place, fails=fails)
        return recorder, recorder.sent
