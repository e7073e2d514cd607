"""Dagster's event log in SQLite with its files kept open: to open one costs more than what is written to it."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import create_engine, event
from sqlalchemy.pool import StaticPool

if TYPE_CHECKING:
    import dagster as dg
    from sqlalchemy.engine import Connection, Engine

# A run has a file, and there is one for what is asked across runs. Who looks at many runs closes the oldest again.
_MOST_OPEN = 8


@dataclass(frozen=True, slots=True)
class _Open:
    """A file that is open; `identity` tells whether the one that has its name now is the same."""

    engine: Engine
    identity: tuple[int, int]


class EventLog(SqliteEventLogStorage):
    """The event log of an instance, in the files and with the tables of Dagster's own.

    That opens a connection for each statement, and for each of them SQLite copies its log into the file, as it does
    when the last connection is closed, and SQLAlchemy compiles the statement anew. What a process finds out about the
    tables once is not asked again. Either class reads what the other wrote, also at the same time.

    It stands in `dagster.yaml` without the folder, which is that of the instance: a folder that is moved or copied
    keeps its own events.
    """

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        # Everything else waits for the instance, which knows the folder.
        self._inst_data = inst_data
        self._files: OrderedDict[str, _Open] = OrderedDict()
        self._one_at_a_time = Lock()
        self._is_there: set[tuple[str, str]] = set()

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """No settings."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> EventLog:
        """What `dagster.yaml` names."""
        return cls(inst_data, **config_value)

    def register_instance(self, instance: dg.DagsterInstance) -> None:
        """Open the event log in the folder of its instance."""
        folder = Path(instance.root_directory) / "history" / "runs"
        SqliteEventLogStorage.__init__(self, str(folder), self._inst_data)
        super().register_instance(instance)

    def run_connection(self, run_id: str | None = None) -> AbstractContextManager[Connection]:
        """A transaction in the file of a run."""
        return self._transaction(str(run_id))

    def index_connection(self) -> AbstractContextManager[Connection]:
        """A transaction in the file with what is asked across runs."""
        return self._transaction(INDEX_SHARD_NAME)

    def has_table(self, table_name: str) -> bool:
        """Whether there is a table; those of an event log stay."""
        return self._remember(("table", table_name), super().has_table)

    def has_asset_key_col(self, column_name: str) -> bool:
        """Whether the table of assets has a column; it keeps them."""
        return self._remember(("column", column_name), super().has_asset_key_col)

    def has_secondary_index(self, name: str) -> bool:
        """Whether something was migrated; it stays so."""
        return self._remember(("migrated", name), super().has_secondary_index)

    def wipe(self) -> None:
        """Remove all events."""
        self._close_all()
        super().wipe()

    def dispose(self) -> None:
        """Close the files."""
        self._close_all()
        super().dispose()

    @contextmanager
    def _transaction(self, shard: str) -> Generator[Connection]:
        with self._one_at_a_time:
            with self._engine(shard).begin() as connection:
                before = _changes(connection)
                yield connection
                is_changed = _changes(connection) != before
            if is_changed:
                # The UI watches the file of a run, and what is written goes into the log beside it.
                with suppress(FileNotFoundError):
                    os.utime(self.path_for_shard(shard))

    def _engine(self, shard: str) -> Engine:
        known, path = self._files.get(shard), self.path_for_shard(shard)
        if known is not None:
            if _identify(path) == known.identity:
                self._files.move_to_end(shard)
                return known.engine
            # Somebody has removed the file: what is written to the one that is open, nobody would ever see.
            del self._files[shard]
            known.engine.dispose()
            self._initialized_dbs.discard(shard)
        with super().run_connection(shard):
            pass  # makes the file and its tables
        engine = create_engine(
            self.conn_string_for_shard(shard),
            poolclass=StaticPool,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        event.listen(engine, "connect", _relax)
        self._files[shard] = _Open(engine, _identify(path))
        while len(self._files) > _MOST_OPEN:
            oldest = next(name for name in self._files if name != INDEX_SHARD_NAME)
            self._files.pop(oldest).engine.dispose()
        return engine

    def _close_all(self) -> None:
        with self._one_at_a_time:
            for opened in self._files.values():
                opened.engine.dispose()
            self._files.clear()

    def _remember(self, what: tuple[str, str], ask: Any) -> bool:
        """Ask until the answer is yes."""
        if what not in self._is_there and ask(what[1]):
            self._is_there.add(what)
        return what in self._is_there


def _changes(connection: Connection) -> int:
    """How many rows the connection has written since it was opened."""
    opened: Any = connection.connection.driver_connection
    return int(opened.total_changes)


def _identify(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116 - at each statement, and a `Path` takes four times as long
    except FileNotFoundError:
        return (0, 0)
    return found.st_dev, found.st_ino


def _relax(connection: Any, _record: object) -> None:
    """Wait for the disk when SQLite copies its log, and not at each event.

    A process that dies loses nothing. When the machine does, the last events can be missing, and the log is whole:
    https://www.sqlite.org/pragma.html#pragma_synchronous
    """
    connection.execute("PRAGMA synchronous = NORMAL")
