"""PostgreSQL: snapshots of tables."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.postgres.on_postgres import OnPostgres
from sqlmat_assets_tests.warehouses.snapshots_contract import SnapshotsContract


class TestPostgres(OnPostgres, SnapshotsContract):
    pass
