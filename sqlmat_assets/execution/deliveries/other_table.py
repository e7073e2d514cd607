"""Delivering a table into another database."""

from __future__ import annotations

from pathlib import Path

from sqlmat_assets.execution.deliveries.parcel import Arrived, Parcel
from sqlmat_assets.project.deliveries import OtherTable
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets.warehouses.postgres.receiving import receive_table


def send_table(other: OtherTable, parcel: Parcel, rows: Path) -> Arrived:
    """Put the rows in the place of those that the table has.

    Raises:
        MaterializeError: Something else has made the table, or the database is not reached or refuses.
    """
    database = open_warehouse(parcel.secrets.fill(other.url, in_url=True))
    target = Relation.of(parcel.secrets.fill(other.table))
    mark = f"delivered by sqlmat from {parcel.table}"
    counted: list[int] = []

    def put() -> None:
        counted.append(
            receive_table(database, target, rows, mark, adopt=other.adopt, run=parcel.run, pause=parcel.pause)
        )

    parcel.attempt(put)
    return Arrived(counted[-1], details=(("table", str(target)),))
