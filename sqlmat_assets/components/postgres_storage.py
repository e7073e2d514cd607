"""Dagster's storage in PostgreSQL that keeps its connections: to connect costs more than what is asked and stored."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, cast

from dagster._core.storage.config import PostgresStorageConfig
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage
from dagster_postgres.utils import create_pg_engine, get_token_provider_from_config, pg_url_from_config
from sqlalchemy import func, select
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from dagster_postgres.auth import PgTokenProvider

_KEPT_CONNECTIONS = 2
"""Of each process: the main thread of a run stores events while its steps ask what they have read."""

_LOCK = 0x73716C6D6174
"""The advisory lock of who makes the tables: "sqlmat" in ASCII."""


class EventLog(PostgresEventLogStorage):
    """The event log of Dagster's own, which looks up before most events whether tables and columns are there."""

    def __init__(self, postgres_url: str, engine: Engine) -> None:
        self._is_there: set[tuple[str, str]] = set()
        super().__init__(postgres_url, should_autocreate_tables=False)  # they are made by then
        self._engine = engine

    def has_table(self, table_name: str) -> bool:
        """Whether there is a table; those of an event log stay."""
        return self._remember(("table", table_name), super().has_table)

    def has_asset_key_col(self, column_name: str) -> bool:
        """Whether the table of assets has a column; it keeps them."""
        return self._remember(("column", column_name), super().has_asset_key_col)

    def dispose(self) -> None:
        """Close the connections, which are those of the whole storage."""
        super().dispose()
        self._engine.dispose()

    def _remember(self, what: tuple[str, str], ask: Callable[[str], Any]) -> bool:
        """Ask until the answer is yes."""
        if what not in self._is_there and ask(what[1]):
            self._is_there.add(what)
        return what in self._is_there


class PostgresStorage(DagsterPostgresStorage):
    """Runs, events, schedules and sensors of an instance, as `dagster.yaml` names it under `storage: custom:`.

    The settings are those of Dagster's `storage: postgres:`, and so are the tables: either reads what the other wrote.
    Dagster's connects for each statement. Here a process keeps some connections for all of it; one that the server, or
    something on the way, has closed is noticed before it is used, and replaced.
    """

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,
        inst_data: ConfigurableClassData | None = None,
        token_provider: PgTokenProvider | None = None,
    ) -> None:
        url = _with_driver(postgres_url)
        with _alone(url, token_provider) if should_autocreate_tables else nullcontext():
            super().__init__(url, should_autocreate_tables, inst_data, token_provider)
        engine = create_pg_engine(
            url,
            token_provider,
            isolation_level="AUTOCOMMIT",
            pool_size=_KEPT_CONNECTIONS,
            max_overflow=-1,
            pool_pre_ping=True,
            pool_use_lifo=True,
        )
        # Nothing public sets it; Dagster's own web server does the same, in a method of each class.
        self._run_storage._engine = engine  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        self._schedule_storage._engine = engine  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        self._event_log_storage = EventLog(url, engine)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> PostgresStorage:
        """What `dagster.yaml` says."""
        config = cast(PostgresStorageConfig, config_value)
        return cls(
            pg_url_from_config(config),
            config.get("should_autocreate_tables", True),
            inst_data,
            get_token_provider_from_config(config),
        )


@contextmanager
def _alone(url: str, token_provider: PgTokenProvider | None) -> Generator[None]:
    """Let one process at a time look for the tables and make them.

    Dagster's own tries again when another has made a table meanwhile, but not when it has made the type of its rows,
    which PostgreSQL makes first. The lock ends with its transaction, and so with the process, too.
    """
    engine = create_pg_engine(url, token_provider, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        yield


def _with_driver(url: str) -> str:
    """Name the driver that Dagster is made for: SQLAlchemy 2.1 would take psycopg 3, which refuses its NOTIFY.

    https://docs.sqlalchemy.org/en/21/changelog/migration_21.html
    """
    parsed = make_url(url)
    if parsed.drivername != "postgresql":
        return url
    return parsed.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
