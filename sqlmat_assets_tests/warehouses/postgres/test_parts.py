"""PostgreSQL: tables that are built in parts."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.parts_contract import PartsContract
from sqlmat_assets_tests.warehouses.postgres.on_postgres import OnPostgres


class TestPostgres(OnPostgres, PartsContract):
    pass
