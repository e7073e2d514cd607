"""Who changes which table: statements wait for each other, transactions are aborted instead.

https://cloud.google.com/bigquery/docs/transactions#transaction_concurrency
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from sqlmat_assets_tests.bigquery.catalog import Table
from sqlmat_assets_tests.bigquery.wire import ApiError

Key = tuple[str, str, str]
_PATIENCE_SECONDS = 60


class Transaction:
    """One that is open; `tables` are those that it has changed rows of, `touched` those that it has written to."""

    def __init__(self, started: int) -> None:
        self.started = started
        self.tables: set[Key] = set()
        self.touched: dict[Key, tuple[Table, str]] = {}


class Mutations:
    """All changes of rows that are under way."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holders: dict[Key, object] = {}
        self._committed: dict[Key, int] = {}
        self._clock = 0

    def begin(self) -> Transaction:
        with self._changed:
            self._clock += 1
            return Transaction(self._clock)

    def claim(self, transaction: Transaction, table: Table) -> None:
        """Have a transaction change rows of a table, unless somebody else does, or has since it began."""
        with self._changed:
            holder = self._holders.get(table.key, transaction)
            if holder is not transaction or self._committed.get(table.key, 0) > transaction.started:
                raise _aborted(table)
            self._holders[table.key] = transaction
            transaction.tables.add(table.key)

    def end(self, transaction: Transaction, *, is_committed: bool) -> None:
        with self._changed:
            self._clock += 1
            for key in transaction.tables:
                self._holders.pop(key, None)
                if is_committed:
                    self._committed[key] = self._clock
            self._changed.notify_all()

    def note(self, key: Key) -> None:
        """Somebody has put other rows into a table without a transaction."""
        with self._changed:
            self._clock += 1
            self._committed[key] = self._clock

    @contextmanager
    def alone(self, table: Table) -> Generator[None]:
        """Change rows of a table by one statement, when nobody else does."""
        me = object()
        with self._changed:
            if not self._changed.wait_for(lambda: table.key not in self._holders, _PATIENCE_SECONDS):
                raise ApiError("rateLimitExceeded", f"Too many DML statements outstanding against {table.full_name}")
            self._holders[table.key] = me
        try:
            yield
        finally:
            with self._changed:
                self._clock += 1
                self._committed[table.key] = self._clock
                self._holders.pop(table.key, None)
                self._changed.notify_all()


def _aborted(table: Table) -> ApiError:
    return ApiError(
        "invalidQuery",
        f"Transaction is aborted due to concurrent update against table {table.full_name}.",
        location="query",
    )
