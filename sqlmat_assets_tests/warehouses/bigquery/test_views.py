"""BigQuery: views."""

from __future__ import annotations

import threading

from sqlmat_assets.errors import WarehouseError
from sqlmat_assets.execution.events import Published
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.bigquery.adapter import BigQueryWarehouse
from sqlmat_assets.warehouses.bigquery.clients import open_link
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.tables import a_context
from sqlmat_assets_tests.warehouses.bigquery.on_bigquery import OnBigQuery
from sqlmat_assets_tests.warehouses.views_contract import SEEN, ViewsContract, of


class TestBigQuery(OnBigQuery, ViewsContract):
    def fetch_comments(self, warehouse: Warehouse) -> tuple[object, object]:
        assert isinstance(warehouse, BigQueryWarehouse)
        with open_link(warehouse.place) as link:
            found = link.tables.find_table(SEEN)
        assert found is not None
        return found.get("description"), {each["name"]: each.get("description") for each in found["schema"]["fields"]}[
            "id"
        ]

    def test_readers_see_one_or_the_other_over_many_changes(self, warehouse: Warehouse) -> None:
        """Of tables, or of views; between a table and a view there is a moment with neither."""
        for first in (0, 1):
            wrong, counted = self.read_during(warehouse, [first + 2 * number for number in range(5)])
            assert (wrong, counted > 5) == ([], True)
        wrong, _ = self.read_during(warehouse, range(30, 35))
        assert all(isinstance(each, WarehouseError) and "Not found: Table" in each.message for each in wrong)

    def read_during(self, warehouse: Warehouse, numbers: object) -> tuple[list[object], int]:
        stop, wrong, counted = threading.Event(), list[object](), list[int]()

        def read() -> None:
            with warehouse.open_session() as session:
                query = verbatim("SELECT count(*), max(version) - min(version) FROM first.seen")
                while not stop.is_set():
                    try:
                        found = session.fetch_rows(query).rows
                    except WarehouseError as error:
                        wrong.append(error)
                        continue
                    counted.append(1)
                    if found != [(10, 0)]:
                        wrong.append(found)

        first, *others = numbers  # type: ignore[misc] - they can be counted
        assert isinstance(list(materialize(of(first), a_context(warehouse, f"r{first}")))[-1], Published)
        readers = [threading.Thread(target=read) for _ in range(2)]
        for one in readers:
            one.start()
        try:
            for number in others:
                assert isinstance(list(materialize(of(number), a_context(warehouse, f"r{number}")))[-1], Published)
        finally:
            stop.set()
            for one in readers:
                one.join()
        return wrong, len(counted)
