"""Which transactions cannot be put into an order: serializable isolation by tables, as Redshift has it.

COPY and INSERT only write; DELETE and UPDATE read first. Two transactions of which each has read what the other wrote
have no order; the statement that closes such a circle fails.
https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation-serializable-isolation-troubleshooting.html
https://docs.aws.amazon.com/redshift/latest/dg/c_write_readwrite.html
"""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field

from sqlmat_assets_tests.redshift.refusals import INTERNAL, Refused


@dataclass(slots=True, eq=False)
class Transaction:
    """One transaction of one session.

    Attributes:
        seen: The number of the last commit that its snapshot has; None before its first statement that takes one.
        committed: The number of its own commit.
    """

    number: int
    pid: int
    seen: int | None = None
    committed: int | None = None
    reads: set[int] = field(default_factory=set[int])
    writes: set[int] = field(default_factory=set[int])


class Transactions:
    """All transactions of a cluster that are open, or were when one of these began."""

    def __init__(self, *, serializable: bool) -> None:
        self.serializable = serializable
        self._numbers = itertools.count(100_001)
        self._commits = 0
        self._known: list[Transaction] = []
        self._lock = threading.Lock()

    def begin(self, pid: int) -> Transaction:
        with self._lock:
            transaction = Transaction(next(self._numbers), pid)
            self._known.append(transaction)
            return transaction

    def are_others_open(self, pid: int) -> bool:
        """Whether a session has a transaction open that is not this one."""
        with self._lock:
            return any(one.committed is None and one.pid != pid for one in self._known)

    def snapshot(self, transaction: Transaction) -> None:
        """Note that a transaction sees what is committed now, unless it has looked before."""
        with self._lock:
            if transaction.seen is None:
                transaction.seen = self._commits

    def touch(self, transaction: Transaction, reads: set[int], writes: set[int]) -> None:
        """Note what a transaction has read and written.

        Raises:
            Refused: It now stands in a circle.
        """
        with self._lock:
            transaction.reads |= reads
            transaction.writes |= writes
            circle = self._circle(transaction) if self.serializable else None
            if circle is None:
                return
            tables = sorted(
                {table for one in circle for table in one.writes} & (transaction.reads | transaction.writes)
            )
            raise violation(tables[0] if tables else 0, [one.number for one in circle], transaction.pid)

    def end(self, transaction: Transaction, *, committed: bool) -> None:
        with self._lock:
            self._commits += 1
            if committed:
                transaction.committed = self._commits
            else:
                self._known.remove(transaction)
            oldest = min((one.seen or 0 for one in self._known if one.committed is None), default=self._commits)
            self._known = [one for one in self._known if one.committed is None or one.committed > oldest]

    def _circle(self, transaction: Transaction) -> list[Transaction] | None:
        """Return the transactions of a circle of `has read what that one writes unseen`, or None."""
        paths = [[transaction]]
        visited = {transaction.number}
        while paths:
            path = paths.pop()
            for other in self._known:
                if not _before(path[-1], other):
                    continue
                if other is transaction:
                    return path
                if other.number not in visited:
                    visited.add(other.number)
                    paths.append([*path, other])
        return None


def _before(reader: Transaction, writer: Transaction) -> bool:
    """Say whether the reader must come first: it has read a table and does not see what the writer wrote to it."""
    if reader is writer or reader.seen is None or writer.seen is None or not reader.reads & writer.writes:
        return False
    unseen = writer.committed is None or writer.committed > reader.seen
    return unseen and (reader.committed is None or reader.committed > writer.seen)


def violation(table: int, transactions: list[int], pid: int) -> Refused:
    """Word the error 1023; its form was met at https://www.bigdatamark.com/how-to-redshift-serializable-isolation-error-1023/."""
    listed = ", ".join(map(str, transactions))
    detail = (
        f"Serializable isolation violation on table - {table}, transactions forming the cycle are: {listed} (pid:{pid})"
    )
    return Refused("1023", INTERNAL, detail=detail)
