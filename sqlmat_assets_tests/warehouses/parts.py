"""Tables that are built in parts on a warehouse, for the contracts of what holds there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from sqlmat_assets.execution.events import Event, Published
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.piece import Piece
from sqlmat_assets.project.model import Model, RuleKind
from sqlmat_assets.project.partitions.ranges import Range, TimeRange
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.recording import conflict, kill, refuse
from sqlmat_assets_tests.tables import a_check, a_context, a_rule, a_table, parts_of
from sqlmat_assets_tests.warehouses.literal_rows import table_of, table_of_numbers

# Three days of 400 rows each; the rows of a day have one version.
ROWS = 400
DAYS = parts_of("day(made) from 2019-01-01 to 2019-01-03")
FIRST, SECOND, THIRD = (
    TimeRange(datetime(2019, 1, day, tzinfo=UTC), datetime(2019, 1, day + 1, tzinfo=UTC)) for day in (1, 2, 3)
)
ALL = TimeRange(FIRST.start, THIRD.end)
Fails = Callable[[int, str], None]


def days(version: int) -> Model:
    """Every row says which version of the code made it."""
    tens, ones = table_of_numbers("a", "n", range(20)), table_of_numbers("b", "n", range(20))
    ids = f"SELECT a.n * 20 + b.n AS id FROM {tens} CROSS JOIN {ones}"
    all_days = table_of("d", ["day"], *((f"'2019-01-0{day}'",) for day in (1, 2, 3)))
    sql = f"SELECT {version} AS version, CAST(d.day AS DATE) AS made, r.id FROM {all_days} CROSS JOIN ({ids}) AS r"
    return a_table(
        sql,
        a_check(
            f"SELECT count(*) % {ROWS} = 0 AS whole, min(version) = {version} AS new FROM first.trips", "whole", "new"
        ),
        name="first.trips",
        rules=(a_rule(RuleKind.UNIQUE, "made", "id"),),
        settings={"partition_by": DAYS},
    )


def trips(sql: str, **settings: object) -> Model:
    return a_table(sql, name="first.trips", settings=settings)


def build(warehouse: Warehouse, model: Model, run: str, *ranges: Range, **more: object) -> Event:
    return list(materialize(model, a_context(warehouse, run, **more), Piece(ranges or None)))[-1]


def publish(warehouse: Warehouse, model: Model, run: str, *ranges: Range) -> Published:
    last = build(warehouse, model, run, *ranges)
    assert isinstance(last, Published), last
    return last


def rows(warehouse: Warehouse, query: str) -> list[tuple[object, ...]]:
    with warehouse.open_session() as session:
        return list(session.fetch_rows(verbatim(query)).rows)


class Parts:
    """What every contract of tables in parts needs of the engine.

    Attributes:
        fault_every: Of so many statements one fails in a test of faults, and each kind of fault at others. More than 1
            where a statement takes long.
        kills: How often a process is killed.
        changes: How often a table is changed below its readers.
        is_completed: Whether what a process that was killed can no longer be kept from is completed by others.
    """

    fault_every = 1
    kills = 8
    changes = 80
    is_completed = False

    def begins(self, sent: str) -> bool:
        """Whether it is the statement with which a publish begins."""
        return sent == "BEGIN"

    def was_published(self, warehouse: Warehouse, last: Event | None, run: str) -> bool:
        """Whether a build came to its end, also where its process did not."""
        if isinstance(last, Published) or not self.is_completed or last is not None:
            return isinstance(last, Published)
        with warehouse.open_session() as session:
            if "tables" not in session.fetch_kinds("_sqlmat"):
                return False
            return (run,) in session.fetch_rows(verbatim("SELECT run FROM _sqlmat.tables")).rows

    def next_fault(self, at: int, how: Callable[[str], None]) -> int:
        """The number of the statement that fails next, behind one; behind 0 the first."""
        return at + self.fault_every if at else 1 + (refuse, kill, conflict).index(how) * self.fault_every // 3

    def faults(self, count: int, how: Callable[[str], None]) -> range:
        """The numbers of the statements that fail, of so many."""
        return range(self.next_fault(0, how), count + 1, self.fault_every)

    def faulty(self, warehouse: Warehouse, fails: Fails) -> tuple[Warehouse, list[str]]:
        """The same warehouse, which fails when it is told to, and what it is sent."""
        raise NotImplementedError

    def forget_processes(self, warehouse: Warehouse) -> None:
        """Have the leases of all runs be those of processes that are gone; a run may have ended before it had one."""
        with warehouse.open_session() as session:
            if "leases" in session.fetch_kinds("_sqlmat"):
                session.execute(verbatim("UPDATE _sqlmat.leases SET pid = 4194304"))

    def drop_all(self, warehouse: Warehouse) -> None:
        """Forget the table, and what is noted of it."""
        with warehouse.open_session() as session:
            session.execute(verbatim("DROP TABLE first.trips"))
            session.execute(verbatim("DELETE FROM _sqlmat.tables"))

    def names(self, warehouse: Warehouse) -> set[str]:
        with warehouse.open_session() as session:
            return set(session.fetch_kinds("first"))

    def left_overs(self, warehouse: Warehouse) -> list[str]:
        with warehouse.open_session() as session:
            return sorted(name for name in session.fetch_kinds("first") if "__sqlmat_" in name)

    def in_threads(self, *works: Callable[[], object]) -> None:
        failures: list[BaseException] = []

        def guarded(work: Callable[[], object]) -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - shown by the test
                failures.append(error)

        threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for failure in failures:
            raise failure
