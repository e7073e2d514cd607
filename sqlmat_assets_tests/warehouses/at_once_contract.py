"""What holds on every engine that many write to where several runs build at the same moment."""

from __future__ import annotations

from collections.abc import Callable

from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets_tests.tables import a_table
from sqlmat_assets_tests.warehouses.parts import Parts, publish, rows


class AtOnceContract(Parts):
    # How often each of them builds.
    times = 10

    def test_runs_of_one_table_and_of_a_view_on_it(self, warehouse: Warehouse) -> None:
        def work(name: str, **settings: object) -> Callable[[], object]:
            reads = "FROM first.cities" if settings else ""
            names = "first.seen" if settings else "first.cities"
            return lambda: [
                publish(
                    warehouse, a_table(f"SELECT {n} AS n, 1 AS id {reads}", name=names, settings=settings), f"{name}{n}"
                )
                for n in range(self.times)
            ]

        publish(warehouse, a_table("SELECT 0 AS n, 1 AS id"), "first")
        with warehouse.open_session():
            self.in_threads(work("a"), work("b"), work("v", mode="view"), work("w", mode="view"))
        assert rows(warehouse, "SELECT n FROM first.cities") == [(self.times - 1,)]
        assert rows(warehouse, "SELECT n FROM first.seen") == [(self.times - 1,)]
        assert self.names(warehouse) == {"cities", "seen"}
        assert rows(warehouse, "SELECT count(*) FROM _sqlmat.tables") == [(2,)]

    def test_many_first_runs_at_once(self, warehouse: Warehouse) -> None:
        """Each of them makes the schemas and the tables of what is kept."""

        def work(number: int) -> Callable[[], object]:
            return lambda: publish(warehouse, a_table(f"SELECT {number} AS n", name=f"first.t{number}"), f"r{number}")

        self.in_threads(*(work(number) for number in range(8)))
        assert self.names(warehouse) == {f"t{number}" for number in range(8)}

    def test_first_builds_of_one_table_at_once(self, warehouse: Warehouse) -> None:
        """All of them pass, one of them is the last, and it is recorded once."""

        def work(number: int) -> Callable[[], object]:
            return lambda: publish(warehouse, a_table(f"SELECT {number} AS n"), f"r{number}")

        with warehouse.open_session():
            self.in_threads(*(work(number) for number in range(4)))
        ((last,),) = rows(warehouse, "SELECT n FROM first.cities")
        assert rows(warehouse, "SELECT run FROM _sqlmat.tables") == [(f"r{last}",)]
        assert self.names(warehouse) == {"cities"}
