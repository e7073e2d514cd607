"""PostgreSQL: tables that are loaded from files."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.loads_contract import LoadsContract
from sqlmat_assets_tests.warehouses.postgres.on_postgres import OnPostgres


class TestPostgres(OnPostgres, LoadsContract):
    pass
