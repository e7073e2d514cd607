"""Redshift: what a build took in the cluster."""

from __future__ import annotations

import threading

from sqlmat_assets.execution.events import Published
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.recording import refuse
from sqlmat_assets_tests.redshift.cluster import RedshiftDouble
from sqlmat_assets_tests.tables import a_table
from sqlmat_assets_tests.warehouses.literal_rows import table_of_numbers
from sqlmat_assets_tests.warehouses.parts import Parts, build, publish
from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift

SLOTS = 15
READING, NOTHING = a_table("SELECT count(*) AS n FROM first.raw"), a_table("SELECT 1 AS n")


class TestUsage(OnRedshift, Parts):
    def fill(self, warehouse: Warehouse) -> None:
        with warehouse.open_session() as session:
            session.execute(verbatim("CREATE SCHEMA first"))
            session.execute(verbatim("CREATE TABLE first.raw AS SELECT 'word' AS word UNION ALL SELECT 'other'"))

    def test_what_is_read_is_counted_for_each_build_by_itself(self, warehouse: Warehouse) -> None:
        with warehouse.open_session() as session:
            session.execute(verbatim("CREATE SCHEMA first"))
            many = " CROSS JOIN ".join(table_of_numbers(name, "n", range(20)) for name in "abc")
            session.execute(verbatim(f"CREATE TABLE first.raw AS SELECT a.n FROM {many}"))
        found = [publish(warehouse, model, f"r{n}").usage for n, model in enumerate((READING, NOTHING, READING))]
        read = [usage.scanned_bytes for usage in found if usage is not None]
        assert len(read) == 3
        assert read[1] < read[0] - 100_000
        assert read[2] > read[0] - 100_000

    def test_the_time_in_line_is_told(self, warehouse: Warehouse, cluster: RedshiftDouble) -> None:
        self.fill(warehouse)
        for _ in range(SLOTS):
            cluster.slots.acquire()
        waiting = threading.Timer(0.4, lambda: cluster.slots.release(SLOTS))
        waiting.start()
        usage = publish(warehouse, READING, "r1").usage
        waiting.join()
        assert usage is not None
        assert usage.queued_seconds > 0.1

    def test_who_may_not_know_publishes_all_the_same(self, warehouse: Warehouse) -> None:
        self.fill(warehouse)

        asked = list[str]()

        def fails(_number: int, sql: str) -> None:
            if "sys_query_history" in sql:
                asked.append(sql)
                refuse(sql)

        recorder, _ = self.faulty(warehouse, fails)
        last = build(recorder, READING, "r1")
        assert isinstance(last, Published), last
        assert last.usage is None
        assert len(asked) == 1
